"""Beats and cursors: what is kept, what is only told, and in which order it stands."""

import random

import pytest

from tests.kit.capacity import CapacityMeter
from tests.unit.live.presence.conftest import DOC, slug

ROOM = f"/presence/rooms/{DOC}"


@pytest.fixture
def session(world, alice):
    world.room(alice)
    return world.join(alice, client="tab")["session_id"]


def beat(by, session, v, **body):
    return by.request("PUT", f"{ROOM}/sessions/{session}/beat", json={"v": v, **body})


def move(by, session, **body):
    return by.patch(f"{ROOM}/sessions/{session}", json=body)


def state_of(by, session):
    members = by.get(ROOM).json()["members"]
    return next(one["state"] for member in members for one in member["sessions"] if one["session_id"] == session)


def test_a_beat_keeps_a_session_and_its_state(world, alice, session):
    world.frozen.advance(seconds=40)
    state = {"cursor": {"x": 0.5, "y": 1}, "status": "writing", "data": {"page": 3}}

    answer = beat(alice, session, 1, state=state)
    world.frozen.advance(seconds=40)

    assert answer.json() == {"expires_at": "2030-03-14T09:28:18.000Z"}
    assert state_of(alice, session) == state
    assert beat(alice, session, 2).status_code == 200
    assert state_of(alice, session) == state
    assert beat(alice, session, 3, state=None).status_code == 200
    assert state_of(alice, session) is None


def test_a_beat_is_one_write_unit_and_more_only_in_another_minute(world, alice, session):
    beat(alice, session, 1)
    table = world.table.name

    def cost(v):
        with CapacityMeter() as meter:
            assert beat(alice, session, v).status_code == 200
        return meter.of(table).operations, meter.of(table).write_units, meter.of(world.realtime.name).requests

    world.frozen.advance(seconds=5)
    assert cost(2) == (["UpdateItem"], 1, 0)
    # It ends in another minute now, which moves it in the index.
    world.frozen.advance(seconds=10)
    assert cost(3) == (["UpdateItem"], 1, 0)
    world.frozen.advance(seconds=12)
    assert cost(4) == (["UpdateItem"], 3, 0)


def test_a_session_that_was_silent_too_long_is_to_be_joined_again(world, alice, bob, session):
    world.frozen.advance(seconds=44)
    assert beat(alice, session, 1).status_code == 200
    world.frozen.advance(seconds=45)

    assert slug(beat(alice, session, 2)) == "presence-session-expired"
    assert slug(move(alice, session, status="x")) == "presence-session-expired"
    assert world.here(alice) == []
    assert slug(beat(bob, "0000000000ABCDEFGHJKMNPQRS", 1)) == "presence-session-expired"


def test_nobody_beats_or_moves_for_somebody_else(world, alice, bob, session):
    world.join(bob)

    assert slug(beat(bob, session, 5, state={"status": "gone fishing"})) == "presence-not-your-session"
    assert slug(move(bob, session, status="gone fishing")) == "presence-not-your-session"
    assert state_of(alice, session) is None


def test_awareness_clock_order(world, alice, session):
    """Whatever is overtaken on its way: what stands in the end is what was said last."""
    world.listen()
    said = [(v, {"cursor": {"x": v / 100, "y": 0}}) for v in range(1, 31)]
    random.Random(7).shuffle(said)
    seen, newest = 0, {}
    for v, patch in said:
        world.frozen.advance(milliseconds=100)
        answer = move(alice, session, v=v, **patch)
        assert (answer.status_code, answer.json()["told"]) == (200, v > seen)
        seen = max(seen, v)
    for frame in world.told():
        for one in frame["cursors"]:
            if one["v"] > newest.get("v", 0):
                newest = one

    assert newest == {"session_id": session, "v": 30, "cursor": {"x": 0.3, "y": 0}}
    first = beat(alice, session, 31, state={"status": "new"})
    stale = [beat(alice, session, v, state={"status": "old"}) for v in (31, 30, 1)]
    assert first.status_code == 200
    assert {(slug(answer), answer.json()["v"]) for answer in stale} == {("presence-stale-clock", 31)}
    assert state_of(alice, session) == {"status": "new"}
    assert move(alice, session, v=31, status="old").json()["told"] is False


def test_of_two_beats_at_once_the_newer_stands(world, alice, session):
    from tests.kit.faults import meanwhile

    with meanwhile("UpdateItem", lambda: beat(alice, session, 9, state={"status": "new"}), key=session):
        answer = beat(alice, session, 8, state={"status": "old"})

    assert slug(answer) == "presence-stale-clock"
    assert state_of(alice, session) == {"status": "new"}


