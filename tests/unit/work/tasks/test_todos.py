"""The Todo-Backend facade."""

import pytest

from functions.work.tasks.rules.todo import NamespaceFull, Todo
from functions.work.tasks.store.rows import NamespaceRow
from tessera import aws, ids
from tessera.settings import Bindings
from tests.kit.faults import contention
from tests.kit.races import outcomes, together
from tests.kit.web import AppClient

ROOTS = ["/tasks/todo-backend", "/tasks/todo-backend/", "/tasks/todo-backend/mine", "/tasks/todo-backend/mine/"]


@pytest.mark.parametrize("root", ROOTS)
def test_facade_slash_variants(client, root):
    made = client.post(root, json={"title": "walk the dog"}, follow_redirects=False)

    assert made.status_code == 201
    assert [todo["title"] for todo in client.get(root, follow_redirects=False).json()] == ["walk the dog"]
    assert client.get(made.json()["url"]).json() == made.json()
    assert client.delete(root, follow_redirects=False).status_code == 204
    assert client.get(root).json() == []


def test_facade_life_of_a_todo(client):
    made = client.post(ROOTS[0], json={"title": "blah", "order": 523, "unknown": {"a": 1}}).json()
    assert made["completed"] is False and made["order"] == 523
    url = made["url"]

    assert client.patch(url, json={"title": "bathe the cat"}).json()["title"] == "bathe the cat"
    assert client.patch(url, json={"completed": True, "order": 9.5}).json()["order"] == 9.5
    assert client.get(url).json() == {**made, "title": "bathe the cat", "completed": True, "order": 9.5}
    assert client.put(url, json={"title": "new"}).json() == {**made, "title": "new", "order": None}
    assert client.delete(url).status_code == 204
    for again in (client.get(url), client.patch(url, json={"title": "x"}), client.delete(url)):
        assert again.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "   "},
        {"title": None},
        {"title": "a" * 501},
        {"title": "a", "order": "1"},
        {"title": "a", "order": 1e300},
        {"title": "a", "completed": "yes"},
        [],
        "text",
    ],
    ids=str,
)
def test_facade_refuses_what_is_no_todo(client, body):
    assert client.post(ROOTS[0], json=body).status_code == 422


def test_facade_reads_no_body_of_a_get_or_a_delete(client):
    empty = {"content-type": "application/json"}
    assert client.get(ROOTS[0], headers=empty).status_code == 200
    assert client.delete(ROOTS[0], headers=empty).status_code == 204


def test_facade_sorts_by_order_and_then_by_creation(client, frozen):
    for title, order in (("c", None), ("b", 2), ("a", 1), ("d", None)):
        client.post(ROOTS[0], json={"title": title, "order": order})
        frozen.advance(seconds=1)

    assert "".join(todo["title"] for todo in client.get(ROOTS[0]).json()) == "abcd"


def test_facade_namespaces_never_see_each_other(client):
    mine = client.post(ROOTS[2], json={"title": "mine"}).json()

    assert client.get(ROOTS[0]).json() == []
    assert client.get(f"/tasks/todo-backend/other/todos/{mine['id']}").status_code == 404
    client.delete(ROOTS[0])
    assert len(client.get(ROOTS[2]).json()) == 1


@pytest.mark.parametrize("ns", ["a.b", "a" * 65, "%20", "ä"])
def test_facade_has_no_other_namespaces(client, ns):
    assert client.get(f"/tasks/todo-backend/{ns}").status_code == 404


def test_facade_cors_on_error(client):
    """The gateway adds the header to every answer; a second one from here would make it worthless."""
    for answer in (client.get(ROOTS[0]), client.post(ROOTS[0], json={}), client.get(f"{ROOTS[2]}/todos/{ids.new()}")):
        assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_facade_url_under_stage_prefix(client):
    def url(**headers):
        return client.post(ROOTS[0], json={"title": "a"}, headers=headers).json()["url"].partition("/tasks/")[0]

    assert url() == "https://tasks.test"
    assert url(**{"x-forwarded-proto": "http", "host": "localhost:8000"}) == "http://localhost:8000"
    assert url(**{"x-forwarded-prefix": "/prod/"}) == "https://tasks.test/prod"
    assert url(**{"x-forwarded-prefix": "//evil.test"}) == "https://tasks.test"
    assert url(host="evil.test/path") == "https://localhost"


