"""An authenticator app, and what somebody does with it and with passkeys, for the tests of both."""

from dataclasses import dataclass
from typing import Any

import httpx
import pyotp

from tests.kit.authenticators import Authenticator
from tests.kit.clocks import FakeClock
from tests.kit.web import AppClient

from .conftest import Person

ORIGIN = "https://app.test"
STEP_SECONDS = 30


@dataclass
class App:
    """The app on somebody's phone: another implementation than ours makes its codes."""

    secret: str
    clock: FakeClock

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(int(self.clock.now().timestamp()) + steps * STEP_SECONDS)

    def wrong(self) -> str:
        """Six digits that are the code of no step near this one."""
        near = {self.code(steps) for steps in range(-2, 3)}
        return next(text for number in range(10) if (text := f"{number}" * 6) not in near)

    def next_code(self) -> str:
        """The code after the present one, once it is shown."""
        self.clock.advance(seconds=STEP_SECONDS)
        return self.code()


def with_token(person: Person, answer: httpx.Response) -> Person:
    """The same person, from now on with the access token of this answer."""
    person.signed_in["access_token"] = answer.json()["access_token"]
    return person


def enrol(http: AppClient, person: Person, clock: FakeClock) -> App:
    """Set an app up; the person's session has shown it then."""
    begun = http.post("/accounts/me/mfa/totp", headers=person.bearer)
    assert begun.status_code == 200, begun.text
    app = App(begun.json()["secret"], clock)
    confirmed = http.post("/accounts/me/mfa/totp/confirm", json={"code": app.code()}, headers=person.bearer)
    assert confirmed.status_code == 200, confirmed.text
    with_token(person, confirmed)
    return app


def recovery_codes(http: AppClient, person: Person) -> list[str]:
    made = http.post("/accounts/me/mfa/recovery-codes", headers=person.bearer)
    assert made.status_code == 200, made.text
    found: list[str] = made.json()["codes"]
    return found


def begin(http: AppClient, person: Person, **more: Any) -> dict[str, Any]:
    """Sign in with the password: what is asked for then."""
    answer = http.post("/accounts/login", json={"email": person.email, "password": person.password, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def finish(http: AppClient, pending: dict[str, Any], method: str, **shown: Any) -> httpx.Response:
    return http.post("/accounts/login/mfa", json={"mfa_token": pending["mfa_token"], "method": method, **shown})


def ask_to_add(http: AppClient, person: Person) -> dict[str, Any]:
    asked = http.post("/accounts/me/passkeys/options", headers=person.bearer)
    assert asked.status_code == 200, asked.text
    found: dict[str, Any] = asked.json()
    return found


def add(http: AppClient, person: Person, device: Authenticator, **more: Any) -> httpx.Response:
    """Register a passkey; the answer may be a refusal."""
    asked = ask_to_add(http, person)
    body = {"challenge_id": asked["challenge_id"], "credential": device.create(asked["publicKey"]), **more}
    return http.post("/accounts/me/passkeys", json=body, headers=person.bearer)


def ask_to_show(http: AppClient, **body: Any) -> dict[str, Any]:
    asked = http.post("/accounts/login/passkey/options", json=body)
    assert asked.status_code == 200, asked.text
    found: dict[str, Any] = asked.json()
    return found


def show(http: AppClient, device: Authenticator, **client_data: Any) -> httpx.Response:
    """Sign in with a passkey alone; the answer may be a refusal."""
    asked = ask_to_show(http)
    credential = device.get(asked["publicKey"], **client_data)
    return http.post("/accounts/login/passkey", json={"challenge_id": asked["challenge_id"], "credential": credential})


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]
