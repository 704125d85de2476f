"""What is unread is always what a naive recount says, whoever edits, deletes, mutes, leaves or marks."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.live.chat.actions import marks
from functions.live.chat.rules import rooms as rules
from functions.live.chat.rules.rooms import KEPT_NUMBERS, Kind, Member, Role, Room, noted, unread
from tessera import aws, clock, ids
from tests.kit.races import outcomes, together
from tests.unit.live.chat.conftest import principal


def mark(by: Any, room: Any, n: int, **more: Any) -> Any:
    return by.request("PUT", f"/chat/rooms/{room['id']}/read", json={"n": n, **more})


def total(by: Any, name: str = "total") -> int:
    found: int = by.get("/chat/unread").json()[name]
    return found


def delete(by: Any, message: Any) -> None:
    assert by.delete(f"/chat/rooms/{message['room_id']}/messages/{message['id']}").status_code == 204


STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "hear", "delete", "read", "back"]), st.integers(0, 400)), max_size=300
)


@given(STEPS, st.integers(0, 5))
@settings(max_examples=500, deadline=None)
def test_unread_matrix(steps, joined_n):
    room = Room("R", Kind.PRIVATE, "x", "U", clock.EPOCH, msg_n=joined_n)
    me = Member("R", "ME", Role.MEMBER, read_n=joined_n, joined_n=joined_n)
    deleted: set[int] = set()
    for what, number in steps:
        n = number % (room.msg_n + 1)
        if what in ("say", "hear"):
            room = replace(room, msg_n=room.msg_n + 1)
            me = replace(me, read_n=room.msg_n) if what == "say" else me
        elif what == "delete" and n and n not in deleted:
            deleted.add(n)
            room = replace(room, dels=noted(room.dels, n))
        elif what == "back" or (what == "read" and n > me.read_n):
            me = replace(me, read_n=n)
        low = max(me.read_n, joined_n)
        naive = sum(1 for one in range(low + 1, room.msg_n + 1) if one not in deleted)
        found = unread(room, me)
        # Nobody says so without counting the markers when the room does not keep all of the numbers.
        assert found == naive or (found is None and len(deleted) >= KEPT_NUMBERS)


def test_a_message_is_unread_until_it_is_read_or_taken_back(world, alice, bob, say):
    room = world.room(alice, bob)
    messages = [say(alice, room) for _ in range(4)]
    assert (total(bob), total(alice)) == (4, 0)

    delete(alice, messages[3])
    assert total(bob) == 3
    assert mark(bob, room, 2).json() == {"read_n": 2, "unread": 1, "mentions": 0}
    delete(alice, messages[0])
    assert total(bob) == 1
    assert mark(bob, room, 4).json()["unread"] == 0


def test_after_more_deletions_than_a_room_keeps_the_number_is_still_exact(world, alice, bob, say, monkeypatch):
    for module in (rules,):
        monkeypatch.setattr(module, "KEPT_NUMBERS", 3)
    room = world.room(alice, bob)
    messages = [say(alice, room) for _ in range(8)]
    for message in messages[:6]:
        delete(alice, message)

    assert total(bob) == 2
    assert mark(bob, room, 1).json()["unread"] == 2
    assert mark(bob, room, 6).json()["unread"] == 2


def test_a_mark_only_moves_on_unless_it_is_taken_back(world, alice, bob, say):
    room = world.room(alice, bob)
    for _ in range(5):
        say(alice, room)

    assert mark(bob, room, 4).json()["read_n"] == 4
    assert mark(bob, room, 2).json()["read_n"] == 4
    assert mark(bob, room, 1, mark_unread=True).json() == {"read_n": 1, "unread": 4, "mentions": 0}
    assert mark(bob, room, 6).status_code == 422
    assert mark(bob, room, -1).status_code == 422


def test_marks_of_three_devices_at_once_end_at_the_furthest(world, alice, bob, say):
    room = world.room(alice, bob)
    for _ in range(9):
        say(alice, room)
    by, numbers = principal(bob.id), random.Random(1).sample(range(1, 10), 9)

    results = together(*(lambda n=n: marks.read(world.ports, room["id"], n, mark_unread=False, by=by) for n in numbers))

    assert outcomes(results) == {"ok": 9}
    assert mark(bob, room, 0).json()["read_n"] == 9


def test_who_says_something_has_read_what_was_said_before(world, alice, bob, say):
    room = world.room(alice, bob)
    say(alice, room), say(bob, room), say(alice, room)

    assert (total(bob), total(alice)) == (1, 0)


def test_muted_rooms_count_apart_and_let_mentions_through_if_asked_to(world, alice, bob, say):
    room = world.room(alice, bob)
    say(alice, room), say(alice, room, f"<@{bob.id}>")
    path = f"/chat/rooms/{room['id']}/mute"

    assert bob.request("PUT", path, json={}).status_code == 200
    assert (total(bob), total(bob, "total_all"), total(bob, "mentions")) == (0, 2, 1)
    bob.request("PUT", path, json={"mentions_only": True, "until": "2030-03-14T10:00:00Z"})
    assert total(bob) == 1
    assert bob.get("/chat/rooms").json()["items"][0]["muted"]["mentions_only"] is True
    world.frozen.advance(hours=1)
    assert total(bob) == 2
    bob.request("PUT", path, json={})
    assert bob.delete(path).status_code == 204
    assert total(bob) == 2


def test_a_room_one_has_left_counts_nowhere(world, alice, bob, say):
    room = world.room(alice, bob)
    say(alice, room, f"<@{bob.id}>")
    bob.delete(f"/chat/rooms/{room['id']}/members/me")

    assert bob.get("/chat/unread").json() == {"total": 0, "total_all": 0, "mentions": 0, "rooms": []}
    assert mark(bob, room, 1).status_code == 403
    assert bob.request("PUT", f"/chat/rooms/{room['id']}/mute", json={}).status_code == 403


def test_who_is_sent_out_meanwhile_marks_nothing(world, alice, bob, say):
    from functions.live.chat.actions import members
    from tests.kit.faults import meanwhile

    room, elsewhere = world.room(alice, bob), world.another_process()
    say(alice, room)

    def out() -> None:
        members.remove(elsewhere, room["id"], bob.id, by=principal(alice.id))

    by = principal(bob.id)
    for act in (
        lambda: marks.read(world.ports, room["id"], 1, mark_unread=False, by=by),
        lambda: marks.delivered(world.ports, room["id"], 1, by=by),
        lambda: marks.read(world.ports, room["id"], 0, mark_unread=True, by=by),
    ):
        with meanwhile("UpdateItem", out), pytest.raises(Exception) as refused:
            act()
        assert refused.value.slug == "not-found"
        left = world.ports.rooms.member(room["id"], bob.id)
        assert (left.read_at, left.deliv_n) == (None, 0)
        alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": [bob.id]})
    with meanwhile("UpdateItem", out):
        marks.muted(world.ports, room["id"], "{}", by=by)
    assert world.ports.rooms.member(room["id"], bob.id).mute is None


def test_a_list_says_what_is_unread_in_each_room_with_few_requests(world, alice, bob, say):
    from tests.kit.capacity import CapacityMeter

    quiet, loud = world.room(alice, bob), world.room(alice, bob)
    world.frozen.advance(seconds=1)
    say(alice, loud, f"Look <@{bob.id}>")

    with CapacityMeter() as meter:
        listed = bob.get("/chat/rooms").json()["items"]

    assert [(one["id"], one["unread"], one["mentions"]) for one in listed] == [(loud["id"], 1, 1), (quiet["id"], 0, 0)]
    assert meter.of(world.table.name).operations == ["Query", "BatchGetItem", "Query"]


def test_delivered_and_read_are_told_by_name_in_a_small_room(world, alice, bob, say):
    room = world.room(alice, bob)
    say(alice, room), say(alice, room)
    path = f"/chat/rooms/{room['id']}"

    assert bob.request("PUT", f"{path}/delivered", json={"n": 2}).json() == {"delivered_n": 2}
    assert bob.request("PUT", f"{path}/delivered", json={"n": 1}).json() == {"delivered_n": 2}
    assert bob.request("PUT", f"{path}/delivered", json={"n": 3}).status_code == 422
    mark(bob, room, 1)

    found = alice.get(f"{path}/receipts?n=2").json()
    assert (found["read_by"], sorted(found["delivered_to"])) == ([alice.id], sorted([alice.id, bob.id]))
    assert alice.get(f"{path}/receipts?n=1").json()["read"] == 2
    assert [alice.get(f"{path}/receipts?n={n}").status_code for n in (0, 3)] == [422, 404]


def test_in_a_large_room_receipts_are_counts(world, alice, bob, say, monkeypatch):
    monkeypatch.setattr(marks, "NAMED_RECEIPTS", 1)
    room = world.room(alice, bob)
    say(alice, room)
    world.listen(room["id"])
    mark(bob, room, 1)

    assert alice.get(f"/chat/rooms/{room['id']}/receipts?n=1").json() == {
        "read": 2,
        "delivered": 2,
        "read_by": None,
        "delivered_to": None,
    }
    assert world.told() == []


def test_marks_are_told_once_a_second_and_the_last_one_in_the_end(world, alice, bob, say):
    room = world.room(alice, bob)
    for _ in range(4):
        say(alice, room)
    world.listen(room["id"])

    for n in (1, 2, 3):
        mark(bob, room, n)
    assert [(one["type"], one["user_id"], one["n"]) for one in world.told()] == [("read", bob.id, 1)]
    world.frozen.advance(seconds=1)
    # The queue keeps it back for a second that does not pass here.
    waiting = aws.client("sqs").get_queue_attributes(QueueUrl=world.queue, AttributeNames=["All"])["Attributes"]
    assert waiting["ApproximateNumberOfMessagesDelayed"] == "1"
    work = {"kind": "read.tell", "data": {"room_id": room["id"], "user_id": bob.id}}
    assert world.deliver(work, work) == {"batchItemFailures": []}
    assert [(one["type"], one["n"]) for one in world.told()] == [("read", 3)]
    world.frozen.advance(seconds=2)
    mark(bob, room, 4)
    assert [one["n"] for one in world.told()] == [4]


def test_typing_is_told_once_in_three_seconds_and_kept_nowhere(world, alice, bob):
    room = world.room(alice, bob)
    world.listen(room["id"])
    path = f"/chat/rooms/{room['id']}/typing"
    before = len(world.log(f"room:{room['id']}"))

    assert [bob.post(path).status_code for _ in range(2)] == [202, 429]
    told = world.told()
    assert [(one["type"], one["user_id"]) for one in told] == [("typing", bob.id)]
    assert told[0]["until"] == "2030-03-14T09:26:58.000Z"
    world.frozen.advance(seconds=3)
    assert bob.post(path).status_code == 202
    assert len(world.log(f"room:{room['id']}")) == before
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "readonly"})
    assert bob.post(path).status_code == 403


def test_the_hub_asks_for_those_who_are_connected(world, alice, bob, say):
    room = world.room(alice, bob)
    say(alice, room)
    who = principal(bob.id)

    def call(method: str, data: Any, caller: str = "realtime", of: Any = who) -> Any:
        return world.invoke("/chat/internal/rpc", {"method": method, "data": data}, caller=caller, of=of)

    assert call("chat.read", {"room_id": room["id"], "n": 1}) == (
        200,
        {"result": {"read_n": 1, "unread": 0, "mentions": 0}},
    )
    assert call("chat.typing", {"room_id": room["id"]}) == (200, {"result": {}})
    assert call("chat.typing", {"room_id": room["id"]})[0] == 429
    for bad in ({}, {"n": True}, {"n": "1"}, {"n": -1}):
        assert call("chat.read", {"room_id": room["id"], **bad})[0] == 422
    assert call("chat.read", {"room_id": ids.new(), "n": 1})[0] == 404
    assert call("chat.shout", {})[0] == 404
    assert call("chat.typing", {"room_id": room["id"]}, of=None)[0] == 404
    assert call("chat.typing", {"room_id": room["id"]}, caller="tasks")[0] == 403
