"""Who is online, since when others are not, and what each shows of it."""

import pytest

from tests.kit.capacity import CapacityMeter
from tests.unit.live.presence.conftest import DOC, slug

HOUR = "2030-03-14T09:00:00.000Z"


def seen(by, *users):
    answer = by.get("/presence/users", params={"ids": [one.id for one in users]})
    assert answer.status_code == 200, answer.text
    return [{name: value for name, value in one.items() if name != "user_id"} for one in answer.json()["items"]]


def told(world, user, happened, at=""):
    world.receive(f"realtime.user.{happened}.v1", user_id=user.id, happened_at=at)


def test_who_was_never_seen_is_offline_like_who_is_nobody(world, alice, bob):
    assert seen(alice, bob) == [{"online": False, "last_seen": None, "devices": 0}]


def test_who_has_a_socket_is_online_and_afterwards_was_last_seen_then(world, alice, bob):
    told(world, bob, "online")
    online = seen(alice, bob)
    world.frozen.advance(minutes=5)
    told(world, bob, "offline")
    world.frozen.advance(hours=1)

    assert online == [{"online": True, "last_seen": "2030-03-14T09:26:53.000Z", "devices": 1}]
    assert seen(alice, bob) == [{"online": False, "last_seen": "2030-03-14T09:31:53.000Z", "devices": 0}]


def test_what_the_hub_says_late_changes_nothing(world, alice, bob):
    told(world, bob, "offline", at="2030-03-14T09:00:02.000Z")
    told(world, bob, "online", at="2030-03-14T09:00:01.000Z")

    assert seen(alice, bob) == [{"online": False, "last_seen": "2030-03-14T09:00:02.000Z", "devices": 0}]


def test_every_session_is_a_device_and_the_last_to_go_says_when(world, alice, bob):
    world.room(alice)
    sessions = [world.join(bob, client=one)["session_id"] for one in ("desk", "phone")]
    assert seen(alice, bob)[0]["devices"] == 2
    world.frozen.advance(seconds=30)
    for session in sessions:
        bob.delete(f"/presence/rooms/{DOC}/sessions/{session}")

    assert seen(alice, bob) == [{"online": False, "last_seen": "2030-03-14T09:27:23.000Z", "devices": 0}]


def test_beats_note_when_somebody_was_seen_once_a_minute(world, alice):
    world.room(alice, ttl_s=120)
    session = world.join(alice)["session_id"]
    writes = []
    for v in range(1, 13):
        world.frozen.advance(seconds=15)
        with CapacityMeter() as meter:
            alice.request("PUT", f"/presence/rooms/{DOC}/sessions/{session}/beat", json={"v": v})
        writes.append(meter.of(world.table.name).operations.count("UpdateItem") - 1)

    assert sum(writes) <= 4
    assert seen(alice, alice)[0]["last_seen"] >= "2030-03-14T09:29:00"


def test_of_many_processes_one_notes_it(world, alice):
    for number in range(3):
        world.another_process().people.note(alice.id, 1_900_000_000_000 + number)

    assert world.ports.people.of([alice.id])[alice.id].last_seen == 1_900_000_000_000
    world.another_process().people.note(alice.id, 1_900_000_060_000)
    assert world.ports.people.of([alice.id])[alice.id].last_seen == 1_900_000_060_000


def test_last_seen_privacy(world, alice, bob):
    told(world, bob, "online")
    everything = {"online": True, "last_seen": "2030-03-14T09:26:53.000Z", "devices": 1}
    shown = {}
    for setting in ("everything", "online", "nothing"):
        assert bob.request("PUT", "/presence/users/me", json={"shows": setting}).json() == {"shows": setting}
        assert bob.get("/presence/users/me").json() == {"shows": setting}
        shown[setting] = seen(alice, bob)[0]
        assert seen(bob, bob) == [everything]

    assert shown == {
        "everything": everything,
        "online": {**everything, "last_seen": None},
        "nothing": {"online": None, "last_seen": None, "devices": None},
    }


def test_a_setting_outlives_what_is_noted_of_somebody(world, alice, bob):
    assert alice.get("/presence/users/me").json() == {"shows": "everything"}
    bob.request("PUT", "/presence/users/me", json={"shows": "nothing"})
    world.room(alice)
    world.join(bob)
    told(world, bob, "online")

    assert seen(alice, bob)[0]["online"] is None


def test_a_hundred_are_asked_for_in_one_request_in_the_order_named(world, alice, bob):
    world.room(alice)
    world.join(bob)
    people = [world.person() for _ in range(3)]
    with CapacityMeter() as meter:
        answer = alice.get("/presence/users", params={"ids": [people[0].id, bob.id, people[1].id, bob.id]})

    assert [one["user_id"] for one in answer.json()["items"]] == [people[0].id, bob.id, people[1].id]
    assert meter.of(world.table.name).operations == ["BatchGetItem"]


@pytest.mark.parametrize("query", ["", "?ids=me", "?ids=" + "&ids=".join(["01HZX3J0V7Q8M4N5P6R7S8T9VW"] * 101)])
def test_what_is_no_list_of_users_is_refused(alice, query):
    assert slug(alice.get(f"/presence/users{query}")) == "invalid-request"
    assert slug(alice.request("PUT", "/presence/users/me", json={"shows": "half"})) == "invalid-request"
