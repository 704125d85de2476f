from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tessera import aws
from tessera.overrides import PolicyRow
from tests.kit.apps import Caller
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.structured_fields import parse_list

from .conftest import Place, internal

Check = Callable[..., httpx.Response]


def override(place: Place, name: str, **values: Any) -> None:
    given = {"limit": 60, "period_seconds": 60, "burst": 10, **values}
    place.table.put(PolicyRow(pk=f"POLICY#{name}", sk="V", **given))


def test_a_check_answers_what_is_left(check: Check) -> None:
    answer = check(cost=4)

    assert answer.status_code == 200
    assert answer.json() == {
        "allowed": True,
        "limit": 60,
        "remaining": 6,
        "retry_after_ms": 0,
        "reset_after_ms": 4_000,
        "policy": "inline/60",
        "degraded": False,
    }


def test_a_refusal_is_an_answer_that_says_when_to_come_back(check: Check, frozen: FakeClock) -> None:
    check(cost=10)

    refused = check(cost=3)
    frozen.advance(milliseconds=refused.json()["retry_after_ms"])

    assert refused.status_code == 200
    assert (refused.json()["allowed"], refused.json()["remaining"], refused.json()["retry_after_ms"]) == (
        False,
        0,
        3_000,
    )
    assert check(cost=3).json()["allowed"]


def test_a_refusal_is_a_429_for_who_asks_for_that(check: Check) -> None:
    check(cost=10)

    passed = check(path="/ratelimit/check?status=true", key="another")
    refused = check(path="/ratelimit/check?status=true")

    assert passed.status_code == 200
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["violated_policies"] == ["inline/60"]
    assert parse_list(refused.headers["ratelimit"])[0].parameters == {"r": 0, "t": 1}


def test_a_dry_run_takes_nothing(check: Check, place: Place) -> None:
    before = [check(dry_run=True).json()["remaining"] for _ in range(3)]
    check(cost=10)
    after = check(dry_run=True).json()

    assert before == [10, 10, 10]
    assert (after["allowed"], after["retry_after_ms"]) == (False, 1_000)


def test_a_dry_run_reads_once_and_a_check_writes_once(check: Check, place: Place) -> None:
    check()
    with aws.metered() as dry:
        check(dry_run=True)
    with aws.metered() as real:
        check()

    # Besides, the caller's own limit is charged.
    assert sorted(dry.operations) == ["GetItem", "UpdateItem"]
    assert real.operations == ["UpdateItem", "UpdateItem"]


@pytest.mark.parametrize(
    "policy",
    [{"limit": 5, "period_s": 1}, {"limit": 5, "period_s": 1, "burst": 5}],
    ids=["the burst is the limit", "as it says"],
)
def test_figures_may_stand_in_the_policy(check: Check, policy: dict[str, int]) -> None:
    answers = [check(policy=policy).json() for _ in range(6)]

    assert [answer["allowed"] for answer in answers] == [True] * 5 + [False]
    assert answers[0]["policy"] == "inline/1"


def test_a_policy_of_the_products_own_may_be_used_by_name(check: Check) -> None:
    answer = check(policy="user:expensive").json()

    assert (answer["policy"], answer["limit"], answer["remaining"]) == ("user:expensive", 12, 3)


def test_a_policy_that_staff_have_defined_may_be_used_by_name(check: Check, place: Place) -> None:
    override(place, "sign-up", burst=2, more=[[3, 3_600, 3]], quota=100)

    answers = [check(policy="sign-up").json() for _ in range(3)]

    assert [answer["allowed"] for answer in answers] == [True, True, False]
    assert answers[0]["policy"] == "sign-up"


def test_a_quota_that_is_used_up_says_so(check: Check, place: Place) -> None:
    override(place, "exports", quota=1)
    check(policy="exports")

    refused = check(policy="exports", path="/ratelimit/check?status=true")

    assert refused.json()["type"] == "/problems/quota-exceeded"
    assert int(refused.headers["retry-after"]) > 86_400


