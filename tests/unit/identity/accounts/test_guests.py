"""Guests: an account before there is an address."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.actions import guests
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.rows import MAIN, user_pk
from tessera import aws
from tessera.auth.call import Call
from tessera.outbox import Envelope
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person, make_app
from .deliveries import Deliveries

MakePerson = Callable[..., Person]
EMAIL = "guest@example.com"


@pytest.fixture
def guest(http: AppClient) -> dict[str, Any]:
    answer = http.post("/accounts/guest", json={})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def upgrade(http: AppClient, guest: dict[str, Any], email: str = EMAIL, **more: Any) -> Any:
    body = {"email": email, "password": PASSWORD, **more}
    return http.post("/accounts/me/upgrade", json=body, headers=bearer(guest))


def verify(http: AppClient, sign_up_id: str, code: str, **more: Any) -> Any:
    return http.post("/accounts/sign-up/verify", json={"sign_up_id": sign_up_id, "code": code, **more})


def become(http: AppClient, guest: dict[str, Any], mailbox: Mailbox, email: str = EMAIL) -> Any:
    asked = upgrade(http, guest, email)
    assert asked.status_code == 202, asked.text
    return verify(http, asked.json()["sign_up_id"], mailbox.latest(email, "verify-sign-up")["opened"]["code"])


def login(http: AppClient, email: str, **more: Any) -> Any:
    return http.post("/accounts/login", json={"email": email, "password": PASSWORD, **more})


def merges(table: Table) -> list[dict[str, Any]]:
    found = [Envelope.parse(item["event"]["S"]) for item in everything_in(table) if "event" in item]
    return [envelope.data for envelope in found if envelope.type == "accounts.guest.merged.v1"]


def row_of(table: Table, user_id: str) -> UserRow | None:
    return table.get(UserRow, user_pk(user_id), MAIN)


def test_a_guest_has_tokens_and_the_role_of_a_guest(guest: dict[str, Any], http: AppClient):
    assert guest["user"]["roles"] == ["guest"]
    assert guest["user"]["email"] is None
    assert http.get(f"/accounts/users/{guest['user']['id']}", headers=bearer(guest)).status_code == 200


def test_a_guest_refreshes_like_anybody_else(guest: dict[str, Any], http: AppClient):
    answer = http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]})

    assert answer.status_code == 200
    assert answer.json()["session_id"] == guest["session_id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts/me"),
        ("PATCH", "/accounts/me"),
        ("DELETE", "/accounts/me"),
        ("POST", "/accounts/me/email"),
        ("POST", "/accounts/me/export"),
        ("GET", "/accounts/me/activity"),
        ("POST", "/accounts/tickets"),
    ],
)
def test_what_belongs_to_an_account_is_closed_to_guests(guest: dict[str, Any], http: AppClient, method: str, path: str):
    answer = http.request(method, path, json={}, headers=bearer(guest))

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/insufficient-scope")


def test_a_guest_cannot_sign_in_by_guessing_an_address(guest: dict[str, Any], http: AppClient):
    assert login(http, guest["user"]["id"]).status_code == 401
    assert login(http, "None").status_code == 401


def test_an_upgrade_keeps_the_id_and_makes_a_full_user(guest: dict[str, Any], http: AppClient, mailbox: Mailbox):
    made = become(http, guest, mailbox)

    assert made.status_code == 201, made.text
    assert made.json()["user"]["id"] == guest["user"]["id"]
    assert made.json()["user"]["roles"] == ["user"]
    assert made.json()["user"]["created_at"] == guest["user"]["created_at"]
    assert http.get("/accounts/me", headers=bearer(made.json())).json()["email"] == EMAIL
    assert login(http, EMAIL).json()["user"]["id"] == guest["user"]["id"]


def test_what_the_guest_was_signed_in_with_ends_with_the_upgrade(
    guest: dict[str, Any], http: AppClient, mailbox: Mailbox, frozen: FakeClock
):
    become(http, guest, mailbox)
    frozen.advance(seconds=9)

    read = http.get(f"/accounts/users/{guest['user']['id']}", headers=bearer(guest))
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]})

    assert read.json()["type"] == "/problems/token-stale"
    assert refreshed.json()["type"] == "/problems/refresh-invalid"


def test_an_upgrade_by_link_needs_the_password_chosen_then(guest: dict[str, Any], http: AppClient, mailbox: Mailbox):
    """Otherwise the owner of the address would complete what somebody else has begun, with that one's password."""
    upgrade(http, guest)
    token = mailbox.token(EMAIL, "verify-sign-up")

    wrong = http.post("/accounts/sign-up/verify", json={"token": token, "password": "what the owner would choose"})
    right = http.post("/accounts/sign-up/verify", json={"token": token, "password": PASSWORD})

    assert (wrong.status_code, right.status_code) == (400, 201)
    assert right.json()["user"]["id"] == guest["user"]["id"]


