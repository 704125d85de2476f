"""Coming and going: seats, colours, who comes again, and ends that happen once."""

import pytest

from functions.live.presence.actions import join, leave
from functions.live.presence.events import SessionJoined, SessionLeft
from functions.live.presence.rules import MAX_DEVICES, Person
from functions.live.presence.store.rooms import Changed
from functions.live.presence.store.sessions import is_silent
from tessera import clock, ids
from tessera.transact import transact
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import Crash, contention, crash_at, failing, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.unit.live.presence.conftest import DOC, slug

ROOM = f"/presence/rooms/{DOC}"


def items(world, begins):
    return [one for one in everything_in(world.table) if one["sk"]["S"].startswith(begins)]


def room_row(world):
    (row,) = items(world, "META")
    return int(row["count"]["N"]), {int(place) for place in row.get("colors", {}).get("NS", [])}


def test_who_joins_is_inside_may_listen_and_knows_from_where(world, alice, bob):
    world.room(alice)
    world.join(bob)

    answer = alice.post(f"{ROOM}/sessions", json={"meta": {"name": "Alice", "color": "#aabbcc"}})

    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{ROOM}/sessions/{made['session_id']}"
    assert (made["heartbeat_s"], made["ttl_s"], made["offset"], made["v"]) == (15, 45, 2, 0)
    assert made["expires_at"] == "2030-03-14T09:27:38.000Z"
    assert {one["user_id"] for one in made["members"]} == {alice.id, bob.id}
    assert world.granted(alice.id) == "shr"
    told = world.log()[1]
    assert (told["type"], told["session"]["session_id"]) == ("joined", made["session_id"])
    assert told["session"]["meta"] == {"name": "Alice", "color": "#aabbcc"}
    event = {"doc": DOC, "session_id": made["session_id"], "user_id": alice.id}
    assert event in world.events("presence.session.joined.v1")


def test_join_cap_race_50(world, alice):
    world.room(alice, max_members=3)
    people = [ids.new() for _ in range(50)]

    results = together(*(lambda one=one: world.enter(one) for one in people))

    assert outcomes(results) == {"ok": 3, "presence-room-full": 47}
    assert len(world.here(alice)) == 3
    assert [one["type"] for one in world.log()] == ["joined"] * 3
    count, colors = room_row(world)
    assert (count, len(colors)) == (3, 3)
    assert len({one.value.session.color for one in results if one.error is None}) == 3


def test_of_many_who_want_the_last_seat_one_gets_it(world, alice):
    world.room(alice, max_members=1)

    results = together(*(lambda: world.enter() for _ in range(10)))

    assert outcomes(results) == {"ok": 1, "presence-room-full": 9}


def test_a_seat_that_was_taken_while_somebody_decided_is_not_given_twice(world, alice):
    world.room(alice, max_members=1)

    with meanwhile("TransactWriteItems", lambda: world.enter()), pytest.raises(Exception, match="It holds 1"):
        world.enter()

    assert len(world.here(alice)) == 1


def test_two_who_would_have_the_same_colour_get_different_ones(world, alice):
    world.room(alice)
    user_id = ids.new()

    with meanwhile("TransactWriteItems", lambda: world.enter(user_id)):
        second = world.enter(user_id)

    assert second.session.place in room_row(world)[1]
    assert len(room_row(world)[1]) == 2


def test_colours_are_free_again_and_stay_with_their_user(world, alice):
    world.room(alice)
    first = world.join(alice)
    alice.delete(f"{ROOM}/sessions/{first['session_id']}")

    assert room_row(world) == (0, set())
    assert world.join(alice)["color"] == first["color"]


def test_contention_makes_nobody_fail(world, alice):
    world.room(alice)

    with contention(0.4, seed=5) as met:
        for _ in range(8):
            world.enter()

    assert met[0] > 0
    assert len(world.here(alice)) == 8


