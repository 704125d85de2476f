from typing import Any

import pytest

from functions.identity.ratelimit.store.policies import PolicyStore
from tessera.auth.audit import audit
from tessera.auth.principal import ANONYMOUS
from tessera.outbox import Envelope
from tests.kit.apps import Caller
from tests.kit.clocks import FakeClock
from tests.kit.races import outcomes, together

from .conftest import Place

USER_WRITE = "/ratelimit/policies/user:write"
SIMPLE = {"windows": [{"limit": 30, "period_s": 60, "burst": 5}]}


def put(caller: Caller, path: str, body: dict[str, Any], **headers: str) -> Any:
    return caller.request(
        "PUT", path, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_what_ships_is_shown_as_version_0(admin: Caller) -> None:
    answer = admin.get(USER_WRITE)

    assert answer.headers["etag"] == '"v0"'
    assert answer.json() == {
        "name": "user:write",
        "source": "default",
        "windows": [{"limit": 120, "period_s": 60, "burst": 40}],
        "algorithm": "gcra",
        "mode": "enforce",
        "fail": "open",
        "quota_per_month": 0,
        "exact": False,
        "lease": 0,
        "slack_ms": 0,
        "priority": False,
        "addresses": [],
        "version": 0,
        "changed_at": None,
    }


def test_a_policy_that_is_set_is_in_force_within_a_minute(admin: Caller, place: Place, frozen: FakeClock) -> None:
    person = place.served.person()
    assert person.get("/ratelimit/me").status_code == 200

    made = put(admin, USER_WRITE, SIMPLE, if_match='"v0"')
    frozen.advance(seconds=61)

    assert (made.status_code, made.headers["etag"], made.json()["source"]) == (200, '"v1"', "override")
    assert place.limits.decide("user:write", "user:ann").remaining == 4


def test_everything_a_policy_can_be_goes_in_and_comes_out(admin: Caller) -> None:
    body = {
        "windows": [
            {"limit": 10, "period_s": 1, "burst": 5},
            {"limit": 600, "period_s": 60, "burst": 600},
            {"limit": 10_000, "period_s": 86_400, "burst": 10_000},
        ],
        "algorithm": "sliding",
        "mode": "shadow",
        "fail": "closed",
        "quota_per_month": 100_000,
        "exact": True,
        "lease": 5,
        "slack_ms": 0,
        "priority": True,
        "addresses": ["203.0.113.0/24", "2001:db8::/32"],
    }

    made = put(admin, "/ratelimit/policies/gold:write", body)

    assert made.status_code == 201
    assert made.headers["location"] == "/ratelimit/policies/gold:write"
    assert {name: made.json()[name] for name in body} == body
    assert admin.get("/ratelimit/policies/gold:write").json() == made.json()


def test_the_burst_is_the_limit_unless_it_is_said(admin: Caller) -> None:
    made = put(admin, "/ratelimit/policies/gold:read", {"windows": [{"limit": 30, "period_s": 60}]})

    assert made.json()["windows"] == [{"limit": 30, "period_s": 60, "burst": 30}]


@pytest.mark.parametrize(
    ("if_match", "status"), [(None, 428), ('"v0"', 412), ('"v2"', 412), ('"v1"', 200), ("*", 200), ('W/"v1"', 412)]
)
def test_a_change_names_the_version_it_has_read(admin: Caller, if_match: str | None, status: int) -> None:
    put(admin, "/ratelimit/policies/gold:read", SIMPLE)
    headers = {"if_match": if_match} if if_match else {}

    assert put(admin, "/ratelimit/policies/gold:read", SIMPLE, **headers).status_code == status


def test_a_new_policy_needs_no_version_and_a_wrong_one_is_refused(admin: Caller) -> None:
    assert put(admin, "/ratelimit/policies/silver:read", SIMPLE, if_match='"v3"').status_code == 412
    assert put(admin, "/ratelimit/policies/silver:read", SIMPLE).status_code == 201


def test_of_two_changes_at_once_one_is_made(admin: Caller, place: Place) -> None:
    store = place.bindings.get(PolicyStore)
    before = store.stored("gold:read")
    values = {"limit": 1, "period_seconds": 1, "burst": 1}

    results = together(
        lambda: store.save("gold:read", values, after=before, event=audit("a.b", "policy:x", by=ANONYMOUS)), times=8
    )

    assert outcomes(results) == {"ok": 1, "version-mismatch": 7}


def test_a_policy_goes_back_to_what_ships(admin: Caller, place: Place, frozen: FakeClock) -> None:
    put(admin, USER_WRITE, SIMPLE)

    stale = admin.request("DELETE", USER_WRITE, headers={"if-match": '"v7"'})
    gone = admin.request("DELETE", USER_WRITE, headers={"if-match": '"v1"'})

    assert (stale.status_code, gone.status_code) == (412, 204)
    assert admin.get(USER_WRITE).json()["source"] == "default"
    assert admin.delete(USER_WRITE).status_code == 404
    frozen.advance(seconds=61)
    assert place.limits.decide("user:write", "user:ann").remaining == 39


def test_versions_never_begin_anew(admin: Caller) -> None:
    path = "/ratelimit/policies/gold:read"
    put(admin, path, SIMPLE)
    admin.delete(path)

    again = put(admin, path, SIMPLE)

    assert admin.get(path).headers["etag"] == again.headers["etag"] == '"v3"'


def test_a_policy_nobody_has_set_is_not_found(admin: Caller) -> None:
    assert admin.get("/ratelimit/policies/gold:read").status_code == 404
    assert admin.delete("/ratelimit/policies/gold:read").status_code == 404
    put(admin, "/ratelimit/policies/gold:read", SIMPLE)
    admin.delete("/ratelimit/policies/gold:read")
    assert admin.get("/ratelimit/policies/gold:read").status_code == 404


@pytest.mark.parametrize("name", ["Upper", "a b", "a::b", "-a", "inline/60", "x" * 65])
def test_what_is_no_name_is_not_found(admin: Caller, name: str) -> None:
    assert put(admin, f"/ratelimit/policies/{name}", SIMPLE).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"windows": []},
        {"windows": [{"limit": 1, "period_s": n} for n in (1, 2, 3, 4)]},
        {"windows": [{"limit": 1, "period_s": 1}, {"limit": 2, "period_s": 1}]},
        {"windows": [{"limit": 0, "period_s": 1}]},
        {"windows": [{"limit": 1, "period_s": 2_678_400, "burst": 120}]},
        {**SIMPLE, "mode": "maybe"},
        {**SIMPLE, "addresses": ["203.0.113.7/8"]},
        {**SIMPLE, "addresses": ["2001:db8::%x/32"]},
        {**SIMPLE, "lease": 6},
        {**SIMPLE, "slack_ms": 10_001},
        {**SIMPLE, "slack_ms": 5, "algorithm": "window"},
        {**SIMPLE, "surplus": 1},
    ],
    ids=[
        "none",
        "four",
        "one period twice",
        "zero",
        "never full",
        "mode",
        "network",
        "zone",
        "lease",
        "slack",
        "slack of a window",
        "surplus",
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(admin: Caller, body: dict[str, Any]) -> None:
    answer = put(admin, "/ratelimit/policies/gold:read", body)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")


def test_the_list_has_what_ships_and_what_was_set_in_order(admin: Caller) -> None:
    put(admin, "/ratelimit/policies/gold:read", SIMPLE)
    put(admin, "/ratelimit/policies/zinc:read", SIMPLE)
    put(admin, USER_WRITE, SIMPLE)
    put(admin, "/ratelimit/policies/silver:read", SIMPLE)
    admin.delete("/ratelimit/policies/silver:read")

    pages, cursor = [], ""
    while True:
        page = admin.get(f"/ratelimit/policies?limit=4{cursor}").json()
        pages.append(page["items"])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    shown = [one for page in pages for one in page]
    names = [one["name"] for one in shown]
    assert names == sorted(names)
    assert {"gold:read", "zinc:read", "user:write", "anon:read"} <= set(names)
    assert "silver:read" not in names
    assert [one["source"] for one in shown if one["name"] == "user:write"] == ["override"]
    assert all(len(page) == 4 for page in pages[:-1])


def test_a_list_goes_on_with_its_own_cursor_only(admin: Caller) -> None:
    assert admin.get("/ratelimit/policies?cursor=AAAA").status_code == 400


def test_support_reads_and_changes_nothing(place: Place) -> None:
    support = place.with_role("support")

    assert support.get(USER_WRITE).status_code == 200
    assert support.get("/ratelimit/policies").status_code == 200
    assert put(support, USER_WRITE, SIMPLE).status_code == 403
    assert support.delete(USER_WRITE).status_code == 403


def test_people_and_keys_see_no_policies(place: Place, key: Caller) -> None:
    for caller in (key, place.served.person()):
        assert caller.get(USER_WRITE).status_code == 403


def test_each_change_is_on_the_audit_trail(admin: Caller, place: Place) -> None:
    put(admin, USER_WRITE, SIMPLE)
    (item,) = place.items("POLICY#")
    entry = Envelope.parse(item["event"]["S"])
    admin.delete(USER_WRITE)
    (removed,) = place.items("POLICY#")

    assert entry.type == "audit.entry.recorded.v1"
    assert (entry.data["action"], entry.data["target"]) == (
        "ratelimit.policy-set",
        {"type": "policy", "id": "user:write"},
    )
    assert entry.data["detail"]["limits"] == "30/60s+5"
    assert Envelope.parse(removed["event"]["S"]).data["action"] == "ratelimit.policy-removed"


def test_a_policy_of_networks_is_for_them_alone(admin: Caller, place: Place) -> None:
    put(admin, "/ratelimit/policies/anon:write", {**SIMPLE, "addresses": ["203.0.113.0/24"]})

    assert place.limits.decide("anon:write", "ip:203.0.113.7").remaining == 4
    assert place.limits.decide("anon:write", "ip:198.51.100.7").remaining == 9
