"""Sign-ins that were refused are in the audit log, and tell nobody more than they told before."""

from collections.abc import Callable
from typing import Any

import pytest

from tessera import ids
from tessera.outbox import Envelope
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Person
from .second_factors import begin, enrol, finish

Internal = Callable[..., tuple[int, Any]]
Entries = Callable[[], list[dict[str, Any]]]
WRONG = "not the right one at all"
REFUSED = ("accounts.login-refused", "accounts.reauthentication-refused")


@pytest.fixture
def entries(table: Table) -> Entries:
    """What the audit log was told of refusals."""

    def look() -> list[dict[str, Any]]:
        made = [Envelope.parse(item["event"]["S"]) for item in everything_in(table) if "event" in item]
        return [one.data for one in sorted(made, key=lambda one: one.id) if one.data.get("action") in REFUSED]

    return look


def login(http: AppClient, email: str, password: str = WRONG) -> int:
    return int(http.post("/accounts/login", json={"email": email, "password": password}).status_code)


@pytest.mark.asvs("16.3.1")
def test_a_wrong_password_is_on_record_with_where_it_came_from(
    http: AppClient, person: Callable[..., Person], entries: Entries
) -> None:
    ann = person()

    assert login(http, ann.email) == 401

    (entry,) = entries()
    assert (entry["action"], entry["outcome"]) == ("accounts.login-refused", "denied")
    assert (entry["target"], entry["detail"]) == ({"type": "user", "id": ann.id}, {"method": "password"})
    assert (entry["actor"]["kind"], entry["actor"]["id"]) == ("anonymous", "anon")
    assert entry["actor"]["ip"] and entry["actor"]["ua"] == "testclient"


def test_an_address_that_nobody_has_is_on_record_and_not_readable(http: AppClient, entries: Entries) -> None:
    for email in ("nobody@example.com", "Nobody@example.com", "another@example.com"):
        login(http, email)

    targets = [entry["target"] for entry in entries()]
    assert {target["type"] for target in targets} == {"address"}
    assert targets[0] == targets[1] != targets[2]
    assert "example" not in str(entries()) and WRONG not in str(entries())


def test_who_is_locked_is_refused_on_record_with_the_right_password(
    http: AppClient, person: Callable[..., Person], internal: Internal, entries: Entries
) -> None:
    ann = person()
    internal("POST", f"/accounts/internal/users/{ann.id}/lock", {})

    assert login(http, ann.email, PASSWORD) == 401

    assert [entry["target"]["id"] for entry in entries()] == [ann.id]


def test_a_good_sign_in_is_no_refusal(http: AppClient, person: Callable[..., Person], entries: Entries) -> None:
    assert login(http, person().email, PASSWORD) == 200

    assert entries() == []


def test_an_attempt_that_is_not_let_near_the_password_is_no_entry_more(
    http: AppClient, person: Callable[..., Person], entries: Entries
) -> None:
    """So that nobody fills the log: there are as many as attempts, and no more."""
    ann = person()

    statuses = [login(http, ann.email) for _ in range(14)]

    assert statuses.count(401) == len(entries()) == 10


def test_a_wrong_code_is_on_record(
    http: AppClient, person: Callable[..., Person], frozen: FakeClock, entries: Entries
) -> None:
    ann = person()
    phone = enrol(http, ann, frozen)

    finish(http, begin(http, ann), "totp", code=phone.wrong())
    http.post("/accounts/me/reauthenticate", json={"method": "totp", "code": phone.wrong()}, headers=ann.bearer)
    http.post("/accounts/me/reauthenticate", json={"password": WRONG}, headers=ann.bearer)

    told = [(entry["action"], entry["detail"]["method"], entry["actor"]["id"]) for entry in entries()]
    assert told == [
        ("accounts.login-refused", "totp", "anon"),
        ("accounts.reauthentication-refused", "totp", ann.id),
        ("accounts.reauthentication-refused", "password", ann.id),
    ]


def test_a_passkey_that_nobody_has_is_on_record(http: AppClient, entries: Entries) -> None:
    challenge = http.post("/accounts/login/passkey/options", json={}).json()["challenge_id"]
    response = {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"}
    shown = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": response}

    answer = http.post("/accounts/login/passkey", json={"challenge_id": challenge, "credential": shown})

    assert answer.json()["type"] == "/problems/passkey-unknown"
    (entry,) = entries()
    assert (entry["target"]["type"], entry["detail"]) == ("passkey", {"method": "passkey"})


@pytest.mark.parametrize("caller", ["sessions", "oauth"])
def test_what_a_service_of_ours_is_refused_for_somebody_is_on_record(
    internal: Internal, person: Callable[..., Person], entries: Entries, caller: str
) -> None:
    ann = person()
    internal("POST", f"/accounts/internal/users/{ann.id}/lock", {})
    given = {"user_id": ann.id, "amr": ["fed"], "aal": 1, "auth_time": 1_700_000_000}
    body = {"email": ann.email, "password": WRONG} if caller == "sessions" else given
    path = "authenticate" if caller == "sessions" else "tokens"

    status, _ = internal("POST", f"/accounts/internal/{path}", body, caller=caller)

    (entry,) = entries()
    assert (status, entry["target"]["id"]) == (401, ann.id)
    assert entry["detail"] == {"method": "password" if caller == "sessions" else "outside"}


def test_the_owner_of_an_account_does_not_find_the_guesses_of_strangers_in_their_list(
    http: AppClient, person: Callable[..., Person], entries: Entries
) -> None:
    ann = person()
    login(http, ann.email)

    listed = http.get("/accounts/me/activity", headers=ann.bearer).json()["items"]

    assert entries() and "login-refused" not in [item["action"] for item in listed]


@pytest.mark.parametrize("code", ["InternalServerError", "ThrottlingException", "AccessDeniedException"])
def test_a_refusal_that_cannot_be_recorded_is_still_the_same_refusal(
    http: AppClient, person: Callable[..., Person], code: str
) -> None:
    ann = person()
    plain = http.post("/accounts/login", json={"email": ann.email, "password": WRONG})

    with failing("dynamodb", "TransactWriteItems", code=code):
        known = http.post("/accounts/login", json={"email": ann.email, "password": WRONG})
        unknown = http.post("/accounts/login", json={"email": f"{ids.new()}@example.com", "password": WRONG})

    bodies = [{**answer.json(), "trace_id": ""} for answer in (plain, known, unknown)]
    assert bodies[0] == bodies[1] == bodies[2] and known.status_code == 401
