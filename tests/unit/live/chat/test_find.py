"""Looking: pages at any depth for the same, the order of rooms, search in a room."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.live.chat.app import handler
from functions.live.chat.rules.messages import Place, place_of
from functions.live.chat.store.rows import RoomRow, row_of_message
from functions.live.chat.store.writing import differences
from tessera import clock, ids
from tessera.problems import Busy
from tests.kit.apps import invocation
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import meanwhile
from tests.unit.live.chat.conftest import post


def pages(by: Any, room: Any, query: str) -> list[int]:
    return [one["n"] for one in by.get(f"/chat/rooms/{room['id']}/messages?{query}").json()["items"]]


@pytest.fixture
def ten(world, alice, bob, say):
    room = world.room(alice, bob)
    for number in range(10):
        say(alice, room, f"Number {number}")
    return room


def test_a_page_is_the_newest_or_beside_a_message(alice, ten):
    assert pages(alice, ten, "limit=3") == [8, 9, 10]
    assert pages(alice, ten, "limit=3&before_n=8") == [5, 6, 7]
    assert pages(alice, ten, "limit=3&after_n=8") == [9, 10]
    assert pages(alice, ten, "limit=3&after_n=2") == [3, 4, 5]
    assert pages(alice, ten, "limit=4&around_n=5") == [4, 5, 6, 7]
    assert pages(alice, ten, "limit=1&around_n=5") == [5]
    assert pages(alice, ten, "limit=3&before_n=1") == []
    assert pages(alice, ten, "limit=3&after_n=10") == []


def test_a_page_names_where_one_goes_on(alice, ten):
    def ends(query: str) -> tuple[Any, Any]:
        found = alice.get(f"/chat/rooms/{ten['id']}/messages?{query}").json()
        assert found["msg_n"] == 10
        return found["before_n"], found["after_n"]

    assert ends("limit=3") == (8, None)
    assert ends("limit=3&before_n=4") == (None, 3)
    assert ends("limit=4&around_n=5") == (4, 7)
    assert ends("limit=100") == (None, None)
    assert ends("after_n=10") == (None, None)


@pytest.mark.parametrize("query", ["before_n=1&after_n=2", "limit=0", "limit=101", "before_n=-1", "x=1", "around_n=a"])
def test_a_page_that_cannot_be_is_refused(alice, ten, query):
    assert alice.get(f"/chat/rooms/{ten['id']}/messages?{query}").status_code == 422


def test_a_page_costs_the_same_at_any_depth(world, alice, ten):
    costs = []
    for depth in (100, 100_000):
        room = world.ports.rooms.room(ten["id"], fresh=True)
        world.table.update(
            RoomRow,
            f"ROOM#{ten['id']}",
            "META",
            *differences({"msg_n": room.msg_n}, {"msg_n": depth}),
            bump=False,
        )
        message = world.ports.messages.at(ten["id"], Place(1))
        for n in range(depth - 60, depth + 1):
            copy = replace(message, place=Place(n), text="x" * 500)
            world.table.put(row_of_message(copy))
        with CapacityMeter() as meter:
            assert len(pages(alice, ten, "limit=50")) == 50
        costs.append(meter.of(world.table.name))

    assert costs[0] == costs[1]
    assert costs[0].operations == ["BatchGetItem", "Query"]
    assert costs[0].read_units <= 7 + 2


def test_rooms_are_listed_by_their_latest_activity(world, alice, bob, say):
    first, second = world.room(alice, bob, name="first"), world.room(alice, bob, name="second")
    world.frozen.advance(minutes=5)
    say(alice, first)
    world.follow()

    names = [one["name"] for one in bob.get("/chat/rooms").json()["items"]]
    page = bob.get("/chat/rooms?limit=1").json()
    rest = bob.get(f"/chat/rooms?limit=1&cursor={page['next']}").json()

    assert names == ["first", "second"]
    assert [one["name"] for one in page["items"] + rest["items"]] == names
    assert second["id"] != first["id"]
    assert alice.get(f"/chat/rooms?limit=1&cursor={page['next']}").status_code == 400


def test_a_late_message_about_activity_moves_nothing_back_and_nobody_who_left(world, alice, bob, say):
    room = world.room(alice, bob)
    world.frozen.advance(minutes=5)
    say(alice, room)
    world.follow()

    def place() -> str:
        found: str = world.ports.rooms.member(room["id"], bob.id).gs1_sk
        return found

    before = place()
    world.deliver({"kind": "room.active", "data": {"room_id": room["id"], "minute": 1}})
    assert place() == before
    bob.delete(f"/chat/rooms/{room['id']}/members/me")
    left = place()
    world.ports.rooms.move_up(room["id"], bob.id, 99_999_999)
    assert place() == left


def test_a_room_of_many_does_not_move_for_everybody(world, alice, bob, say, monkeypatch):
    monkeypatch.setattr("functions.live.chat.store.rows.SMALL_ROOM", 1)
    room = world.room(alice, bob)
    world.frozen.advance(minutes=5)
    say(alice, room)

    from tests.kit.queues import drain

    assert drain(world.queue) == []


def search(by: Any, room: Any, q: str, **more: Any) -> list[str]:
    answer = by.get("/chat/search", params={"room_id": room["id"], "q": q, **more})
    assert answer.status_code == 200, answer.text
    return [one["text"] for one in answer.json()["items"]]


def test_messages_of_a_room_are_found_by_their_words(world, alice, bob, say):
    room, other = world.room(alice, bob), world.room(alice)
    say(alice, room, "The Café opens early"), say(bob, room, "An early bird")
    say(alice, other, "early elsewhere")
    world.follow()

    assert search(bob, room, "early") == ["An early bird", "The Café opens early"]
    assert search(bob, room, "cafe ear") == ["The Café opens early"]
    assert search(bob, room, "ear") == ["An early bird", "The Café opens early"]
    assert search(bob, room, "late") == []
    assert bob.get("/chat/search", params={"room_id": other["id"], "q": "early"}).status_code == 404


def test_what_was_changed_or_taken_back_is_not_found_any_more(world, alice, say):
    room = world.room(alice)
    changed, gone = say(alice, room, "apple"), say(alice, room, "apple pie")
    world.follow()
    path = f"/chat/rooms/{room['id']}/messages"
    alice.patch(f"{path}/{changed['id']}", json={"text": "banana"}, headers={"if-match": "*"})
    alice.delete(f"{path}/{gone['id']}")

    assert search(alice, room, "apple") == []
    world.follow()
    assert search(alice, room, "banana") == ["banana"]
    assert world.keys(f"K#{room['id']}") == [f"K#{room['id']}#ba/banana#000000000001.00000000"]


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_of_two_deliveries_of_one_message_at_once_one_tries_again(world, alice, say, known):
    room = world.room(alice)
    message = say(alice, room, "apple")
    place, stored = place_of(message["id"]), world.ports.messages.get(room["id"], message["id"])
    one, other = world.ports.search, world.another_process().search
    if known:
        one.follow(room["id"], place, stored)

    def first() -> None:
        other.follow(room["id"], place, replace(stored, text="cherry"))

    with meanwhile("TransactWriteItems", first), pytest.raises(Busy):
        one.follow(room["id"], place, replace(stored, text="banana"))
    one.follow(room["id"], place, replace(stored, text="banana"))

    assert [key.split("/")[1].partition("#")[0] for key in world.keys(f"K#{room['id']}")] == ["banana"]


def test_pages_of_a_search_hold_every_message_once(world, alice, say):
    room = world.room(alice)
    for number in range(5):
        say(alice, room, f"tomato tomorrow number{number}")
    world.follow()
    seen: list[str] = []
    cursor = None
    while True:
        asked = {"room_id": room["id"], "q": "tom", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = alice.get("/chat/search", params=asked).json()
        seen += [one["text"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert sorted(seen) == sorted(f"tomato tomorrow number{number}" for number in range(5))


def test_a_search_over_all_rooms_is_not_there_yet(alice, ten):
    answer = alice.get("/chat/search?q=number")

    assert (answer.status_code, answer.json()["type"]) == (501, "/problems/search-not-enabled")
    assert alice.get(f"/chat/search?q=%20the&room_id={ten['id']}").status_code == 422


def test_who_came_later_finds_nothing_of_before(world, alice, bob, say):
    room = world.room(alice)
    say(alice, room, "apple")
    world.follow()
    alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": [bob.id]})

    assert search(bob, room, "apple") == []


def test_a_message_that_is_not_there_is_not_found(alice, ten):
    path = f"/chat/rooms/{ten['id']}/messages"

    assert [alice.get(f"{path}/{ids.new()}{more}").status_code for more in ("", "/thread", "/revisions")] == [404] * 3
    assert alice.patch(f"{path}/{ids.new()}", json={"text": "x"}, headers={"if-match": "*"}).status_code == 404
    assert post(alice, ten, thread_root=ids.new()).status_code == 404
    assert clock.now().year == 2030


def asked_by(caller, method, path, body=None):
    answer = handler(invocation(path, body, caller=caller, method=method), None)
    return answer["statusCode"], json.loads(answer["body"])


def test_search_is_given_a_message_as_it_is_now(world):
    alice = world.person()
    room = world.room(alice)
    said = alice.post(f"/chat/rooms/{room['id']}/messages", json={"text": "Rye", "client_msg_id": ids.new()}).json()
    path = f"/chat/internal/search-docs?room_id={room['id']}&id={said['id']}"

    (found,) = asked_by("search", "GET", path)[1]["items"]
    assert (found["body"], found["acl"], found["n"], found["seq"]) == ("Rye", f"room:{room['id']}", 1, 1)

    alice.delete(f"/chat/rooms/{room['id']}/messages/{said['id']}")
    (gone,) = asked_by("search", "GET", path)[1]["items"]
    assert (gone["deleted"], gone["body"], gone["seq"]) == (True, "", 2)
    assert asked_by("search", "GET", path.replace(said["id"], ids.new()))[1]["items"] == []
    assert asked_by("tasks", "GET", path)[0] == 403
    assert alice.get(path).status_code == 404


def test_search_learns_in_which_rooms_somebody_is_and_from_where_they_read(world):
    alice, bob = world.person(), world.person()
    shown, hidden = world.room(alice), world.room(alice)
    for room, shows in ((shown, True), (hidden, False)):
        path = f"/chat/rooms/{room['id']}"
        etag = alice.get(path).headers["etag"]
        assert alice.patch(path, json={"shows_past": shows}, headers={"if-match": etag}).status_code == 200
    for room in (shown, hidden):
        alice.post(f"/chat/rooms/{room['id']}/messages", json={"text": "Rye", "client_msg_id": ids.new()})
        alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": [bob.id]})
    private = world.room(alice)

    def rooms(user, *room_ids):
        body = {"user_id": user.id, "room_ids": list(room_ids)}
        items = asked_by("search", "POST", "/chat/internal/membership", body)[1]["items"]
        return {one["room_id"]: one["first_visible"] for one in items}

    assert rooms(bob, shown["id"], hidden["id"], private["id"], ids.new()) == {shown["id"]: 1, hidden["id"]: 2}
    assert rooms(bob) == {shown["id"]: 1, hidden["id"]: 2}
    assert len(rooms(alice)) == 3
    assert rooms(world.person(), shown["id"]) == rooms(world.person()) == {}
    assert asked_by("tasks", "POST", "/chat/internal/membership", {"user_id": bob.id, "room_ids": []})[0] == 403
