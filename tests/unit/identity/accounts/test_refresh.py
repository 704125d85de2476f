"""Refresh tokens: rotation, grace, and what a copied one leads to."""

from collections.abc import Callable

import pytest

from functions.identity.accounts import refresh_tokens
from functions.identity.accounts.actions import tokens
from functions.identity.accounts.ports import Ports
from tessera import aws
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.races import outcomes, together
from tests.kit.stores import events_in
from tests.kit.web import AppClient

from .conftest import Mailbox, Person

MakePerson = Callable[..., Person]


def refresh(http: AppClient, token: str):  # type: ignore[no-untyped-def]
    return http.post("/accounts/token/refresh", json={"refresh_token": token})


def test_refresh_parallel_50(ports: Ports, person: MakePerson):
    ann = person()

    results = together(lambda: tokens.refresh(ports, ann.refresh_token), times=50)

    assert outcomes(results) == {"ok": 50}
    assert len({result.value.refresh_token for result in results}) == 1
    assert ports.sessions.get(ann.id, ann.signed_in["session_id"]).ctr == 1


def test_refresh_lost_response_in_grace(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    first = refresh(http, ann.refresh_token).json()
    frozen.advance(seconds=9)

    again = refresh(http, ann.refresh_token)

    assert again.status_code == 200
    assert again.json()["refresh_token"] == first["refresh_token"]
    assert again.json()["access_token"] != first["access_token"]


@pytest.mark.asvs("10.4.5")
def test_refresh_reuse_revokes_family(
    http: AppClient, person: MakePerson, frozen: FakeClock, mailbox: Mailbox, ports: Ports
):
    ann = person()
    second = refresh(http, ann.refresh_token).json()
    third = refresh(http, second["refresh_token"]).json()

    answer = refresh(http, ann.refresh_token)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/refresh-reused")
    assert refresh(http, third["refresh_token"]).json()["type"] == "/problems/refresh-invalid"
    frozen.advance(seconds=9)
    bearer = {"authorization": f"Bearer {third['access_token']}"}
    assert http.get("/accounts/me", headers=bearer).json()["type"] == "/problems/session-revoked"
    assert mailbox.latest(ann.email, "refresh-reused")
    told = events_in(ports.users.table)
    assert "accounts.refresh.reuse_detected.v1" in told
    assert "accounts.session.revoked.v1" in told


@pytest.mark.asvs("10.4.5")
def test_the_last_token_is_a_reuse_once_the_grace_is_over(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    refresh(http, ann.refresh_token)

    frozen.advance(seconds=11)

    assert refresh(http, ann.refresh_token).json()["type"] == "/problems/refresh-reused"


@pytest.mark.asvs("16.3.3")
def test_reuse_seen_by_many_at_once_is_told_once(ports: Ports, person: MakePerson, frozen: FakeClock, mailbox: Mailbox):
    ann = person()
    tokens.refresh(ports, ann.refresh_token)
    frozen.advance(seconds=11)

    results = together(lambda: tokens.refresh(ports, ann.refresh_token), times=10)

    assert outcomes(results).keys() <= {"refresh-reused", "refresh-invalid"}
    assert len([mail for mail in mailbox.all(ann.email) if mail["template"] == "refresh-reused"]) == 1


@pytest.mark.parametrize("days", [14, 90], ids=["idle for 14 days", "90 days old"])
@pytest.mark.asvs("7.3.1", "7.3.2", "10.4.8")
def test_a_session_ends_by_itself(http: AppClient, person: MakePerson, frozen: FakeClock, days: int):
    ann = person()
    token = ann.refresh_token
    for _ in range(days // 10 if days > 14 else 0):
        frozen.advance(days=9, hours=23)
        token = refresh(http, token).json()["refresh_token"]

    frozen.advance(days=14 if days == 14 else 1)

    assert refresh(http, token).json()["type"] == "/problems/refresh-invalid"


def test_a_refresh_costs_a_write_and_a_read(ports: Ports, person: MakePerson):
    ann = person()

    with aws.metered() as meter:
        tokens.refresh(ports, ann.refresh_token)

    assert meter.operations == ["UpdateItem", "GetItem"]


def test_a_forged_token_costs_nothing(ports: Ports, person: MakePerson):
    ann = person()
    forged = ann.refresh_token[:-3] + ("AAA" if not ann.refresh_token.endswith("AAA") else "BBB")

    with aws.metered() as meter, pytest.raises(Exception, match="Sign in again"):
        tokens.refresh(ports, forged)

    assert meter.requests == 0


def test_a_counter_from_the_future_is_a_reuse(http: AppClient, person: MakePerson, ports: Ports):
    ann = person()
    read = refresh_tokens.read(ann.refresh_token, ports.mac)
    assert read is not None

    answer = refresh(http, read.successor().text(ports.mac))

    assert answer.json()["type"] == "/problems/refresh-reused"


def test_refresh_racing_lock(http: AppClient, person: MakePerson, internal: Callable[..., object], frozen: FakeClock):
    """A token minted just before the lock is refused through the feed, and no later refresh succeeds."""
    ann = person()
    pair = refresh(http, ann.refresh_token).json()

    internal("POST", f"/accounts/internal/users/{ann.id}/lock", {})

    assert refresh(http, pair["refresh_token"]).json()["type"] == "/problems/refresh-invalid"
    frozen.advance(seconds=9)
    bearer = {"authorization": f"Bearer {pair['access_token']}"}
    assert http.get("/accounts/me", headers=bearer).json()["type"] == "/problems/token-stale"


def test_without_a_signature_the_token_is_good_again(http: AppClient, person: MakePerson):
    ann = person()

    with failing("kms", "Sign", code="KMSInternalException"):
        assert refresh(http, ann.refresh_token).status_code == 503

    assert refresh(http, ann.refresh_token).status_code == 200


def test_a_client_that_was_given_no_successor_is_no_thief(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    with failing("kms", "Sign", code="KMSInternalException"):
        for _ in range(3):
            assert refresh(http, ann.refresh_token).json()["type"] == "/problems/signing-unavailable"
            frozen.advance(seconds=30)

    again = refresh(http, ann.refresh_token)

    assert again.status_code == 200, again.text
    assert refresh(http, again.json()["refresh_token"]).status_code == 200


def test_once_the_successor_is_used_the_token_before_it_ends_the_sign_in(
    http: AppClient, person: MakePerson, frozen: FakeClock
):
    ann = person()
    with failing("kms", "Sign", code="KMSInternalException"):
        refresh(http, ann.refresh_token)
    given = refresh(http, ann.refresh_token).json()["refresh_token"]
    assert refresh(http, given).status_code == 200
    frozen.advance(seconds=11)

    assert refresh(http, given).json()["type"] == "/problems/refresh-reused"
    assert refresh(http, ann.refresh_token).json()["type"] == "/problems/refresh-invalid"


def test_who_came_second_leaves_no_token_good_that_somebody_was_given_the_successor_of(
    http: AppClient, person: MakePerson, frozen: FakeClock
):
    ann = person()
    assert refresh(http, ann.refresh_token).status_code == 200
    with failing("kms", "Sign", code="KMSInternalException"):
        refresh(http, ann.refresh_token)
    frozen.advance(seconds=11)

    assert refresh(http, ann.refresh_token).json()["type"] == "/problems/refresh-reused"


def test_new_roles_come_with_the_next_refresh(
    http: AppClient, person: MakePerson, internal: Callable[..., object], frozen: FakeClock
):
    ann = person()
    internal("POST", f"/accounts/internal/users/{ann.id}/roles", {"roles": ["moderator"]})
    frozen.advance(seconds=9)

    assert http.get("/accounts/me", headers=ann.bearer).json()["type"] == "/problems/token-stale"
    pair = refresh(http, ann.refresh_token).json()

    bearer = {"authorization": f"Bearer {pair['access_token']}"}
    assert http.get("/accounts/me", headers=bearer).json()["roles"] == ["moderator", "user"]


def test_forms_are_taken_as_oauth_clients_send_them(http: AppClient, person: MakePerson):
    ann = person()
    form = {"grant_type": "refresh_token", "refresh_token": ann.refresh_token}

    answer = http.post("/accounts/token/refresh", data=form)

    assert answer.status_code == 200, answer.text
    revoked = http.post("/accounts/token/revoke", data={"token": answer.json()["refresh_token"]})
    assert revoked.status_code == 200
    assert refresh(http, answer.json()["refresh_token"]).json()["type"] == "/problems/refresh-invalid"


def test_revoking_what_is_no_token_is_no_error(http: AppClient):
    answer = http.post("/accounts/token/revoke", json={"refresh_token": "trt_nothing.at-all"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("length", [4_000, 90_000])
@pytest.mark.parametrize("sent", ["json", "data"])
def test_nor_is_another_kind_of_token_however_long(http: AppClient, sent: str, length: int):
    """Clients of RFC 7009 send access tokens too, which are longer than ours to refresh with."""
    body = {"refresh_token" if sent == "json" else "token": f"eyJ{'x' * length}"}

    assert http.post("/accounts/token/revoke", **{sent: body}).status_code == 200


def test_what_is_too_much_for_any_body_is_too_much_here(http: AppClient):
    body = {"refresh_token": "x" * 100_001}
    assert http.post("/accounts/token/revoke", json=body).status_code == 422
    assert http.post("/accounts/token/revoke", json={"refresh_token": "x" * 1_000_000}).status_code == 413


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"{}", "application/json", 422),
        (b'{"refresh_token": 5}', "application/json", 422),
        (b'{"refresh_token": "a", "more": 1}', "application/json", 422),
        (b"[", "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"\xff", "application/x-www-form-urlencoded", 422),
        (b"nothing", "application/x-www-form-urlencoded", 422),
        (b"refresh_token=a", "text/plain", 415),
        (b"x" * 1_000_001, "application/json", 413),
    ],
    ids="empty|number|more|broken|not utf-8|form not ascii|form without pairs|text|too large".split("|"),
)
def test_a_body_that_makes_no_sense_is_refused(http: AppClient, content: bytes, media: str, status: int):
    answer = http.post("/accounts/token/refresh", content=content, headers={"content-type": media})

    assert answer.status_code == status, answer.text