def test_when_nothing_can_be_written_for_long_it_is_said_so(world, alice, monkeypatch):
    world.room(alice)
    monkeypatch.setattr("functions.live.presence.actions.patience.BUDGET_SECONDS", 0.0)

    with contention(1.0, seed=1):
        answer = alice.post(f"{ROOM}/sessions", json={})

    assert (answer.status_code, slug(answer)) == (503, "log-contended")


def test_who_joins_again_under_the_same_name_is_the_same(world, alice):
    world.room(alice)
    first = world.join(alice, client="tab-1")
    world.frozen.advance(seconds=20)
    answer = alice.post(f"{ROOM}/sessions", json={"client": "tab-1"})

    assert answer.status_code == 200
    assert (answer.json()["session_id"], answer.json()["color"]) == (first["session_id"], first["color"])
    assert answer.json()["expires_at"] > first["expires_at"]
    assert [one["type"] for one in world.log()] == ["joined"]
    assert room_row(world)[0] == 1


def test_another_user_or_document_under_the_same_name_is_another(world, alice, bob):
    world.room(alice)
    world.room(alice, "other")
    found = {world.join(alice, client="t")["session_id"], world.join(bob, client="t")["session_id"]}
    found.add(world.join(alice, "other", client="t")["session_id"])

    assert len(found) == 3


def test_who_comes_again_looking_otherwise_is_told_to_all(world, alice):
    world.room(alice)
    world.join(alice, client="t", meta={"name": "Ann"})
    world.join(alice, client="t", meta={"name": "Anna"})

    assert [(one["type"], one["session"]["meta"]) for one in world.log()] == [
        ("joined", {"name": "Ann"}),
        ("meta", {"name": "Anna"}),
    ]


def test_who_comes_back_before_anybody_noticed_is_told_to_be_there(world, alice):
    world.room(alice)
    first = world.join(alice, client="t")
    world.frozen.advance(seconds=46)
    assert world.here(alice) == []
    again = world.join(alice, client="t")

    assert again["session_id"] == first["session_id"]
    assert [one["type"] for one in world.log()] == ["joined", "meta"]
    world.deliver({"kind": "session.look", "data": {"doc": DOC, "session_id": first["session_id"]}})
    assert world.here(alice) == [first["session_id"]]


def test_of_many_joins_of_one_client_one_is_new(world, alice):
    world.room(alice)

    results = together(*(lambda: world.enter(alice.id, client="t") for _ in range(8)))

    assert outcomes(results) == {"ok": 8}
    assert [one.value.is_new for one in results].count(True) == 1
    assert room_row(world)[0] == 1


def test_who_left_while_they_joined_again_is_new(world, alice):
    world.room(alice)
    session = world.join(alice, client="t")["session_id"]

    with meanwhile("TransactWriteItems", lambda: alice.delete(f"{ROOM}/sessions/{session}")):
        again = world.enter(alice.id, client="t")

    assert again.is_new
    assert [one["type"] for one in world.log()] == ["joined", "left", "joined"]


def test_who_left_and_came_again_meanwhile_is_who_they_are_now(world, alice):
    world.room(alice)
    session = world.join(alice, client="t")["session_id"]

    def leaves_and_comes():
        alice.delete(f"{ROOM}/sessions/{session}")
        world.frozen.advance(seconds=1)
        world.enter(alice.id, client="t")

    with meanwhile("TransactWriteItems", leaves_and_comes):
        again = world.enter(alice.id, client="t")

    assert again.session.joined_ms == world.ports.sessions.find(DOC, session).joined_ms


def test_a_session_begins_once(world, alice):
    world.room(alice)
    session = world.enter(alice.id, client="t").session
    event = SessionJoined(doc=DOC, session_id=session.id, user_id=alice.id)

    with pytest.raises(Changed):
        transact(*world.ports.sessions.beginning(session, event))


