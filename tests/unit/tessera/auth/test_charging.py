"""Whom a request is charged to, and by which policy."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import pytest

from tessera import auth, aws, ids
from tessera.auth.call import Call
from tessera.auth.charging import Rate, charge, charge_by
from tessera.auth.principal import ANONYMOUS, Principal
from tessera.auth.problems import (
    CredentialsAmbiguous,
    CredentialsMissing,
    CsrfFailed,
    LimitExceeded,
    OriginNotAllowed,
    RateLimited,
    Unauthenticated,
)
from tessera.entry import Router, build_app
from tessera.overrides import PolicyRow
from tessera.problems import Problem, UnsupportedMedia
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.types import In
from tests.kit.clocks import FakeClock
from tests.kit.structured_fields import parse_list
from tests.kit.tokens import Signer
from tests.kit.web import AppClient

MakeCall = Callable[..., Call]
ANNA = Principal(kind="user", id="anna", user_id="anna", credential="bearer", plan="user")
KEY = Principal(kind="api_key", id="k1", user_id="anna", credential="key", plan="key:default")


def guard(declared: Any) -> Any:
    return declared.dependency


def policy_of(call: Call) -> str:
    return ", ".join(member.value for member in parse_list(call.answer_headers["RateLimit-Policy"]))


def left_of(call: Call) -> int:
    return parse_list(call.answer_headers["RateLimit"])[0].parameters["r"]


@pytest.fixture
def ratelimit(bindings: Bindings) -> Table:
    return Table(bindings.environment["RATELIMIT"])


def override(table: Table, name: str, *, limit: int, burst: int, **more: Any) -> None:
    table.put(PolicyRow(pk=f"POLICY#{name}", sk="V", limit=limit, period_seconds=60, burst=burst, **more))


def test_spoofed_forwarded_for(call: MakeCall) -> None:
    """Whatever a client says about its address, it has the one bucket of its own."""
    left = []
    for number in range(4):
        forged = (("x-forwarded-for", f"198.51.100.{number}"), ("forwarded", f"for=198.51.100.{number}"))
        asked = call("POST", headers=forged)
        charge(asked, ANONYMOUS, None)
        left.append(left_of(asked))

    assert left == [9, 8, 7, 6]


def test_ipv6_64(call: MakeCall) -> None:
    """A client owns a whole /64 and is counted by it; the next /64 is another client."""
    left = []
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1", "::ffff:203.0.113.7", "203.0.113.7"):
        asked = call("POST", source_ip=address)
        charge(asked, ANONYMOUS, None)
        left.append(left_of(asked))

    assert left == [9, 8, 9, 9, 8]


@pytest.mark.parametrize(("method", "passing"), [("POST", range(10, 11)), ("GET", range(40, 50))])
def test_401_flood_limited(call: MakeCall, method: str, passing: range) -> None:
    """Requests with a wrong credential, or none, are limited by address before anybody looks at them."""
    reader, answers = guard(auth.current_user()), []
    for number in range(120):
        try:
            reader.admit(call(method, token="nonsense" if number % 2 else ""))
        except (Unauthenticated, CredentialsMissing, RateLimited) as refused:
            answers.append(refused.status)

    assert answers.count(401) in passing
    assert set(answers[answers.count(401) :]) == {429}


@pytest.mark.parametrize(
    ("headers", "query", "problem"),
    [
        ((("authorization", "Bearer a"), ("authorization", "Bearer b")), "", CredentialsAmbiguous),
        ((), "access_token=x", CredentialsAmbiguous),
        ((("sec-fetch-site", "cross-site"),), "", CsrfFailed),
        ((("origin", "https://elsewhere.test"),), "", OriginNotAllowed),
        ((("content-type", "text/plain"),), "", UnsupportedMedia),
    ],
    ids=["two headers", "in the URL", "another site", "another origin", "a form"],
)
def test_a_flood_of_what_is_refused_before_anybody_is_known_is_limited(
    call: MakeCall,
    signer: Signer,
    headers: tuple[tuple[str, str], ...],
    query: str,
    problem: type[Problem],
) -> None:
    writer, answers = guard(auth.current_user()), []
    cookie = ("cookie", f"__Host-tessera_at={signer.token()}")
    for _ in range(12):
        with pytest.raises((problem, RateLimited)) as refused:
            writer.admit(call("POST", headers=(cookie, *headers), query=query))
        answers.append(refused.type)

    assert answers == [problem] * 10 + [RateLimited] * 2


def test_reads_of_users_are_sampled_and_their_writes_are_not(call: MakeCall) -> None:
    reading, writing = call("GET"), call("POST")
    charge(reading, ANNA, None)
    charge(writing, ANNA, None)

    assert "sampled=10" in reading.answer_headers["RateLimit"]
    assert "sampled" not in writing.answer_headers["RateLimit"]


def test_a_policy_of_a_route_is_sampled_where_it_says_so(call: MakeCall) -> None:
    """Following a short link writes nothing, nine times out of ten."""
    with aws.metered() as meter:
        for number in range(100):
            charge(call("GET", source_ip=f"198.51.100.{number}"), ANONYMOUS, Rate("shortener:follow:ip"))
    following, looking = call("GET"), call("GET")
    charge(following, ANONYMOUS, Rate("shortener:follow:ip"))
    charge(looking, ANONYMOUS, Rate("shortener:report:ip"))

    assert 1 <= meter.operations.count("UpdateItem") <= 30
    assert "sampled=10" in following.answer_headers["RateLimit"]
    assert "sampled" not in looking.answer_headers["RateLimit"]


def test_an_authenticated_read_adds_a_tenth_of_a_write_and_a_write_exactly_one(call: MakeCall) -> None:
    for method in ("GET", "POST"):
        charge(call(method), ANNA, None)
    costs = {}
    for method, times in (("GET", 50), ("POST", 30)):
        with aws.metered() as meter:
            for _ in range(times):
                charge(call(method), replace(ANNA, id=f"bert-{method}"), None)
        assert set(meter.operations) == {"UpdateItem"}
        costs[method] = meter.requests / times

    assert costs == {"GET": 0.1, "POST": 1.0}


def test_a_key_has_one_bucket_for_all_classes_and_every_read_counts(call: MakeCall) -> None:
    left = []
    for method, rate in (("GET", None), ("POST", None), ("GET", Rate("expensive", 3)), ("GET", None)):
        asked = call(method)
        charge(asked, KEY, rate)
        assert policy_of(asked) == "key:default"
        left.append(left_of(asked))

    assert left == [99, 98, 95, 94]


def test_the_bucket_of_a_key_says_how_it_is_used(call: MakeCall, ratelimit: Table) -> None:
    from tests.kit.stores import everything_in

    for _ in range(3):
        charge(call("GET", source_ip="198.51.100.9"), KEY, None)

    (item,) = [item for item in everything_in(ratelimit) if item["sk"]["S"] == "key:default"]
    assert (item["n"]["N"], item["ip"]["S"]) == ("3", "198.51.100.9")
    assert "last" in item


def test_a_key_counts_apart_from_its_owner(call: MakeCall) -> None:
    mine, its = call("POST"), call("POST")
    charge(its, KEY, None)
    charge(mine, ANNA, None)

    assert (policy_of(mine), left_of(mine)) == ("user:write", 39)


def test_the_plan_of_a_token_chooses_the_policy(call: MakeCall, ratelimit: Table, signer: Signer) -> None:
    override(ratelimit, "gold:write", limit=6_000, burst=500)
    asked = call("POST", token=signer.token(plan="gold"))

    guard(auth.require("tasks:write")).admit(asked)

    assert (policy_of(asked), left_of(asked)) == ("gold:write", 499)


def test_a_plan_nobody_has_defined_is_the_usual_one(call: MakeCall) -> None:
    asked = call("POST")
    charge(asked, replace(ANNA, plan="silver"), None)

    assert policy_of(asked) == "user:write"


def test_nothing_is_charged_for_a_preflight(call: MakeCall) -> None:
    asked = call("OPTIONS")
    with aws.metered() as meter:
        charge(asked, ANNA, Rate("auth:mail:address", by="body.email"))
        charge_by(asked, Rate("auth:mail:address", by="body.email"), {}, b'{"email": "a@example.com"}')

    assert (meter.requests, asked.answer_headers) == (0, {})


def test_a_cost_may_hang_on_the_call(call: MakeCall) -> None:
    def by_length(asked: Call) -> int:
        return 10 if "export" in asked.query_string else 1

    rate = Rate("write", by_length)
    plain, export = call("POST"), call("POST", query="what=export")
    charge(plain, ANNA, rate)
    charge(export, ANNA, rate)

    assert (left_of(plain), left_of(export)) == (39, 29)


def test_a_computed_cost_is_held_to_what_can_ever_be_admitted(call: MakeCall) -> None:
    asked = call("POST")
    charge(asked, ANNA, Rate("write", lambda call: 10_000))

    assert left_of(asked) == 0


def test_a_burst_lowered_below_a_routes_cost_does_not_close_the_route(call: MakeCall, ratelimit: Table) -> None:
    override(ratelimit, "user:expensive", limit=12, burst=2)
    asked = call("POST")

    charge(asked, ANNA, Rate("expensive", 4))

    assert left_of(asked) == 0


def test_a_policy_by_a_field_is_charged_besides_the_class(call: MakeCall) -> None:
    rate = Rate("auth:mail:address", by="body.email")
    refused = 0
    for number in range(5):
        asked = call("POST")
        charge(asked, replace(ANNA, id=f"user-{number}"), rate)
        try:
            charge_by(asked, rate, {}, json.dumps({"email": " Ann@Example.com"}).encode())
        except LimitExceeded:
            refused += 1
        assert policy_of(asked) == "user:write, auth:mail:address"

    assert refused == 2


@pytest.mark.parametrize(
    ("by", "path", "query", "body", "headers", "counted"),
    [
        ("body.email", {}, "", b'{"email": "a@example.com"}', (), True),
        ("body.email", {}, "", b'{"email": {"a": 1}}', (), False),
        ("body.email", {}, "", b"[1]", (), False),
        ("body.email", {}, "", b"{", (), False),
        ("body.email", {}, "", b"", (), False),
        ("body.email", {}, "", b'{"email": ""}', (), False),
        ("path.user_id", {"user_id": "01J"}, "", b"", (), True),
        ("query.phone", {}, "phone=%2B49", b"", (), True),
        ("header.x-device", {}, "", b"", (("x-device", "d1"),), True),
        ("query.phone", {}, "", b"", (), False),
    ],
)
def test_where_a_subject_may_stand(
    call: MakeCall,
    by: str,
    path: dict[str, str],
    query: str,
    body: bytes,
    headers: tuple[tuple[str, str], ...],
    counted: bool,
) -> None:
    asked = call("POST", query=query, headers=headers)

    charge_by(asked, Rate("auth:mail:address", by=by), path, body)

    assert ("RateLimit" in asked.answer_headers) is counted


@pytest.mark.parametrize(
    ("name", "by"),
    [("write", "body.email"), ("auth:mail:address", "body"), ("auth:mail:address", "body."), ("nobody", "body.email")],
)
def test_a_subject_that_makes_no_sense_is_refused_where_it_is_declared(name: str, by: str) -> None:
    with pytest.raises(ValueError):
        Rate(name, by=by)


def test_the_headers_of_older_clients_come_by_configuration_only(call: MakeCall, bindings: Bindings) -> None:
    old = Bindings({**bindings.environment, "X_RATELIMIT": "1"})
    without, with_them = call("POST"), call("POST", within=old)
    charge(without, ANNA, None)
    charge(with_them, ANNA, None)

    assert not [name for name in without.answer_headers if name.startswith("X-")]
    assert with_them.answer_headers["X-RateLimit-Limit"] == "120"
    assert with_them.answer_headers["X-RateLimit-Remaining"] == "38"


class MailIn(In):
    email: str


def test_a_route_counts_by_a_field_of_its_body_before_it_is_validated(bindings: Bindings, frozen: FakeClock) -> None:
    router = Router(prefix="/notes")

    @router.post("/mail")
    async def mail(
        body: MailIn,
        caller: Annotated[Principal, auth.public(rate=auth.limit("auth:mail:address", by="body.email"))],
    ) -> dict[str, str]:
        """Send a mail."""
        return {"to": body.email}

    app = build_app("notes", router, environment={**bindings.environment, "STAGE": "test"})
    client = AppClient(app, base_url="https://app.test")

    passed = [client.post("/notes/mail", json={"email": "ann@example.com"}) for _ in range(4)]
    # Another address has attempts of its own, whoever asks.
    other = client.post("/notes/mail", json={"email": f"{ids.new()}@example.com"})
    spelled = client.post("/notes/mail", json={"email": "ANN@example.com", "surplus": 1})

    assert [answer.status_code for answer in passed] == [200, 200, 200, 429]
    assert passed[0].json() == {"to": "ann@example.com"}
    assert passed[3].json()["violated_policies"] == ["auth:mail:address"]
    assert other.status_code == 200
    assert spelled.status_code == 429


def test_internal_routes_are_not_charged(call: MakeCall) -> None:
    asked = call(
        "POST", internal={"internal": True, "caller": "accounts", "request_id": "r", "depth": 1}, api_gateway=False
    )
    with aws.metered() as meter:
        guard(auth.service("accounts")).admit(asked)

    assert (meter.requests, asked.answer_headers) == (0, {})
