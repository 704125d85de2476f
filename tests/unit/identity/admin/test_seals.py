"""A day under one signature, and finding out what was done to it."""

import json
from datetime import date

import pytest

from functions.identity.admin.actions import seal
from functions.identity.admin.store.seals import BEGINNING, object_key
from functions.identity.admin.triggers import ENTRIES
from tessera import aws
from tessera.auth.audit import audit
from tessera.auth.principal import Principal
from tessera.outbox import Envelope
from tessera.triggers import dispatch
from tests.kit.faults import Crash, crash_at
from tests.kit.races import together
from tests.kit.stores import everything_in

DAY = "2030-03-14"
ANN = Principal(kind="user", id="ann", user_id="ann", credential="bearer")


def record(world, count: int = 4) -> None:
    for number in range(count):
        assert world.deliver(Envelope.of(audit("tasks.cleared", f"list:{number}", by=ANN))) == []


def audited(world, day: str = DAY):
    items = [item for item in everything_in(world.tables["Admin"]) if item["pk"]["S"] == f"AUD#{day}"]
    return sorted(items, key=lambda item: item["sk"]["S"])


def put(world, item) -> None:
    aws.client("dynamodb").put_item(TableName=world.tables["Admin"].name, Item=item)


def delete(world, pk: str, sk: str) -> None:
    aws.client("dynamodb").delete_item(TableName=world.tables["Admin"].name, Key={"pk": {"S": pk}, "sk": {"S": sk}})


def verdict(world, day: str = DAY):
    return seal.verify(world.ports, date.fromisoformat(day))


@pytest.fixture
def sealed(world, frozen):
    """A day of four entries that is over and sealed."""
    record(world)
    frozen.advance(days=1)
    seal.seal_due(world.ports)
    return world


def test_a_day_is_sealed_when_it_is_over_and_verified_by_whoever_may_read_it_all(sealed):
    boss = sealed.somebody("admin")

    found = boss.get(f"/admin/audit/verify?day={DAY}").json()

    assert (found["state"], found["count"]) == ("verified", 4)
    assert found["signed"] and found["chained"] and found["listed"] and found["first_bad"] is None
    assert found["seal"]["previous"] == BEGINNING and found["seal"]["sealed_at"] == "2030-03-15T09:26:53.000Z"


def test_the_schedule_seals_every_day_that_is_over_once(world, frozen):
    record(world, 2)
    frozen.advance(days=3)
    for _ in range(2):
        dispatch(ENTRIES, {"schedule": "seal"}, world.admin)

    seals = {
        item["day"]["S"]: item for item in everything_in(world.tables["Admin"]) if item["pk"]["S"].startswith("SEAL#")
    }

    assert sorted(seals) == ["2030-03-14", "2030-03-15", "2030-03-16"]
    assert [int(seals[day]["count"]["N"]) for day in sorted(seals)] == [2, 0, 0]
    assert all(verdict(world, day).state == "verified" for day in seals)
    assert len(world.entries("admin.day-sealed")) == 3


def test_days_are_chained(world, frozen):
    record(world, 1)
    frozen.advance(days=2)
    seal.seal_due(world.ports)

    first, second = (world.ports.seals.get(day) for day in ("2030-03-14", "2030-03-15"))

    assert second.previous == first.digest != BEGINNING


def test_where_nothing_was_ever_recorded_sealing_begins_with_yesterday(world):
    assert [made.day for made in seal.seal_due(world.ports)] == ["2030-03-13"]


def test_a_day_that_is_not_over_is_neither_sealed_nor_verified(world, boss):
    record(world)

    assert boss.get(f"/admin/audit/verify?day={DAY}").status_code == 422
    assert boss.get("/admin/audit/verify?day=2030-02-30").status_code == 422
    assert boss.get("/admin/audit/verify").status_code == 422


def test_a_day_nobody_sealed_says_so(world, frozen):
    record(world)
    frozen.advance(days=1)

    assert (verdict(world).state, verdict(world).count) == ("unsealed", 4)


TAMPERING = {
    "entry": lambda item: {**item, "entry": {"S": item["entry"]["S"].replace("ann", "bob")}},
    "outcome": lambda item: {**item, "outcome": {"S": "denied"}},
    "hidden from its actor": lambda item: {**item, "gs1_pk": {"S": "A#nobody"}},
    "hidden from its target": lambda item: {**item, "gs2_sk": {"S": "0"}},
    "moved in time": lambda item: {**item, "recorded_at": {"S": "2030-03-14T00:00:00.000Z"}},
}


