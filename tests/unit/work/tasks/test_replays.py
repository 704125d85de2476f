"""A list or a view asked for twice, when what the first request saw is no longer so."""

import pytest

from tessera import ids

PLACES = {
    "lists": ("/tasks/lists", {"name": "One"}, "functions.work.tasks.actions.lists.MAX_LISTS"),
    "views": ("/tasks/views", {"name": "One", "filter": {}}, "functions.work.tasks.actions.personal.MAX_VIEWS"),
}


def key_of(*, has_time):
    return {"idempotency-key": ids.new() if has_time else "a key without a time"}


def is_replay(again, made):
    return (again.status_code, again.json()["id"], again.headers["idempotent-replay"]) == (201, made["id"], "true")


@pytest.mark.parametrize("has_time", [True, False])
@pytest.mark.parametrize("what", PLACES)
def test_the_last_one_there_was_room_for_is_answered_again(alice, monkeypatch, what, has_time):
    path, body, limit = PLACES[what]
    monkeypatch.setattr(limit, 1)
    asked = {"json": body, "headers": key_of(has_time=has_time)}
    made = alice.post(path, **asked).json()

    again = alice.post(path, **asked)
    other = alice.post(path, **{**asked, "json": {**body, "name": "Two"}})

    assert is_replay(again, made)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert alice.post(path, json=body).json()["type"] == "/problems/too-many"


@pytest.mark.parametrize("has_time", [True, False])
def test_a_list_put_behind_one_that_is_gone_is_answered_again(alice, has_time):
    other = alice.post("/tasks/lists", json={"name": "Other"}).json()
    asked = {"json": {"name": "One", "after_id": other["id"]}, "headers": key_of(has_time=has_time)}
    made = alice.post("/tasks/lists", **asked).json()
    assert alice.delete(f"/tasks/lists/{other['id']}").status_code == 204

    assert is_replay(alice.post("/tasks/lists", **asked), made)
    assert alice.post("/tasks/lists", json=asked["json"]).status_code == 422
