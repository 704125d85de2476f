"""Colours, who is admitted, and which frames go out, without anything else."""

import pytest

from functions.live.presence.frames import EVERY_MS, HELD_MS, SESSIONS_IN_A_FRAME, Frames
from functions.live.presence.rules import MAX_MEMBERS, Person, Room, Visibility, Wanted, color_of, place_for

NOW = 1_900_000_000_000


def room(visibility=Visibility.PRIVATE, *named):
    return Room("plan", "owner", Wanted(5, visibility, 45, frozenset(named)), 0, frozenset(), 1)


def test_no_two_colours_of_a_full_room_are_the_same():
    assert len({color_of(place) for place in range(MAX_MEMBERS)}) == MAX_MEMBERS


def test_a_user_has_the_same_place_whenever_it_is_free_and_another_else():
    first = place_for("ann", frozenset())
    taken = frozenset(range(MAX_MEMBERS)) - {first - 1 if first else MAX_MEMBERS - 1}

    assert place_for("ann", frozenset()) == first
    assert place_for("ann", frozenset({first})) == (first + 1) % MAX_MEMBERS
    assert place_for("ann", taken) not in taken


@pytest.mark.parametrize(
    ("found", "person", "admitted"),
    [
        (room(Visibility.PUBLIC), Person("bob", "bob"), True),
        (room(), Person("owner", "owner"), True),
        (room(), Person("bob", "owner"), True),
        (room(), Person("bob", "bob"), False),
        (room(Visibility.PRIVATE, "bob"), Person("bob", "his guild"), True),
    ],
    ids=["public", "owner", "acts for the owner", "a stranger", "named"],
)
def test_who_is_admitted(found, person, admitted):
    assert found.admits(person) is admitted


@pytest.mark.parametrize(("ttl_s", "heartbeat_s"), [(15, 5), (45, 15), (120, 15)])
def test_two_beats_may_be_lost(ttl_s, heartbeat_s):
    wanted = Wanted(5, Visibility.PUBLIC, ttl_s, frozenset())

    assert Room("plan", "owner", wanted, 0, frozenset(), 1).heartbeat_s == heartbeat_s


def test_the_first_move_is_told_at_once_and_the_next_a_tenth_of_a_second_later():
    frames = Frames()

    first = frames.offer("plan", "s", 1, {"cursor": {"x": 0}}, now_ms=NOW)
    second = frames.offer("plan", "s", 2, {"cursor": {"x": 1}}, now_ms=NOW + 40)
    third = frames.offer("plan", "s", 3, {"status": "here"}, now_ms=NOW + EVERY_MS)

    assert first.frames == [[{"session_id": "s", "v": 1, "cursor": {"x": 0}}]]
    assert (second.frames, second.again_ms) == ([], EVERY_MS - 40)
    # What was held goes along, the newest over the older.
    assert third.frames == [[{"session_id": "s", "v": 3, "cursor": {"x": 1}, "status": "here"}]]


def test_a_hundred_moves_of_one_second_are_ten_frames():
    frames = Frames()
    told = [frames.offer("plan", "s", n + 1, {"cursor": n}, now_ms=NOW + n * 10).frames for n in range(100)]

    assert sum(map(len, told)) == 10


def test_what_is_held_goes_with_the_next_move_of_anybody_in_the_document():
    frames = Frames()
    for session in ("a", "b"):
        frames.offer("plan", session, 1, {"cursor": 1}, now_ms=NOW)
        frames.offer("plan", session, 2, {"cursor": 2}, now_ms=NOW + 10)
    frames.offer("other", "x", 1, {"cursor": 1}, now_ms=NOW + 200)

    told = frames.offer("plan", "c", 1, {"cursor": 1}, now_ms=NOW + 200).frames

    assert [[one["session_id"] for one in frame] for frame in told] == [["a", "b", "c"]]


def test_a_frame_holds_twenty_sessions_at_most():
    frames = Frames()
    for number in range(45):
        frames.offer("plan", f"s{number}", 1, {"cursor": 1}, now_ms=NOW)
        frames.offer("plan", f"s{number}", 2, {"cursor": 2}, now_ms=NOW + 1)

    told = frames.offer("plan", "last", 1, {"cursor": 1}, now_ms=NOW + 150).frames

    assert [len(frame) for frame in told] == [SESSIONS_IN_A_FRAME, SESSIONS_IN_A_FRAME, 6]


def test_what_was_held_for_too_long_is_told_no_more():
    frames = Frames()
    frames.offer("plan", "a", 1, {"cursor": 1}, now_ms=NOW)
    frames.offer("plan", "a", 2, {"cursor": 2}, now_ms=NOW + 1)

    told = frames.offer("plan", "b", 1, {"cursor": 1}, now_ms=NOW + 2 + HELD_MS).frames

    assert [[one["session_id"] for one in frame] for frame in told] == [["b"]]


def test_what_is_not_newer_is_dropped_and_who_left_is_forgotten():
    frames = Frames()
    frames.offer("plan", "a", 5, {"cursor": 5}, now_ms=NOW)

    assert frames.offer("plan", "a", 5, {"cursor": 0}, now_ms=NOW + 500).is_stale
    assert frames.offer("plan", "a", 4, {"cursor": 0}, now_ms=NOW + 500).is_stale
    frames.drop("plan", "a")
    frames.drop("nothing", "a")
    assert frames.offer("plan", "a", 1, {"cursor": 1}, now_ms=NOW + 500).frames
