"""What becomes of a message: edits, deletions that leave no text, reactions that count, pins, threads."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from functions.live.chat.actions import changes
from tessera import ids
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.unit.live.chat.conftest import post, principal


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def at(message: dict[str, Any], more: str = "") -> str:
    return f"/chat/rooms/{message['room_id']}/messages/{message['id']}{more}"


def edit(by: Any, message: dict[str, Any], text: str, version: str = "*") -> Any:
    return by.patch(at(message), json={"text": text}, headers={"if-match": version})


def test_an_edit_is_told_and_what_was_said_before_is_kept_for_moderators(world, alice, bob, say):
    room = world.room(alice, bob)
    message = say(bob, room, "Helo")

    changed = edit(bob, message, "Hello", '"v1"')

    assert (changed.json()["text"], changed.json()["version"], changed.headers["etag"]) == ("Hello", 2, '"v2"')
    assert changed.json()["edited_at"] is not None and changed.json()["at"] == message["at"]
    told = world.log(f"room:{room['id']}")[-1]
    assert (told["type"], told["id"], told["text"], told["version"]) == ("message.edited", message["id"], "Hello", 2)
    assert [one["text"] for one in alice.get(at(message, "/revisions")).json()["items"]] == ["Helo"]
    assert bob.get(at(message, "/revisions")).status_code == 403


def test_the_last_twenty_revisions_are_kept(world, alice, say):
    message = say(alice, world.room(alice), "0")
    for number in range(1, 24):
        assert edit(alice, message, str(number)).status_code == 200

    kept = [one["text"] for one in alice.get(at(message, "/revisions")).json()["items"]]

    assert kept == [str(number) for number in range(22, 2, -1)]


def test_only_its_author_edits_it_within_a_day_in_the_version_they_read(world, alice, bob, say):
    message = say(bob, world.room(alice, bob))

    assert slug(edit(alice, message, "x")) == "not-the-author"
    assert bob.patch(at(message), json={"text": "x"}).status_code == 428
    assert edit(bob, message, "x", '"v5"').status_code == 412
    world.frozen.advance(hours=25)
    assert slug(edit(bob, message, "x")) == "edit-window-over"


def test_who_was_sent_out_meanwhile_edits_nothing(world, alice, bob, say):
    from functions.live.chat.actions import members
    from tests.kit.faults import meanwhile

    room = world.room(alice, bob)
    message, elsewhere = say(bob, room), world.another_process()

    def ban() -> None:
        members.ban(elsewhere, room["id"], bob.id, None, by=principal(alice.id))

    def react(message_id: str) -> None:
        changes.react(world.ports, room["id"], message_id, "tada", add=True, by=principal(bob.id))

    def change(message_id: str) -> None:
        changes.edit(world.ports, room["id"], message_id, "x", None, by=principal(bob.id))

    for act in (react, change):
        with meanwhile("TransactWriteItems", ban), pytest.raises(Exception) as refused:
            act(message["id"])
        assert refused.value.slug == "not-a-member"
        alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"ban": None})
        alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": [bob.id]})
        message = say(bob, room)


def test_mention_edit(world, alice, bob, say):
    room = world.room(alice, bob)
    message = say(alice, room, "Hello")

    def mentions() -> int:
        return bob.get("/chat/rooms").json()["items"][0]["mentions"]

    assert mentions() == 0
    edit(alice, message, f"Hello <@{bob.id}>")
    assert mentions() == 1
    edit(alice, message, "Hello @room")
    assert mentions() == 1
    edit(alice, message, "Hello")
    assert mentions() == 0
    assert bob.get("/chat/unread").json()["total"] == 1


def test_an_edit_of_the_newest_message_shows_in_lists(world, alice, bob, say):
    room = world.room(alice, bob)
    message = say(alice, room, "Helo")

    edit(alice, message, "Hello")

    assert bob.get("/chat/rooms").json()["items"][0]["last_message"]["text"] == "Hello"


def test_a_deleted_message_leaves_its_place_and_no_text_anywhere(world, alice, bob, say):
    room, secret = world.room(alice, bob), ids.new()
    message = say(bob, room, f"My number is {secret}")
    edit(bob, message, f"My old number is {secret}")
    file_id = world.files.add(bob.id)
    other = say(bob, room, "with a file", attachments=[file_id])

    assert bob.delete(at(message)).status_code == 204
    assert bob.delete(at(other)).status_code == 204

    left = alice.get(at(message)).json()
    assert (left["n"], left["text"], left["deleted_at"] is not None) == (1, "", True)
    assert alice.get(at(other)).json()["attachments"] == []
    kept = [item for item in everything_in(world.table) if not item["pk"]["S"].startswith("OUT#")]
    assert secret not in json.dumps([{k: v for k, v in one.items() if k != "event"} for one in kept])
    assert secret not in json.dumps(everything_in(world.realtime))
    assert [one["seq"] for one in world.log(f"room:{room['id']}")] == list(range(1, 6))
    assert world.entry(room["id"], 1).data == "null"
    assert slug(bob.delete(at(message))) == "message-deleted"
    assert slug(edit(bob, message, "x")) == "message-deleted"
    assert slug(bob.request("PUT", at(message, "/reactions/tada"))) == "message-deleted"


def test_members_delete_their_own_and_moderators_everybodys(world, alice, bob, say):
    carol, moderator = world.person(), world.person("moderator")
    room = world.room(alice, bob, carol, kind="public")
    message = say(bob, room)

    assert slug(carol.delete(at(message))) == "not-allowed-in-room"
    assert bob.delete(at(message), headers={"if-match": '"v4"'}).status_code == 412
    assert alice.delete(at(message)).status_code == 204
    other = say(bob, room)
    assert moderator.get(at(other, "/revisions")).status_code == 200


def test_an_edit_and_a_deletion_at_once_end_deleted(world, alice, say):
    for _ in range(3):
        message = say(alice, world.room(alice))
        one, other, by = world.another_process(), world.another_process(), principal(alice.id)
        room_id, message_id = message["room_id"], message["id"]

        results = together(
            lambda: changes.edit(one, room_id, message_id, "x", 1, by=by),  # noqa: B023
            lambda: changes.delete(other, room_id, message_id, None, by=by),  # noqa: B023
        )

        assert results[1].name == "ok" and results[0].name in ("ok", "message-deleted", "version-mismatch")
        assert alice.get(at(message)).json()["text"] == ""


def test_a_reaction_counts_once_for_each_and_can_be_taken_back(world, alice, bob, say):
    room = world.room(alice, bob)
    message = say(alice, room)
    path = at(message, f"/reactions/{quote('🎉')}")

    assert [by.request("PUT", path).json()["reactions"] for by in (alice, alice, bob)] == [
        {"🎉": 1},
        {"🎉": 1},
        {"🎉": 2},
    ]
    assert [by.delete(path).json()["reactions"] for by in (alice, alice, bob)] == [{"🎉": 1}, {"🎉": 1}, {}]
    told = [one for one in world.log(f"room:{room['id']}") if one["type"] == "reaction"]
    assert [(one["added"], one["count"]) for one in told] == [(True, 1), (True, 2), (False, 1), (False, 0)]
    assert alice.get(at(message)).json()["version"] == 1


def test_reactions_of_many_at_once_are_as_many_as_their_rows(world, alice, say):
    from functions.live.chat.actions import members

    room = world.room(alice)
    people = [principal() for _ in range(6)]
    members.invite(world.ports, room["id"], [one.id for one in people], by=principal(alice.id))
    message = say(alice, room)

    def toggle(number: int) -> None:
        ports, by = world.another_process(), people[number]
        for turn in range(3):
            changes.react(ports, room["id"], message["id"], "tada", add=turn % 2 == 0, by=by)

    results = together(*(lambda n=n: toggle(n) for n in range(6)))

    assert outcomes(results) == {"ok": 6}
    rows = world.keys(f"ROOM#{room['id']}/R#")
    assert alice.get(at(message)).json()["reactions"]["tada"] == len(rows) == 6


@pytest.mark.parametrize("emoji", ["hello world", "<b>", "abc🎉", "\u202e", "A"], ids=ascii)
def test_what_is_no_emoji_is_refused(world, alice, say, emoji):
    message = say(alice, world.room(alice))

    assert alice.request("PUT", at(message, f"/reactions/{quote(emoji, safe='')}")).status_code == 422


@pytest.mark.parametrize("emoji", ["🎉", "❤️", "👩‍👩‍👧", "🇨🇭", "1️⃣", "👍🏽", "+1", "party_parrot"], ids=ascii)
def test_an_emoji_of_any_kind_is_taken(world, alice, say, emoji):
    message = say(alice, world.room(alice))

    assert alice.request("PUT", at(message, f"/reactions/{quote(emoji, safe='')}")).status_code == 200


def test_a_message_carries_twenty_different_emoji(world, alice, say):
    message = say(alice, world.room(alice))
    answers = [alice.request("PUT", at(message, f"/reactions/e{number}")) for number in range(21)]

    assert [answer.status_code for answer in answers] == [200] * 20 + [409]
    assert slug(answers[-1]) == "too-many-emoji"
    assert alice.request("PUT", at(message, "/reactions/e3")).status_code == 200


def test_moderators_pin_messages_which_the_room_names(world, alice, bob, say):
    room = world.room(alice, bob)
    message = say(bob, room)

    assert slug(bob.request("PUT", at(message, "/pin"))) == "not-allowed-in-room"
    assert [alice.request("PUT", at(message, "/pin")).status_code for _ in range(2)] == [204, 204]
    assert bob.get(f"/chat/rooms/{room['id']}").json()["pins"] == [message["id"]]
    assert bob.get(at(message)).json()["pinned"] is True
    assert [alice.delete(at(message, "/pin")).status_code for _ in range(2)] == [204, 204]
    assert bob.get(f"/chat/rooms/{room['id']}").json()["pins"] == []


def test_who_was_made_a_member_meanwhile_moderates_nothing(world, alice, bob, say):
    from functions.live.chat.actions import members
    from functions.live.chat.rules.rooms import Role
    from tests.kit.faults import meanwhile

    room, elsewhere = world.room(alice, bob), world.another_process()
    message, by = say(alice, room), principal(bob.id)

    def demote() -> None:
        members.give_role(elsewhere, room["id"], bob.id, Role.MEMBER, by=principal(alice.id))

    for act in (
        lambda: changes.pin(world.ports, room["id"], message["id"], add=True, by=by),
        lambda: changes.delete(world.ports, room["id"], message["id"], None, by=by),
    ):
        alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "admin"})
        with meanwhile("TransactWriteItems", demote), pytest.raises(Exception) as refused:
            act()
        assert refused.value.slug == "not-allowed-in-room"
    assert alice.get(at(message)).json()["text"] == message["text"]
    assert alice.get(f"/chat/rooms/{room['id']}").json()["pins"] == []


def test_a_deleted_message_is_not_pinned_any_more(world, alice, say):
    room = world.room(alice)
    message = say(alice, room)
    alice.request("PUT", at(message, "/pin"))
    alice.delete(at(message))

    assert alice.get(f"/chat/rooms/{room['id']}").json()["pins"] == []


def test_a_room_takes_fifty_pins(world, alice, say, monkeypatch):
    monkeypatch.setattr(changes, "MAX_PINS", 1)
    room = world.room(alice)
    first, second = say(alice, room), say(alice, room)

    assert alice.request("PUT", at(first, "/pin")).status_code == 204
    assert slug(alice.request("PUT", at(second, "/pin"))) == "too-many-pins"


def test_thread_unread(world, alice, bob, say):
    room = world.room(alice, bob)
    root = say(alice, room, "Root")
    replies = [say(bob, room, f"Reply {number}", thread_root=root["id"]) for number in range(3)]

    assert [(one["n"], one["thread_n"]) for one in replies] == [(1, 1), (1, 2), (1, 3)]
    assert alice.get(at(root)).json()["replies"] == 3
    page = alice.get(at(root, "/thread?limit=2")).json()
    assert ([one["thread_n"] for one in page["items"]], page["after_n"], page["unread"]) == ([1, 2], 2, 3)
    rest = alice.get(at(root, "/thread?limit=2&after_n=2")).json()
    assert ([one["thread_n"] for one in rest["items"]], rest["after_n"]) == ([3], None)
    assert alice.get("/chat/unread").json()["total"] == 0
    assert bob.get(at(root, "/thread")).json()["unread"] == 0
    assert slug(post(alice, room, thread_root=replies[0]["id"])) == "invalid-request"


def test_how_far_a_thread_was_read_only_moves_on(world, alice, bob, say):
    room = world.room(alice, bob)
    root = say(alice, room)
    for _ in range(3):
        say(bob, room, thread_root=root["id"])
    path = f"/chat/rooms/{room['id']}/read"

    def read(n: int, **more: Any) -> Any:
        return alice.request("PUT", path, json={"n": n, "thread_root": root["id"], **more})

    assert [read(n).json()["unread"] for n in (2, 1)] == [1, 1]
    assert read(0, mark_unread=True).json()["unread"] == 3
    assert read(4).status_code == 422
    assert alice.get(at(root, "/thread")).json()["unread"] == 3


def test_replies_of_many_at_once_are_numbered_densely(world, alice, say):
    from functions.live.chat.actions import send
    from functions.live.chat.rules.messages import Draft

    room = world.room(alice)
    root = say(alice, room)

    def reply() -> list[int]:
        ports = world.another_process()
        draft = lambda: Draft("x", ids.new(), thread_root=root["id"])  # noqa: E731
        return [send.send(ports, room["id"], draft(), by=principal(alice.id))[0].place.tn for _ in range(3)]

    results = together(reply, times=4)

    assert outcomes(results) == {"ok": 4}
    assert sorted(tn for result in results for tn in result.value) == list(range(1, 13))


def test_a_reply_said_to_the_room_too_is_changed_and_deleted_in_both_places(world, alice, bob, say):
    room = world.room(alice, bob)
    root = say(alice, room)
    reply = say(bob, room, f"Both <@{alice.id}>", thread_root=root["id"], also_to_room=True)

    copy = alice.get(f"/chat/rooms/{room['id']}/messages").json()["items"][-1]
    assert (copy["n"], copy["text"], copy["thread_root"]) == (2, reply["text"], root["id"])
    assert alice.get("/chat/unread").json() | {"rooms": []} == {"total": 1, "total_all": 1, "mentions": 1, "rooms": []}
    assert edit(bob, copy, "Changed").status_code == 200
    assert alice.get(at(reply)).json()["text"] == "Changed"
    assert bob.delete(at(reply)).status_code == 204
    assert alice.get(at(copy)).json()["deleted_at"] is not None
    assert alice.get("/chat/unread").json()["total_all"] == 0
    assert slug(post(alice, room, thread_root=copy["id"])) == "invalid-request"