@pytest.mark.parametrize("seats", [1, 3])
def test_a_session_ends_among_as_many_as_were_counted(world, alice, seats):
    world.room(alice)
    session = world.enter(alice.id).session
    world.enter(alice.id)
    event = SessionLeft(doc=DOC, session_id=session.id, user_id=alice.id, reason="left")

    with pytest.raises(Changed):
        transact(*world.ports.sessions.ending(session, seats, None, event))

    assert (len(world.here(alice)), world.ports.sessions.seats(DOC, alice.id)) == (2, 2)


def test_what_is_ended_is_not_ended_again(world, alice):
    world.room(alice)
    world.join(alice)
    (found,) = world.ports.sessions.of_room(DOC)

    assert [leave.end(world.ports, found, "removed") for _ in range(2)] == [True, False]


def test_a_user_fills_no_room_alone(world, alice):
    world.room(alice)
    for _ in range(MAX_DEVICES):
        world.enter(alice.id)

    assert slug(alice.post(f"{ROOM}/sessions", json={})) == "presence-too-many-devices"
    assert room_row(world)[0] == MAX_DEVICES


def test_a_full_room_lets_go_of_the_silent_first(world, alice, bob):
    world.room(alice, max_members=1)
    silent = world.join(alice)["session_id"]
    assert slug(bob.post(f"{ROOM}/sessions", json={})) == "presence-room-full"
    world.frozen.advance(seconds=45)
    mine = world.join(bob)["session_id"]

    assert world.here(alice) == [mine]
    assert [(one.get("session_id"), one.get("reason")) for one in world.log()[1:2]] == [(silent, "silent")]


def test_leaving_is_done_once_and_asked_again_done_already(world, alice, bob):
    world.room(alice)
    session = world.join(bob)["session_id"]
    path = f"{ROOM}/sessions/{session}"

    assert slug(alice.delete(path)) == "presence-not-your-session"
    assert [bob.delete(path).status_code for _ in range(2)] == [204, 204]
    assert [one["type"] for one in world.log()] == ["joined", "left"]
    assert world.events("presence.session.left.v1") == [
        {"doc": DOC, "session_id": session, "user_id": bob.id, "reason": "left"}
    ]
    assert (room_row(world), items(world, "S#"), items(world, "U#")) == ((0, set()), [], [])


def test_leave_once_5_triggers(world, alice):
    world.room(alice, max_members=5)
    session = world.call(alice, "join", connection="c1", doc=DOC)["session_id"]
    world.frozen.advance(seconds=46)
    found = world.ports.sessions.find(DOC, session)
    person = Person(alice.id, alice.id)
    ways = [
        lambda ports: leave.leave(ports, DOC, session, by=person),
        lambda ports: leave.end_if_gone(ports, DOC, session, "c1"),
        lambda ports: leave.end_if_silent(ports, DOC, session),
        lambda ports: leave.end(ports, found, "removed"),
        lambda ports: leave.end(ports, found, "silent", is_silent(clock.millis())),
    ]

    results = together(*(lambda way=way: way(world.another_process()) for way in ways))

    assert outcomes(results) == {"ok": 5}
    assert [one["type"] for one in world.log()] == ["joined", "left"]
    assert room_row(world) == (0, set())
    assert len(world.events("presence.session.left.v1")) == 1
    assert alice.get(f"/presence/users?ids={alice.id}").json()["items"][0]["devices"] == 0


def test_the_right_to_listen_goes_with_the_last_device(world, alice):
    world.room(alice)
    desk, phone = (world.join(alice, client=one)["session_id"] for one in ("desk", "phone"))
    alice.delete(f"{ROOM}/sessions/{desk}")
    assert world.granted(alice.id) == "shr"
    alice.delete(f"{ROOM}/sessions/{phone}")

    assert world.granted(alice.id) == ""


def test_two_devices_that_leave_at_once_take_the_right_along(world, alice):
    world.room(alice)
    sessions = [world.join(alice, client=one)["session_id"] for one in ("desk", "phone")]
    person = Person(alice.id, alice.id)

    results = together(*(lambda one=one: leave.leave(world.another_process(), DOC, one, by=person) for one in sessions))

    assert outcomes(results) == {"ok": 2}
    assert (world.granted(alice.id), items(world, "U#")) == ("", [])


