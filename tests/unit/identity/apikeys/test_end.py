"""How keys come to their end, and that they do so everywhere."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from functions.identity.apikeys.actions.end import SELF, _revoked
from functions.identity.apikeys.store.rows import COUNT, CountRow, owner_pk
from tessera import aws, ids
from tessera.auth import key_text
from tests.kit.faults import meanwhile
from tests.kit.races import together
from tests.kit.stores import envelopes_in, everything_in, ready_in
from tests.kit.worlds import DONE


def in_use(world: Any, owner_id: str) -> int:
    row = world.table.get(CountRow, owner_pk(owner_id), COUNT)
    return int(row.active) if row else 0


def test_a_revoked_key_is_refused_under_15s_with_a_warm_cache(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    assert world.use(made["key"]).status_code == 200

    revoked = alice.post(f"/apikeys/{made['id']}/revoke")
    frozen.advance(seconds=14)

    answer = world.use(made["key"])
    assert (revoked.json()["status"], answer.status_code) == ("revoked", 401)
    assert answer.json()["type"] == "/problems/token-invalid"


def test_a_revoked_key_is_refused_at_once_by_who_has_not_seen_it(alice: Any, world: Any) -> None:
    made = world.key(alice)
    alice.post(f"/apikeys/{made['id']}/revoke")

    assert world.use(made["key"]).status_code == 401


def test_revoking_again_changes_nothing(alice: Any, world: Any) -> None:
    made = world.key(alice)

    first = alice.post(f"/apikeys/{made['id']}/revoke")
    second = alice.post(f"/apikeys/{made['id']}/revoke")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert len(world.events("apikeys.key.revoked.v1")) == 1
    assert in_use(world, alice.id) == 0


def test_revoked_by_many_at_once_a_key_is_counted_off_once(alice: Any, world: Any) -> None:
    keep, made = world.key(alice), world.key(alice)
    row = world.ports.keys.get(made["id"])
    results = together(lambda: _revoked(world.ports, row, "asked", by=SELF, call=None), times=8)

    assert sorted(result.value for result in results) == [False] * 7 + [True]
    assert in_use(world, alice.id) == 1
    assert [row.key_id for row in world.ports.keys.in_use(alice.id)] == [keep["id"]]


def test_an_old_sign_in_may_still_revoke(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    frozen.advance(days=2)

    assert alice.post(f"/apikeys/{made['id']}/revoke").status_code == 200


def test_what_has_ended_can_be_looked_at_for_90_days(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    ended_at = alice.post(f"/apikeys/{made['id']}/revoke").json()["ended_at"]

    frozen.advance(days=89)
    assert alice.get(f"/apikeys/{made['id']}").json()["ended_at"] == ended_at
    frozen.advance(days=2)

    assert alice.get(f"/apikeys/{made['id']}").status_code == 404
    assert alice.get("/apikeys").json() == {"items": [], "next": None}


def test_revoke_leaked(alice: Any, world: Any) -> None:
    found, safe = world.key(alice), world.key(alice)
    unknown = key_text.new("live", ids.new())
    wrong_secret = key_text.new("live", safe["id"])

    answer = world.served.client.post(
        "/apikeys/revoke-leaked", json={"keys": [found["key"], unknown, wrong_secret, "nonsense", found["key"], ""]}
    )

    assert (answer.status_code, answer.json()) == (202, {"status": "ok"})
    assert world.use(found["key"]).status_code == 401
    assert world.use(safe["key"]).status_code == 200
    assert [event["key_id"] for event in world.events("apikeys.key.leaked.v1")] == [found["id"]]
    assert [event["reason"] for event in world.events("apikeys.key.revoked.v1")] == ["leaked"]
    [entry] = [entry for entry in world.events("audit.entry.recorded.v1") if entry["action"] == "apikeys.revoked"]
    assert (entry["actor"]["kind"], entry["detail"]["cause"]) == ("anonymous", "leaked")


def test_a_report_is_answered_the_same_whatever_was_found(alice: Any, world: Any) -> None:
    made = world.key(alice)
    client = world.served.client

    answers = [
        client.post("/apikeys/revoke-leaked", json={"keys": [text]})
        for text in (made["key"], made["key"], "tsk_live_x", key_text.new("live", ids.new()))
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(202, '{"status":"ok"}')}


def test_the_old_secret_of_a_rotated_key_ends_the_key_while_it_is_good(alice: Any, world: Any, frozen: Any) -> None:
    first, second = world.key(alice), world.key(alice)
    for made in (first, second):
        alice.post(f"/apikeys/{made['id']}/rotate", json={"overlap_s": 60})
    client = world.served.client

    client.post("/apikeys/revoke-leaked", json={"keys": [first["key"]]})
    frozen.advance(seconds=60)
    client.post("/apikeys/revoke-leaked", json={"keys": [second["key"]]})

    assert alice.get(f"/apikeys/{first['id']}").json()["status"] == "revoked"
    assert alice.get(f"/apikeys/{second['id']}").json()["status"] == "active"


def test_a_report_of_nothing_like_a_key_reads_nothing(world: Any) -> None:
    world.served.client.post("/apikeys/revoke-leaked", json={"keys": ["nonsense"]})

    with aws.metered() as meter:
        world.served.client.post("/apikeys/revoke-leaked", json={"keys": ["nonsense"] * 100})

    assert set(meter.operations) <= {"UpdateItem"}


@pytest.mark.parametrize(
    "body", [{}, {"keys": []}, {"keys": ["x"] * 101}, {"keys": "x"}, {"keys": ["x" * 201]}], ids=str
)
def test_a_report_has_its_bounds(world: Any, body: Any) -> None:
    answer = world.served.client.post("/apikeys/revoke-leaked", json=body)

    assert answer.status_code == 422


def test_reports_are_limited_by_address(world: Any) -> None:
    statuses = [world.served.client.post("/apikeys/revoke-leaked", json={"keys": ["x"]}).status_code for _ in range(31)]

    assert statuses == [202] * 30 + [429]


def test_the_owner_is_told_14_and_3_days_before_the_end_and_at_the_end(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    told: list[str] = []

    for _ in range(91):
        frozen.advance(days=1)
        world.sweep()
        told += [(event["days"], str(frozen.now().date())) for event in world.events("apikeys.key.expiring.v1")]

    first_told = {day: min(on for one, on in told if one == day) for day in (14, 3, 0)}
    assert first_told == {14: "2030-05-29", 3: "2030-06-09", 0: "2030-06-12"}
    assert alice.get(f"/apikeys/{made['id']}").json()["status"] == "expired"
    assert in_use(world, alice.id) == 0


def test_a_key_shorter_than_its_notices_is_only_told_what_is_left(alice: Any, world: Any, frozen: Any) -> None:
    world.key(alice, expires_in_days=5)

    frozen.advance(days=1)
    assert world.sweep() == 0
    frozen.advance(days=1)
    assert world.sweep() == 1
    assert [event["days"] for event in world.events("apikeys.key.expiring.v1")] == [3]


def test_a_second_delivery_of_what_is_due_changes_nothing(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice, expires_in_days=14)
    frozen.advance(days=11)
    [item] = [item for item in everything_in(world.table) if "due_pk" in item]
    data = {name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")}

    for _ in range(3):
        assert world.deliver({"kind": "due", "data": data}) == {"batchItemFailures": []}

    assert [event["days"] for event in world.events("apikeys.key.expiring.v1")] == [3]
    assert world.ports.keys.get(made["id"]).version == 1


def test_two_deliveries_of_what_is_due_at_once_tell_it_once(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice, expires_in_days=14)
    frozen.advance(days=11)
    [due] = ready_in(world.table)
    told: list[str] = []

    def other() -> None:
        assert world.deliver(due) == DONE
        told.extend(one.id for one in envelopes_in(world.table) if one.type == "apikeys.key.expiring.v1")

    with meanwhile("UpdateItem", other, key=key_text.name_of(made["id"])):
        assert world.deliver(due) == DONE

    assert told == [one.id for one in envelopes_in(world.table) if one.type == "apikeys.key.expiring.v1"]


def test_a_key_that_is_revoked_while_its_notice_is_written_is_not_told_of(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice, expires_in_days=14)
    frozen.advance(days=11)
    [due] = ready_in(world.table)
    revoked = partial(world.again(alice.id).post, f"/apikeys/{made['id']}/revoke")

    with meanwhile("UpdateItem", revoked, key=key_text.name_of(made["id"])):
        assert world.deliver(due) == DONE

    assert world.events("apikeys.key.expiring.v1") == []
    assert len(world.events("apikeys.key.revoked.v1")) == 1
    assert ready_in(world.table) == []


def test_what_is_due_of_a_revoked_key_is_nobodys_business(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice, expires_in_days=1)
    [item] = [item for item in everything_in(world.table) if "due_pk" in item]
    data = {name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")}
    alice.post(f"/apikeys/{made['id']}/revoke")
    frozen.advance(days=2)

    assert world.deliver({"kind": "due", "data": data}) == {"batchItemFailures": []}

    assert world.events("apikeys.key.expiring.v1") == []
    assert alice.get(f"/apikeys/{made['id']}").json()["status"] == "revoked"


def test_an_earlier_end_moves_the_notices(alice: Any, world: Any, frozen: Any) -> None:
    made = world.key(alice)
    ends = frozen.now() + timedelta(days=4)
    headers = {"if-match": made["etag"]}
    alice.patch(f"/apikeys/{made['id']}", json={"expires_at": ends.isoformat()}, headers=headers)

    frozen.advance(days=1)

    assert world.sweep() == 1
    assert [event["days"] for event in world.events("apikeys.key.expiring.v1")] == [3]
