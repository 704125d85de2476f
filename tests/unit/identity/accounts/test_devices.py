"""Known devices: what being one is worth, and that their owner can end it."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.actions import devices, sign_in
from functions.identity.accounts.ports import Client, Ports
from functions.identity.accounts.rules import DEVICE_LIFE, MAX_FAILURES, LoginFailed
from functions.identity.accounts.store import DeviceRow, UserRow
from functions.identity.accounts.store.rows import MAIN, device_sk, user_pk
from tessera import aws, clock, ids
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import AttemptsExhausted
from tessera.problems import Busy
from tests.kit.clocks import FakeClock
from tests.kit.faults import meanwhile
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person
from .neighbours import Neighbours

MakePerson = Callable[..., Person]
Attempt = Callable[..., Any]
WRONG = "not the right one at all"


@pytest.fixture
def ann(person: MakePerson) -> Person:
    return person()


@pytest.fixture
def attempt(ports: Ports, call: Call) -> Attempt:
    def make(password: str = PASSWORD, *, email: str = "ann@example.com", device: str = "") -> Any:
        client = Client(address="203.0.113.7", device_token=device)
        return sign_in.login(ports, email=email, password=password, client=client, call=call)

    return make


def login(http: AppClient, who: Person, *, device: str = "", **more: Any) -> dict[str, Any]:
    headers = {"x-device-token": device} if device else {}
    body = {"email": who.email, "password": who.password, **more}
    answer = http.post("/accounts/login", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(http: AppClient, who: Person, **asked: Any) -> list[dict[str, Any]]:
    answer = http.get("/accounts/me/devices", headers=who.bearer, params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def remove(http: AppClient, who: Person, device_id: str) -> int:
    return http.delete(f"/accounts/me/devices/{device_id}", headers=who.bearer).status_code


def notices(mailbox: Mailbox, who: Person) -> int:
    return len([mail for mail in mailbox.all(who.email) if mail["template"] == "new-device"])


def test_ones_own_devices_are_listed_newest_first(http: AppClient, ann: Person, person: MakePerson, frozen: FakeClock):
    login(http, person("bob@example.com"), device_name="Bob's")
    frozen.advance(minutes=1)
    phone = login(http, ann, device_name="a blue phone")["device_token"]
    frozen.advance(minutes=1)
    login(http, ann, device=phone)

    phone_row, first = listed(http, ann)

    assert set(first) == {"id", "name", "created_at", "last_seen_at"}
    assert (phone_row["name"], first["name"]) == ("a blue phone", None)
    assert first["created_at"][:16] == first["last_seen_at"][:16] == "2030-03-14T09:26"
    assert (phone_row["created_at"][11:16], phone_row["last_seen_at"][11:16]) == ("09:27", "09:28")


def test_the_list_comes_page_by_page(http: AppClient, ann: Person):
    for number in range(4):
        login(http, ann, device_name=f"{number}")

    first = http.get("/accounts/me/devices", headers=ann.bearer, params={"limit": 3}).json()
    rest = http.get("/accounts/me/devices", headers=ann.bearer, params={"limit": 3, "cursor": first["next"]}).json()

    assert [item["name"] for item in first["items"] + rest["items"]] == ["3", "2", "1", "0", None]
    assert rest["next"] is None


def test_a_device_whose_time_is_over_is_not_listed(http: AppClient, ann: Person, frozen: FakeClock):
    old = ann.device_token
    frozen.advance(days=DEVICE_LIFE.days, seconds=-1)
    ann.signed_in["access_token"] = login(http, ann, device=old)["access_token"]
    assert len(listed(http, ann)) == 1

    frozen.advance(seconds=2)

    assert listed(http, ann) == []


def test_a_removed_device_is_counted_with_all_the_others(http: AppClient, ann: Person, attempt: Attempt):
    (device,) = listed(http, ann)

    assert remove(http, ann, device["id"]) == 204

    assert listed(http, ann) == []
    for _ in range(10):
        with pytest.raises(LoginFailed):
            attempt(WRONG)
    with pytest.raises(AttemptsExhausted):
        attempt(device=ann.device_token)


def test_a_removed_device_opens_no_closed_account(http: AppClient, ann: Person, attempt: Attempt, ports: Ports):
    fails = UserRow.fails.set(MAX_FAILURES)
    ports.users.table.update(UserRow, user_pk(ann.id), MAIN, fails, bump=False)
    assert attempt(device=ann.device_token)
    ports.users.table.update(UserRow, user_pk(ann.id), MAIN, fails, bump=False)
    assert remove(http, ann, listed(http, ann)[0]["id"]) == 204

    with pytest.raises(LoginFailed):
        attempt(device=ann.device_token)


def test_who_signs_in_on_a_removed_device_is_told_of_as_new(http: AppClient, ann: Person, mailbox: Mailbox):
    remove(http, ann, listed(http, ann)[0]["id"])

    again = login(http, ann, device=ann.device_token)

    assert again["device_token"] not in (None, ann.device_token)
    assert notices(mailbox, ann) == 1
    assert login(http, ann, device=again["device_token"])["device_token"] is None


def test_a_session_goes_on_without_its_device_being_known(http: AppClient, ann: Person):
    remove(http, ann, listed(http, ann)[0]["id"])

    assert http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token}).status_code == 200


def test_nobody_removes_the_device_of_somebody_else(http: AppClient, ann: Person, person: MakePerson):
    bob = person("bob@example.com")
    (device,) = listed(http, ann)

    assert remove(http, bob, device["id"]) == remove(http, ann, ids.new()) == 404
    assert listed(http, ann) == [device]
    assert [remove(http, ann, device["id"]) for _ in range(2)] == [204, 404]


def test_removing_a_device_is_noted(http: AppClient, ann: Person):
    (device,) = listed(http, ann)

    remove(http, ann, device["id"])

    (entry, *_) = http.get("/accounts/me/activity", headers=ann.bearer).json()["items"]
    assert (entry["action"], entry["by"]) == ("device-removed", "you")


def test_signing_out_everywhere_forgets_every_device(http: AppClient, ann: Person, ports: Ports, attempt: Attempt):
    phone = login(http, ann)["device_token"]

    assert http.post("/accounts/me/logout-all", headers=ann.bearer).status_code == 204

    for _ in range(10):
        with pytest.raises(LoginFailed):
            attempt(WRONG)
    for token in (ann.device_token, phone):
        with pytest.raises(AttemptsExhausted):
            attempt(device=token)


def test_however_many_there_are(http: AppClient, ann: Person, ports: Ports):
    for _ in range(230):
        device_id = ids.new()
        row = DeviceRow(pk=user_pk(ann.id), sk=device_sk(device_id), device_id=device_id, last_seen=clock.millis())
        ports.users.table.put(row)

    assert http.post("/accounts/me/logout-all", headers=ann.bearer).status_code == 204

    assert ports.devices.page(ann.id, limit=1, after=None).rows == []


def test_who_cannot_sign_out_everywhere_just_now_keeps_their_devices(
    http: AppClient, ann: Person, neighbours: Neighbours
):
    neighbours.answers["/sessions/internal/end"] = None

    assert http.post("/accounts/me/logout-all", headers=ann.bearer).status_code == 503

    assert len(listed(http, ann)) == 1


def test_a_device_removed_while_it_signs_in_stays_removed(
    ann: Person, http: AppClient, attempt: Attempt, ports: Ports, call: Call
):
    (device,) = listed(http, ann)
    caller = Principal(kind="user", id=ann.id, user_id=ann.id)

    def removed() -> None:
        devices.remove(ports, ann.id, device["id"], caller=caller, call=call)

    with meanwhile("TransactWriteItems", removed), pytest.raises(Busy):
        attempt(device=ann.device_token)

    assert listed(http, ann) == []
    _, tokens = attempt(device=ann.device_token)
    assert tokens.device_token is not None


def test_an_address_does_not_take_its_devices_along(
    http: AppClient, ann: Person, person: MakePerson, attempt: Attempt, ports: Ports, mailbox: Mailbox
):
    http.post("/accounts/me/email", json={"email": "ann@example.org"}, headers=ann.bearer)
    code = mailbox.latest("ann@example.org", "confirm-new-email")["opened"]["code"]
    assert http.post("/accounts/me/email/confirm", json={"code": code}, headers=ann.bearer).status_code == 200
    person("ann@example.com")
    for _ in range(10):
        with pytest.raises(LoginFailed):
            attempt(WRONG)

    with pytest.raises(AttemptsExhausted):
        attempt(device=ann.device_token)


def test_a_known_device_costs_a_read_more(ann: Person, attempt: Attempt):
    attempt(device=ann.device_token)

    with aws.metered() as meter:
        attempt(device=ann.device_token)

    # The claim and the device come first, since they say which attempts are counted.
    assert meter.operations == ["GetItem", "GetItem", "UpdateItem", "UpdateItem", "TransactWriteItems", "UpdateItem"]


def test_a_service_is_told_that_a_removed_device_is_new(
    http: AppClient, ann: Person, ports: Ports, mailbox: Mailbox, frozen: FakeClock
):
    user = ports.users.get(ann.id)
    frozen.advance(minutes=1)
    assert sign_in.remember_device(ports, user, Client(device_token=ann.device_token)) is None
    (device,) = listed(http, ann)
    assert device["last_seen_at"] > device["created_at"]
    remove(http, ann, device["id"])

    token = sign_in.remember_device(ports, user, Client(device_token=ann.device_token))

    assert token is not None and notices(mailbox, ann) == 1
