"""`tasks` from the outside: each test with people and namespaces of its own."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tessera import ids

INBOX = "0" * 26
WITHIN_SECONDS = 15.0


@pytest.fixture
def user(people: Any) -> Any:
    return people.new()


@pytest.fixture
def root() -> str:
    return f"/tasks/todo-backend/e2e-{ids.new().lower()}"


def make(user: Any, title: str = "Buy milk", **fields: Any) -> dict[str, Any]:
    answer = user.post("/tasks", json={"title": title, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).removeprefix("/problems/")


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [task["title"] for task in answer.json()["items"]]


def eventually(look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What `look` shows as soon as it is as wanted; the last it showed when that takes too long."""
    until = time.monotonic() + WITHIN_SECONDS
    while True:
        found = look()
        if wanted(found) or time.monotonic() > until:
            return found


def at_once(*work: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(one) for one in work]]


def day(ahead: int = 0) -> str:
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()


def test_a_task_goes_through_its_life(user):
    task = make(user, tags=["Home"], due_date=day(3), notes="two litres")
    path = f"/tasks/{task['id']}"

    changed = user.patch(path, json={"title": "Buy rye"}, headers={"If-Match": f'"v{task["version"]}"'})
    assert (changed.json()["title"], changed.json()["notes"], changed.headers["etag"]) == (
        "Buy rye",
        "two litres",
        '"v2"',
    )
    assert user.post(f"{path}/complete").json()["task"]["status"] == "done"
    assert titles(user.get("/tasks?status=done")) == ["Buy rye"]
    assert user.post(f"{path}/reopen").json()["task"]["completed_at"] is None
    assert user.delete(path).status_code == 204
    assert user.get(path).status_code == 404


def test_nobody_gets_in_without_signing_in(anonymous):
    assert slug(anonymous.get("/tasks")) == (401, "credentials-missing")


def test_malformed_json_without_credentials_is_401(anonymous):
    answer = anonymous.post("/tasks", content="{", headers={"content-type": "application/json"})
    assert slug(answer) == (401, "credentials-missing")


def test_a_task_of_somebody_else_is_not_there(people):
    task, other = make(people.new()), people.new()
    assert other.get(f"/tasks/{task['id']}").status_code == 404
    assert other.delete(f"/tasks/{task['id']}").status_code == 404
    assert titles(other.get("/tasks")) == []


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": "   "}, "/title"),
        ({"title": "a" * 501}, "/title"),
        ({"title": "a\x00"}, "/title"),
        ({"due_date": "2026-02-30"}, "/due_date"),
        ({"due_date": "2026-02-20", "tz": "Mars/Base"}, "/tz"),
        ({"due_date": "2030-02-20", "due_at": "2030-02-20T10:00:00Z", "tz": "UTC"}, "/due_at"),
        ({"due_date": "2030-02-20", "recurrence": {"rule": "FREQ=DAILY;UNTIL=20300101"}}, "/recurrence/rule"),
        ({"due_date": "2030-02-20", "recurrence": {"rule": "FREQ=SECONDLY"}}, "/recurrence/rule"),
        ({"nonsense": 1}, "/nonsense"),
    ],
    ids=["blank", "long", "nul", "no such day", "no such zone", "both dues", "past until", "frequency", "unknown"],
)
def test_what_is_wrong_is_pointed_at(user, fields, pointer):
    answer = user.post("/tasks", json={"title": "Buy milk", **fields})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_create_sent_twice_makes_one_task(user):
    send = {"json": {"title": "Once"}, "headers": {"Idempotency-Key": ids.new()}}
    first, second = user.post("/tasks", **send), user.post("/tasks", **send)
    assert (second.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert second.headers["idempotent-replay"] == "true"
    assert titles(user.get("/tasks")) == ["Once"]


def test_a_create_sent_ten_times_at_once_makes_one_task(user):
    send = {"json": {"title": "Once"}, "headers": {"Idempotency-Key": ids.new()}}
    answers = at_once(*[lambda: user.post("/tasks", **send)] * 10)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_change_needs_the_version_that_was_read(user):
    path = f"/tasks/{make(user)['id']}"
    assert slug(user.patch(path, json={"title": "x"})) == (428, "version-required")
    assert slug(user.patch(path, json={"title": "x"}, headers={"If-Match": '"v2"'})) == (412, "version-mismatch")


def test_of_ten_changes_at_once_one_wins(user):
    path = f"/tasks/{make(user)['id']}"
    work = [
        lambda number=number: user.patch(path, json={"title": str(number)}, headers={"If-Match": '"v1"'})
        for number in range(10)
    ]
    assert sorted(answer.status_code for answer in at_once(*work)) == [200] + [412] * 9


def test_complete_race_spawns_once(user):
    task = make(user, due_date=day(), recurrence={"rule": "FREQ=DAILY"})
    answers = at_once(*[lambda: user.post(f"/tasks/{task['id']}/complete")] * 10)
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["next_task"] is not None for answer in answers) == 1
    assert user.get(f"/tasks/lists/{INBOX}").json()["open_count"] == 1


