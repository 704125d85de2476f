"""Rooms: whose they are, who sees them, and what is refused."""

import pytest

from tests.kit.capacity import CapacityMeter
from tests.kit.faults import meanwhile
from tests.kit.races import outcomes, together
from tests.unit.live.presence.conftest import DOC, slug

ROOM = f"/presence/rooms/{DOC}"


def put(by, doc=DOC, headers=None, **body):
    return by.request("PUT", f"/presence/rooms/{doc}", json=body, headers=headers or {})


def test_a_room_is_made_by_who_asks_first_and_changed_by_them(alice):
    made, changed = put(alice), put(alice, max_members=7, ttl_s=15, visibility="public")

    assert (made.status_code, made.headers["etag"]) == (201, '"v1"')
    assert made.json() == {
        "doc": DOC, "max_members": 50, "visibility": "private", "ttl_s": 45, "member_ids": [], "version": 1
    }  # fmt: skip
    assert (changed.status_code, changed.json()["max_members"], changed.headers["etag"]) == (200, 7, '"v2"')


def test_the_room_of_somebody_else_is_taken_and_nothing_is_told_of_it(alice, bob):
    put(alice)

    for headers in ({}, {"if-match": "*"}, {"if-match": '"v1"'}, {"if-match": '"v9"'}):
        assert slug(put(bob, headers=headers)) == "presence-document-taken"
    assert alice.get(ROOM).json()["visibility"] == "private"


def test_of_many_who_want_one_document_one_gets_it(world):
    people = [world.person() for _ in range(6)]

    results = together(*(lambda one=one: put(one).status_code for one in people))

    assert sorted(result.value for result in results) == [201] + [409] * 5


def test_a_room_that_changed_since_it_was_read_is_not_changed(alice):
    put(alice)
    put(alice)

    assert slug(put(alice, headers={"if-match": '"v1"'})) == "version-mismatch"
    assert put(alice, headers={"if-match": '"v2"'}).status_code == 200
    assert put(alice, "nothing", headers={"if-match": "*"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"max_members": 201}, "/max_members"),
        ({"max_members": 0}, "/max_members"),
        ({"ttl_s": 14}, "/ttl_s"),
        ({"ttl_s": 121}, "/ttl_s"),
        ({"visibility": "secret"}, "/visibility"),
        ({"member_ids": ["me"]}, "/member_ids/0"),
        ({"owner_id": "me"}, "/owner_id"),
    ],
)
def test_what_is_wrong_with_a_room_is_pointed_at(alice, body, pointer):
    answer = put(alice, **body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("doc", ["a%20b", "-a", "a" * 65, "a%23b", "ä"])
def test_what_is_no_name_of_a_document_names_nothing(alice, doc):
    assert put(alice, doc).status_code == 404


def test_a_private_room_is_nothing_to_a_stranger(world, alice, bob):
    world.room(alice, visibility="private")
    session = world.join(alice)["session_id"]
    path = f"{ROOM}/sessions/{session}"

    asked = [
        bob.get(ROOM),
        bob.post(f"{ROOM}/sessions", json={}),
        bob.request("PUT", f"{path}/beat", json={"v": 1}),
        bob.patch(path, json={}),
        bob.delete(path),
    ]
    nothing = bob.get("/presence/rooms/nothing")

    assert [answer.status_code for answer in asked] == [404] * 5
    assert {(answer.json()["type"], answer.json()["detail"]) for answer in (*asked, nothing)} == {
        ("/problems/not-found", "There is no such room.")
    }
    assert world.granted(bob.id) == ""


def test_a_private_room_is_open_to_whom_the_owner_names_and_who_acts_for_them(world, alice, bob):
    guild = world.person().id
    colleague, other = world.person(org=guild, org_role="member"), world.person(org=guild, org_role="member")
    world.room(alice, visibility="private", member_ids=[bob.id])
    world.room(colleague, "ours", visibility="private")

    assert world.join(bob)["session_id"]
    assert world.join(other, "ours")["session_id"]
    assert put(other, "ours", max_members=9).status_code == 200
    assert bob.get("/presence/rooms/ours").status_code == 404


def test_whom_a_room_admits_no_more_is_let_go_of_and_cut_off(world, alice, bob):
    carol = world.person()
    world.room(alice)
    mine, hers, his = (world.join(one)["session_id"] for one in (alice, carol, bob))
    world.room(alice, visibility="private", member_ids=[carol.id])

    assert world.work() == ["room.review"]
    assert world.here(alice) == sorted([mine, hers])
    assert [(one["session_id"], one["reason"]) for one in world.log()[3:]] == [(his, "removed")]
    assert (world.granted(bob.id), world.granted(carol.id)) == ("", "shr")
    world.deliver({"kind": "room.review", "data": {"doc": "nothing"}})


def test_who_comes_while_the_room_is_closed_to_them_stays_out(world, alice, bob):
    world.room(alice)

    with meanwhile("TransactWriteItems", lambda: world.room(alice, visibility="private")):
        answer = bob.post(f"{ROOM}/sessions", json={})

    assert answer.status_code == 404
    assert world.here(alice) == []


def test_a_room_is_not_made_smaller_than_who_is_inside(world, alice, bob):
    world.room(alice)
    world.join(alice)
    world.join(bob)

    assert slug(put(alice, max_members=1, visibility="public")) == "presence-too-many-inside"
    assert put(alice, max_members=2, visibility="public").status_code == 200


def test_a_room_shows_everybody_once_with_all_their_devices(world, alice, bob):
    world.room(alice)
    first = world.join(bob, client="desk", meta={"name": "Bob"})
    world.frozen.advance(seconds=1)
    world.join(alice)
    second = world.join(bob, client="phone")

    found = alice.get(ROOM).json()

    assert [(one["user_id"], len(one["sessions"])) for one in found["members"]] == [(bob.id, 2), (alice.id, 1)]
    assert [one["session_id"] for one in found["members"][0]["sessions"]] == [first["session_id"], second["session_id"]]
    assert found["members"][0]["sessions"][0]["meta"] == {"name": "Bob"}
    assert (found["offset"], found["as_of"], found["topic"]) == (3, "2030-03-14T09:26:54.000Z", "doc:plan")


def test_looking_costs_the_same_whatever_was_there_before(world, alice):
    world.room(alice)
    for number in range(3):
        alice.delete(f"{ROOM}/sessions/{world.join(alice, client=str(number))['session_id']}")
    world.join(alice)
    with CapacityMeter() as meter:
        alice.get(ROOM)

    assert (meter.of(world.table.name).operations, meter.of(world.table.name).read_units) == (["GetItem", "Query"], 2)
    assert meter.of(world.realtime.name).operations == ["GetItem"]


def test_without_the_permission_nothing_is_done(world, alice):
    world.room(alice)
    reader = world.person(scope="presence:read")

    assert reader.get(ROOM).status_code == 200
    assert reader.post(f"{ROOM}/sessions", json={}).status_code == 403
    assert world.served.client.get(ROOM).status_code == 401
    assert outcomes(together(lambda: reader.get(ROOM), times=2)) == {"ok": 2}
