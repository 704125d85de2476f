"""The life of an account whose owner has a second factor: what only both together may do."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.actions.tokens import Grant, mint
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.rows import MAIN, user_pk
from tessera import clock
from tessera.outbox import Envelope
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import Mailbox, Person
from .deliveries import Deliveries
from .second_factors import App, begin, enrol, finish, recovery_codes

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
