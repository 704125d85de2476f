"""What asks for a second factor of who has one, and how a session shows it; and what staff do for who lost theirs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from functions.identity.accounts.actions import factors, sign_in
from functions.identity.accounts.actions import passkeys as passkey_actions
from functions.identity.accounts.config import AccountSettings
from functions.identity.accounts.passwords import Passwords
from functions.identity.accounts.ports import Client, Ports
from functions.identity.accounts.rules import MFA_ATTEMPTS
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.rows import user_pk
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import Busy
from tessera.tables import Table
from tests.kit.authenticators import Authenticator
from tests.kit.clocks import FakeClock
from tests.kit.faults import meanwhile
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import Mailbox, Person
from .second_factors import (
    ORIGIN,
    App,
    add,
    ask_to_add,
    ask_to_show,
    begin,
    enrol,
    finish,
    recovery_codes,
    show,
    slug,
)

MakePerson = Callable[..., Person]
Claims = Callable[[str], dict[str, Any]]
STAFF = Principal(kind="service", id="admin", credential="iam")

# Each for who has shown their second factor, if they have one.
GUARDED = [
    ("POST", "/accounts/me/password", {"current": "a quiet morning at sea", "new": "another evening in town"}),
    ("DELETE", "/accounts/me/mfa/totp", None),
    ("POST", "/accounts/me/mfa/recovery-codes", None),
    ("POST", "/accounts/me/mfa/totp", None),
    ("POST", "/accounts/me/passkeys/options", None),
    ("PATCH", "/accounts/me/passkeys/" + "0" * 64, {"name": "Mine"}),
    ("DELETE", "/accounts/me/passkeys/" + "0" * 64, None),
]


class Session:
    """A sign-in of its own, refreshed when asked for."""

    def __init__(self, http: AppClient, tokens: dict[str, Any]) -> None:
        self.http, self.tokens = http, tokens

    def refresh(self) -> "Session":
        answer = self.http.post("/accounts/token/refresh", json={"refresh_token": self.tokens["refresh_token"]})
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        return self

    def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens['access_token']}"}
        answer: httpx.Response = self.http.request(method, path, headers=headers, json=body)
        return answer

    def prove(self, **shown: object) -> httpx.Response:
        answer = self.request("POST", "/accounts/me/reauthenticate", shown)
        if answer.status_code == 200:
            self.tokens |= {"access_token": answer.json()["access_token"]}
        return answer


@pytest.fixture
def ann(person: MakePerson) -> Person:
    return person()


@pytest.fixture
def older(http: AppClient, ann: Person) -> Session:
    """Signed in with the password, before there was a second factor."""
    return Session(http, begin(http, ann))


@pytest.fixture
def phone(http: AppClient, ann: Person, older: Session, frozen: FakeClock) -> App:
    """Set up in another session; the older one goes on, and has shown nothing of it."""
    made = enrol(http, ann, frozen)
    frozen.advance(seconds=30)
    older.refresh()
    return made


@pytest.mark.parametrize(("method", "path", "body"), GUARDED, ids=lambda given: str(given)[-24:])
@pytest.mark.asvs("7.5.1")
def test_what_needs_a_second_factor_asks_for_it(
    older: Session, phone: App, method: str, path: str, body: dict[str, object] | None
):
    answer = older.request(method, path, body)

    assert (answer.status_code, slug(answer)) == (401, "step-up-required")
    assert 'acr_values="aal2"' in answer.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(("method", "path", "body"), GUARDED, ids=lambda given: str(given)[-24:])
def test_who_has_none_is_not_asked(ann: Person, older: Session, method: str, path: str, body: dict[str, object] | None):
    assert older.request(method, path, body).status_code != 401


@pytest.mark.parametrize(("method", "path", "body"), GUARDED, ids=lambda given: str(given)[-24:])
def test_who_has_shown_it_is_not_asked_again(
    older: Session, phone: App, method: str, path: str, body: dict[str, object] | None
):
    assert older.prove(method="totp", code=phone.code()).status_code == 200

    assert older.request(method, path, body).status_code in (200, 204, 404, 409)


def test_a_code_shown_again_raises_the_session_and_refreshing_keeps_it(
    older: Session, phone: App, claims: Claims, frozen: FakeClock
):
    before = claims(older.tokens["access_token"])
    frozen.advance(minutes=8)
    older.refresh()

    older.prove(method="totp", code=phone.code())

    shown = claims(older.tokens["access_token"])
    assert (before["aal"], before["amr"]) == (1, ["pwd"])
    assert (shown["aal"], shown["amr"], shown["sid"]) == (2, ["mfa", "otp", "pwd"], before["sid"])
    assert shown["auth_time"] > before["auth_time"] + 480
    kept = claims(older.refresh().tokens["access_token"])
    assert {name: kept[name] for name in ("aal", "amr", "auth_time")} == {
        name: shown[name] for name in ("aal", "amr", "auth_time")
    }


def test_a_password_shown_again_is_fresh_and_no_second_factor(
    ann: Person, older: Session, phone: App, claims: Claims, frozen: FakeClock
):
    frozen.advance(minutes=6)
    before = claims(older.refresh().tokens["access_token"])

    older.prove(password=ann.password)

    shown = claims(older.tokens["access_token"])
    assert (shown["aal"], shown["auth_time"] > before["auth_time"]) == (1, True)


def test_a_password_shown_again_takes_no_second_factor_away(ann: Person, older: Session, phone: App, claims: Claims):
    older.prove(method="totp", code=phone.code())

    older.prove(password=ann.password)

    assert claims(older.tokens["access_token"])["aal"] == 2


def test_a_passkey_shown_again_raises_the_session(http: AppClient, ann: Person, older: Session, claims: Claims):
    device = Authenticator(ORIGIN)
    assert add(http, ann, device).status_code == 201
    asked = ask_to_show(http)

    answer = older.prove(
        method="passkey", challenge_id=asked["challenge_id"], credential=device.get(asked["publicKey"])
    )

    assert answer.status_code == 200, answer.text
    assert claims(older.tokens["access_token"])["amr"] == ["hwk", "mfa", "pwd", "user"]


def test_a_passkey_of_somebody_else_shows_nothing(http: AppClient, person: MakePerson, older: Session, phone: App):
    theirs = Authenticator(ORIGIN)
    assert add(http, person("bob@example.com"), theirs).status_code == 201
    asked = ask_to_show(http)

    answer = older.prove(
        method="passkey", challenge_id=asked["challenge_id"], credential=theirs.get(asked["publicKey"])
    )

    assert (answer.status_code, slug(answer)) == (401, "mfa-failed")


def test_a_recovery_code_shown_again_raises_the_session(
    http: AppClient, ann: Person, older: Session, phone: App, claims: Claims
):
    codes = recovery_codes(http, ann)

    first, second = (older.prove(method="recovery", code=codes[0]) for _ in range(2))

    assert (first.status_code, slug(second)) == (200, "mfa-failed")
    assert claims(older.tokens["access_token"])["aal"] == 2


def test_a_code_that_signed_in_shows_nothing_again(http: AppClient, ann: Person, older: Session, phone: App):
    code = phone.code()
    assert finish(http, begin(http, ann), "totp", code=code).status_code == 200

    assert slug(older.prove(method="totp", code=code)) == "mfa-failed"


def test_guesses_inside_a_session_are_counted_too(older: Session, phone: App):
    wrong = [older.prove(method="totp", code=phone.wrong()) for _ in range(MFA_ATTEMPTS)]

    refused = older.prove(method="totp", code=phone.code())

    assert [answer.status_code for answer in wrong] == [401] * MFA_ATTEMPTS
    assert (refused.status_code, slug(refused)) == (429, "attempts-exhausted")


@pytest.mark.parametrize(
    "body",
    [{}, {"password": "x", "method": "totp", "code": "123456"}, {"code": "123456"}, {"method": "sms"}],
    ids=["nothing", "two things", "no method", "unknown method"],
)
def test_what_proves_nothing_is_malformed(older: Session, body: dict[str, object]):
    assert older.prove(**body).status_code == 422


@pytest.mark.parametrize("method", ["totp", "recovery", "passkey"])
def test_what_somebody_does_not_have_they_cannot_show(older: Session, method: str):
    assert slug(older.prove(method=method, code="123456")) == "mfa-failed"


def test_the_session_that_set_a_passkey_up_may_set_another_up(http: AppClient, ann: Person, older: Session):
    """Its token is still of before; what the session has shown counts."""
    assert add(http, ann, Authenticator(ORIGIN)).status_code == 201

    assert len(ask_to_add(http, ann)["publicKey"]["excludeCredentials"]) == 1
    assert slug(older.request("POST", "/accounts/me/passkeys/options")) == "step-up-required"


@pytest.mark.asvs("7.5.1")
def test_setting_up_needs_a_proof_of_the_last_five_minutes(http: AppClient, ann: Person, frozen: FakeClock):
    frozen.advance(seconds=301)

    answers = [
        http.post(path, headers=ann.bearer)
        for path in ("/accounts/me/mfa/totp", "/accounts/me/passkeys/options", "/accounts/me/mfa/recovery-codes")
    ]

    assert [slug(answer) for answer in answers] == ["step-up-required"] * 3
    assert all("max_age=300" in answer.headers["www-authenticate"] for answer in answers)


def test_a_session_of_another_service_uses_no_code_up(
    http: AppClient, ann: Person, phone: App, table: Table, ports: Ports
):
    without = UserRow.families.remove()
    table.update(UserRow, user_pk(ann.id), "MAIN", without)
    code = phone.code()

    body = {"method": "totp", "code": code}
    answer = http.post("/accounts/me/reauthenticate", json=body, headers=ann.bearer)

    assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert finish(http, begin(http, ann), "totp", code=code).status_code == 200


def test_a_service_that_keeps_the_session_gets_the_same_proofs(
    ann: Person, phone: App, ports: Ports, call: Call, client: Client
):
    pending = sign_in.authenticate(ports, email=ann.email, password=ann.password, client=client, call=call)
    assert isinstance(pending, factors.MfaPending)
    assert int(ports.users.get(ann.id).fails) == 1

    proven, session_id = sign_in.authenticate_with_factor(
        ports, mfa_token=pending.token, method="totp", code=phone.code(), credential=None, call=call
    )

    assert (proven.user.user_id, proven.amr, proven.aal) == (ann.id, {"pwd", "otp", "mfa"}, 2)
    assert session_id == pending.session_id
    assert int(ports.users.get(ann.id).fails) == 0


def test_a_service_gets_a_password_alone_as_the_first_level(ann: Person, ports: Ports, call: Call, client: Client):
    proven = sign_in.authenticate(ports, email=ann.email, password=ann.password, client=client, call=call)

    assert isinstance(proven, factors.Proven)
    assert (proven.amr, proven.aal) == ({"pwd"}, 1)
    assert int(ports.users.get(ann.id).fails) == 0


def test_an_older_hash_is_renewed_though_no_session_is_opened_yet(
    environment: dict[str, str], http: AppClient, ann: Person, phone: App, ports: Ports, call: Call, client: Client
):
    stronger = AccountSettings.load(
        {**environment, "HASH_TIME": "3", **dict.fromkeys(("TABLE", "AUTHFEED", "RATELIMIT"), "x")}
    )
    raised = replace(ports, passwords=Passwords(stronger))
    before = ports.users.get(ann.id).pw

    found = sign_in.login(raised, email=ann.email, password=ann.password, client=client, call=call)

    assert isinstance(found, factors.MfaPending)
    after = str(ports.users.get(ann.id).pw)
    assert after != before and "t=3" in after
    proven = factors.finish(raised, found.token, method="totp", code=phone.code(), call=call)
    assert proven.user.user_id == ann.id


def test_a_sign_in_that_is_not_finished_counts_as_one_that_failed(
    http: AppClient, ann: Person, phone: App, ports: Ports
):
    for _ in range(3):
        begin(http, ann)
    unfinished = int(ports.users.get(ann.id).fails)

    assert finish(http, begin(http, ann), "totp", code=phone.code()).status_code == 200

    assert (unfinished, int(ports.users.get(ann.id).fails)) == (3, 0)


def test_a_device_is_remembered_for_a_service_too(ann: Person, ports: Ports, mailbox: Mailbox):
    user = ports.users.get(ann.id)

    token = sign_in.remember_device(ports, user, Client(device_name="Ann's browser"))

    assert token is not None
    assert sign_in.remember_device(ports, user, Client(device_token=token)) is None
    assert mailbox.latest(ann.email, "new-device")["data"]["device"] == "Ann's browser"


def test_what_somebody_has_is_told_to_them(http: AppClient, ann: Person, phone: App):
    recovery_codes(http, ann)
    assert add(http, ann, Authenticator(ORIGIN)).status_code == 201

    found = http.get("/accounts/me/mfa", headers=ann.bearer).json()

    assert found == {
        "methods": ["passkey", "totp", "recovery"],
        "recovery_codes_left": 10,
        "passkeys": 1,
        "has_password": True,
    }


@pytest.mark.asvs("6.4.4")
def test_a_reset_takes_every_factor_and_session_away(
    http: AppClient,
    ann: Person,
    phone: App,
    ports: Ports,
    call: Call,
    table: Table,
    mailbox: Mailbox,
    told: Callable[[], list[str]],
    frozen: FakeClock,
):
    recovery_codes(http, ann)
    device = Authenticator(ORIGIN)
    assert add(http, ann, device).status_code == 201

    factors.reset(ports, ports.users.get(ann.id), caller=STAFF, call=call)

    frozen.advance(seconds=9)
    left = {item["sk"]["S"] for item in everything_in(table) if item["pk"]["S"] == f"U#{ann.id}"}
    assert not [sk for sk in left if sk.startswith(("M#", "P#", "F#"))]
    assert not [item for item in everything_in(table) if item["pk"]["S"].startswith("C#")]
    assert http.get("/accounts/me", headers=ann.bearer).status_code == 401
    assert slug(show(http, device)) == "passkey-unknown"
    assert mailbox.latest(ann.email, "mfa-reset")
    assert {"accounts.mfa.disabled.v1", "accounts.mfa-reset"} <= set(told())
    assert "access_token" in begin(http, ann)


def test_a_passkey_added_during_a_reset_is_not_forgotten(
    http: AppClient, ann: Person, phone: App, ports: Ports, call: Call
):
    asked = ask_to_add(http, ann)
    credential = Authenticator(ORIGIN).create(asked["publicKey"])
    caller = Principal(kind="user", id=ann.id, user_id=ann.id, aal=2)

    def add_it() -> None:
        passkey_actions.add(
            ports,
            ann.id,
            challenge_id=asked["challenge_id"],
            credential=credential,
            name=None,
            caller=caller,
            call=call,
        )

    with meanwhile("TransactWriteItems", add_it), pytest.raises(Busy):
        factors.reset(ports, ports.users.get(ann.id), caller=STAFF, call=call)

    factors.reset(ports, ports.users.get(ann.id), caller=STAFF, call=call)
    assert ports.passkeys.of(ann.id) == []


def test_two_enrolments_at_once_leave_a_factor_that_works(
    http: AppClient, ann: Person, ports: Ports, call: Call, frozen: FakeClock
):
    app = App(http.post("/accounts/me/mfa/totp", headers=ann.bearer).json()["secret"], frozen)
    code = app.code()

    results = together(
        lambda: http.post("/accounts/me/mfa/totp/confirm", json={"code": code}, headers=ann.bearer), times=3
    )

    answers = [result.value for result in results]
    assert outcomes(results) == {"ok": 3}
    assert [answer.status_code for answer in answers].count(200) == 1
    refused = {(answer.status_code, answer.json().get("type")) for answer in answers if answer.status_code != 200}
    # Whoever comes when one is done has a factor by then, and is asked for it.
    assert {status for status, _ in refused - {(401, "/problems/step-up-required")}} <= {400, 409}
    assert finish(http, begin(http, ann), "totp", code=app.next_code()).status_code == 200