def test_cursor_writes_zero_items(world, alice, session):
    world.listen()
    calls = []
    with CapacityMeter() as meter:
        for number in range(1, 21):
            world.frozen.advance(milliseconds=100)
            calls.append(move(alice, session, cursor={"x": number / 20, "y": 0.5}, v=number).json()["told"])

    assert calls == [True] * 20
    for table in (world.table.name, world.realtime.name):
        assert meter.of(table).write_units == 0
        assert not [name for name in meter.of(table).operations if name not in ("GetItem", "Query")]
    # Once a room, once the session, once how many listen, whatever the number of moves in a second or two.
    assert meter.of(world.table.name).requests <= 2
    assert meter.of(world.realtime.name).requests <= 2
    assert [frame["cursors"][0]["v"] for frame in world.told()] == list(range(1, 21))


def test_what_comes_too_soon_is_held_and_goes_with_the_next(world, alice, bob, session):
    world.listen()
    other = world.join(bob)["session_id"]
    world.told()

    first, second = move(alice, session, cursor={"x": 0, "y": 0}, v=1), move(alice, session, status="busy", v=2)
    world.frozen.advance(milliseconds=130)
    move(bob, other, status="here", v=1)

    assert first.json() == {"told": True, "again_ms": 0, "v": 1}
    assert second.json() == {"told": False, "again_ms": 100, "v": 2}
    assert world.told() == [
        {"type": "cursor", "cursors": [{"session_id": session, "v": 1, "cursor": {"x": 0.0, "y": 0.0}}]},
        {
            "type": "cursor",
            "cursors": [
                {"session_id": session, "v": 2, "status": "busy"},
                {"session_id": other, "v": 1, "status": "here"},
            ],
        },
    ]


def test_a_beat_with_a_state_tells_all_of_it(world, alice, session):
    world.listen()
    beat(alice, session, 5, state={"status": "busy"})
    world.frozen.advance(milliseconds=100)
    beat(alice, session, 6)

    assert world.told() == [
        {
            "type": "cursor",
            "cursors": [
                {"session_id": session, "v": 5, "cursor": None, "selection": None, "status": "busy", "data": None}
            ],
        }
    ]


def test_where_nobody_listens_nothing_is_sent(world, alice, session):
    assert move(alice, session, cursor={"x": 0, "y": 0}).json()["told"] is True
    assert world.told() == []


def test_a_move_is_a_merge_patch_and_without_a_clock_the_time_stands_for_it(world, alice, session):
    world.listen()
    move(alice, session, cursor={"anchor": "a1", "head": "b2"}, selection=None)

    (frame,) = world.told()
    assert frame["cursors"] == [
        {"session_id": session, "v": 1899710813000, "cursor": {"anchor": "a1", "head": "b2"}, "selection": None}
    ]
    assert move(alice, session).json()["told"] is False


def test_a_client_goes_on_with_the_clock_that_it_is_given(world, alice, session):
    beat(alice, session, 41)

    assert world.join(alice, client="tab")["v"] == 41


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"cursor": {"x": 1.5, "y": 0}}, "/cursor"),
        ({"cursor": {"x": -0.1, "y": 0}}, "/cursor"),
        ({"cursor": {"x": "0.5", "y": 0}}, "/cursor"),
        ({"cursor": {"x": 0.5}}, "/cursor"),
        ({"cursor": {"x": 0.5, "y": 0.5, "z": 1}}, "/cursor"),
        ({"cursor": {"anchor": "a" * 513, "head": "b"}}, "/cursor"),
        ({"cursor": []}, "/cursor"),
        ({"selection": {"x": 0, "y": 0, "width": 2, "height": 0}}, "/selection"),
        ({"status": ""}, "/status"),
        ({"status": 5}, "/status"),
        ({"v": 0}, "/v"),
        ({"v": 1.0}, "/v"),
        ({"v": 2**53}, "/v"),
        ({"exp": 1}, "/exp"),
    ],
    ids=repr,
)
def test_what_is_wrong_with_a_move_is_pointed_at(world, alice, session, body, pointers):
    answer = move(alice, session, **body)

    assert answer.status_code == 422
    assert all(one["pointer"].startswith(pointers) for one in answer.json()["errors"])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(world, alice, session, number):
    for body in (f'{{"cursor": {{"x": {number}, "y": 0}}}}', f'{{"v": 1, "state": {{"data": {{"n": {number}}}}}}}'):
        path, method = f"{ROOM}/sessions/{session}", "PATCH"
        if "state" in body:
            path, method = f"{path}/beat", "PUT"
        answer = alice.request(method, path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422, answer.text


def test_a_state_of_more_than_two_kilobytes_is_too_large(world, alice, session):
    assert beat(alice, session, 1, state={"data": {"text": "a" * 2_000}}).status_code == 200
    assert beat(alice, session, 2, state={"data": {"text": "a" * 2_048}}).status_code == 413
    huge = {"anchor": "é" * 512, "head": "é" * 512}
    assert slug(move(alice, session, cursor=huge, selection=huge)) == "presence-too-large"
    assert beat(alice, session, 2).status_code == 200


def test_the_clock_of_a_client_decides_nothing_about_time(world, alice, session):
    assert beat(alice, session, 2**53 - 1).json() == {"expires_at": "2030-03-14T09:27:38.000Z"}
