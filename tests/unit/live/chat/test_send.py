"""Saying something: dense numbers, one order everywhere, once however often it is sent, and who may."""

import json
from typing import Any

import pytest

from functions.live.chat.actions import members, send
from functions.live.chat.rules.messages import Draft, place_of
from functions.live.chat.rules.rooms import NotAMember, Role
from tessera import clock, ids
from tessera.seqlog import LogContended
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import meanwhile
from tests.kit.races import outcomes, together
from tests.unit.live.chat.conftest import post, principal


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def test_a_message_has_the_next_number_and_its_place_in_the_topic(world, alice, bob, say):
    room = world.room(alice, bob)

    first, second = say(alice, room, "Hello"), say(bob, room, "Hi")

    assert [(one["n"], one["seq"]) for one in (first, second)] == [(1, 1), (2, 2)]
    told = world.log(f"room:{room['id']}")
    assert [(one["type"], one["id"], one["n"], one["text"]) for one in told] == [
        ("message.created", first["id"], 1, "Hello"),
        ("message.created", second["id"], 2, "Hi"),
    ]
    assert place_of(second["id"]).n == 2


def test_send_dense_order(world, alice):
    room = world.room(alice)
    writers = [principal() for _ in range(10)]
    members.invite(world.ports, room["id"], [one.id for one in writers], by=principal(alice.id))
    head = len(world.log(f"room:{room['id']}"))

    def write(number: int) -> None:
        process = world.another_process()
        for turn in range(5):
            draft = Draft(f"{number}.{turn}", ids.new())
            while True:
                try:
                    send.send(process, room["id"], draft, by=writers[number])
                    break
                except LogContended:
                    # What a client does that is told to try again in a second.
                    continue

    results = together(*(lambda number=number: write(number) for number in range(10)))

    assert outcomes(results) == {"ok": 10}
    kept = world.ports.messages.between(room["id"], 1, 50, 100, newest=False)
    assert [one.place.n for one in kept] == list(range(1, 51))
    assert [one.seq for one in kept] == list(range(head + 1, head + 51))
    topic = [one["id"] for one in world.log(f"room:{room['id']}") if one["type"] == "message.created"]
    assert topic == [one.id for one in kept]
    assert sorted(one.text for one in kept) == sorted(f"{number}.{turn}" for number in range(10) for turn in range(5))
    for number in range(10):
        assert [one.text for one in kept if one.author_id == writers[number].id] == [f"{number}.{t}" for t in range(5)]


def test_what_is_sent_twice_is_said_once(world, alice, say):
    room, client_id = world.room(alice), ids.new()

    first = say(alice, room, client_msg_id=client_id)
    again = post(alice, room, client_msg_id=client_id)

    assert (again.status_code, again.json(), again.headers["idempotent-replay"]) == (200, first, "true")
    assert alice.get(f"/chat/rooms/{room['id']}").json()["msg_n"] == 1


def test_client_msg_id_dedupe(world, alice):
    room, draft = world.room(alice), Draft("Hello", ids.new())
    processes = [world.another_process() for _ in range(5)]

    results = together(
        *(lambda p=p: send.send(p, room["id"], draft, by=principal(alice.id)) for p in processes), times=4
    )

    assert outcomes(results) == {"ok": 20}
    assert [result.value[1] for result in results].count(False) == 1
    assert len({result.value[0].id for result in results}) == 1


def test_two_people_may_call_their_messages_the_same(world, alice, bob, say):
    room, client_id = world.room(alice, bob), ids.new()

    assert say(alice, room, client_msg_id=client_id)["n"] == 1
    assert say(bob, room, client_msg_id=client_id)["n"] == 2


def test_a_day_later_a_client_may_use_an_id_again(world, alice, say):
    room, client_id = world.room(alice), ids.new()
    say(alice, room, client_msg_id=client_id)
    world.frozen.advance(hours=25)

    assert say(alice, room, client_msg_id=client_id)["n"] == 2


def test_nobody_posts_where_they_are_not(world, alice, bob, say):
    room, public = world.room(alice), world.room(alice, kind="public")

    assert post(bob, room).status_code == 404
    assert slug(post(bob, public)) == "not-a-member"


