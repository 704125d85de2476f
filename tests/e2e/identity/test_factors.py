"""Second factors and passkeys from outside: an authenticator app, recovery codes, and authenticators in software."""

import base64
import time
from typing import Any

import httpx
import pyotp
import pytest
from soft_webauthn import SoftWebauthnDevice

from tests.kit.authenticators import Authenticator, decode, encode
from tests.kit.people import Mailbox, People, Person

STEP_SECONDS = 30


@pytest.fixture
def ann(people: People) -> Person:
    """Somebody of this test's own, because it changes the account itself."""
    return people.new(name="Ann")


class App:
    """An authenticator app. It never shows a code twice, as the server never takes one twice."""

    def __init__(self, secret: str) -> None:
        self._totp, self._shown = pyotp.TOTP(secret), 0

    def code(self) -> str:
        """The present code, or the next one, which is good already, when the present one was shown before."""
        step = max(int(time.time()) // STEP_SECONDS, self._shown + 1)
        self._shown = step
        return self._totp.at(step * STEP_SECONDS)


def enrol(person: Person) -> App:
    begun = person.post("/accounts/me/mfa/totp")
    assert begun.status_code == 200, begun.text
    app = App(begun.json()["secret"])
    confirmed = person.post("/accounts/me/mfa/totp/confirm", json={"code": app.code()})
    assert confirmed.status_code == 200, confirmed.text
    person.tokens["access_token"] = confirmed.json()["access_token"]
    return app


def finish(person: Person, pending: httpx.Response, method: str, **shown: Any) -> httpx.Response:
    assert pending.json()["status"] == "mfa_required", pending.text
    body = {"mfa_token": pending.json()["mfa_token"], "method": method, **shown}
    return person.http.post("/accounts/login/mfa", json=body)


def add(person: Person, device: Authenticator) -> dict[str, Any]:
    asked = person.post("/accounts/me/passkeys/options")
    assert asked.status_code == 200, asked.text
    credential = device.create(asked.json()["publicKey"])
    body = {"challenge_id": asked.json()["challenge_id"], "credential": credential, "name": "Test"}
    made = person.post("/accounts/me/passkeys", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


def test_somebody_signs_in_with_a_code_of_their_app(ann: Person, mailbox: Mailbox):
    app = enrol(ann)

    done = finish(ann, ann.sign_in(device_name="laptop"), "totp", code=app.code())

    assert done.status_code == 200, done.text
    assert done.json()["user"]["id"] == ann.id
    assert mailbox.latest(ann.email, subject="second factor")


def test_a_code_signs_in_once(ann: Person):
    app = enrol(ann)
    code = app.code()

    first, second = (finish(ann, ann.sign_in(), "totp", code=code) for _ in range(2))

    assert (first.status_code, slug(second)) == (200, "mfa-failed")


def test_five_wrong_codes_end_the_sign_in(ann: Person):
    app = enrol(ann)
    pending = ann.sign_in()

    wrong = [finish(ann, pending, "recovery", code="00000-00000") for _ in range(5)]
    right = finish(ann, pending, "totp", code=app.code())

    assert [answer.status_code for answer in wrong] == [401] * 5
    assert (right.status_code, slug(right)) == (429, "attempts-exhausted")


def test_a_recovery_code_signs_in_once_and_its_owner_is_told(ann: Person, mailbox: Mailbox):
    enrol(ann)
    codes = ann.post("/accounts/me/mfa/recovery-codes").json()["codes"]

    first, second = (finish(ann, ann.sign_in(), "recovery", code=codes[0]) for _ in range(2))

    assert len(codes) == 10
    assert (first.status_code, slug(second)) == (200, "mfa-failed")
    assert "9 are left" in mailbox.latest(ann.email, subject="recovery code was used").text


def test_a_session_from_before_shows_the_second_factor_before_it_may_change_the_password(people: People, ann: Person):
    older = Person(ann.email, ann.password, ann.user, ann.sign_in().json(), people.client())
    app = enrol(ann)
    assert older.refresh().status_code == 200
    change = {"current": ann.password, "new": "another evening in town"}

    refused = older.post("/accounts/me/password", json=change)
    proven = older.post("/accounts/me/reauthenticate", json={"method": "totp", "code": app.code()})
    older.tokens["access_token"] = proven.json()["access_token"]
    changed = older.post("/accounts/me/password", json=change)

    assert (refused.status_code, slug(refused)) == (401, "step-up-required")
    assert 'acr_values="aal2"' in refused.headers["www-authenticate"]
    assert changed.status_code == 200, changed.text


def test_an_app_that_is_removed_is_asked_for_no_more(ann: Person):
    enrol(ann)

    assert ann.delete("/accounts/me/mfa/totp").status_code == 204
    assert "access_token" in ann.sign_in().json()


def test_somebody_signs_in_with_a_passkey_and_nothing_else(base_url: str, ann: Person):
    device = Authenticator(base_url)
    made = add(ann, device)
    asked = ann.http.post("/accounts/login/passkey/options", json={}).json()

    body = {"challenge_id": asked["challenge_id"], "credential": device.get(asked["publicKey"])}
    first, second = (ann.http.post("/accounts/login/passkey", json=body) for _ in range(2))

    assert first.status_code == 200, first.text
    assert first.json()["user"]["id"] == ann.id
    payload = first.json()["access_token"].split(".")[1]
    assert b'"aal":2' in base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(b" ", b"")
    assert slug(second) == "login-failed"
    assert [one["id"] for one in ann.get("/accounts/me/passkeys").json()["items"]] == [made["id"]]


def test_an_outside_authenticator_is_the_second_factor(base_url: str, ann: Person):
    outside = SoftWebauthnDevice()
    asked = ann.post("/accounts/me/passkeys/options").json()
    made = _as_json(outside.create(_as_bytes(asked["publicKey"]), base_url))
    added = ann.post("/accounts/me/passkeys", json={"challenge_id": asked["challenge_id"], "credential": made})
    assert added.status_code == 201, added.text
    pending = ann.sign_in()
    options = ann.http.post("/accounts/login/passkey/options", json={"mfa_token": pending.json()["mfa_token"]}).json()

    shown = _as_json(outside.get(_as_bytes(options["publicKey"]), base_url))
    done = finish(ann, pending, "passkey", credential=shown)

    assert pending.json()["methods"] == ["passkey"]
    assert done.status_code == 200, done.text


def test_a_passkey_that_is_removed_opens_nothing(base_url: str, ann: Person):
    device = Authenticator(base_url)
    made = add(ann, device)
    assert ann.refresh().status_code == 200

    removed = ann.delete(f"/accounts/me/passkeys/{made['id']}")
    asked = ann.http.post("/accounts/login/passkey/options", json={}).json()
    body = {"challenge_id": asked["challenge_id"], "credential": device.get(asked["publicKey"])}

    assert removed.status_code == 204
    assert slug(ann.http.post("/accounts/login/passkey", json=body)) == "passkey-unknown"


def test_browsers_find_the_related_origins_at_the_root(anonymous: httpx.Client, base_url: str):
    answer = anonymous.get("/.well-known/webauthn")

    assert answer.status_code == 200
    assert base_url in answer.json()["origins"]


def _as_bytes(options: dict[str, Any]) -> dict[str, Any]:
    found = {**options, "challenge": decode(options["challenge"])}
    if "user" in options:
        found["user"] = {**options["user"], "id": decode(options["user"]["id"])}
    return {"publicKey": found}


def _as_json(credential: dict[str, Any]) -> dict[str, Any]:
    named = encode(credential["rawId"])
    response = {name: encode(value) for name, value in credential["response"].items()}
    return {"id": named, "rawId": named, "type": credential["type"], "response": response}