def test_reopening_takes_the_next_occurrence_back(user):
    task = make(user, due_date=day(), recurrence={"rule": "FREQ=DAILY"})
    following = user.post(f"/tasks/{task['id']}/complete").json()["next_task"]
    assert following["due_date"] == day(1)
    user.post(f"/tasks/{task['id']}/reopen")
    assert user.get(f"/tasks/{following['id']}").status_code == 404


def test_reopening_keeps_a_next_occurrence_that_was_touched(user):
    task = make(user, due_date=day(), recurrence={"rule": "FREQ=DAILY"})
    following = user.post(f"/tasks/{task['id']}/complete").json()["next_task"]
    user.patch(f"/tasks/{following['id']}", json={"priority": 1}, headers={"If-Match": "*"})
    user.post(f"/tasks/{task['id']}/reopen")
    assert user.get(f"/tasks/{following['id']}").json()["priority"] == 1


def test_coming_occurrences_are_shown(user):
    task = make(user, due_date="2031-01-31", recurrence={"rule": "FREQ=MONTHLY;COUNT=3"})
    shown = user.get(f"/tasks/{task['id']}/occurrences?n=10").json()["occurrences"]
    assert shown == ["2031-01-31", "2031-02-28", "2031-03-31"]


def test_moves_keep_the_order_that_was_asked_for(user):
    made = {title: make(user, title)["id"] for title in "abc"}
    user.post(f"/tasks/{made['c']}/move", json={"after_id": made["a"], "before_id": made["b"]})
    found = eventually(lambda: titles(user.get(f"/tasks?list_id={INBOX}")), lambda seen: seen == ["a", "c", "b"])
    assert found == ["a", "c", "b"]


def test_moves_into_one_gap_at_once_end_in_places_of_their_own(user):
    first, last = make(user, "first"), make(user, "last")
    moved = [make(user, str(number)) for number in range(8)]
    gap = {"after_id": first["id"], "before_id": last["id"]}
    answers = at_once(*[lambda one=one: user.post(f"/tasks/{one['id']}/move", json=gap) for one in moved])
    places = [answer.json()["position"] for answer in answers]
    assert len(set(places)) == 8
    assert all(first["position"] < place < last["position"] for place in places)


def test_a_move_between_neighbours_that_are_gone_is_refused(user):
    answer = user.post(f"/tasks/{make(user)['id']}/move", json={"after_id": ids.new()})
    assert slug(answer) == (409, "neighbour-gone")


def test_subtasks_nest_three_levels_deep(user):
    parent = None
    for _ in range(3):
        parent = make(user, parent_id=parent)["id"]
    assert user.post("/tasks", json={"title": "deeper", "parent_id": parent}).status_code == 422


def test_pages_show_every_task_once(user):
    made = [make(user, str(number))["title"] for number in range(7)]
    eventually(lambda: titles(user.get("/tasks")), lambda seen: len(seen) == 7)
    seen, cursor = [], ""
    while cursor is not None:
        page = user.get(f"/tasks?limit=3{cursor}").json()
        seen += [task["title"] for task in page["items"]]
        cursor = page["next"] and f"&cursor={page['next']}"
    assert seen == made[::-1]


def test_a_cursor_belongs_to_one_person_and_one_list(people):
    one, other = people.new(), people.new()
    for number in range(2):
        make(one, str(number))
    page = eventually(lambda: one.get("/tasks?limit=1").json(), lambda seen: seen["next"] is not None)
    assert slug(other.get(f"/tasks?limit=1&cursor={page['next']}")) == (400, "bad-cursor")
    assert slug(one.get(f"/tasks?limit=1&status=done&cursor={page['next']}")) == (400, "bad-cursor")


def test_due_filters_follow_the_calendar(user):
    for ahead in (-2, 0, 3, 30):
        make(user, str(ahead), due_date=day(ahead))
    make(user, "never")
    eventually(lambda: titles(user.get("/tasks")), lambda seen: len(seen) == 5)
    assert titles(user.get("/tasks?due=overdue")) == ["-2"]
    assert titles(user.get("/tasks?due=today")) == ["0"]
    assert titles(user.get("/tasks?due=next7")) == ["0", "3"]
    assert titles(user.get("/tasks?due=none")) == ["never"]
    assert titles(user.get(f"/tasks?due={day(1)}..{day(40)}")) == ["3", "30"]