def test_who_has_left_is_told_so(world, alice, bob):
    room = world.room(alice, bob)
    assert bob.delete(f"/chat/rooms/{room['id']}/members/me").status_code == 204

    assert (post(bob, room).status_code, slug(post(bob, room))) == (403, "not-a-member")


def test_who_may_only_read_does_not_post(world, alice, bob):
    room = world.room(alice, bob)
    path = f"/chat/rooms/{room['id']}/members/{bob.id}"
    assert alice.patch(path, json={"role": "readonly"}).status_code == 204

    assert slug(post(bob, room)) == "may-not-post"
    assert bob.get(f"/chat/rooms/{room['id']}/messages").status_code == 200


def test_slow_mode_lets_a_member_write_once_in_so_many_seconds_and_owners_always(world, alice, bob, say):
    room = world.room(alice, bob)
    path = f"/chat/rooms/{room['id']}"
    assert alice.patch(path, json={"slow_s": 30}, headers={"if-match": "*"}).status_code == 200
    say(bob, room), say(alice, room), say(alice, room)

    world.frozen.advance(seconds=10)
    refused = post(bob, room)

    assert (refused.status_code, slug(refused), refused.headers["retry-after"]) == (429, "slow-mode", "20")
    world.frozen.advance(seconds=20)
    assert say(bob, room)["n"] == 4


def test_who_may_only_read_does_not_post_in_slow_mode_either(world, alice, bob):
    room = world.room(alice, bob)
    alice.patch(f"/chat/rooms/{room['id']}", json={"slow_s": 30}, headers={"if-match": "*"})
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "readonly"})

    assert slug(post(bob, room)) == "may-not-post"


def test_ten_messages_at_once_in_slow_mode_say_one(world, alice, bob):
    room = world.room(alice, bob)
    alice.patch(f"/chat/rooms/{room['id']}", json={"slow_s": 30}, headers={"if-match": "*"})
    ports, by = world.ports, principal(bob.id)

    results = together(lambda: send.send(ports, room["id"], Draft("Hi", ids.new()), by=by), times=10)

    assert outcomes(results) == {"ok": 1, "slow-mode": 9}


def test_after_a_ban_nothing_of_the_banned_comes_in_the_topic(world, alice, bob, say):
    room = world.room(alice, bob)
    banning, writing = world.another_process(), world.another_process()
    send.send(writing, room["id"], Draft("Hi", ids.new()), by=principal(bob.id))

    def ban() -> None:
        members.ban(banning, room["id"], bob.id, None, by=principal(alice.id))

    with meanwhile("TransactWriteItems", ban), pytest.raises(NotAMember):
        send.send(writing, room["id"], Draft("Hi", ids.new()), by=principal(bob.id))

    assert [one["type"] for one in world.log(f"room:{room['id']}")] == ["message.created", "member"]


def test_ban_race(world, alice, bob):
    room = world.room(alice, bob)
    banning, writing = world.another_process(), world.another_process()

    def write() -> None:
        send.send(writing, room["id"], Draft("Hi", ids.new()), by=principal(bob.id))

    with meanwhile("TransactWriteItems", write):
        members.ban(banning, room["id"], bob.id, None, by=principal(alice.id))

    assert [one["type"] for one in world.log(f"room:{room['id']}")] == ["message.created", "member"]