def test_shadow_lets_pass_and_off_counts_nothing(check: Check, place: Place) -> None:
    override(place, "trial", burst=1, mode="shadow")
    override(place, "none", burst=1, mode="off")

    shadowed = [check(policy="trial").json() for _ in range(3)]
    with aws.metered() as meter:
        off = [check(policy="none").json() for _ in range(3)]

    assert all(answer["allowed"] for answer in shadowed + off)
    assert [answer["remaining"] for answer in shadowed] == [0, 0, 0]
    assert [answer["remaining"] for answer in off] == [1, 1, 1]
    assert meter.operations.count("UpdateItem") == 3


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"cost": 11}, "/cost"),
        ({"policy": "nobody:knows"}, "/policy"),
        ({"policy": "user:write", "cost": 41}, "/cost"),
        ({"policy": "user:write", "limit": 1, "period_s": 1}, ""),
        ({"policy": {"limit": 1}}, "/policy/WindowIn/period_s"),
        ({"namespace": "tessera.user"}, "/namespace"),
        ({"namespace": "no spaces"}, "/namespace"),
        ({"key": ""}, "/key"),
        ({"key": "k" * 257}, "/key"),
        ({"cost": 0}, "/cost"),
        ({"cost": "1"}, "/cost"),
        ({"limit": 0}, "/limit"),
        ({"period_s": 2_678_401}, "/period_s"),
        ({"surplus": 1}, "/surplus"),
        ({"limit": None}, ""),
        ({"limit": 1, "period_s": 2_678_400, "burst": 120}, ""),
        ({"policy": {"limit": 1, "period_s": 2_678_400, "burst": 120}}, ""),
    ],
    ids=str,
)
def test_a_wrong_question_says_where(check: Check, given: dict[str, Any], pointer: str) -> None:
    answer = check(**given)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_two_owners_have_nothing_in_common(check: Check, place: Place) -> None:
    check(cost=10)

    assert check(by=place.key()).json()["remaining"] == 9
    assert not check().json()["allowed"]


def test_two_keys_of_one_owner_share_their_subjects(place: Place, check: Check) -> None:
    first = place.key()
    second = place.key(owner_id=first.id)

    assert [check(by=caller).json()["remaining"] for caller in (first, second)] == [9, 8]


def test_nobody_reaches_a_bucket_of_the_products_own(place: Place, check: Check) -> None:
    """A program that names its subject like one of ours does not use up what we count."""
    victim = place.served.person()
    for _ in range(40):
        check(namespace="user", key=victim.id, policy="user:write")

    left = place.limits.decide("user:write", f"user:{victim.id}").remaining

    assert left == 39


def test_figures_of_one_period_are_one_limit_and_of_another_period_another(check: Check) -> None:
    check(cost=10)
    tighter = check(limit=30, burst=5)
    other = check(limit=100, period_s=3_600, burst=100)

    # Whoever lowers the figures does not give anybody a fresh bucket.
    assert not tighter.json()["allowed"]
    assert other.json()["remaining"] == 99


def test_subjects_stand_nowhere_in_the_table(check: Check, place: Place) -> None:
    check()

    text = repr(place.items(""))
    assert "ann@example.com" not in text and "login" not in text


def test_people_need_a_key_and_staff_do_not(check: Check, place: Place, admin: Caller) -> None:
    person, support = place.served.person(), place.with_role("support")

    refused = [check(by=caller) for caller in (person, support)]

    assert check(by=admin).status_code == 200
    assert [answer.status_code for answer in refused] == [403, 403]
    assert "API key" in refused[0].json()["detail"]


def test_a_key_without_the_scope_is_refused(check: Check, place: Place) -> None:
    assert check(by=place.key(scopes=frozenset(["tasks:read"]))).status_code == 403


def test_nobody_asks_without_a_credential(place: Place) -> None:
    answer = place.served.client.post("/ratelimit/check", content="{")

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/credentials-missing")


