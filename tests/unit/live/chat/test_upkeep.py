"""What follows from what happened, and what time brings."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.live.chat.actions import send, upkeep
from functions.live.chat.rules.messages import Draft
from functions.live.chat.rules.rooms import Role
from functions.live.chat.store.writing import Changed
from tessera import ids
from tests.kit.faults import Crash, crash_at, meanwhile
from tests.unit.live.chat.conftest import post, principal


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def test_who_is_mentioned_is_told_on_their_own_topic_once(world, alice, bob, say):
    room = world.room(alice, bob)
    message = say(alice, room, f"<@{bob.id}>")
    world.follow()
    world.delivered.clear()
    world.follow()

    told = [one for one in world.log(f"user:{bob.id}") if one["kind"] == "chat.mention"]
    assert [(one["message_id"], one["n"], one["by"]) for one in told] == [(message["id"], 1, alice.id)]


def test_who_is_taken_in_is_told_and_who_joins_knows_it(world, alice, bob):
    carol = world.person()
    room = world.room(alice, bob, kind="public")
    world.follow()
    alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": [carol.id]})
    world.follow()
    dave = world.person()
    dave.request("PUT", f"/chat/rooms/{room['id']}/members/me")
    world.follow()

    kinds = {one.id: [told["kind"] for told in world.log(f"user:{one.id}")] for one in (alice, bob, carol, dave)}
    assert kinds == {alice.id: [], bob.id: ["chat.room_added"], carol.id: ["chat.room_added"], dave.id: []}


def test_a_mark_is_told_to_ones_own_devices(world, alice, bob, say):
    from tessera.seqlog import SeqLog

    room = world.room(alice, bob)
    say(alice, room)
    SeqLog(world.realtime).listen(f"user:{bob.id}", 1)
    bob.request("PUT", f"/chat/rooms/{room['id']}/read", json={"n": 1})

    assert [(one["kind"], one["read_n"], one["unread"]) for one in world.told()] == [("chat.read", 1, 0)]


def test_an_attachment_that_is_gone_is_shown_so_until_it_is_back(world, alice, bob, say):
    room, file_id = world.room(alice, bob), world.files.add(alice.id)
    message = say(alice, room, "", attachments=[file_id])
    path = f"/chat/rooms/{room['id']}/messages/{message['id']}"

    def states() -> list[str]:
        return [one["state"] for one in bob.get(path).json()["attachments"]]

    for _ in range(2):
        world.receive("files.file.deleted.v1", file_id=file_id, owner_id=alice.id, n=1, forever=False)
    assert states() == ["gone"]
    world.receive("files.file.clean.v1", file_id=file_id)
    assert states() == ["ready"]
    world.receive("files.file.infected.v1", file_id=file_id)
    assert states() == ["gone"]
    kinds = [one["type"] for one in world.log(f"room:{room['id']}")]
    assert kinds == ["message.created"] + ["message.attachments"] * 3
    assert world.receive("files.file.deleted.v1", file_id=ids.new()) == {"batchItemFailures": []}


def test_a_file_attached_in_many_places_is_shown_gone_in_all(world, alice, say, monkeypatch):
    monkeypatch.setattr(upkeep, "FILES_AT_ONCE", 2)
    room, file_id = world.room(alice), world.files.add(alice.id)
    said = [say(alice, room, "", attachments=[file_id]) for _ in range(3)]
    alice.delete(f"/chat/rooms/{room['id']}/messages/{said[1]['id']}")
    world.receive("files.file.deleted.v1", file_id=file_id)
    world.work()

    items = alice.get(f"/chat/rooms/{room['id']}/messages").json()["items"]
    assert [[one["state"] for one in item["attachments"]] for item in items] == [["gone"], [], ["gone"]]


def retained(world: Any, alice: Any, *others: Any, days: int = 10) -> Any:
    room = world.room(alice, *others)
    path = f"/chat/rooms/{room['id']}"
    assert alice.patch(path, json={"retention_days": days}, headers={"if-match": "*"}).status_code == 200
    return room


def test_retention_trim_floor(world, alice, bob, say, monkeypatch):
    monkeypatch.setattr(upkeep, "TRIMMED_AT_ONCE", 2)
    room = retained(world, alice, bob)
    root = say(alice, room, "old root")
    for number in range(3):
        say(alice, room, f"old reply {number}", thread_root=root["id"])
    for number in range(4):
        say(alice, room, f"old {number}")
    world.follow()
    world.frozen.advance(days=11)
    old = {one["id"] for one in alice.get(f"/chat/rooms/{room['id']}/messages").json()["items"]}
    old |= {one["id"] for one in alice.get(f"/chat/rooms/{room['id']}/messages/{root['id']}/thread").json()["items"]}
    young = say(alice, room, "young")
    bob.request("PUT", f"/chat/rooms/{room['id']}/read", json={"n": 0, "mark_unread": True})
    world.sweep()
    world.follow()

    page = bob.get(f"/chat/rooms/{room['id']}/messages").json()
    assert [one["id"] for one in page["items"]] == [young["id"]]
    assert bob.get(f"/chat/rooms/{room['id']}").json()["first_n"] == 6
    assert bob.get("/chat/unread").json()["total"] == 1
    assert world.keys(f"ROOM#{room['id']}/T#") == []
    assert "#ol/" not in str(world.keys(f"K#{room['id']}"))
    assert bob.get(f"/chat/rooms/{room['id']}/messages/{root['id']}").status_code == 404
    told = [one for event in world.events("chat.messages.trimmed.v1") for one in event["message_ids"]]
    assert len(old) == len(told) == 8 and set(told) == old


def test_a_room_is_looked_at_again_the_next_day_and_told_twice_once(world, alice, say):
    room = retained(world, alice)
    say(alice, room)
    world.frozen.advance(hours=2)
    due = world.ports.rooms.room(room["id"], fresh=True).due_at
    world.sweep()
    again = world.ports.rooms.room(room["id"], fresh=True).due_at
    world.work()

    assert due < world.frozen.now() < again <= world.frozen.now() + timedelta(days=1)
    item = {"pk": f"ROOM#{room['id']}", "sk": "META", "due_pk": "x", "due_sk": "2030-03-14T10:26:53.000Z#x"}
    assert world.deliver({"kind": "due", "data": item}) == {"batchItemFailures": []}
    assert world.ports.rooms.room(room["id"], fresh=True).due_at == again
    alice.patch(f"/chat/rooms/{room['id']}", json={"retention_days": None}, headers={"if-match": "*"})
    assert world.ports.rooms.room(room["id"], fresh=True).due_at is None
    upkeep.trim(world.ports, room["id"])


def test_an_archived_room_is_gone_after_thirty_days_and_its_name_is_free(world, alice, bob, say):
    room = world.room(alice, bob, kind="public", name="Garden")
    for number in range(3):
        say(alice, room, f"apple {number}")
    world.follow()
    alice.delete(f"/chat/rooms/{room['id']}")
    world.frozen.advance(days=29)
    world.sweep()
    assert len(bob.get(f"/chat/rooms/{room['id']}/messages").json()["items"]) == 3
    assert slug(bob.post("/chat/rooms", json={"name": "garden", "kind": "public"})) == "room-name-taken"
    world.frozen.advance(days=2)
    world.sweep()
    world.follow()

    assert alice.get(f"/chat/rooms/{room['id']}").status_code == 404
    assert post(alice, room).status_code == 404
    assert world.keys(f"ROOM#{room['id']}/") == [f"ROOM#{room['id']}/META"]
    assert world.keys(f"K#{room['id']}") == []
    assert world.granted(room["id"], bob.id) == ""
    assert bob.post("/chat/rooms", json={"name": "garden", "kind": "public"}).status_code == 201
    assert [one["room_id"] for one in world.events("chat.room.purged.v1")] == [room["id"]]
    upkeep.purge(world.ports, room["id"])


def test_of_two_purges_at_once_one_tells_it(world, alice):
    room = world.room(alice)
    alice.delete(f"/chat/rooms/{room['id']}")
    upkeep.purge(world.ports, room["id"])

    def first() -> None:
        upkeep.purge(world.another_process(), room["id"])

    with meanwhile("TransactWriteItems", first), pytest.raises(Changed):
        upkeep.purge(world.ports, room["id"])


def test_nothing_is_purged_that_is_not_archived(world, alice, say):
    room = world.room(alice)
    say(alice, room)
    upkeep.purge(world.ports, room["id"])

    assert alice.get(f"/chat/rooms/{room['id']}").status_code == 200


def test_a_sender_who_dies_after_the_change_has_said_it_once(world, alice, say):
    room, client_id = world.room(alice), ids.new()
    world.listen(room["id"])
    with crash_at("live.appended"), pytest.raises(Crash):
        send.send(world.ports, room["id"], Draft("Hello", client_id), by=principal(alice.id))

    again = post(alice, room, client_msg_id=client_id)

    assert (again.status_code, again.json()["n"]) == (200, 1)
    assert say(alice, room)["n"] == 2


def test_who_deletes_their_account_is_out_of_every_room_and_what_they_said_stays(world, alice, bob, say):
    carol = world.person()
    room, dm, left = world.room(alice, bob, carol), world.dm(alice, bob), world.room(bob, alice)
    message = say(alice, room, f"Bye <@{bob.id}>")
    say(bob, room, f"<@{alice.id}>")
    alice.request("PUT", f"/chat/blocks/{ids.new()}")
    alice.delete(f"/chat/rooms/{left['id']}/members/me")
    alice.patch(f"/chat/rooms/{room['id']}/members/{carol.id}", json={"role": "admin"})

    answers = []
    while not answers or not answers[-1][1]["done"]:
        answers.append(world.invoke("/chat/internal/erase", {"owner_id": alice.id}, caller="accounts"))
        assert len(answers) < 6

    assert alice.get("/chat/rooms").json()["items"] == []
    assert world.ports.rooms.member(room["id"], carol.id).role == Role.OWNER.value
    assert bob.get(f"/chat/rooms/{room['id']}/messages/{message['id']}").json()["author_id"] == alice.id
    assert bob.get(f"/chat/rooms/{dm['id']}").status_code == 200
    assert [key for key in world.keys(f"U#{alice.id}") if "/U#" in key or key.startswith("U#")] == []
    assert world.granted(room["id"], alice.id) == ""


def test_only_accounts_may_erase(world, alice):
    body = {"owner_id": alice.id}

    assert alice.post("/chat/internal/erase", json=body).status_code == 404
    assert world.invoke("/chat/internal/erase", body, caller="relay")[0] == 403


def test_a_message_of_an_unknown_kind_is_for_a_person_to_look_at(world):
    assert world.deliver({"kind": "room.dance", "data": {}}) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert json.dumps({}) == "{}"


def test_what_comes_due_of_a_room_that_is_gone_is_nothing(world):
    item = {"pk": f"ROOM#{ids.new()}", "sk": "META", "due_pk": "x", "due_sk": "2030-03-14T10:26:53.000Z#x"}

    assert world.deliver({"kind": "due", "data": item}) == {"batchItemFailures": []}
    assert principal().user_id
