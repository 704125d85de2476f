"""What only our own services ask: calls of connected clients, erasure, and what somebody takes along."""

import pytest

from tessera import ids
from tests.kit.stores import everything_in
from tests.unit.live.presence.conftest import DOC, principal

ROOM = f"/presence/rooms/{DOC}"


def rpc(world, by, method, *, of=None, caller="realtime", **data):
    body = {"method": f"presence.{method}", "data": data, "client": "c1"}
    return world.invoke("rpc", body, caller=caller, of=of or principal(by.id))


def test_a_connected_client_joins_moves_beats_and_leaves(world, alice):
    world.room(alice)
    world.listen()
    joined = world.call(alice, "join", connection="c1", doc=DOC, meta={"name": "Ann"})
    named = {"doc": DOC, "session_id": joined["session_id"]}

    moved = world.call(alice, "cursor", **named, cursor={"x": 0.25, "y": 0.5}, v=1)
    beaten = world.call(alice, "beat", connection="c1", **named, v=2, state={"status": "here"})
    stale = world.call(alice, "beat", connection="c1", **named, v=2)
    left = world.call(alice, "leave", **named)

    assert (joined["offset"], joined["members"][0]["user_id"]) == (1, alice.id)
    assert moved == {"told": True, "again_ms": 0, "v": 1}
    assert beaten == {"expires_at": "2030-03-14T09:27:38.000Z"}
    assert stale == {"stale": True, "v": 2}
    assert (left, world.here(alice)) == ({}, [])


def test_of_more_people_than_a_frame_holds_a_client_is_told_to_ask_by_http(world, alice, monkeypatch):
    world.room(alice)
    monkeypatch.setattr("functions.live.presence.routes.internal.MOST_BYTES", 1_000)
    alone = world.call(alice, "join", connection="c1", doc=DOC, client="a")
    for _ in range(4):
        world.enter()
    crowded = world.call(alice, "join", connection="c1", doc=DOC, client="a")

    assert (len(alone["members"]), alone["complete"]) == (1, True)
    assert (crowded["members"], crowded["complete"]) == ([], False)
    assert crowded["session_id"] == alone["session_id"]
    assert len(world.here(alice)) == 5


@pytest.mark.parametrize(
    ("method", "data", "status"),
    [
        ("join", {"doc": "nothing"}, 404),
        ("join", {"doc": "a b"}, 422),
        ("join", {}, 422),
        ("join", {"doc": DOC, "owner_id": "x"}, 422),
        ("beat", {"doc": DOC, "session_id": "0000000000ABCDEFGHJKMNPQRS", "v": 1}, 404),
        ("cursor", {"doc": DOC, "session_id": "0000000000ABCDEFGHJKMNPQRS", "status": "x"}, 404),
        ("cursor", {"doc": DOC, "session_id": "x"}, 422),
        ("leave", {"doc": DOC, "session_id": "0000000000ABCDEFGHJKMNPQRS"}, 200),
        ("dance", {}, 422),
    ],
)
def test_what_a_client_asks_wrongly_is_refused(world, alice, method, data, status):
    world.room(alice)

    assert rpc(world, alice, method, **data)[0] == status


def test_a_call_is_for_the_hub_and_on_behalf_of_who_may(world, alice):
    world.room(alice)
    narrow = principal(alice.id, permissions=frozenset(["realtime:read"]))

    assert rpc(world, alice, "join", doc=DOC, of=narrow)[0] == 403
    assert rpc(world, alice, "join", doc=DOC, caller="chat")[0] == 403
    body = {"method": "presence.join", "data": {"doc": DOC}}
    assert world.invoke("rpc", body, caller="realtime")[0] == 404
    assert alice.post("/presence/internal/rpc", json=body).status_code == 404


def erase(world, owner_id):
    answers = []
    while not answers or not answers[-1]["done"]:
        status, answer = world.invoke("erase", {"owner_id": owner_id}, caller="accounts")
        assert status == 200
        answers.append(answer)
        assert len(answers) < 10
    return answers


def test_who_deletes_their_account_is_gone_from_every_room_with_their_own(world, alice, bob):
    world.room(alice)
    world.room(bob, "bobs")
    world.join(bob)
    kept = world.join(alice)["session_id"]
    world.join(bob, "bobs")
    world.join(alice, "bobs")
    bob.request("PUT", "/presence/users/me", json={"shows": "nothing"})

    assert len(erase(world, bob.id)) == 2

    assert world.here(alice) == [kept]
    assert alice.get("/presence/rooms/bobs").status_code == 404
    assert [one["reason"] for one in world.log() if one["type"] == "left"] == ["erased"]
    assert (world.granted(bob.id), world.granted(alice.id, "bobs"), world.granted(alice.id)) == ("", "", "shr")
    items = [one for one in everything_in(world.table) if not one["pk"]["S"].startswith("OUT#")]
    assert bob.id not in str([{**one, "event": None} for one in items])
    assert world.events("privacy.data.erased.v1") == [{"owner_id": bob.id, "capability": "presence"}]


def test_who_comes_while_a_room_is_taken_away_keeps_it(world, alice, bob):
    world.room(alice)
    world.join(bob)

    assert not world.ports.rooms.delete(DOC)
    assert world.ports.rooms.delete("nothing")
    assert len(world.here(alice)) == 1


def test_somebody_takes_along_their_rooms_and_when_they_were_seen(world, alice, bob):
    world.room(alice, member_ids=[bob.id])
    world.room(alice, "another")
    world.join(alice)

    status, found = world.invoke("export", {"owner_id": alice.id, "after": None}, caller="accounts")

    assert (status, found["next"]) == (200, None)
    room = {"kind": "room", "max_members": 50, "visibility": "public", "ttl_s": 45}
    assert found["items"] == [
        {"kind": "seen", "last_seen": "2030-03-14T09:26:53.000Z", "shows": "everything"},
        {**room, "doc": "another", "member_ids": []},
        {**room, "doc": DOC, "member_ids": [bob.id]},
        {"kind": "inside", "doc": DOC},
    ]
    assert world.invoke("export", {"owner_id": ids.new()}, caller="accounts")[1] == {"items": [], "next": None}


def test_only_accounts_may_erase_and_export(world, alice):
    for route in ("erase", "export"):
        assert alice.post(f"/presence/internal/{route}", json={"owner_id": alice.id}).status_code == 404
        assert world.invoke(route, {"owner_id": alice.id}, caller="relay")[0] == 403
