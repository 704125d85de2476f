"""What somebody finds wrong, and what moderators do about it."""

from typing import Any

import pytest

from functions.live.chat.actions import reports
from tessera.auth.call import Call
from tests.kit.faults import meanwhile
from tests.kit.races import outcomes, together
from tests.unit.live.chat.conftest import post, principal


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


@pytest.fixture
def moderator(world):
    return world.person("moderator")


def report(by: Any, message: Any, **fields: Any) -> Any:
    path = f"/chat/rooms/{message['room_id']}/messages/{message['id']}/reports"
    return by.post(path, json={"reason": "abuse", **fields})


def act(by: Any, found: Any, action: str) -> Any:
    return by.post(f"/chat/reports/{found['id']}/actions", json={"action": action, "note": "Seen"})


def test_a_report_keeps_what_was_said_and_each_makes_one(world, alice, bob, moderator, say):
    room = world.room(alice, bob)
    message = say(bob, room, "Bad words")

    made = report(alice, message, note="Look")
    alice_again = report(alice, message)
    bob.patch(f"/chat/rooms/{room['id']}/messages/{message['id']}", json={"text": "x"}, headers={"if-match": "*"})

    assert (made.status_code, slug(alice_again)) == (201, "already-reported")
    listed = moderator.get("/chat/reports").json()["items"]
    assert [(one["id"], one["text"], one["state"]) for one in listed] == [(made.json()["id"], "Bad words", "open")]
    assert alice.get("/chat/reports").status_code == 403
    assert report(world.person(), message).status_code == 404
    assert world.events("chat.report.created.v1")[0]["author_id"] == bob.id


def test_moderation_audit(world, alice, bob, moderator, say):
    message = say(bob, world.room(alice, bob), "Bad words")
    found = report(alice, message).json()

    closed = act(moderator, found, "remove")

    assert (closed.json()["state"], closed.json()["action"]) == ("resolved", "remove")
    path = f"/chat/rooms/{message['room_id']}/messages/{message['id']}"
    assert alice.get(path).json()["text"] == ""
    assert slug(act(moderator, found, "warn")) == "report-resolved"
    assert moderator.get("/chat/reports").json()["items"] == []
    assert len(moderator.get("/chat/reports?state=resolved").json()["items"]) == 1
    entry = world.events("audit.entry.recorded.v1")[-1]
    assert (entry["action"], entry["target"]["id"], entry["actor"]["id"]) == (
        "chat.report-remove",
        message["id"],
        moderator.id,
    )
    assert slug(report(alice, message)) == "message-deleted"


def test_a_ban_sends_the_author_out(world, alice, bob, moderator, say):
    room = world.room(alice, bob)
    found = report(alice, say(bob, room)).json()

    assert act(moderator, found, "ban").json()["action"] == "ban"
    assert post(bob, room).status_code == 403


def test_nobody_is_sent_out_of_a_conversation(world, alice, bob, moderator, say):
    found = report(alice, say(bob, world.dm(alice, bob))).json()

    assert slug(act(moderator, found, "ban")) == "members-fixed"
    assert act(moderator, found, "remove").status_code == 200


def test_a_warning_reaches_the_author(world, alice, bob, moderator, say):
    message = say(bob, world.room(alice, bob))
    found = report(alice, message).json()

    assert act(moderator, found, "warn").json()["action"] == "warn"
    assert [(one["kind"], one["message_id"]) for one in world.log(f"user:{bob.id}")] == [("chat.warned", message["id"])]
    assert world.events("chat.user.warned.v1")[0]["user_id"] == bob.id


def test_of_many_moderators_at_once_one_decides(world, alice, bob, say):
    message = say(bob, world.room(alice, bob))
    found = report(alice, message).json()
    call = Call("POST", "/", (), "", "203.0.113.7", True, None, world.bindings, "r")

    def decide(action: str) -> Any:
        ports = world.another_process()
        return reports.act(ports, found["id"], action, None, by=principal("", "moderator"), call=call)

    results = together(lambda: decide("dismiss"), lambda: decide("warn"), times=3)

    assert outcomes(results) == {"ok": 1, "report-resolved": 5}
    assert len(world.events("audit.entry.recorded.v1")) == 1


def test_who_decides_a_moment_later_is_told_so(world, alice, bob, say):
    call = Call("POST", "/", (), "", "203.0.113.7", True, None, world.bindings, "r")
    found = report(alice, say(bob, world.room(alice, bob))).json()
    staff = principal("", "moderator")

    def first() -> None:
        reports.act(world.another_process(), found["id"], "dismiss", None, by=staff, call=call)

    with meanwhile("TransactWriteItems", first), pytest.raises(reports.ReportResolved):
        reports.act(world.ports, found["id"], "dismiss", None, by=staff, call=call)


def test_a_report_that_is_not_there_is_not_found(moderator):
    assert (
        moderator.post("/chat/reports/01HZX3J0V7Q8M4N5P6R7S8T9VW/actions", json={"action": "warn"}).status_code == 404
    )