def test_an_archived_room_takes_nothing_new_wherever_it_is_remembered_open(world, alice, bob, say):
    room = world.room(alice, bob)
    elsewhere = world.another_process()
    send.send(elsewhere, room["id"], Draft("Hi", ids.new()), by=principal(bob.id))
    root = say(alice, room)
    stale = elsewhere.rooms.room(room["id"], fresh=True)
    assert alice.delete(f"/chat/rooms/{room['id']}").status_code == 204

    assert slug(post(alice, room)) == "room-archived"
    for thread_root in (None, root["id"]):
        elsewhere.rooms.remember(stale)
        with pytest.raises(Exception) as refused:
            send.send(elsewhere, room["id"], Draft("Hi", ids.new(), thread_root=thread_root), by=principal(bob.id))
        assert refused.value.slug == "room-archived"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"text": "  "}, "/text"),
        ({"text": "x" * 8_001}, "/text"),
        ({"text": "a" + "\u0301" * 18}, "/text"),
        ({"text": "\u202eabc"}, "/text"),
        ({"text": "\u200b" * 101}, "/text"),
        ({"text": "https://a.b " * 101}, "/text"),
        ({"text": "".join(f"<@{ids.at(number, bytes(10))}>" for number in range(51))}, "/text"),
        ({"client_msg_id": "x"}, "/client_msg_id"),
        ({"reply_to": ids.at(0, bytes(10))}, "/reply_to"),
        ({"attachments": ["x"]}, "/attachments/0"),
        ({"colour": "red"}, "/colour"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_wrong_with_a_message_is_pointed_at(world, alice, fields, pointer):
    answer = post(alice, world.room(alice), **fields)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_reply_to_a_message_of_another_room_is_refused(world, alice, say):
    here, there = world.room(alice), world.room(alice)
    elsewhere = say(alice, there)

    assert post(alice, here, reply_to=elsewhere["id"]).status_code == 422
    assert say(alice, there, reply_to=elsewhere["id"])["reply_to"] == elsewhere["id"]


def test_mentions_are_read_on_the_server_and_count_code_points(world, alice, bob, say):
    room = world.room(alice, bob)

    message = say(alice, room, f"🎉 <@{bob.id}> and @room, not mail@room")

    assert message["entities"] == [
        {"kind": "mention", "offset": 2, "length": 29, "user_id": bob.id},
        {"kind": "room", "offset": 36, "length": 5, "user_id": None},
    ]


def test_attachment_states(world, alice, bob, say):
    room = world.room(alice, bob)
    mine, theirs = world.files.add(alice.id), world.files.add(bob.id)
    infected = world.files.add(alice.id, "infected")

    message = say(alice, room, "", attachments=[mine])

    shown = {"id": mine, "name": "a.png", "type": "image/png", "size": 12, "state": "ready", "thumb": None}
    assert message["attachments"] == [shown]
    for bad in (theirs, infected, ids.new()):
        refused = post(alice, room, attachments=[mine, bad])
        assert (refused.status_code, slug(refused)) == (422, "attachment-not-ready")
        assert refused.json()["errors"][0]["pointer"] == "/attachments/1"


def test_while_files_does_not_answer_nothing_is_attached(world, alice):
    world.files.status = 500
    assert post(alice, world.room(alice), attachments=[ids.new()]).status_code == 503


def test_a_message_costs_one_transaction_however_many_are_in_the_room(world, alice, say):
    costs = []
    for size in (1, 150):
        room = world.room(alice)
        for start in range(0, size, 50):
            others = [ids.new() for _ in range(min(50, size))]
            assert alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": others}).status_code == 200, start
        say(alice, room)
        with CapacityMeter() as meter:
            send.send(world.ports, room["id"], Draft("Hello", ids.new()), by=principal(alice.id))
        costs.append((meter.by_table[world.table.name], meter.by_table.get(world.realtime.name)))

    small, large = costs
    assert small == large
    assert small[0].operations == ["TransactWriteItems"]
    assert (small[0].write_units, small[0].read_units) == (13, 0)


def test_the_event_of_a_message_says_whom_it_concerns(world, alice, bob, say):
    room = world.dm(alice, bob)

    message = say(alice, room, f"Look <@{bob.id}> <@{ids.new()}>")

    assert world.events("chat.message.created.v1") == [
        {
            "room_id": room["id"],
            "message_id": message["id"],
            "n": 1,
            "thread_n": 0,
            "author_id": alice.id,
            "room_kind": "dm",
            "room_name": "",
            "mentions": [bob.id],
            "mentions_room": False,
            "members": sorted([alice.id, bob.id]),
            "preview": message["text"],
        }
    ]


def test_whoever_listens_is_woken_once(world, alice, say):
    from tests.kit.queues import drain

    room = world.room(alice)
    say(alice, room)
    assert drain(world.fanout) == []
    world.listen(room["id"])
    say(alice, room)

    assert [json.loads(body)["data"]["topic"] for body in drain(world.fanout)] == [f"room:{room['id']}"]


def test_a_role_that_changes_meanwhile_is_what_counts(world, alice, bob):
    room = world.room(alice, bob)
    members.give_role(world.ports, room["id"], bob.id, Role.ADMIN, by=principal(alice.id))

    made, _ = send.send(world.ports, room["id"], Draft("Hi", ids.new()), by=principal(bob.id))

    assert made.at == clock.now()
