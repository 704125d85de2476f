"""Signing in: what is told, what is counted, what it costs."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from functions.identity.accounts.actions import sign_in
from functions.identity.accounts.pace import Pace
from functions.identity.accounts.passwords import Passwords
from functions.identity.accounts.ports import Client, Ports
from functions.identity.accounts.rules import MAX_FAILURES, MAX_SESSIONS, LoginFailed
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.rows import user_pk
from tessera import aws
from tessera.auth.call import Call
from tessera.auth.problems import AttemptsExhausted
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.races import outcomes, together
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person

MakePerson = Callable[..., Person]
WRONG = "not the right one at all"


@pytest.fixture
def attempt(ports: Ports, call: Call) -> Callable[..., object]:
    def make(email: str = "ann@example.com", password: str = PASSWORD, device: str = "") -> object:
        client = Client(address="203.0.113.7", device_token=device)
        return sign_in.login(ports, email=email, password=password, client=client, call=call)

    return make


def sign_in_over_http(http: AppClient, email: str, password: str = PASSWORD):  # type: ignore[no-untyped-def]
    return http.post("/accounts/login", json={"email": email, "password": password})


@pytest.fixture
def of_every_kind(http: AppClient, person: MakePerson, internal: Callable[..., object], table: Table) -> list[str]:
    """Addresses nobody can sign in to with the wrong password, each for another reason."""
    person("ann@example.com")
    locked = person("locked@example.com")
    internal("POST", f"/accounts/internal/users/{locked.id}/lock", {})
    without = person("without@example.com")
    table.update(UserRow, user_pk(without.id), "MAIN", UserRow.pw.remove(), UserRow.pw_pv.remove())
    http.post("/accounts/sign-up", json={"email": "pending@example.com", "password": PASSWORD})
    return ["ann@example.com", "locked@example.com", "without@example.com", "pending@example.com", "no@example.com"]


def test_enumeration_bodies_equal(http: AppClient, of_every_kind: list[str]):
    answers = [sign_in_over_http(http, email, WRONG) for email in [*of_every_kind, "no address at all"]]

    bodies = [{**answer.json(), "trace_id": ""} for answer in answers]
    assert bodies == [bodies[0]] * len(bodies)
    assert bodies[0]["type"] == "/problems/login-failed"
    assert {answer.status_code for answer in answers} == {401}
    kept = [sorted(set(answer.headers) - {"ratelimit"}) for answer in answers]
    assert kept == [kept[0]] * len(kept)


def test_enumeration_dynamodb_calls_equal(ports: Ports, of_every_kind: list[str], attempt: Callable[..., object]):
    with pytest.raises(LoginFailed):
        attempt("warm@example.com", WRONG)

    seen = []
    for email in of_every_kind:
        with aws.metered() as meter, pytest.raises(LoginFailed):
            attempt(email, WRONG)
        seen.append(meter.operations)

    # The reservation, the claim, the user with the attempt counted, and the entry of the audit log; the address's own
    # reservation is the guard's.
    assert seen == [["UpdateItem", "GetItem", "UpdateItem", "TransactWriteItems"]] * len(seen)


def test_a_locked_user_is_told_nothing_even_with_the_right_password(http: AppClient, of_every_kind: list[str]):
    assert sign_in_over_http(http, "locked@example.com").json()["type"] == "/problems/login-failed"


def test_a_sign_in_costs_a_read_a_write_and_a_transaction(person: MakePerson, attempt: Callable[..., object]):
    person()
    attempt()

    with aws.metered() as meter:
        attempt()

    # With the guard's reservation for the address, 6 requests in all.
    assert meter.operations == ["UpdateItem", "GetItem", "UpdateItem", "TransactWriteItems", "UpdateItem"]


@pytest.mark.asvs("6.3.1")
def test_parallel_guess_limit(
    ports: Ports, bindings: Bindings, person: MakePerson, attempt: Callable[..., object], environment: dict[str, str]
):
    """100 guesses at once get exactly the burst of 10, and no eleventh hash is made."""
    person()
    counted, lock = [0], threading.Lock()
    real = ports.passwords.matches

    def counting(password: str, kept: object) -> bool:
        with lock:
            counted[0] += 1
        return real(password, kept)  # type: ignore[arg-type]

    ports.passwords.matches = counting  # type: ignore[method-assign]

    results = together(lambda: attempt(password=WRONG), times=100)

    assert outcomes(results) == {"login-failed": 10, "attempts-exhausted": 90}
    assert counted[0] == 10


def test_twenty_right_sign_ins_at_once_all_succeed(ports: Ports, bindings: Bindings, person: MakePerson, call: Call):
    """The burst is 10: the others wait until the first give theirs back."""
    person()
    given_back = threading.Semaphore(0)
    real = ports.limits.refund

    def refund(decision: object) -> None:
        real(decision)  # type: ignore[arg-type]
        given_back.release()

    def pause(seconds: float) -> None:
        assert given_back.acquire(timeout=30)

    ports.limits.refund = refund  # type: ignore[method-assign]
    patient = Ports(**{**vars(ports), "pace": Pace(0, 1, pause=pause)})
    client = Client(address="203.0.113.7")

    results = together(
        lambda: sign_in.login(patient, email="ann@example.com", password=PASSWORD, client=client, call=call), times=20
    )

    assert outcomes(results) == {"ok": 20}


@pytest.mark.asvs("6.3.1")
def test_known_device_not_locked_out(person: MakePerson, attempt: Callable[..., object]):
    ann = person()
    for _ in range(10):
        with pytest.raises(LoginFailed):
            attempt(password=WRONG)
    with pytest.raises(AttemptsExhausted):
        attempt()

    assert attempt(device=ann.device_token)


def test_the_device_of_another_account_opens_no_bucket(person: MakePerson, attempt: Callable[..., object]):
    person()
    bob = person("bob@example.com")
    for _ in range(10):
        with pytest.raises(LoginFailed):
            attempt(password=WRONG, device=bob.device_token)

    with pytest.raises(AttemptsExhausted):
        attempt(device=bob.device_token)


def test_attempts_come_back_with_time(person: MakePerson, attempt: Callable[..., object], frozen: FakeClock):
    person()
    for _ in range(10):
        with pytest.raises(LoginFailed):
            attempt(password=WRONG)

    frozen.advance(minutes=3)

    assert attempt()


def test_a_hundred_failures_close_the_account_to_unknown_devices(
    http: AppClient, person: MakePerson, attempt: Callable[..., object], table: Table, mailbox: Mailbox
):
    ann = person()
    table.update(UserRow, user_pk(ann.id), "MAIN", UserRow.fails.set(MAX_FAILURES - 1), bump=False)
    with pytest.raises(LoginFailed):
        attempt(password=WRONG)

    with pytest.raises(LoginFailed):
        attempt()

    assert attempt(device=ann.device_token)
    assert len([mail for mail in mailbox.all(ann.email) if mail["template"] == "sign-in-locked"]) == 1
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")
    http.post("/accounts/password/reset", json={"token": token, "password": "another evening in town"})
    assert attempt(password="another evening in town")


def test_a_right_password_starts_the_count_anew(person: MakePerson, attempt: Callable[..., object], ports: Ports):
    ann = person()
    with pytest.raises(LoginFailed):
        attempt(password=WRONG)

    attempt()

    assert ports.users.get(ann.id).fails == 0


def test_without_a_signature_there_is_no_half_session_and_the_attempt_comes_back(
    http: AppClient, person: MakePerson, ports: Ports
):
    ann = person()

    with failing("kms", "Sign", code="KMSInternalException"):
        answers = [sign_in_over_http(http, ann.email) for _ in range(12)]

    assert {answer.json()["type"] for answer in answers} == {"/problems/signing-unavailable"}
    assert len(ports.sessions.of(ann.id)) == 1
    assert ports.users.get(ann.id).fails == 0
    assert sign_in_over_http(http, ann.email).status_code == 200


@pytest.mark.asvs("16.5.3")
def test_when_attempts_cannot_be_counted_nobody_guesses(http: AppClient, person: MakePerson):
    ann = person()

    with failing("dynamodb", "UpdateItem", code="ProvisionedThroughputExceededException"):
        answer = sign_in_over_http(http, ann.email)

    assert answer.status_code == 503


def test_param_upgrade_at_login(person: MakePerson, attempt: Callable[..., object], ports: Ports, call: Call):
    ann = person()
    before = ports.users.get(ann.id).pw
    stronger = Passwords(ports.settings.model_copy(update={"hash_time": 3}))
    upgraded = Ports(**{**vars(ports), "passwords": stronger})

    sign_in.login(upgraded, email=ann.email, password=PASSWORD, client=Client(), call=call)

    after = ports.users.get(ann.id).pw
    assert after != before
    assert "t=3" in str(after)
    assert attempt()


def test_a_new_device_is_told_about_and_a_known_one_is_not(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann = person()
    body = {"email": ann.email, "password": PASSWORD, "device_name": "a blue phone"}

    first = http.post("/accounts/login", json=body)
    again = http.post("/accounts/login", json=body, headers={"x-device-token": first.json()["device_token"]})

    notices = [mail for mail in mailbox.all(ann.email) if mail["template"] == "new-device"]
    assert [notice["data"]["device"] for notice in notices] == ["a blue phone"]
    assert notices[0]["secret"] is None
    assert again.json()["device_token"] is None


def test_at_most_25_sessions_the_oldest_ends(
    http: AppClient, person: MakePerson, attempt: Callable[..., object], ports: Ports, frozen: FakeClock
):
    ann = person()
    for _ in range(MAX_SESSIONS):
        frozen.advance(seconds=1)
        attempt(device=ann.device_token)

    open_ids = {row.family_id for row in ports.sessions.of(ann.id)}
    assert len(open_ids) == MAX_SESSIONS
    assert ann.signed_in["session_id"] not in open_ids
    assert ports.users.get(ann.id).open_families == open_ids
    refused = http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token})
    assert refused.json()["type"] == "/problems/refresh-invalid"


def test_sessions_that_ran_out_make_room_first(
    person: MakePerson, attempt: Callable[..., object], ports: Ports, frozen: FakeClock
):
    ann = person()
    for _ in range(MAX_SESSIONS - 1):
        attempt(device=ann.device_token)
    frozen.advance(days=15)

    attempt(device=ann.device_token)

    assert len(ports.sessions.of(ann.id)) == 1
    assert len(ports.users.get(ann.id).open_families) == 1


def test_an_unknown_client_is_refused(http: AppClient, person: MakePerson):
    ann = person()

    answer = http.post("/accounts/login", json={"email": ann.email, "password": PASSWORD, "client_id": "toaster"})

    assert answer.json()["errors"][0]["pointer"] == "/client_id"


def test_the_token_holds_no_personal_data_and_stays_small(person: MakePerson):
    import base64
    import json

    token = person("ann@example.com", name="Ann Example").signed_in["access_token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    assert len(token) < 1024
    assert "example" not in json.dumps(claims).lower().replace("https://tessera.test", "")
    assert {"iss", "sub", "aud", "iat", "exp", "jti", "sid", "ep", "roles", "amr", "aal", "auth_time"} <= claims.keys()


def test_proving_the_password_again_makes_the_token_fresh(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    frozen.advance(minutes=6)
    change = {"current": PASSWORD, "new": "another evening in town"}
    stale = http.post("/accounts/me/password", json=change, headers=ann.bearer)

    proven = http.post("/accounts/me/reauthenticate", json={"password": PASSWORD}, headers=ann.bearer)

    assert (stale.status_code, stale.json()["type"]) == (401, "/problems/step-up-required")
    fresh = {"authorization": f"Bearer {proven.json()['access_token']}"}
    assert http.post("/accounts/me/password", json=change, headers=fresh).status_code == 200


def test_a_wrong_password_proves_nothing(http: AppClient, person: MakePerson):
    ann = person()

    answer = http.post("/accounts/me/reauthenticate", json={"password": WRONG}, headers=ann.bearer)

    assert answer.json()["type"] == "/problems/login-failed"


@pytest.mark.parametrize(
    ("elapsed", "rest"), [(0.0, 0.35), (0.1, 0.25), (0.35, 0.0), (0.36, 0.04), (0.41, 0.04), (1.0, 0.0)]
)
def test_answers_leave_at_the_floor_or_at_the_next_step(elapsed: float, rest: float):
    assert Pace(350, 50).rest(elapsed) == pytest.approx(rest, abs=1e-9)


def test_a_refusal_is_held_as_long_as_a_success():
    waited: list[float] = []
    ticks = iter([0.0, 0.12, 10.0, 10.2])

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async def run() -> None:
        pace = Pace(350, 50, elapsed=lambda: next(ticks), wait=wait)
        async with pace.held():
            pass
        with pytest.raises(LoginFailed):
            async with pace.held():
                raise LoginFailed()

    asyncio.run(run())

    assert waited == pytest.approx([0.23, 0.15])