def test_a_pair_that_no_index_serves_is_refused(user):
    assert user.get("/tasks?sort=manual").status_code == 422
    assert user.get("/tasks?sort=due&status=done").status_code == 422


def test_search_finds_a_task_soon_and_forgets_it_soon(user):
    task = make(user, "Renew the passport")
    search = lambda: titles(user.get("/tasks?q=pass"))  # noqa: E731
    assert eventually(search, bool) == ["Renew the passport"]
    user.delete(f"/tasks/{task['id']}")
    assert eventually(search, lambda seen: not seen) == []


def test_tags_are_counted_soon(user):
    make(user, tags=["home", "shop"])
    make(user, tags=["home"])
    tags = lambda: {tag["tag"]: tag["count"] for tag in user.get("/tasks/tags").json()["items"]}  # noqa: E731
    assert eventually(tags, lambda seen: seen.get("home") == 2) == {"home": 2, "shop": 1}
    found = eventually(lambda: titles(user.get("/tasks?tag=shop")), bool)
    assert found == ["Buy milk"]


def test_lists_count_what_is_in_them(user):
    home = user.post("/tasks/lists", json={"name": "Home"}).json()
    make(user, list_id=home["id"])
    done = make(user, list_id=home["id"])
    user.post(f"/tasks/{done['id']}/complete")
    shown = user.get(f"/tasks/lists/{home['id']}").json()
    assert (shown["open_count"], shown["done_count"]) == (1, 1)
    assert slug(user.delete(f"/tasks/lists/{home['id']}")) == (409, "list-not-empty")


def test_a_list_is_deleted_by_a_job_that_moves_its_tasks(user):
    home = user.post("/tasks/lists", json={"name": "Home"}).json()
    kept = make(user, list_id=home["id"])
    accepted = user.delete(f"/tasks/lists/{home['id']}?tasks=move:{INBOX}")
    assert accepted.status_code == 202
    job = eventually(
        lambda: user.get(accepted.headers["location"]).json(), lambda seen: seen["state"] not in ("queued", "running")
    )
    assert (job["state"], job["done"]) == ("done", 1)
    assert user.get(f"/tasks/{kept['id']}").json()["list_id"] == INBOX
    assert user.get(f"/tasks/lists/{home['id']}").status_code == 404


def test_a_list_is_deleted_by_a_job_with_its_tasks(user):
    home = user.post("/tasks/lists", json={"name": "Home"}).json()
    for number in range(5):
        make(user, str(number), list_id=home["id"])
    accepted = user.delete(f"/tasks/lists/{home['id']}?tasks=delete")
    location = accepted.headers["location"]
    eventually(lambda: user.get(location).json()["state"], lambda state: state == "done")
    assert sorted(titles(user.get("/tasks/trash"))) == ["0", "1", "2", "3", "4"]


def test_the_job_of_somebody_else_is_not_there(people):
    one = people.new()
    home = one.post("/tasks/lists", json={"name": "Home"}).json()
    make(one, list_id=home["id"])
    location = one.delete(f"/tasks/lists/{home['id']}?tasks=delete").headers["location"]
    assert people.new().get(location).status_code == 404


def test_bulk_partial_and_atomic(user):
    task = make(user)
    operations = [{"op": "complete", "id": task["id"]}, {"op": "delete", "id": ids.new()}]
    refused = user.post("/tasks/bulk", json={"operations": operations, "atomic": True})
    assert (refused.status_code, refused.json()["operation"]) == (404, 1)
    assert user.get(f"/tasks/{task['id']}").json()["status"] == "open"
    each = user.post("/tasks/bulk", json={"operations": operations}).json()["results"]
    assert [result["status"] for result in each] == [200, 404]


def test_quick_add_says_what_it_understood(user):
    body = user.post("/tasks/quick", json={"text": "Gym tomorrow 9am #fit p1 every weekday"}).json()
    assert (body["task"]["title"], body["task"]["priority"], body["understood"]["day"]) == ("Gym", 1, day(1))
    assert body["task"]["recurrence"]["rule"] == "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"


