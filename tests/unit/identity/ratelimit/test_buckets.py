from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from functions.identity.ratelimit.store.buckets import BucketStore
from tessera import aws, ids
from tessera.auth.mac import Mac
from tessera.buckets import Buckets
from tessera.limits import Limits
from tessera.outbox import Envelope
from tests.kit.apps import Caller
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing, meanwhile
from tests.kit.stores import everything_in

from .conftest import Place, internal

Check = Callable[..., httpx.Response]
ANN = "/ratelimit/buckets/login/ann@example.com"


def test_an_owner_looks_without_taking_anything(check: Check, key: Caller) -> None:
    check(cost=4)
    check(policy="user:write")

    with aws.metered() as meter:
        found = [key.get(ANN).json() for _ in range(2)]

    assert found[0] == found[1]
    assert found[0]["buckets"] == [
        {
            "policy": "inline/60",
            "mode": "enforce",
            "sampled": False,
            "limits": [{"limit": 60, "period_s": 60, "remaining": 6, "reset_after_ms": 4_000}],
        },
        {
            "policy": "user:write",
            "mode": "enforce",
            "sampled": False,
            "limits": [{"limit": 120, "period_s": 60, "remaining": 39, "reset_after_ms": 500}],
        },
    ]
    # Each is one Query, and the caller's own limit.
    assert sorted(set(meter.operations)) == ["Query", "UpdateItem"]


def test_a_subject_of_whom_nothing_is_known_has_no_buckets(key: Caller) -> None:
    assert key.get("/ratelimit/buckets/login/nobody").json()["buckets"] == []


@pytest.mark.parametrize("name", ["a/b", "2001:db8::1", "ann smith", "süß"])
def test_a_key_may_be_any_text(check: Check, key: Caller, name: str) -> None:
    check(key=name)

    found = key.get(f"/ratelimit/buckets/login/{quote(name, safe='/')}").json()
    assert (found["key"], len(found["buckets"])) == (name, 1)


def test_nobody_sees_anothers_subjects(check: Check, key: Caller, place: Place) -> None:
    check(cost=4)
    stranger = place.key()

    assert stranger.get(ANN).json()["buckets"] == []
    assert stranger.get(f"{ANN}?owner_id={key.id}").status_code == 403
    assert stranger.get(f"/ratelimit/buckets/tessera.user/{key.id}").status_code == 403


def test_staff_see_anybodys_and_the_products_own(check: Check, key: Caller, place: Place) -> None:
    support = place.with_role("support")
    check(cost=4)
    place.limits.decide("user:write", "user:01J", cost=3)

    theirs = support.get(f"{ANN}?owner_id={key.id}").json()
    ours = support.get("/ratelimit/buckets/tessera.user/01J").json()

    assert theirs["buckets"][0]["limits"][0]["remaining"] == 6
    assert [(bucket["policy"], bucket["limits"][0]["remaining"]) for bucket in ours["buckets"]] == [("user:write", 37)]


@pytest.mark.parametrize("path", ["/ratelimit/buckets/tessera.mail/x", "/ratelimit/buckets/no%20space/x"])
def test_namespaces_there_are_none_of(admin: Caller, path: str) -> None:
    assert admin.get(path).status_code == 404


def test_a_reset_lets_a_subject_begin_anew(check: Check, key: Caller, admin: Caller) -> None:
    check(cost=10)
    assert not check().json()["allowed"]

    reset = admin.delete(f"{ANN}?owner_id={key.id}")

    assert reset.status_code == 204
    assert key.get(ANN).json()["buckets"][0]["limits"][0]["remaining"] == 10
    assert check(cost=10).json()["allowed"]


