"""What a decision tells: headers, and the problem of a refusal."""

from collections.abc import Callable

import pytest

from tessera.gcra import Window
from tessera.policies import DEFAULTS, Policy
from tests.kit.buckets import InMemory, limiter
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.structured_fields import Member, parse_list

TEN = Policy("ten", (Window(60, 60, 10),))
POLICIES = [
    TEN,
    Policy("both", (Window(10, 1, 2), Window(60, 3_600, 5))),
    Policy("counted", (Window(10, 60, 1),), algorithm="window"),
    Policy("weighed", (Window(10, 60, 1),), algorithm="sliding"),
    Policy("monthly", (Window(60, 60, 10),), quota=7),
    Policy("often", (Window(1_000, 1, 100),)),
    *DEFAULTS.values(),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_header_grammar(frozen: FakeClock, policy: Policy) -> None:
    """Both headers parse as structured fields, for admissions, refusals and sampled reads."""
    limits = limiter(InMemory())
    decisions = [limits.decide(policy, "user:anna") for _ in range(12)]
    decisions += [limits.sample(policy, "user:bert", request_id=str(number)) for number in range(12)]
    for decision in decisions:
        told = decision.headers()
        quotas, states = parse_list(told["RateLimit-Policy"]), parse_list(told["RateLimit"])
        assert [member.value for member in quotas] == [member.value for member in states]
        assert {"q", "w"} <= quotas[0].parameters.keys()
        assert all(member.parameters["r"] >= 0 and member.parameters["t"] >= 0 for member in states)


@pytest.mark.parametrize("text", ['"a";r=1,', '"a" "b"', '"a";R=1', '"a";r=1.5', "a;r=1", '"a";r=', ""])
def test_the_grammar_refuses_what_is_not_of_it(text: str) -> None:
    with pytest.raises(ValueError):
        parse_list(text)


def test_what_the_figures_mean(frozen: FakeClock) -> None:
    limits = limiter(InMemory())
    decision = limits.decide(TEN, "user:anna", cost=4)

    assert parse_list(decision.headers()["RateLimit-Policy"]) == [Member("ten", {"q": 60, "w": 60})]
    assert parse_list(decision.headers()["RateLimit"]) == [Member("ten", {"r": 6, "t": 4})]


def test_a_refusal_says_the_same_in_both_headers(frozen: FakeClock) -> None:
    limits = limiter(InMemory())
    for _ in range(10):
        limits.decide(TEN, "user:anna")
    frozen.advance(milliseconds=300)

    refused = limits.decide(TEN, "user:anna", cost=3)

    assert parse_list(refused.headers()["RateLimit"]) == [Member("ten", {"r": 0, "t": 3})]
    assert refused.problem().headers["Retry-After"] == "3"


def test_a_sampled_read_says_so(frozen: FakeClock) -> None:
    limits = limiter(InMemory())
    decisions = [limits.sample("user:read", "user:anna", request_id=str(number)) for number in range(20)]

    assert all(decision.headers()["RateLimit"].endswith(";sampled=10") for decision in decisions)
    assert decisions[-1].headers()["RateLimit-Policy"] == '"user:read";q=600;w=60;sampled=10'
    assert parse_list(decisions[-1].headers()["RateLimit"])[0].parameters["r"] == 80


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        (3, {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "6", "X-RateLimit-Reset": "4"}),
        (10, {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}),
    ],
    ids=["admitted", "refused"],
)
def test_the_headers_of_older_clients(frozen: FakeClock, fill: int, expected: dict[str, str]) -> None:
    limits = limiter(InMemory())
    for _ in range(fill):
        limits.decide(TEN, "user:anna")

    assert limits.decide(TEN, "user:anna").legacy_headers() == expected


def test_a_policy_that_is_off_says_nothing(frozen: FakeClock) -> None:
    decision = limiter(InMemory()).decide(Policy("off", (Window(1, 60, 1),), mode="off"), "user:anna")

    assert (decision.headers(), decision.legacy_headers()) == ({}, {})


@pytest.mark.parametrize(
    ("policy", "slug"),
    [
        (Policy("p", (Window(60, 60, 1),)), "rate-limited"),
        (Policy("p", (Window(60, 60, 1),), refundable=True), "attempts-exhausted"),
        (Policy("p", (Window(60, 60, 1),), refundable=True, per_address=True), "rate-limited"),
        (Policy("p", (Window(60, 60, 9),), quota=1), "quota-exceeded"),
    ],
    ids=["rate", "attempts", "attempts of an address", "quota"],
)
def test_each_kind_of_refusal_has_its_problem(frozen: FakeClock, policy: Policy, slug: str) -> None:
    limits = limiter(InMemory())
    limits.decide(policy, "user:anna")

    problem = limits.decide(policy, "user:anna").problem()

    assert (problem.slug, problem.status) == (slug, 429)
    assert int(problem.headers["Retry-After"]) >= 1


def test_figures_of_a_degraded_decision_are_marked(frozen: FakeClock, table_of: Callable[[str], object]) -> None:
    from tessera.buckets import Buckets

    limits = limiter(Buckets(table_of("Ratelimit").name, 5_000))  # type: ignore[attr-defined]
    with failing("dynamodb", "UpdateItem", code="ThrottlingException"):
        told = limits.decide(TEN, "user:anna").headers()

    assert parse_list(told["RateLimit-Policy"]) == [Member("ten", {"q": 60, "w": 60, "degraded": 1})]