@pytest.mark.parametrize("how", TAMPERING)
@pytest.mark.asvs("16.4.2")
def test_audit_tamper_detected(sealed, how):
    victim = audited(sealed)[2]

    put(sealed, TAMPERING[how](victim))

    found = verdict(sealed)
    assert (found.state, found.first_bad, found.what) == ("broken", victim["sk"]["S"], "changed")
    assert found.signed and found.chained


def test_an_entry_taken_away_is_named(sealed):
    victim = audited(sealed)[1]

    delete(sealed, victim["pk"]["S"], victim["sk"]["S"])

    found = verdict(sealed)
    assert (found.state, found.first_bad, found.what) == ("broken", victim["sk"]["S"], "missing")


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_entry_slipped_in_is_named(sealed, place):
    sort = {"before": "0000000000001#X", "after": "9999999999999#X"}[place]

    put(sealed, {**audited(sealed)[0], "sk": {"S": sort}})

    found = verdict(sealed)
    assert (found.state, found.first_bad, found.what) == ("broken", sort, "added")


def test_a_seal_made_to_fit_is_not_signed(sealed):
    """Whoever can write to the table changes an entry and the root with it: the key does not follow."""
    from functions.identity.admin import merkle
    from functions.identity.admin.store.trail import content

    put(sealed, TAMPERING["entry"](audited(sealed)[0]))
    leaves = [merkle.leaf(content(row)) for row in sealed.ports.trail.of_day(DAY)]
    (item,) = [item for item in everything_in(sealed.tables["Admin"]) if item["pk"]["S"] == f"SEAL#{DAY}"]
    put(sealed, {**item, "root": {"S": merkle.root(leaves).hex()}})

    found = verdict(sealed)

    assert found.state == "broken" and not found.signed


def test_a_seal_of_another_day_does_not_fit(sealed):
    (item,) = [item for item in everything_in(sealed.tables["Admin"]) if item["pk"]["S"] == f"SEAL#{DAY}"]
    put(sealed, {**item, "pk": {"S": "SEAL#2030-03-13"}})

    found = verdict(sealed, "2030-03-13")

    assert found.state == "broken" and not found.signed


def test_a_chain_with_a_link_taken_out_is_broken(world, frozen):
    record(world)
    frozen.advance(days=2)
    seal.seal_due(world.ports)

    delete(world, f"SEAL#{DAY}", "MAIN")

    assert verdict(world, "2030-03-15").state == "broken" and not verdict(world, "2030-03-15").chained
    assert verdict(world, DAY).state == "unsealed"


@pytest.mark.parametrize("how", ["gone", "rubbish", "other entries", "other seal"])
def test_a_file_that_was_tampered_with_is_not_believed(sealed, how):
    key, s3 = object_key(DAY), aws.client("s3")
    body = json.loads(s3.get_object(Bucket=sealed.bucket, Key=key)["Body"].read())
    if how == "gone":
        s3.delete_object(Bucket=sealed.bucket, Key=key)
    else:
        body = {
            "rubbish": {"x": 1},
            "other entries": {**body, "entries": body["entries"][:-1]},
            "other seal": {**body, "root": "0" * 64},
        }[how]
        s3.put_object(Bucket=sealed.bucket, Key=key, Body=json.dumps(body).encode())

    found = verdict(sealed)

    assert (found.state, found.listed, found.signed) == ("broken", False, True)


def test_a_crash_after_the_file_was_written_is_made_good_by_the_next_run(world, frozen):
    record(world)
    frozen.advance(days=1)
    with crash_at("seal.file written"), pytest.raises(Crash):
        seal.seal_due(world.ports)
    assert world.ports.seals.get(DAY) is None

    seal.seal_due(world.ports)

    assert verdict(world).state == "verified"


def test_two_runs_at_once_make_one_seal_that_fits(world, frozen):
    record(world)
    frozen.advance(days=1)

    together(lambda: seal.seal_due(world.ports), times=3)

    assert verdict(world).state == "verified"
    assert len(world.entries("admin.day-sealed")) == 1


def test_an_entry_recorded_late_leaves_the_seal_whole(sealed):
    late = Envelope.of(audit("tasks.cleared", "list:9", by=ANN))
    assert sealed.deliver(late) == []

    assert verdict(sealed).state == "verified"


def test_the_signature_is_verified_by_anybody_who_has_the_public_key(sealed):
    """Without any code of ours: the statement as its one text, ECDSA over SHA-256."""
    import base64

    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    body = json.loads(aws.client("s3").get_object(Bucket=sealed.bucket, Key=object_key(DAY))["Body"].read())
    statement = {name: body[name] for name in ("count", "day", "previous", "root")}
    text = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    public = load_der_public_key(aws.client("kms").get_public_key(KeyId=body["key_id"])["PublicKey"])

    public.verify(base64.b64decode(body["signature"]), text, ECDSA(SHA256()))