def test_deleted_tasks_come_back_from_the_trash(user):
    task = make(user, tags=["home"])
    user.delete(f"/tasks/{task['id']}")
    assert eventually(lambda: titles(user.get("/tasks/trash")), bool) == ["Buy milk"]
    assert user.post(f"/tasks/{task['id']}/restore").json()["tags"] == ["home"]
    assert user.get(f"/tasks/{task['id']}").status_code == 200


def test_views_are_kept(user):
    made = user.post("/tasks/views", json={"name": "Soon", "filter": {"due": "next7"}})
    assert [view["name"] for view in user.get("/tasks/views").json()["items"]] == ["Soon"]
    assert user.delete(made.headers["location"]).status_code == 204


def test_the_calendar_feed_needs_its_token_only(user, anonymous):
    make(user, "Pay rent", due_date=day())
    token = user.post("/tasks/feed", json={}).json()["token"]
    feed = eventually(lambda: anonymous.get(f"/tasks/today.ics?token={token}"), lambda seen: "SUMMARY" in seen.text)
    assert feed.headers["content-type"].startswith("text/calendar")
    assert "SUMMARY:Pay rent" in feed.text
    user.delete("/tasks/feed")
    assert anonymous.get(f"/tasks/today.ics?token={token}").status_code == 404


def test_the_export_is_csv(user):
    make(user, "=HYPERLINK(1)")
    answer = user.get("/tasks/export.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert ",'=HYPERLINK(1)," in answer.text


def test_the_internal_route_is_not_there_for_anybody_outside(user):
    assert user.post("/tasks/internal/erase", json={"owner_id": ids.new()}).status_code == 404


def test_an_unknown_method_names_the_known_ones(user):
    answer = user.request("PUT", "/tasks")
    assert slug(answer) == (405, "method-not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))


@pytest.mark.parametrize("slash", ["", "/"])
def test_facade_slash_variants(anonymous, root, slash):
    made = anonymous.post(f"{root}{slash}", json={"title": "walk the dog"})
    assert made.status_code == 201
    assert [todo["title"] for todo in anonymous.get(f"{root}{slash}").json()] == ["walk the dog"]
    assert anonymous.delete(f"{root}{slash}").status_code == 204
    assert anonymous.get(f"{root}{slash}").json() == []


def test_facade_url_can_be_fetched_as_given(anonymous, root):
    made = anonymous.post(root, json={"title": "a", "order": 523}).json()
    assert httpx.get(made["url"], timeout=30).json() == made
    assert httpx.patch(made["url"], json={"completed": True}, timeout=30).json()["completed"] is True
    assert httpx.delete(made["url"], timeout=30).status_code == 204
    assert httpx.get(made["url"], timeout=30).status_code == 404


def test_facade_cors_on_error(anonymous, root):
    origin = {"Origin": "https://todobackend.com"}
    answers = [
        anonymous.get(root, headers=origin),
        anonymous.post(root, json={"title": " "}, headers=origin),
        anonymous.get(f"{root}/todos/{ids.new()}", headers=origin),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 404]
    for answer in answers:
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_facade_preflight_is_answered_by_the_gateway(anonymous, root, method):
    asked = {
        "Origin": "https://todobackend.com",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
    }
    answer = anonymous.request("OPTIONS", root, headers=asked)
    assert answer.status_code == 204
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert method in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()


def test_facade_posts_at_once_all_appear(anonymous, root):
    answers = at_once(*[lambda: anonymous.post(root, json={"title": "a"})] * 10)
    assert {answer.status_code for answer in answers} == {201}
    assert {todo["id"] for todo in anonymous.get(root).json()} == {answer.json()["id"] for answer in answers}


def test_facade_namespaces_never_see_each_other(anonymous, root):
    made = anonymous.post(root, json={"title": "a"}).json()
    assert anonymous.get(f"{root}-other").json() == []
    assert anonymous.get(f"{root}-other/todos/{made['id']}").status_code == 404


def test_what_happens_to_a_task_is_told_live_to_its_owner_alone(user: Any, people: Any) -> None:
    """By polling, which reads the log that the socket delivers."""
    task, other = make(user), people.new()
    assert user.post(f"/tasks/{task['id']}/complete", json={}).status_code == 200

    def told() -> list[dict[str, Any]]:
        answer = user.get(f"/realtime/topics/user:{user.id}/history")
        assert answer.status_code == 200, answer.text
        return [one["data"] for one in answer.json()["items"] if one["data"].get("task_id") == task["id"]]

    found = eventually(told, lambda found: len(found) == 2)
    assert sorted((one["kind"], one["version"]) for one in found) == [("tasks.completed", 2), ("tasks.created", 1)]
    assert other.get(f"/realtime/topics/user:{user.id}/history").status_code == 403