def test_a_reset_elsewhere_is_seen_within_ten_seconds(place: Place, admin: Caller, frozen: FakeClock) -> None:
    elsewhere = Limits(Buckets(place.table.name, 5_000), place.bindings.get(Mac), place.limits.policies)
    elsewhere.decide("auth:mail:address", "user:01J", cost=3)
    assert not elsewhere.decide("auth:mail:address", "user:01J").allowed

    admin.delete("/ratelimit/buckets/tessera.user/01J")
    frozen.advance(seconds=10)

    assert elsewhere.decide("auth:mail:address", "user:01J").allowed


def test_a_reset_leaves_what_is_known_of_a_key(place: Place, admin: Caller) -> None:
    place.key().get("/ratelimit/me")
    (row,) = everything_in(place.keys)
    (before,) = [item for item in place.items("B#") if item["sk"]["S"] == "key:default"]

    answer = admin.delete(f"/ratelimit/buckets/tessera.key/{row['key_id']['S']}")

    (after,) = [item for item in place.items("B#") if item["sk"]["S"] == "key:default"]
    assert answer.status_code == 204
    assert "tat0" in before and "tat0" not in after
    assert [after[name] for name in ("n", "last", "ip")] == [before[name] for name in ("n", "last", "ip")]


def test_a_reset_is_on_the_audit_trail_without_the_subject(
    check: Check, key: Caller, admin: Caller, place: Place
) -> None:
    check()
    admin.delete(f"{ANN}?owner_id={key.id}")

    (told,) = [Envelope.parse(item["event"]["S"]) for item in place.items("OUT#")]
    assert (told.type, told.data["action"], told.data["actor"]["id"]) == (
        "audit.entry.recorded.v1",
        "ratelimit.bucket-reset",
        admin.id,
    )
    assert "ann@example.com" not in repr(told.data)


def test_nothing_to_reset_is_not_found(admin: Caller) -> None:
    assert admin.delete("/ratelimit/buckets/tessera.user/nobody").status_code == 404


def test_only_who_manages_limits_resets(place: Place, key: Caller) -> None:
    for caller in (key, place.served.person(), place.with_role("support")):
        assert caller.delete("/ratelimit/buckets/tessera.user/01J").status_code == 403


def test_what_is_counted_of_a_person_is_erased(place: Place) -> None:
    person = place.served.person()
    for _ in range(3):
        person.post("/ratelimit/check", json={})
    answers = [internal("/ratelimit/internal/erase", {"owner_id": person.id}) for _ in range(2)]

    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert '"done":true,"erased":1' in answers[0]["body"].replace(" ", "")
    assert '"erased":0' in answers[1]["body"].replace(" ", "")
    told = [Envelope.parse(item["event"]["S"]) for item in place.items("OUT#")]
    assert {event.type for event in told} == {"privacy.data.erased.v1"}
    assert told[0].data == {"owner_id": person.id, "capability": "ratelimit"}


def test_erasure_is_not_for_anybody(place: Place, admin: Caller) -> None:
    body = {"owner_id": admin.id}

    assert admin.post("/ratelimit/internal/erase", json=body).status_code == 404
    assert internal("/ratelimit/internal/erase", body, caller="relay")["statusCode"] == 403


def test_a_reset_that_cannot_be_put_on_the_trail_is_not_made(check: Check, key: Caller, admin: Caller) -> None:
    check(cost=10)

    with failing("dynamodb", "TransactWriteItems", code="InternalServerError"):
        answer = admin.delete(f"{ANN}?owner_id={key.id}")

    assert answer.status_code >= 500
    assert key.get(ANN).json()["buckets"][0]["limits"][0]["remaining"] == 0


def test_a_reset_brings_nothing_back_of_whom_nothing_is_left(place: Place, admin: Caller) -> None:
    person_id = ids.new()
    place.limits.decide("user:write", f"user:{person_id}")
    bucket = place.limits.bucket_of(f"user:{person_id}")
    buckets = place.bindings.get(BucketStore)

    with meanwhile("UpdateItem", lambda: buckets.erase(bucket), key=bucket):
        admin.delete(f"/ratelimit/buckets/tessera.user/{person_id}")

    assert place.items(bucket) == []
