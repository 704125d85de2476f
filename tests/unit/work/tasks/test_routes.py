"""HTTP: statuses, headers, and what is refused with which pointer."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from functions.work.tasks.app import app, handler
from functions.work.tasks.rules.task import INBOX, placed
from functions.work.tasks.store.rows import TaskRow, owned, row_of, task_key, task_of
from tessera import clock, ids
from tests.kit.apps import invocation
from tests.kit.stores import everything_in

ABSENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def pointers(answer):
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def make(person, **fields):
    answer = person.post("/tasks", json={"title": "Buy milk", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_task_is_created_with_its_location_and_version(alice):
    answer = alice.post("/tasks", json={"title": "Buy milk", "tags": ["Home", "home"], "due_date": "2030-03-20"})

    body = answer.json()
    assert answer.status_code == 201
    assert (answer.headers["location"], answer.headers["etag"]) == (f"/tasks/{body['id']}", '"v1"')
    assert (body["tags"], body["priority"], body["list_id"], body["status"]) == (["home"], 4, INBOX, "open")
    assert alice.get(answer.headers["location"]).json() == body


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": "   "}, "/title"),
        ({"title": "a" * 501}, "/title"),
        ({"title": "a\u0000b"}, "/title"),
        ({"notes": "é" * 9000}, "/notes"),
        ({"priority": 5}, "/priority"),
        ({"priority": "1"}, "/priority"),
        ({"tags": ["a b"]}, "/tags/0"),
        ({"tags": [str(number) for number in range(21)]}, "/tags"),
        ({"due_date": "2026-02-30"}, "/due_date"),
        ({"due_date": "2030-03-20", "due_at": "2030-03-20T10:00:00Z", "tz": "UTC"}, "/due_at"),
        ({"due_at": "2030-03-20T10:00:00Z"}, "/tz"),
        ({"due_at": "2030-03-20T10:00:00"}, "/due_at"),
        ({"due_date": "2030-03-20", "tz": "Mars/Base"}, "/tz"),
        ({"due_date": "9999-12-31"}, "/due_date"),
        ({"remind_at": ["2030-03-20T10:00:00Z"] * 6}, "/remind_at"),
        ({"list_id": ABSENT}, "/list_id"),
        ({"parent_id": ABSENT}, "/parent_id"),
        ({"recurrence": {"rule": "FREQ=DAILY"}}, "/recurrence"),
        ({"due_date": "2030-03-20", "recurrence": {"rule": "FREQ=HOURLY"}}, "/recurrence/rule"),
        ({"due_date": "2030-03-20", "recurrence": {"rule": "FREQ=DAILY;UNTIL=20300319"}}, "/recurrence/rule"),
        ({"due_date": "2030-03-20", "recurrence": {"rule": "FREQ=DAILY", "mode": "x"}}, "/recurrence/mode"),
        ({"colour": "red"}, "/colour"),
    ],
    ids=str,
)
def test_what_is_wrong_is_pointed_at(alice, fields, pointer):
    body = json.dumps({"title": "Buy milk", **fields})
    answer = alice.post("/tasks", content=body, headers={"content-type": "application/json"})
    assert pointers(answer) == [pointer]


@pytest.mark.parametrize("carries_time", [True, False])
def test_a_create_asked_twice_makes_one_task(alice, carries_time):
    key = ids.new() if carries_time else "order 66"
    send = {"json": {"title": "Buy milk", "tags": ["home"]}, "headers": {"idempotency-key": key}}
    first, second = alice.post("/tasks", **send), alice.post("/tasks", **send)

    assert second.status_code == 201
    assert second.headers["idempotent-replay"] == "true"
    assert second.json() == first.json()
    assert alice.get(f"/tasks/lists/{INBOX}").json()["open_count"] == 1
    other = alice.post("/tasks", json={"title": "Buy rye"}, headers={"idempotency-key": key})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    alice.delete(f"/tasks/{first.json()['id']}")
    assert alice.post("/tasks", **send).status_code == 410


def test_a_patch_needs_the_version_and_names_what_changes(alice):
    task = make(alice, notes="n", due_date="2030-03-20")
    path = f"/tasks/{task['id']}"

    assert alice.patch(path, json={"title": "x"}).status_code == 428
    stale = alice.patch(path, json={"title": "x"}, headers={"if-match": '"v7"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/version-mismatch")
    changed = alice.patch(path, json={"title": "Buy rye", "due_date": None}, headers={"if-match": '"v1"'})
    assert changed.headers["etag"] == '"v2"'
    assert changed.json() == {
        **task,
        "title": "Buy rye",
        "due_date": None,
        "version": 2,
        "updated_at": changed.json()["updated_at"],
    }
    both = alice.patch(
        path, json={"due_date": "2030-03-21", "due_at": "2030-03-20T10:00:00Z"}, headers={"if-match": "*"}
    )
    assert pointers(both) == ["/due_at"]
    assert alice.patch(path, json={"list_id": INBOX}, headers={"if-match": "*"}).status_code == 422


def test_a_task_of_somebody_else_is_not_there(alice, person):
    task, bob = make(alice), person()
    path = f"/tasks/{task['id']}"

    answers = [
        bob.get(path),
        bob.patch(path, json={"title": "x"}, headers={"if-match": "*"}),
        bob.delete(path),
        bob.post(f"{path}/complete"),
        bob.post(f"{path}/move", json={}),
        bob.post(f"{path}/restore"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert bob.get("/tasks").json() == {"items": [], "next": None}


@pytest.mark.parametrize("path", ["/tasks/nothing", f"/tasks/{'8' * 26}", f"/tasks/{ABSENT.lower()}"])
def test_what_is_no_id_is_not_found_without_a_read(alice, path):
    answer = alice.get(path)
    assert answer.status_code == 404
    assert "0 req" in answer.headers.get("server-timing", "0 req")


def test_nobody_gets_in_without_a_credential_and_learns_nothing_of_the_body(client):
    for answer in (client.get("/tasks"), client.post("/tasks", content="{"), client.post("/tasks", json={})):
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/credentials-missing")


def test_completing_and_reopening(alice):
    task = make(alice, due_date="2030-03-14", recurrence={"rule": "rrule:freq=daily"})
    path = f"/tasks/{task['id']}"

    done = alice.post(f"{path}/complete", json={"completed_at": "2030-03-14T08:00:00Z"}).json()
    assert done["task"]["completed_at"] == "2030-03-14T08:00:00.000Z"
    assert done["next_task"]["due_date"] == "2030-03-15"
    again = alice.post(f"{path}/complete")
    assert (again.status_code, again.json()["next_task"]) == (200, None)
    assert alice.post(f"{path}/reopen").json()["task"]["status"] == "open"
    assert alice.get(f"/tasks/{done['next_task']['id']}").status_code == 404
    assert pointers(alice.post(f"{path}/complete", json={"completed_at": "2031-01-01T00:00:00Z"})) == ["/completed_at"]


def test_moving_answers_with_the_new_place(alice):
    one, two = make(alice), make(alice)
    moved = alice.post(f"/tasks/{two['id']}/move", json={"before_id": one["id"]})
    assert moved.json()["position"] < one["position"]
    gone = alice.post(f"/tasks/{two['id']}/move", json={"before_id": ids.new()})
    assert (gone.status_code, gone.json()["type"]) == (409, "/problems/neighbour-gone")


def test_pages_are_signed_and_belong_to_one_list_of_one_person(alice, person):
    for number in range(5):
        make(alice, title=str(number))
    first = alice.get("/tasks?limit=2").json()
    second = alice.get(f"/tasks?limit=2&cursor={first['next']}").json()
    third = alice.get(f"/tasks?limit=2&cursor={second['next']}").json()

    seen = [task["title"] for page in (first, second, third) for task in page["items"]]
    assert sorted(seen) == ["0", "1", "2", "3", "4"]
    assert third["next"] is None
    for wrong in (
        alice.get(f"/tasks?limit=2&status=done&cursor={first['next']}"),
        alice.get(f"/tasks/trash?cursor={first['next']}"),
        person().get(f"/tasks?limit=2&cursor={first['next']}"),
        alice.get("/tasks?cursor=x"),
    ):
        assert (wrong.status_code, wrong.json()["type"]) == (400, "/problems/bad-cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "?limit"),
        ("limit=101", "?limit"),
        ("sort=manual", "?sort"),
        ("status=gone", "?status"),
        ("due=soon", "?due"),
        ("tz=Mars/Base", "?tz"),
        ("sort=due&status=done", "?sort"),
        ("unknown=1", "?unknown"),
        ("q=milk&sort=due", "?sort"),
        ("q=%20", "?q"),
        ("list_id=x", "?list_id"),
        ("priority=9", "?priority"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(alice, query, pointer):
    assert pointers(alice.get(f"/tasks?{query}")) == [pointer]


def test_the_trash_and_the_way_back(alice):
    task = make(alice)
    path = f"/tasks/{task['id']}"
    assert alice.delete(path, headers={"if-match": '"v9"'}).status_code == 412
    assert alice.delete(path).status_code == 204
    assert alice.get(path).status_code == 404
    assert [one["id"] for one in alice.get("/tasks/trash").json()["items"]] == [task["id"]]
    assert alice.post(f"{path}/restore").json()["deleted_at"] is None
    assert alice.post(f"{path}/restore").status_code == 404


def test_lists_are_made_ordered_changed_and_deleted(alice, frozen):
    one = alice.post("/tasks/lists", json={"name": "One", "color": "#00ff00"})
    frozen.advance(seconds=1)
    two = alice.post("/tasks/lists", json={"name": "Two"}).json()
    three = alice.post("/tasks/lists", json={"name": "Three", "after_id": one.json()["id"]}).json()
    assert one.headers["location"] == f"/tasks/lists/{one.json()['id']}"

    def names():
        return [each["name"] for each in alice.get("/tasks/lists").json()["items"]]

    assert names() == ["One", "Three", "Two"]
    path = f"/tasks/lists/{three['id']}"
    assert alice.patch(path, json={"name": "x"}).status_code == 428
    first = alice.patch(path, json={"after_id": None, "name": "3"}, headers={"if-match": '"v1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"v2"')
    assert names() == ["3", "One", "Two"]
    assert alice.patch(path, json={"name": "x"}, headers={"if-match": '"v1"'}).status_code == 412
    assert alice.delete(path, headers={"if-match": '"v1"'}).status_code == 412
    assert alice.delete(path).status_code == 204
    assert alice.get(path).status_code == 404
    assert alice.delete(path).status_code == 404
    assert alice.patch(path, json={"name": "x"}, headers={"if-match": '"v2"'}).status_code == 404
    assert pointers(alice.post("/tasks/lists", json={"name": "x", "after_id": three["id"]})) == ["/after_id"]
    make(alice, list_id=two["id"])
    full = alice.delete(f"/tasks/lists/{two['id']}")
    assert (full.status_code, full.json()["type"]) == (409, "/problems/list-not-empty")
    make(alice)
    assert alice.delete(f"/tasks/lists/{INBOX}").json()["type"] == "/problems/inbox-stays"


def test_a_full_list_is_deleted_by_a_job(alice, deliveries, person):
    found = alice.post("/tasks/lists", json={"name": "One"}).json()
    task = make(alice, list_id=found["id"])
    path = f"/tasks/lists/{found['id']}"
    assert alice.delete(f"{path}?tasks=burn").status_code == 422
    assert pointers(alice.delete(f"{path}?tasks=move:{found['id']}")) == ["?tasks"]
    assert pointers(alice.delete(f"{path}?tasks=move:{ids.new()}")) == ["?tasks"]

    accepted = alice.delete(f"{path}?tasks=move:{INBOX}")
    assert accepted.status_code == 202
    job = accepted.headers["location"]
    assert alice.get(job).json() == accepted.json()
    assert person().get(job).status_code == 404
    deliveries.jobs()
    ended = alice.get(job).json()
    assert (ended["state"], ended["done"], ended["total"]) == ("done", 1, 1)
    assert alice.post(f"{job}/cancel").json()["type"] == "/problems/job-over"
    assert alice.get(f"/tasks/{task['id']}").json()["list_id"] == INBOX
    assert alice.get(path).status_code == 404


def test_bulk_tells_each_result(alice):
    one, two, three = make(alice), make(alice), make(alice)
    answer = alice.post(
        "/tasks/bulk",
        json={
            "operations": [
                {"op": "complete", "id": one["id"]},
                {"op": "tag", "id": two["id"], "tag": "Home"},
                {"op": "set", "id": three["id"], "fields": {"priority": 1, "tags": ["a", "b"]}},
                {"op": "delete", "id": ids.new()},
            ]
        },
    )
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [200, 200, 200, 404]
    assert results[3]["problem"]["type"] == "/problems/not-found"
    assert (results[1]["task"]["tags"], results[2]["task"]["priority"]) == (["home"], 1)


def test_an_atomic_bulk_is_refused_whole(alice):
    one = make(alice)
    operations = [{"op": "complete", "id": one["id"]}, {"op": "delete", "id": ids.new()}]
    refused = alice.post("/tasks/bulk", json={"operations": operations, "atomic": True})
    assert (refused.status_code, refused.json()["operation"]) == (404, 1)
    assert alice.get(f"/tasks/{one['id']}").json()["status"] == "open"
    twice = alice.post("/tasks/bulk", json={"operations": [operations[0]] * 2})
    assert pointers(twice) == ["/operations/1/id"]
    many = [{"op": "delete", "id": ids.new()} for _ in range(31)]
    assert pointers(alice.post("/tasks/bulk", json={"operations": many, "atomic": True})) == ["/operations"]


def test_quick_add_echoes_what_it_understood(alice):
    answer = alice.post("/tasks/quick", json={"text": "Gym tomorrow 9am #fit p1 every weekday", "tz": "Europe/Berlin"})
    body = answer.json()
    assert answer.status_code == 201
    assert body["understood"] == {
        "title": "Gym",
        "day": "2030-03-15",
        "time": "09:00",
        "priority": 1,
        "tags": ["fit"],
        "rule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    }
    assert body["task"]["due_at"] == "2030-03-15T08:00:00.000Z"
    shown = alice.get(f"/tasks/{body['task']['id']}/occurrences?n=2").json()
    assert shown == {"occurrences": ["2030-03-15T08:00:00.000Z", "2030-03-18T08:00:00.000Z"]}
    assert pointers(alice.post("/tasks/quick", json={"text": "tomorrow p1"})) == ["/text"]


def test_views_keep_a_filter(alice):
    made = alice.post("/tasks/views", json={"name": "Soon", "filter": {"due": "next7", "tag": "Home"}})
    assert made.status_code == 201
    assert [view["filter"]["tag"] for view in alice.get("/tasks/views").json()["items"]] == ["home"]
    assert alice.delete(made.headers["location"]).status_code == 204
    assert alice.delete(made.headers["location"]).status_code == 404


def test_the_calendar_feed_is_as_good_as_its_token(alice, client):
    make(alice, title="Pay; rent, now", due_date="2030-03-14", notes="one\ntwo " + "ü" * 60, tags=["home"])
    make(alice, title="late", due_at="2030-03-13T10:00:00Z", tz="UTC")
    make(alice, title="tomorrow", due_date="2030-03-15")
    feed = alice.post("/tasks/feed", json={"tz": "UTC"}).json()

    answer = client.get(feed["url"])
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.text.count("BEGIN:VTODO") == 2
    assert "SUMMARY:Pay\\; rent\\, now\r\n" in answer.text and "DUE;VALUE=DATE:20300314" in answer.text
    assert all(len(line.encode()) <= 75 for line in answer.text.split("\r\n"))
    assert "ü" * 60 in answer.text.replace("\r\n ", "")
    renewed = alice.post("/tasks/feed", json={}).json()
    assert client.get(feed["url"]).status_code == 404
    assert client.get(renewed["url"]).status_code == 200
    assert alice.delete("/tasks/feed").status_code == 204
    assert client.get(renewed["url"]).status_code == 404
    assert alice.delete("/tasks/feed").status_code == 204


def test_the_export_is_csv_that_a_spreadsheet_may_open(alice):
    make(alice, title="=1+1", notes="a,b\nc", tags=["x", "y"], due_date="2030-03-20")
    answer = alice.get("/tasks/export.csv")
    assert answer.content.startswith(b"\xef\xbb\xbfid,title,notes,list,")
    assert ",'=1+1," in answer.text and '"a,b\nc"' in answer.text and '"x,y"' in answer.text
    assert "link" not in answer.headers


def test_a_long_export_goes_on_where_it_stopped(alice, monkeypatch):
    monkeypatch.setattr("functions.work.tasks.actions.personal.EXPORT_ROWS", 2)
    monkeypatch.setattr("functions.work.tasks.store.listing.PAGE_ROWS", 2)
    for number in range(5):
        make(alice, title=f"t{number}")
    found, link = [], "/tasks/export.csv"
    while link:
        answer = alice.get(link)
        found += [line.split(",")[1] for line in answer.text.splitlines()[1:]]
        link = answer.headers.get("link", "").partition(">")[0].lstrip("<")
    assert sorted(found) == ["t0", "t1", "t2", "t3", "t4"]


def test_erasure_leaves_nothing_of_one_owner_and_all_of_the_others(alice, person, deliveries, table, invoke, frozen):
    bob = person()
    for each in (alice, bob):
        make(each, title="Secret plan", tags=["home"], due_date="2030-03-20", remind_at=["2030-03-19T10:00:00Z"])
        each.post("/tasks/lists", json={"name": "Mine"})
        each.post("/tasks/views", json={"name": "Soon", "filter": {}})
        each.post("/tasks/feed", json={})
    deliveries.follow()

    answers = [invoke("/tasks/internal/erase", {"owner_id": alice.id}) for _ in range(2)]

    assert [json.loads(answer["body"])["done"] for answer in answers] == [True, True]
    left = everything_in(table)
    mine = [item for item in left if alice.id in json.dumps(item)]
    assert [item["pk"]["S"][:4] for item in mine] == ["OUT#", "OUT#"]
    assert "privacy.data.erased.v1" in deliveries.types()
    assert len(bob.get("/tasks").json()["items"]) == 1
    assert alice.get("/tasks").json()["items"] == []


def test_a_large_owner_is_erased_in_several_calls(alice, invoke, monkeypatch):
    monkeypatch.setattr("functions.work.tasks.actions.personal.ERASED_AT_ONCE", 3)
    for _ in range(3):
        make(alice)
    done, calls = False, 0
    while not done:
        done = json.loads(invoke("/tasks/internal/erase", {"owner_id": alice.id})["body"])["done"]
        calls += 1
    assert calls == 2


@pytest.mark.parametrize("caller", ["blog", "tasks"])
def test_only_accounts_may_erase(alice, invoke, client, caller):
    assert invoke("/tasks/internal/erase", {"owner_id": alice.id}, caller=caller)["statusCode"] == 403
    assert alice.post("/tasks/internal/erase", json={"owner_id": alice.id}).status_code == 404
    assert client.post("/tasks/internal/erase", json={"owner_id": alice.id}).status_code == 404


def test_every_operation_has_a_name_of_its_own_and_a_line_about_it():
    document = app.openapi()
    operations = [one for path in document["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert all(one.get("description") for one in operations)


def test_search_is_given_a_task_as_it_is_now(alice):
    made = make(alice, title="Buy rye", notes="At the mill", tags=["food"])

    def given(**asked):
        return searchable(owner_id=alice.id, **asked)

    (found,) = given(id=made["id"])["items"]

    assert (found["id"], found["seq"], found["acl"], found["type"]) == (made["id"], 1, f"user:{alice.id}", "task")
    assert (found["title"], found["body"], found["tags"]) == ("Buy rye", "At the mill", ["food"])
    assert alice.delete(f"/tasks/{made['id']}").status_code == 204
    (gone,) = given(id=made["id"])["items"]
    assert gone["deleted"] and gone["seq"] == 2 and gone["title"] == ""
    assert given(id="0" * 26)["items"] == []
    assert searchable(owner_id="0" * 26, id=made["id"])["items"] == []


def test_search_is_given_all_that_an_owner_has_a_page_at_a_time(alice, monkeypatch):
    monkeypatch.setattr("functions.work.tasks.actions.searchable.PAGE", 2)
    made = {make(alice)["id"] for _ in range(5)}

    seen, cursor = [], {}
    while True:
        page = searchable(owner_id=alice.id, **cursor)
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}

    assert len(seen) == 5 and set(seen) == made


def searchable(**asked):
    path = f"/tasks/internal/search-docs?{urlencode(asked)}"
    answer = handler(invocation(path, caller="search", method="GET"), None)
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


def test_nobody_but_search_is_given_tasks(alice):
    path = f"/tasks/internal/search-docs?owner_id={alice.id}"

    assert alice.get(path).status_code == 404
    assert handler(invocation(path, caller="chat", method="GET"), None)["statusCode"] == 403


def test_thousands_put_into_one_gap_leave_every_list_readable(alice, table, owner, frozen):
    first = make(alice)
    # Two of one millisecond come in any order.
    frozen.advance(seconds=1)
    last = make(alice)
    lower, upper, shown = first["position"], last["position"], set()
    while upper != "the end":
        shown.add(len(upper))
        last_fit, upper = upper, placed(lower, upper, otherwise="the end")
    task_id = last["id"]
    row = table.get(TaskRow, owned(alice.id), task_key(task_id))
    table.put(row_of(replace(task_of(row), pos=last_fit), clock.now()))

    between = make(alice, after_id=first["id"])
    pages = [alice.get("/tasks", params={"list_id": INBOX, "limit": 1}).json()]
    while pages[-1]["next"]:
        answer = alice.get("/tasks", params={"list_id": INBOX, "limit": 1, "cursor": pages[-1]["next"]})
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())

    assert max(shown) > 380
    assert [one["id"] for page in pages for one in page["items"]] == [first["id"], task_id, between["id"]]


@pytest.mark.parametrize("has_time", [True, False])
@pytest.mark.parametrize("named", ["after_id", "parent_id"])
def test_a_replay_is_answered_though_what_it_named_is_gone(alice, named, has_time):
    other = make(alice)
    key = ids.new() if has_time else "a key without a time"
    asked = {"json": {"title": "Buy bread", named: other["id"]}, "headers": {"idempotency-key": key}}
    made = alice.post("/tasks", **asked)
    alice.delete(f"/tasks/{other['id']}")

    again = alice.post("/tasks", **asked)
    mismatch = alice.post("/tasks", **{**asked, "json": {**asked["json"], "title": "Buy salt"}})

    assert (again.status_code, again.json()["id"]) == (201, made.json()["id"])
    assert again.headers["idempotent-replay"] == "true"
    assert mismatch.json()["type"] == "/problems/idempotency-mismatch"
    assert alice.post("/tasks", json=asked["json"]).status_code in (409, 422)


def test_tags_that_grow_in_lower_case_stay_in_the_title(alice):
    text = f"Buy milk #{'İ' * 40}"

    made = alice.post("/tasks/quick", json={"text": text})

    assert (made.status_code, made.json()["task"]["title"], made.json()["task"]["tags"]) == (201, text, [])


@pytest.mark.parametrize(
    ("text", "tz"),
    [("x 0001-01-01 at 00:00", "Europe/Berlin"), ("x 9999-12-31 at 23:30", "America/New_York")],
)
def test_days_beyond_the_calendar_are_no_dates(alice, text, tz):
    made = alice.post("/tasks/quick", json={"text": text, "tz": tz})

    assert made.status_code == 201
    assert text.rpartition(" at ")[0] in made.json()["task"]["title"]


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])
def test_nothing_was_done_before_there_were_tasks(alice, when):
    task = make(
        alice,
        due_date="2030-03-14",
        tz="America/New_York",
        recurrence={"rule": "FREQ=DAILY", "mode": "after_completion"},
    )

    assert pointers(alice.post(f"/tasks/{task['id']}/complete", json={"completed_at": when})) == ["/completed_at"]


@pytest.mark.parametrize("due", ["2026-W01-1..", "20260101..", "..2026-001"])
def test_a_range_has_days_of_one_form(alice, due):
    assert pointers(alice.get("/tasks", params={"due": due})) == ["?due"]


def test_a_feed_of_many_long_notes_is_short_enough_to_be_sent(alice, client, frozen):
    for _ in range(3):
        make(alice, notes="ä" * 8_000, due_date="2020-01-01")
    token = alice.post("/tasks/feed", json={}).json()["token"]

    feed = client.get("/tasks/today.ics", params={"token": token})

    assert feed.text.count("…") == 3
    assert len(feed.content) / 3 * 500 < 2_500_000


@pytest.mark.parametrize("letter", ['"', "\\", "\n", "ä"])
def test_an_export_of_the_worst_notes_comes_in_pieces_that_can_be_sent(alice, letter, frozen):
    for number in range(130):
        frozen.advance(seconds=10)
        make(alice, title=str(number), notes=f"a{letter * (16_000 // len(letter.encode()))}b")

    sizes, link = [], "/tasks/export.csv"
    while link:
        answer = alice.get(link)
        sizes.append(len(json.dumps(answer.text, ensure_ascii=False).encode()))
        link = answer.links.get("next", {}).get("url")

    assert max(sizes) < 6_000_000
