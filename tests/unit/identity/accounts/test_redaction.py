"""One life of an account, and every secret that was issued in it looked for in every line that was logged."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kit.clocks import FakeClock
from tests.kit.logs import logged, parts_of
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person
from .second_factors import begin, enrol, finish, recovery_codes

ANOTHER = "an evening with the lamps out"


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.asvs("16.2.5")
def test_no_secret_of_a_whole_life_gets_into_the_log(
    http: AppClient, person: Callable[..., Person], mailbox: Mailbox, frozen: FakeClock
) -> None:
    with logged() as written:
        ann = person()
        secrets = {PASSWORD, ANOTHER, ann.email, *tokens_of(ann.signed_in)}
        secrets |= tokens_of(http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token}).json())
        wrong = http.post("/accounts/login", json={"email": ann.email, "password": "a guess that is wrong"})
        secrets.add("a guess that is wrong")
        phone = enrol(http, ann, frozen)
        codes = recovery_codes(http, ann)
        secrets |= {phone.secret, *codes, *(code.replace("-", "") for code in codes)}
        for method, shown in (("recovery", codes[0]), ("totp", "")):
            frozen.advance(minutes=2)
            pending = begin(http, ann)
            signed_in = finish(http, pending, method, code=shown or phone.code())
            assert signed_in.status_code == 200, signed_in.text
            secrets |= {pending["mfa_token"], *tokens_of(signed_in.json())}
        newest = Person(ann.email, ann.password, signed_in.json())
        moved = http.post("/accounts/me/email", json={"email": "ann@new.example"}, headers=newest.bearer)
        ticket = http.post("/accounts/tickets", headers=newest.bearer)
        http.post("/accounts/password/forgot", json={"email": ann.email})
        link = mailbox.token(ann.email, "password-reset")
        reset = http.post("/accounts/password/reset", json={"token": link, "password": ANOTHER})
        guest = http.post("/accounts/guest", json={})
        secrets |= {"ann@new.example", link, *tokens_of(ticket.json()), *tokens_of(guest.json())}
        statuses = [answer.status_code for answer in (wrong, moved, ticket, reset, guest)]
        secrets |= {text for mail in mailbox.all() for text in strings(mail["opened"]) if not text.isdigit()}

        lines = written()

    assert statuses[0] == 401 and all(200 <= status < 300 for status in statuses[1:]), statuses
    assert '"route":"/accounts/login/mfa"' in lines and '"route":"/accounts/password/reset"' in lines
    assert len(secrets) >= 30
    assert [secret for secret in secrets for part in parts_of(secret) if part in lines] == []


@pytest.mark.asvs("16.3.1", "16.2.1")
def test_a_refused_sign_in_is_logged_with_its_route_its_status_and_its_trace(
    http: AppClient, person: Callable[..., Person]
) -> None:
    ann = person()

    with logged() as written:
        http.post("/accounts/login", json={"email": ann.email, "password": "a guess that is wrong"})

    (line,) = [json.loads(text) for text in written().splitlines() if '"request"' in text]
    assert (line["method"], line["route"], line["status"]) == ("POST", "/accounts/login", 401)
    assert line["cause"] == "login-failed"
    assert line["trace_id"] and line["timestamp"] and line["capability"] == "accounts"


def tokens_of(answer: dict[str, Any]) -> set[str]:
    """What an answer hands out that opens something."""
    found = {text for name, text in answer.items() if isinstance(text, str) and ("token" in name or "ticket" in name)}
    return {text for text in found if len(text) >= 16}