@pytest.mark.parametrize("joins", ["desk", "phone"])
def test_who_comes_in_while_the_last_device_leaves_keeps_the_right(world, alice, joins):
    world.room(alice)
    desk = world.join(alice, client="desk")["session_id"]
    if joins == "phone":
        left_over = world.join(alice, client="tablet")["session_id"]

    with meanwhile("TransactWriteItems", lambda: world.enter(alice.id, client="new")):
        alice.delete(f"{ROOM}/sessions/{desk}")

    if joins == "phone":
        alice.delete(f"{ROOM}/sessions/{left_over}")
    assert world.granted(alice.id) == "shr"
    assert len(world.here(alice)) == 1


def test_somebody_who_dies_after_the_change_has_left(world, alice):
    world.room(alice)
    world.listen()
    session = world.join(alice)["session_id"]
    with crash_at("live.appended"), pytest.raises(Crash):
        leave.leave(world.another_process(), DOC, session, by=Person(alice.id, alice.id))

    assert alice.delete(f"{ROOM}/sessions/{session}").status_code == 204
    assert [one["type"] for one in world.log()] == ["joined", "left"]


def test_a_crash_of_the_store_leaves_nobody_half_inside(world, alice):
    world.room(alice)

    with failing("dynamodb", "TransactWriteItems", code="InternalServerError"), pytest.raises(Exception, match="order"):
        join.join(world.another_process(), DOC, join.Asked({}), by=Person(alice.id, alice.id))

    assert (room_row(world), world.granted(alice.id), world.log()) == ((0, set()), "", [])


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"meta": {"name": ""}}, 422, "/meta/name"),
        ({"meta": {"color": "red"}}, 422, "/meta/color"),
        ({"meta": {"avatar": "javascript:alert(1)"}}, 422, "/meta/avatar"),
        ({"meta": {"admin": True}}, 422, "/meta/admin"),
        ({"client": "a b"}, 422, "/client"),
        ({"user_id": "somebody"}, 422, "/user_id"),
    ],
)
def test_what_is_wrong_with_a_join_is_pointed_at(world, alice, body, status, where):
    world.room(alice)
    answer = alice.post(f"{ROOM}/sessions", json=body)

    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (status, [where])


def test_more_is_said_of_nobody_than_a_kilobyte(world, alice):
    world.room(alice)
    big = {"name": "é" * 80, "avatar": "https://example.com/" + "a" * 480}
    assert alice.post(f"{ROOM}/sessions", json={"meta": big}).status_code == 201

    huge = {"name": "\U0001f600" * 80, "avatar": big["avatar"]}
    assert alice.post(f"{ROOM}/sessions", json={"meta": huge}).status_code == 201
    with pytest.raises(Exception, match="1024 bytes"):
        join.join(world.ports, DOC, join.Asked({"name": "a" * 1_024}), by=Person(alice.id, alice.id))


def test_coming_and_going_cost_the_same_however_many_are_inside(world, alice):
    world.room(alice)
    joining, leaving, table = set(), set(), world.table.name
    world.enter()
    for _ in range(3):
        with CapacityMeter() as meter:
            joined = world.enter(alice.id, client="t")
        joining.add((*meter.of(table).operations, meter.of(table).write_units))
        with CapacityMeter() as meter:
            leave.leave(world.another_process(), DOC, joined.session.id, by=joined.session.person)
        leaving.add((*meter.of(table).operations, meter.of(table).write_units))
        world.enter()

    assert joining == {("GetItem", "GetItem", "TransactWriteItems", "GetItem", "Query", 16)}
    assert leaving == {("GetItem", "GetItem", "GetItem", "TransactWriteItems", 18)}


def test_a_document_that_is_nothing_is_joined_by_nobody(alice):
    assert alice.post("/presence/rooms/nothing/sessions", json={}).status_code == 404
