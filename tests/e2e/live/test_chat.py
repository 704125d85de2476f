"""`chat` through the front door: many writers, lists, search that follows, and what is closed."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from localstack.seed.pictures import png
from tessera import ids
from tests.kit import uploads
from tests.kit.people import eventually

TRIES = 20


def room_of(owner: Any, *members: Any, kind: str = "private") -> dict[str, Any]:
    body = {"name": f"Room {ids.new()}", "kind": kind, "member_ids": [one.id for one in members]}
    made = owner.post("/chat/rooms", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def say(by: Any, room: dict[str, Any], text: str = "Hello", **fields: Any) -> Any:
    body = {"text": text, "client_msg_id": ids.new(), **fields}
    return by.post(f"/chat/rooms/{room['id']}/messages", json=body)


def test_a_conversation_is_read_by_both_and_counts_what_is_unread(people, user):
    other = people.new()
    room = user.post("/chat/dms", json={"user_ids": [other.id]}).json()

    assert say(user, room, f"Hello <@{other.id}>").status_code == 201
    assert say(user, room, "Are you there?").json()["n"] == 2

    listed = other.get("/chat/rooms").json()["items"][0]
    assert (listed["id"], listed["unread"], listed["mentions"]) == (room["id"], 2, 1)
    assert [one["n"] for one in other.get(f"/chat/rooms/{room['id']}/messages").json()["items"]] == [1, 2]
    read = other.request("PUT", f"/chat/rooms/{room['id']}/read", json={"n": 2})
    assert read.json() == {"read_n": 2, "unread": 0, "mentions": 0}


def test_fifty_writing_at_once_lose_nothing_and_everybody_reads_one_order(people, user):
    other = people.new()
    room = room_of(user, other)

    def write(number: int) -> None:
        """As a client does: what was not answered, or not taken, is sent again under the same id."""
        by, client_id = (user, other)[number % 2], ids.new()
        for _ in range(TRIES):
            try:
                answer = say(by, room, f"Number {number}", client_msg_id=client_id)
            except httpx.TransportError:
                continue
            if answer.status_code != 503:
                assert answer.status_code in (200, 201), answer.text
                return
        raise AssertionError(f"Number {number} was never taken.")

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(write, range(50)))

    pages = [one.get(f"/chat/rooms/{room['id']}/messages?limit=100").json()["items"] for one in (user, other)]
    assert pages[0] == pages[1]
    assert [one["n"] for one in pages[0]] == list(range(1, 51))
    assert [one["seq"] for one in pages[0]] == sorted(one["seq"] for one in pages[0])
    assert sorted(one["text"] for one in pages[0]) == sorted(f"Number {number}" for number in range(50))


def test_words_of_a_room_are_found_a_moment_later_and_not_after_they_are_taken_back(user):
    room, word = room_of(user), f"w{ids.new().lower()}"
    message = say(user, room, f"Look for {word}").json()

    def found() -> list[str]:
        asked = {"room_id": room["id"], "q": word}
        return [one["id"] for one in user.get("/chat/search", params=asked).json()["items"]]

    eventually(lambda: found() == [message["id"]] or None, what="the word")
    assert user.delete(f"/chat/rooms/{room['id']}/messages/{message['id']}").status_code == 204
    assert found() == []


def test_a_thread_a_reaction_and_an_edit_are_seen_by_the_other(people, user):
    other = people.new()
    room = room_of(user, other)
    root = say(user, room, "Root").json()
    path = f"/chat/rooms/{room['id']}/messages/{root['id']}"

    assert say(other, room, "Reply", thread_root=root["id"]).json()["thread_n"] == 1
    assert other.request("PUT", f"{path}/reactions/%F0%9F%8E%89").status_code == 200
    changed = user.patch(path, json={"text": "Changed"}, headers={"if-match": "*"})

    assert changed.status_code == 200
    seen = other.get(path).json()
    assert (seen["text"], seen["replies"], seen["reactions"]) == ("Changed", 1, {"🎉": 1})


def test_a_private_room_is_nothing_to_another(people, user):
    room, other = room_of(user), people.new()

    assert other.get(f"/chat/rooms/{room['id']}").status_code == 404
    assert say(other, room).status_code == 404


def test_what_is_internal_is_not_for_the_outside(user):
    assert user.post("/chat/internal/erase", json={"owner_id": user.id}).status_code == 404
    assert user.post("/chat/internal/rpc", json={"method": "chat.typing"}).status_code == 404


def test_what_is_linked_to_gets_its_card_and_loses_it_with_the_message(user, base_url):
    page = f"{base_url}/stand-ins/website/pages/bread"
    if httpx.get(page).status_code != 200:
        pytest.skip("This stack has no stand-in of a site: only a local one has.")
    room = room_of(user)
    message = say(user, room, f"Bake this: {page}?mark={ids.new()}.").json()
    path = f"/chat/rooms/{room['id']}/messages/{message['id']}"

    (card,) = eventually(lambda: user.get(path).json()["cards"] or None)

    assert (card["title"], card["site_name"]) == ("How a loaf is made", "The Bakery")
    assert user.request("DELETE", path, headers={"if-match": "*"}).is_success
    assert user.get(path).json()["cards"] == []


def test_a_room_is_fetched_as_a_file_by_its_owner_alone(people, user):
    other = people.new()
    room = room_of(user, other)
    first = say(user, room, "First ☕").json()
    say(other, room, "Below it", thread_root=first["id"])
    path = f"/chat/rooms/{room['id']}"
    assert other.post(f"{path}/export").status_code == 403

    asked = user.post(f"{path}/export")

    assert asked.status_code == 202, asked.text
    at = asked.headers["location"]
    eventually(lambda: user.get(at).json()["state"] == "done" or None, what="the export")
    link = f"{path}/exports/{asked.json()['id']}"
    told = user.get(link).json()
    lines = [json.loads(line) for line in httpx.get(told["url"]).raise_for_status().content.splitlines()]
    assert [one["kind"] for one in lines] == ["room", "member", "member", "message", "message", "end"]
    names = {one["user_id"]: one["name"] for one in lines if one["kind"] == "member"}
    assert names == {one.id: one.get("/accounts/me").json()["name"] for one in (user, other)}
    assert [(one["n"], one["thread_n"], one["text"]) for one in lines[3:5]] == [(1, 0, "First ☕"), (1, 1, "Below it")]
    assert other.get(link).status_code == 403 and people.new().get(link).status_code == 404
    assert httpx.get(told["url"].replace("X-Amz-Signature=", "X-Amz-Signature=0")).status_code == 403


def test_a_picture_that_is_attached_shows_its_thumbnail_to_the_room(people, user):
    other, body = people.new(), png(400, 300)
    asked = user.post("/files", json={"name": "a.png", "type": "image/png", "size": len(body)}).json()
    file_id = uploads.send(asked, body)
    eventually(lambda: user.get(f"/files/{file_id}").json()["state"] == "clean" or None, within=60, what="the scan")
    message = say(user, room := room_of(user, other), "", attachments=[file_id]).json()
    path = f"/chat/rooms/{room['id']}/messages/{message['id']}"

    thumb = eventually(lambda: other.get(path).json()["attachments"][0]["thumb"], within=60, what="the thumbnail")

    assert (thumb["w"], thumb["h"]) == (160, 120)
    told = other.get(f"{path}/attachments/{file_id}/thumb").json()
    picture = httpx.get(told["url"])
    assert picture.status_code == 200 and picture.headers["content-type"].startswith("image/")
    assert people.new().get(f"{path}/attachments/{file_id}/thumb").status_code == 404