def test_an_upgrade_to_a_taken_address_looks_the_same_and_mails_its_owner(
    guest: dict[str, Any], http: AppClient, person: MakePerson, mailbox: Mailbox
):
    ann = person()

    taken, free = upgrade(http, guest, ann.email), upgrade(http, guest, EMAIL)

    assert taken.status_code == free.status_code == 202
    assert taken.json().keys() == free.json().keys()
    assert mailbox.latest(ann.email, "already-registered")


def test_two_upgrades_of_one_guest_make_one_user(guest: dict[str, Any], http: AppClient, mailbox: Mailbox):
    first, second = (upgrade(http, guest, email).json()["sign_up_id"] for email in ("a1@example.com", "a2@example.com"))
    codes = [
        mailbox.latest(email, "verify-sign-up")["opened"]["code"] for email in ("a1@example.com", "a2@example.com")
    ]

    answers = [verify(http, first, codes[0]), verify(http, second, codes[1])]

    assert [answer.status_code for answer in answers] == [201, 400]
    assert answers[1].json()["type"] == "/problems/code-invalid"
    # The address that came second belongs to nobody.
    assert login(http, "a2@example.com").status_code == 401


def test_who_has_an_address_is_no_guest(http: AppClient, person: MakePerson):
    ann = person()

    answer = http.post("/accounts/me/upgrade", json={"email": EMAIL, "password": PASSWORD}, headers=ann.bearer)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-guest")


def test_a_weak_password_makes_no_user_of_a_guest(guest: dict[str, Any], http: AppClient):
    answer = upgrade(http, guest, password="short")

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/weak-password")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_signing_in_with_a_guests_token_merges_the_guest(
    guest: dict[str, Any], http: AppClient, person: MakePerson, table: Table, frozen: FakeClock, kind: str
):
    ann = person()

    answer = login(http, ann.email, guest_token=guest[kind])

    assert answer.status_code == 200
    assert answer.json()["user"]["id"] == ann.id
    assert merges(table) == [{"from": guest["user"]["id"], "to": ann.id}]
    frozen.advance(seconds=9)
    assert http.get(f"/accounts/users/{ann.id}", headers=bearer(guest)).status_code == 401
    assert http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]}).status_code == 401


def test_confirming_a_sign_up_with_a_guests_token_merges_the_guest(
    guest: dict[str, Any], http: AppClient, mailbox: Mailbox, table: Table
):
    asked = http.post("/accounts/sign-up", json={"email": EMAIL, "password": PASSWORD}).json()
    code = mailbox.latest(EMAIL, "verify-sign-up")["opened"]["code"]

    made = verify(http, asked["sign_up_id"], code, guest_token=guest["refresh_token"])

    assert made.status_code == 201
    assert merges(table) == [{"from": guest["user"]["id"], "to": made.json()["user"]["id"]}]


@pytest.mark.parametrize("token", ["x", "trt_x.y", "a.b.c", "twt_x", "\u00e9", "A" * 4096], ids=lambda text: text[:8])
def test_a_token_that_is_none_keeps_nobody_from_signing_in(
    http: AppClient, person: MakePerson, table: Table, token: str
):
    ann = person()

    assert login(http, ann.email, guest_token=token).status_code == 200
    assert merges(table) == []


def test_a_token_of_a_user_merges_nobody(http: AppClient, person: MakePerson, table: Table):
    ann, bob = person(), person("bob@example.com")

    for token in (bob.refresh_token, bob.signed_in["access_token"], ann.refresh_token):
        assert login(http, ann.email, guest_token=token).status_code == 200

    assert merges(table) == []
    assert http.get("/accounts/me", headers=bob.bearer).status_code == 200


def test_a_guest_is_merged_once(guest: dict[str, Any], http: AppClient, person: MakePerson, table: Table):
    ann, bob = person(), person("bob@example.com")

    login(http, ann.email, guest_token=guest["access_token"])
    login(http, bob.email, guest_token=guest["access_token"])

    assert merges(table) == [{"from": guest["user"]["id"], "to": ann.id}]


def test_two_who_take_a_guest_over_at_once_get_it_once(
    guest: dict[str, Any], ports: Ports, person: MakePerson, table: Table, call: Call
):
    people = [person("ann@example.com"), person("bob@example.com")]

    results = together(
        *(lambda who=who: guests.merge(ports, guest["refresh_token"], who.id, call=call) for who in people)
    )

    assert sorted(result.value for result in results) == [False, True]
    assert len(merges(table)) == 1


def test_an_old_refresh_token_of_a_guest_takes_nothing_over(
    guest: dict[str, Any], http: AppClient, person: MakePerson, table: Table, frozen: FakeClock
):
    ann = person()
    http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]})
    frozen.advance(seconds=11)

    login(http, ann.email, guest_token=guest["refresh_token"])

    assert merges(table) == []


def test_a_wrong_password_merges_nobody(guest: dict[str, Any], http: AppClient, person: MakePerson, table: Table):
    ann = person()
    body = {"email": ann.email, "password": "not the right one at all", "guest_token": guest["access_token"]}

    assert http.post("/accounts/login", json=body).status_code == 401
    assert merges(table) == []


