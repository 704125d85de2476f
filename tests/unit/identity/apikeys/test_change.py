"""Changing keys and giving them new secrets, also while somebody else does something with them."""

from datetime import timedelta
from typing import Any

import pytest

from functions.identity.apikeys.actions import change, end
from tessera import clock
from tessera.auth.call import Call
from tessera.auth.key_item import MAIN, KeyRow
from tessera.auth.principal import Principal
from tessera.auth.roles import expand
from tests.kit.faults import contention
from tests.kit.races import outcomes, together


def patch(owner: Any, made: Any, etag: str = "", **fields: Any) -> Any:
    return owner.patch(f"/apikeys/{made['id']}", json=fields, headers={"if-match": etag or made["etag"]})


def rotate(owner: Any, made: Any, **fields: Any) -> Any:
    return owner.post(f"/apikeys/{made['id']}/rotate", json=fields)


def test_a_key_gets_another_name_in_its_list_too(alice: Any, world: Any) -> None:
    made = world.key(alice)

    changed = patch(alice, made, name="Build server")

    assert (changed.status_code, changed.json()["name"]) == (200, "Build server")
    assert changed.headers["etag"] == '"v2"'
    assert alice.get("/apikeys").json()["items"][0]["name"] == "Build server"


def test_fewer_scopes_are_in_force_under_15s(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    assert world.use(made["key"], method="POST", json={"title": "Before"}).status_code == 201

    assert patch(alice, made, scopes=["tasks:read"]).json()["scopes"] == ["tasks:read"]
    frozen.advance(seconds=14)

    assert world.use(made["key"], method="POST", json={"title": "After"}).status_code == 403
    assert world.use(made["key"]).status_code == 200


def test_more_scopes_take_a_new_key(alice: Any, world: Any) -> None:
    made = world.key(alice, scopes=["tasks:read"])

    refused = patch(alice, made, scopes=["tasks:read", "tasks:write"])

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/scopes-wider")


def test_an_earlier_end_is_taken_and_a_later_one_is_not(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)

    later = patch(alice, made, expires_at="2030-06-13T00:00:00Z")
    past = patch(alice, made, expires_at="2030-03-14T00:00:00Z")
    earlier = patch(alice, made, expires_at="2030-03-14T09:27:23Z")

    assert (later.status_code, later.json()["type"]) == (409, "/problems/expiry-later")
    assert (past.status_code, past.json()["errors"][0]["pointer"]) == (422, "/expires_at")
    assert earlier.json()["expires_at"] == "2030-03-14T09:27:23.000Z"
    frozen.advance(seconds=30)
    assert world.use(made["key"]).status_code == 401
    assert alice.get(f"/apikeys/{made['id']}").json()["status"] == "expired"


def test_where_a_key_works_from_can_be_said_and_taken_back(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)

    assert patch(alice, made, ip_allow=["10.0.0.0/8"]).json()["ip_allow"] == ["10.0.0.0/8"]
    assert world.use(made["key"]).status_code == 401
    frozen.advance(seconds=14)
    assert world.use(made["key"], address="10.1.2.3").status_code == 200
    assert patch(alice, made, '"v2"', ip_allow=None).json()["ip_allow"] == []
    frozen.advance(seconds=14)
    assert world.use(made["key"]).status_code == 200


def test_a_change_that_changes_nothing_leaves_the_version(alice: Any, world: Any) -> None:
    made = world.key(alice)

    assert patch(alice, made).headers["etag"] == '"v1"'


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [({}, 428, "version-required"), ({"if-match": '"v7"'}, 412, "version-mismatch")],
    ids=str,
)
def test_a_change_names_the_version_it_is_made_to(alice: Any, world: Any, headers: Any, status: int, slug: str) -> None:
    made = world.key(alice)

    answer = alice.patch(f"/apikeys/{made['id']}", json={"name": "Other"}, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


@pytest.mark.parametrize(
    "fields", [{"env": "test"}, {"plan": "default"}, {"name": None}, {"scopes": []}, {"expires_at": 5}]
)
def test_what_cannot_be_changed_is_refused(alice: Any, world: Any, fields: Any) -> None:
    made = world.key(alice)

    assert patch(alice, made, **fields).status_code == 422


def test_an_old_sign_in_changes_and_rotates_nothing(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    frozen.advance(seconds=301)

    assert patch(alice, made, name="Other").status_code == 401
    assert rotate(alice, made).status_code == 401


def test_a_new_secret_leaves_the_old_one_for_the_overlap(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)

    rotated = rotate(alice, made, overlap_s=3600).json()

    assert (rotated["id"], rotated["prefix"]) == (made["id"], made["prefix"])
    assert rotated["key"] != made["key"]
    assert rotated["old_secret_until"] == "2030-03-14T10:26:53.000Z"
    assert world.use(made["key"]).status_code == world.use(rotated["key"]).status_code == 200
    frozen.advance(seconds=3600)
    assert (world.use(made["key"]).status_code, world.use(rotated["key"]).status_code) == (401, 200)
    assert alice.get(f"/apikeys/{made['id']}").json()["old_secret_until"] is None


def test_without_an_overlap_the_old_secret_dies_under_15s(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    world.use(made["key"])

    rotated = rotate(alice, made, overlap_s=0).json()
    frozen.advance(seconds=14)

    assert world.use(made["key"]).status_code == 401
    assert world.use(rotated["key"]).status_code == 200
    assert rotated["old_secret_until"] is None


def test_rotated_twice_within_the_overlap_the_oldest_secret_dies_at_once(
    alice: Any, world: Any, restarted: Any
) -> None:
    made = world.key(alice)
    second = rotate(alice, made, overlap_s=3600).json()

    third = rotate(alice, made, overlap_s=3600).json()
    restarted()

    assert world.use(made["key"]).status_code == 401
    assert world.use(second["key"]).status_code == world.use(third["key"]).status_code == 200


def test_the_oldest_secret_dies_under_15s_where_it_is_remembered(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    rotate(alice, made, overlap_s=3600)
    world.use(made["key"])

    rotate(alice, made, overlap_s=3600)
    frozen.advance(seconds=14)

    assert world.use(made["key"]).status_code == 401


def test_an_overlap_does_not_outlast_the_key(alice: Any, world: Any) -> None:
    made = world.key(alice, expires_in_days=1)

    rotated = rotate(alice, made, overlap_s=604_800).json()

    assert rotated["old_secret_until"] == rotated["expires_at"]


@pytest.mark.parametrize("overlap", [-1, 604_801, 1.5, "60"], ids=repr)
def test_an_overlap_has_its_bounds(alice: Any, world: Any, overlap: Any) -> None:
    assert rotate(alice, world.key(alice), overlap_s=overlap).status_code == 422


def test_rotations_are_told_with_the_end_of_the_old_secret(alice: Any, world: Any) -> None:
    made = world.key(alice)
    rotate(alice, made, overlap_s=60)

    [event] = world.events("apikeys.key.rotated.v1")
    assert (event["key_id"], event["old_until"]) == (made["id"], "2030-03-14T09:27:53.000Z")
    assert sorted(world.audited()) == ["apikeys.created", "apikeys.rotated"]


def test_what_has_ended_is_neither_changed_nor_rotated(alice: Any, world: Any) -> None:
    made = world.key(alice)
    alice.post(f"/apikeys/{made['id']}/revoke")

    for answer in (patch(alice, made, '"v2"', name="Other"), rotate(alice, made)):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/key-not-active")


def test_nobody_else_learns_of_a_key(alice: Any, world: Any) -> None:
    made, mallory = world.key(alice), world.person()

    answers = [
        mallory.get(f"/apikeys/{made['id']}"),
        patch(mallory, made, name="Mine"),
        rotate(mallory, made),
        mallory.post(f"/apikeys/{made['id']}/revoke"),
        mallory.get(f"/apikeys/{made['id']}/usage"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert mallory.get("/apikeys").json()["items"] == []
    assert world.use(made["key"]).status_code == 200


@pytest.fixture
def acting(alice: Any, world: Any) -> dict[str, Any]:
    caller = Principal(kind="user", id=alice.id, user_id=alice.id, permissions=expand(["user"]), aal=1)
    call = Call("POST", "/apikeys", (), "", "203.0.113.7", True, None, world.bindings, "request")
    return {"caller": caller, "call": call}


def test_revoked_and_rotated_at_once_a_key_is_revoked_and_has_no_secret(
    alice: Any, world: Any, acting: Any, restarted: Any
) -> None:
    overlap = timedelta(hours=1)
    for _ in range(5):
        made = world.key(alice)
        texts = [made["key"]]

        def rotating(key_id: str = made["id"], texts: list[str] = texts) -> None:
            texts.append(change.rotate(world.ports, key_id, overlap, **acting).text or "")

        def revoking(key_id: str = made["id"]) -> None:
            end.revoke(world.ports, key_id, **acting)

        results = together(rotating, rotating, revoking)

        row = world.table.get(KeyRow, world.ports.keys.get(made["id"]).pk, MAIN)
        assert set(outcomes(results)) <= {"ok", "key-not-active"}
        assert (row.status, row.h1, row.h2, row.h2_exp) == ("revoked", None, None, None)
        restarted()
        assert {world.use(text).status_code for text in texts} == {401}


def test_rotated_by_many_at_once_at_most_the_last_two_secrets_are_good(
    alice: Any, world: Any, acting: Any, restarted: Any
) -> None:
    made, overlap = world.key(alice), timedelta(hours=1)

    results = together(lambda: change.rotate(world.ports, made["id"], overlap, **acting).text, times=4)

    good = [result.value for result in results if result.error is None]
    assert set(outcomes(results)) <= {"ok", "version-mismatch"}
    restarted()
    works = [text for text in [made["key"], *good] if world.use(text).status_code == 200]
    assert len(works) == 2
    assert world.ports.keys.get(made["id"]).version == 1 + len(good)


def test_changes_at_once_are_made_one_after_the_other(alice: Any, world: Any, acting: Any) -> None:
    made = world.key(alice)

    results = together(lambda: change.change(world.ports, made["id"], {"name": "Other"}, version=1, **acting), times=6)

    assert outcomes(results) == {"ok": 1, "version-mismatch": 5}


def test_contention_is_waited_out(alice: Any, world: Any) -> None:
    made = world.key(alice)

    with contention(0.5, seed=7) as met:
        assert rotate(alice, made).status_code == 200
        assert alice.post(f"/apikeys/{made['id']}/revoke").status_code == 200

    assert met[0] > 0
    assert clock.millis() >= world.ports.keys.get(made["id"]).ended