def test_a_batch_is_decided_one_by_one_and_answered_in_order(key: Caller) -> None:
    one = {"namespace": "login", "key": "ann", "limit": 2, "period_s": 60}
    other = {"namespace": "login", "key": "bob", "policy": "user:expensive", "cost": 2}

    answer = key.post("/ratelimit/check-batch", json={"checks": [one, one, other, one]})

    found = answer.json()["results"]
    assert [result["allowed"] for result in found] == [True, True, True, False]
    assert [result["remaining"] for result in found] == [1, 0, 2, 0]


@pytest.mark.parametrize("count", [0, 26])
def test_a_batch_holds_one_to_25_questions(key: Caller, count: int) -> None:
    one = {"namespace": "login", "key": "ann", "limit": 2, "period_s": 60}

    answer = key.post("/ratelimit/check-batch", json={"checks": [one] * count})

    assert answer.status_code == 422


def test_a_batch_with_one_senseless_question_charges_nothing(key: Caller, check: Check) -> None:
    good = {"namespace": "login", "key": "ann@example.com", "limit": 60, "period_s": 60, "burst": 10}

    answer = key.post("/ratelimit/check-batch", json={"checks": [good, {**good, "cost": 11}]})

    assert [error["pointer"] for error in answer.json()["errors"]] == ["/checks/1/cost"]
    assert check().json()["remaining"] == 9


def test_without_the_table_a_batch_still_answers_each(key: Caller, place: Place) -> None:
    opened = {"namespace": "a", "key": "ann", "policy": "user:write"}
    closed = {"namespace": "a", "key": "ann", "policy": "auth:account"}
    key.post("/ratelimit/check-batch", json={"checks": [opened]})
    with failing("dynamodb", "UpdateItem", code="ThrottlingException"):
        found = key.post("/ratelimit/check-batch", json={"checks": [opened, closed]}).json()["results"]

    assert [(result["allowed"], result["degraded"]) for result in found] == [(True, True), (False, True)]
    assert found[1]["retry_after_ms"] == 1_000


def test_a_refund_gives_back_and_never_more_than_there_was(check: Check) -> None:
    check(cost=10)
    first = check(path="/ratelimit/refund", cost=4)
    for _ in range(5):
        last = check(path="/ratelimit/refund", cost=10)

    assert (first.status_code, first.json()["remaining"]) == (200, 4)
    assert last.json()["remaining"] == 10
    assert sum(check().json()["allowed"] for _ in range(15)) == 10


def test_a_refund_of_what_was_never_charged_changes_nothing(check: Check) -> None:
    assert check(path="/ratelimit/refund", key="nobody").json()["remaining"] == 10


@pytest.mark.parametrize("algorithm", ["window", "sliding"])
def test_a_refund_of_other_algorithms(check: Check, place: Place, algorithm: str) -> None:
    override(place, "counted", algorithm=algorithm)
    check(policy="counted", cost=60)

    assert check(path="/ratelimit/refund", policy="counted", cost=25).json()["remaining"] == 25


def test_the_callers_own_limit_stands_in_the_headers(check: Check) -> None:
    headers = [check().headers for _ in range(2)]

    assert [parse_list(one["ratelimit"])[0].parameters["r"] for one in headers] == [99, 98]
    assert headers[0]["ratelimit-policy"] == '"key:default";q=600;w=60'


@pytest.mark.parametrize("path", ["check", "refund"])
def test_a_capability_asks_by_invocation(place: Place, path: str) -> None:
    body = {"namespace": "otp", "key": "ann", "limit": 5, "period_s": 60}

    assert internal(f"/ratelimit/internal/{path}", body)["statusCode"] == 200
    assert internal(f"/ratelimit/internal/{path}", body, caller="relay")["statusCode"] == 403
    assert place.served.client.post(f"/ratelimit/internal/{path}", json=body).status_code == 404


def test_what_a_capability_counts_is_apart_from_what_anybody_counts(place: Place) -> None:
    body = {"namespace": "otp", "key": "ann", "limit": 5, "period_s": 60}
    internal("/ratelimit/internal/check-batch", {"checks": [body] * 5})

    assert place.key().post("/ratelimit/check", json=body).json()["remaining"] == 4
