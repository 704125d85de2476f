"""The life of an account whose owner has a second factor: what only both together may do."""

from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from functions.identity.accounts.actions.tokens import Grant, mint
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.rows import MAIN, user_pk
from tessera import clock, ids
from tessera.auth.cookies import ACCESS_COOKIE
from tessera.outbox import Envelope
from tessera.tables import Table
from tests.kit.authenticators import Authenticator
from tests.kit.clocks import FakeClock
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import Mailbox, Person
from .deliveries import Deliveries
from .neighbours import Neighbours
from .second_factors import ORIGIN, App, begin, enrol, finish, recovery_codes, slug

MakePerson = Callable[..., Person]


@pytest.fixture
def ann(person: MakePerson) -> Person:
    return person()


@pytest.fixture
def app_of_ann(http: AppClient, ann: Person, frozen: FakeClock) -> App:
    return enrol(http, ann, frozen)


@pytest.fixture
def half(ann: Person, app_of_ann: App, ports: Ports) -> dict[str, str]:
    """A sign-in of Ann's that has shown the password alone, just now."""
    user = ports.users.get(ann.id)
    grant = Grant(ann.signed_in["session_id"], "web", ("pwd",), 1, clock.millis() // 1000)
    return {"authorization": f"Bearer {mint(ports, user, grant)}"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/accounts/me/email", {"email": "new@example.org"}), ("DELETE", "/accounts/me", None)],
    ids=["another address", "leaving"],
)
@pytest.mark.asvs("7.5.1")
def test_what_could_take_the_account_away_needs_the_second_factor(
    http: AppClient, ann: Person, half: dict[str, str], method: str, path: str, body: Any
):
    refused = http.request(method, path, json=body, headers=half)
    taken = http.request(method, path, json=body, headers=ann.bearer)

    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/step-up-required")
    assert 'acr_values="aal2"' in refused.headers["www-authenticate"]
    assert taken.status_code < 300


def test_who_leaves_comes_back_only_with_both(
    http: AppClient, ann: Person, app_of_ann: App, ports: Ports, frozen: FakeClock
):
    http.delete("/accounts/me", headers=ann.bearer)

    pending = begin(http, ann)

    assert pending["status"] == "mfa_required"
    assert ports.users.get(ann.id).status == "deleting"
    assert finish(http, pending, "totp", code=app_of_ann.wrong()).status_code == 401
    assert ports.users.get(ann.id).status == "deleting"
    assert finish(http, begin(http, ann), "totp", code=app_of_ann.next_code()).status_code == 200
    assert ports.users.get(ann.id).status == "active"


def test_a_guest_goes_over_when_both_were_shown(
    http: AppClient, ann: Person, app_of_ann: App, table: Table, frozen: FakeClock
):
    guest = http.post("/accounts/guest", json={}).json()

    def merged() -> list[dict[str, Any]]:
        found = [Envelope.parse(item["event"]["S"]) for item in everything_in(table) if "event" in item]
        return [envelope.data for envelope in found if envelope.type == "accounts.guest.merged.v1"]

    pending = begin(http, ann, guest_token=guest["access_token"])
    assert merged() == []
    done = finish(http, pending, "totp", code=app_of_ann.next_code(), guest_token=guest["access_token"])

    assert done.status_code == 200
    assert merged() == [{"from": guest["user"]["id"], "to": ann.id}]


def test_second_factors_are_erased_with_the_account(
    http: AppClient, ann: Person, app_of_ann: App, table: Table, frozen: FakeClock, deliveries: Deliveries
):
    recovery_codes(http, ann)
    http.delete("/accounts/me", headers=ann.bearer)
    frozen.advance(days=30, seconds=1)

    deliveries.sweep()

    assert table.get(UserRow, user_pk(ann.id), MAIN) is None
    left = [item for item in everything_in(table) if item["pk"]["S"] == user_pk(ann.id)]
    assert left == []


def test_an_export_tells_of_factors_and_never_their_secrets(
    http: AppClient, ann: Person, app_of_ann: App, deliveries: Deliveries, mailbox: Mailbox, ports: Ports
):
    codes = recovery_codes(http, ann)
    http.post("/accounts/me/export", headers=ann.bearer)
    deliveries.work()

    row = ports.exports.last(ann.id)
    assert row is not None and row.object_key is not None
    text = ports.exports._get(row.object_key)

    assert '"totp"' in text
    assert app_of_ann.secret not in text
    assert not [code for code in codes if code in text]


def test_what_happened_shows_factors_too(http: AppClient, ann: Person, app_of_ann: App):
    seen = http.get("/accounts/me/activity", headers=ann.bearer).json()["items"]

    assert any("mfa" in entry["action"] or "totp" in entry["action"] for entry in seen), seen


class Browser:
    """Ann's browser, whose session the capability `sessions` keeps: signed in with both factors, just now."""

    def __init__(self, http: AppClient, ann: Person, ports: Ports) -> None:
        self.http, self.session_id = http, ids.new()
        grant = Grant(self.session_id, "web", ("mfa", "otp", "pwd"), 2, clock.millis() // 1000)
        token = mint(ports, ports.users.get(ann.id), grant)
        self.headers = {"cookie": f"{ACCESS_COOKIE}={token}", "sec-fetch-site": "same-origin"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.http.request(method, f"/accounts/me/{path}", json=body, headers=self.headers)

    def confirm_app(self) -> Any:
        begun = self.ask("POST", "mfa/totp").json()
        return self.ask("POST", "mfa/totp/confirm", {"code": pyotp.TOTP(begun["secret"]).at(clock.millis() // 1000)})

    def remove_app(self) -> Any:
        return self.ask("DELETE", "mfa/totp")

    def add_passkey(self) -> Any:
        asked = self.ask("POST", "passkeys/options").json()
        credential = Authenticator(ORIGIN).create(asked["publicKey"])
        return self.ask("POST", "passkeys", {"challenge_id": asked["challenge_id"], "credential": credential})

    def remove_passkey(self) -> Any:
        (passkey,) = self.ask("GET", "passkeys").json()["items"]
        return self.ask("DELETE", f"passkeys/{passkey['id']}")


@pytest.fixture
def browser(http: AppClient, ann: Person, ports: Ports) -> Callable[[], Browser]:
    return lambda: Browser(http, ann, ports)


CHANGES: dict[str, tuple[Callable[[Browser], Any] | None, Callable[[Browser], Any]]] = {
    "an app": (None, Browser.confirm_app),
    "an app less": (Browser.confirm_app, Browser.remove_app),
    "a passkey": (None, Browser.add_passkey),
    "a passkey less": (Browser.add_passkey, Browser.remove_passkey),
}


@pytest.mark.parametrize(("before", "change"), CHANGES.values(), ids=CHANGES)
def test_a_browser_that_changes_its_factors_goes_on_with_another_cookie(
    browser: Callable[[], Browser], ann: Person, neighbours: Neighbours, before: Any, change: Any
):
    """Whoever has copied the old one must not be the first to renew."""
    if before is not None:
        assert before(browser()).status_code < 300
    mine, asked_before = browser(), len(neighbours.asked)

    changed = change(mine)

    assert changed.status_code < 300, changed.text
    assert changed.headers["set-cookie"].startswith("__Host-tessera_sid=another;")
    moved = ("/sessions/internal/move", {"user_id": ann.id, "session_id": mine.session_id})
    assert [one[:2] for one in neighbours.asked[asked_before:]] == [moved]


@pytest.mark.parametrize(("before", "change"), CHANGES.values(), ids=CHANGES)
def test_a_browser_whose_session_cannot_be_moved_keeps_its_factors(
    browser: Callable[[], Browser], ann: Person, ports: Ports, neighbours: Neighbours, before: Any, change: Any
):
    if before is not None:
        assert before(browser()).status_code < 300
    held = ports.factors.held(ann.id).user
    neighbours.answers["/sessions/internal/move"] = None

    refused = change(browser())

    kept = ports.factors.held(ann.id).user
    assert (refused.status_code, slug(refused)) == (503, "unavailable")
    assert (kept.mfa, kept.passkeys, kept.ep) == (held.mfa, held.passkeys, held.ep)