def test_facade_url_is_that_of_the_stage_the_gateway_names(client, bindings):
    event = {"rawPath": "/prod/tasks/todo-backend", "requestContext": {"stage": "prod", "apiId": "x"}}

    async def staged(scope, receive, send):
        await client.app({**scope, "aws.event": event}, receive, send)

    made = AppClient(staged, "https://tasks.test").post(ROOTS[0], json={"title": "a"})

    assert made.json()["url"].startswith("https://tasks.test/prod/tasks/todo-backend/public/todos/")


def test_facade_url_is_the_public_one_where_that_is_configured(client, bindings):
    client.app.state.bindings = Bindings({**bindings.environment, "PUBLIC_BASE_URL": "https://todo.example/"})
    url = client.post(ROOTS[0], json={"title": "a"}, headers={"x-forwarded-prefix": "/prod"}).json()["url"]
    assert url.startswith("https://todo.example/tasks/todo-backend/public/todos/")


def test_facade_is_limited_by_address_to_its_own_policy(client):
    answers = [client.get(ROOTS[0]) for _ in range(60)]
    limited = [answer for answer in answers if answer.status_code == 429]

    assert limited
    assert limited[0].json()["violated_policies"] == ["todo-backend:ip"]
    assert int(limited[0].headers["retry-after"]) >= 1


def add(todos, ns, title="a"):
    return todos.add(ns, Todo(ids.new(), title))


def test_the_201st_todo_is_refused(todos, frozen):
    for _ in range(200):
        add(todos, "full")
    with pytest.raises(NamespaceFull):
        add(todos, "full")

    todos.remove("full", todos.all("full")[0].id)
    add(todos, "full")
    assert len(todos.all("full")) == 200


def test_a_full_namespace_whose_todos_have_expired_takes_new_ones(todos, frozen):
    for number in range(200):
        add(todos, "old")
        if number == 100:
            frozen.advance(days=4)
    frozen.advance(days=4)

    add(todos, "old")

    assert len(todos.all("old")) == 100


def test_a_namespace_nobody_wrote_to_for_a_week_is_empty_and_begins_anew(todos, frozen):
    add(todos, "old")
    frozen.advance(days=8)
    assert todos.all("old") == []
    assert [todo.title for todo in (add(todos, "old", "new"), *todos.all("old"))] == ["new", "new"]


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_facade_race_of_a_hundred_posts_against_a_delete(todos, table, share, frozen):
    """Every todo asked for after the DELETE was answered is listed, and the count is that of what is listed."""
    add(todos, "race")
    cleared, kept = [], []

    def post():
        for _ in range(2):
            is_after = bool(cleared)
            todo = add(todos, "race")
            if is_after:
                kept.append(todo.id)

    def clear():
        todos.clear("race")
        cleared.append(True)

    with contention(share, seed=3):
        results = together(*[post] * 50, clear)

    assert outcomes(results) == {"ok": 51}
    listed = {todo.id for todo in todos.all("race")}
    assert kept and set(kept) <= listed
    assert table.get(NamespaceRow, "N#race", "META").cnt == len(listed)


def test_two_posts_at_once_both_appear(todos, frozen):
    results = together(lambda: add(todos, "two"), times=10)
    assert {todo.id for todo in todos.all("two")} == {result.value.id for result in results}


def test_what_the_facade_costs(todos, frozen):
    def cost(do):
        with aws.metered() as meter:
            do()
        return meter.operations

    assert cost(lambda: add(todos, "n")) == ["GetItem", "TransactWriteItems"]
    for _ in range(19):
        add(todos, "n")
    assert cost(lambda: todos.all("n")) == ["GetItem", "Query"]
    assert cost(lambda: todos.clear("n")) == ["UpdateItem"]


def test_a_todo_that_is_changed_lives_on_with_its_namespace(client, frozen):
    root = ROOTS[2]
    url = client.post(root, json={"title": "walk the dog"}).json()["url"]
    frozen.advance(days=6)
    client.patch(url, json={"completed": True})
    frozen.advance(days=6)

    assert client.get(url).json()["completed"] is True
    assert len(client.get(root).json()) == 1