def test_a_merged_guest_is_erased_a_day_later(
    guest: dict[str, Any], http: AppClient, person: MakePerson, table: Table, frozen: FakeClock, deliveries: Deliveries
):
    ann = person()
    login(http, ann.email, guest_token=guest["access_token"])

    frozen.advance(hours=23)
    assert deliveries.sweep() == 0
    frozen.advance(hours=2)
    deliveries.sweep()

    assert row_of(table, guest["user"]["id"]) is None
    assert row_of(table, ann.id) is not None


def test_a_guest_who_was_not_here_for_30_days_is_erased(
    guest: dict[str, Any], table: Table, frozen: FakeClock, deliveries: Deliveries
):
    frozen.advance(days=29, hours=23)
    assert deliveries.sweep() == 0

    frozen.advance(hours=2)
    assert deliveries.sweep() == 1

    assert row_of(table, guest["user"]["id"]) is None


def test_a_guest_who_came_back_is_kept_for_30_days_from_then(
    guest: dict[str, Any], http: AppClient, table: Table, frozen: FakeClock, deliveries: Deliveries
):
    frozen.advance(days=12)
    assert http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]}).status_code == 200

    frozen.advance(days=18, minutes=1)
    assert deliveries.sweep() == 1
    assert row_of(table, guest["user"]["id"]) is not None
    frozen.advance(days=11, hours=23)
    assert deliveries.sweep() == 0
    frozen.advance(hours=1)
    assert deliveries.sweep() == 1

    assert row_of(table, guest["user"]["id"]) is None


def test_who_was_a_guest_once_is_never_erased_as_one(
    guest: dict[str, Any], http: AppClient, mailbox: Mailbox, table: Table, frozen: FakeClock, deliveries: Deliveries
):
    become(http, guest, mailbox)

    frozen.advance(days=400)
    deliveries.sweep()

    assert row_of(table, guest["user"]["id"]) is not None


def test_a_due_guest_told_twice_is_erased_once(
    guest: dict[str, Any], table: Table, frozen: FakeClock, deliveries: Deliveries, ports: Ports
):
    from functions.identity.accounts.actions import erasure

    frozen.advance(days=31)
    (item,) = deliveries.due()

    results = together(lambda: erasure.come_due(ports, item), times=4)

    assert outcomes(results) == {"ok": 4}
    deliveries.work()
    deleted = [item for item in everything_in(table) if "user.deleted" in item.get("event", {}).get("S", "")]
    assert len(deleted) == 1


def test_a_guest_is_not_in_the_lists_of_users(guest: dict[str, Any], ports: Ports, frozen: FakeClock):
    assert ports.users.of_month(f"{frozen.now():%Y-%m}", limit=10, after=None).rows == []


def test_a_guest_costs_one_transaction(ports: Ports, client: Any, http: AppClient):
    http.post("/accounts/guest", json={})

    with aws.metered() as meter:
        guests.start(ports, client=client)

    assert meter.operations == ["TransactWriteItems"]


def test_nobody_is_a_guest_where_that_is_off(environment, tables, frozen):  # type: ignore[no-untyped-def]
    app = make_app(environment, tables, GUESTS="off")
    with AppClient(app, base_url="http://test") as client:
        answer = client.post("/accounts/guest", json={})
        config = client.get("/accounts/config").json()

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/guests-refused")
    assert config["guests"] is False


def test_the_token_of_a_guest_says_that_nothing_was_shown(guest: dict[str, Any]):
    import base64

    body = guest["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))

    assert claims["amr"] == ["guest"]
    assert claims["roles"] == ["guest"]


def test_a_copied_token_of_a_guest_ends_the_guests_session_and_mails_nobody(
    guest: dict[str, Any], http: AppClient, mailbox: Mailbox, frozen: FakeClock
):
    for _ in range(2):
        fresh = http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]})
    http.post("/accounts/token/refresh", json={"refresh_token": fresh.json()["refresh_token"]})
    frozen.advance(seconds=11)

    answer = http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/refresh-reused")
    assert mailbox.all() == []


def test_a_guest_who_was_locked_is_still_erased_some_day(
    guest: dict[str, Any], table: Table, frozen: FakeClock, deliveries: Deliveries, internal: Callable[..., Any]
):
    internal("POST", f"/accounts/internal/users/{guest['user']['id']}/lock", {})
    frozen.advance(days=30, seconds=1)

    deliveries.sweep()

    assert row_of(table, guest["user"]["id"]) is None


def test_staff_take_no_password_from_a_guest(guest: dict[str, Any], internal: Callable[..., Any]):
    status, problem = internal("POST", f"/accounts/internal/users/{guest['user']['id']}/force-reset")

    assert (status, problem["type"]) == (409, "/problems/not-active")


def test_staff_end_a_guests_sessions_without_writing_to_them(
    http: AppClient, internal: Callable[..., Any], guest: dict[str, Any], mailbox: Mailbox
):
    status, found = internal("POST", f"/accounts/internal/users/{guest['user']['id']}/reset-mfa", caller="admin")

    assert (status, found["email"]) == (200, None)
    assert http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]}).status_code == 401
    assert mailbox.all() == []
