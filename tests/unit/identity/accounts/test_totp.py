"""Authenticator apps: the algorithm, setting one up, signing in with it, and what each costs."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.identity.accounts import totp
from functions.identity.accounts.actions import factors, sign_in
from functions.identity.accounts.actions.factors import MfaPending
from functions.identity.accounts.ports import Client, Ports
from functions.identity.accounts.rules import MFA_ATTEMPTS
from functions.identity.accounts.store.factor_rows import TOTP, TotpRow, mfa_pk
from functions.identity.accounts.store.rows import user_pk
from tessera import aws
from tessera.auth.call import Call
from tessera.tables import Table
from tests.kit.capacity import CapacityMeter
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person
from .second_factors import STEP_SECONDS, App, begin, enrol, finish, slug

MakePerson = Callable[..., Person]

# RFC 6238, appendix B: the seed of each hash is as long as its output.
SEEDS = {
    algorithm: (b"1234567890" * 7)[:length] for algorithm, length in (("sha1", 20), ("sha256", 32), ("sha512", 64))
}
APPENDIX_B = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]


@pytest.mark.parametrize(("seconds", "sha1", "sha256", "sha512"), APPENDIX_B)
def test_totp_rfc6238_vectors(seconds: int, sha1: str, sha256: str, sha512: str):
    step = totp.step_at(seconds * 1000)

    made = {name: totp.code_at(seed, step, digits=8, algorithm=name) for name, seed in SEEDS.items()}

    assert made == {"sha1": sha1, "sha256": sha256, "sha512": sha512}


# RFC 4226, appendix D: the same algorithm by counter.
@pytest.mark.parametrize(
    ("counter", "code"),
    list(enumerate("755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split())),
)
def test_totp_agrees_with_the_counter_vectors(counter: int, code: str):
    assert totp.code_at(SEEDS["sha1"], counter) == code


@given(st.binary(min_size=16, max_size=32), st.integers(0, 2**33))
def test_another_implementation_makes_the_same_codes(secret: bytes, seconds: int):
    theirs = pyotp.TOTP(totp.text_of(secret)).at(seconds)

    assert totp.code_at(secret, totp.step_at(seconds * 1000)) == theirs
    assert totp.bytes_of(totp.text_of(secret)) == secret


@pytest.mark.parametrize(("shift", "found"), [(-2, None), (-1, -1), (0, 0), (1, 1), (2, None)])
@pytest.mark.asvs("6.5.5")
def test_a_code_is_good_one_step_early_or_late(shift: int, found: int | None):
    secret, now_ms = SEEDS["sha1"], 1_234_567_890_000
    step = totp.step_at(now_ms)

    matched = totp.matching_step(secret, totp.code_at(secret, step + shift), now_ms)

    assert matched == (None if found is None else step + found)


def test_setting_an_app_up_shows_its_secret_once(http: AppClient, person: MakePerson, table: Table):
    ann = person()

    begun = http.post("/accounts/me/mfa/totp", headers=ann.bearer)

    uri = urlsplit(begun.json()["otpauth_uri"])
    asked = parse_qs(uri.query)
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", f"/Tessera%3A{ann.email}")
    assert asked == {
        "secret": [begun.json()["secret"]],
        "issuer": ["Tessera"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
    assert begun.headers["cache-control"] == "no-store"
    kept = table.get(TotpRow, user_pk(ann.id), TOTP)
    assert kept is not None and not kept.confirmed
    assert begun.json()["secret"] not in repr(everything_in(table))


def test_the_secret_is_sealed_for_its_user_alone(
    http: AppClient, person: MakePerson, ports: Ports, frozen: FakeClock, table: Table
):
    ann, bob = person(), person("bob@example.com")
    enrol(http, ann, frozen)
    bobs = enrol(http, bob, frozen)
    moved = table.get(TotpRow, user_pk(bob.id), TOTP)
    assert moved is not None
    table.update(TotpRow, user_pk(ann.id), TOTP, TotpRow.enc.set(moved.enc))

    answer = finish(http, begin(http, ann), "totp", code=bobs.next_code())

    assert (answer.status_code, slug(answer)) == (503, "unavailable")


def test_an_app_counts_only_once_a_code_was_confirmed(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    http.post("/accounts/me/mfa/totp", headers=ann.bearer)

    assert "access_token" in begin(http, ann)
    assert http.get("/accounts/me/mfa", headers=ann.bearer).json()["methods"] == []


def test_a_wrong_code_confirms_nothing(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = App(http.post("/accounts/me/mfa/totp", headers=ann.bearer).json()["secret"], frozen)

    answer = http.post("/accounts/me/mfa/totp/confirm", json={"code": app.wrong()}, headers=ann.bearer)

    assert (answer.status_code, slug(answer)) == (400, "code-invalid")
    assert "access_token" in begin(http, ann)


def test_confirming_without_having_begun_is_refused(http: AppClient, person: MakePerson):
    ann = person()

    answer = http.post("/accounts/me/mfa/totp/confirm", json={"code": "123456"}, headers=ann.bearer)

    assert (answer.status_code, slug(answer)) == (400, "code-invalid")


def test_an_enrolment_that_waits_longer_than_an_hour_is_over(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = App(http.post("/accounts/me/mfa/totp", headers=ann.bearer).json()["secret"], frozen)
    frozen.advance(minutes=9)
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token}).json()
    frozen.advance(minutes=52)
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": refreshed["refresh_token"]}).json()

    bearer = {"authorization": f"Bearer {refreshed['access_token']}"}
    answer = http.post("/accounts/me/mfa/totp/confirm", json={"code": app.code()}, headers=bearer)

    assert slug(answer) == "code-invalid"


def test_beginning_again_replaces_what_was_not_confirmed(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    first = App(http.post("/accounts/me/mfa/totp", headers=ann.bearer).json()["secret"], frozen)
    second = App(http.post("/accounts/me/mfa/totp", headers=ann.bearer).json()["secret"], frozen)

    old, new = (
        http.post("/accounts/me/mfa/totp/confirm", json={"code": app.code()}, headers=ann.bearer)
        for app in (first, second)
    )

    assert (old.status_code, new.status_code) == (400, 200)


def test_a_second_app_waits_until_the_first_is_removed(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    enrol(http, ann, frozen)

    answer = http.post("/accounts/me/mfa/totp", headers=ann.bearer)

    assert (answer.status_code, slug(answer)) == (409, "totp-enrolled")


@pytest.mark.asvs("6.3.3")
def test_with_an_app_a_password_alone_signs_nobody_in(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = enrol(http, ann, frozen)

    pending = begin(http, ann, client_id="cli", device_name="Ann's terminal")
    done = finish(http, pending, "totp", code=app.next_code())

    assert pending["status"] == "mfa_required"
    assert pending["methods"] == ["totp"]
    assert set(pending) == {"status", "mfa_token", "methods"}
    assert done.status_code == 200
    assert done.json()["user"]["id"] == ann.id
    sessions = http.get(
        "/accounts/me/sessions", headers={"authorization": f"Bearer {done.json()['access_token']}"}
    ).json()["items"]
    newest = next(one for one in sessions if one["current"])
    assert (newest["client_id"], newest["device_name"]) == ("cli", "Ann's terminal")


def test_the_token_says_what_was_shown(
    http: AppClient, person: MakePerson, frozen: FakeClock, claims: Callable[[str], dict[str, object]]
):
    ann = person()
    app = enrol(http, ann, frozen)

    done = finish(http, begin(http, ann), "totp", code=app.next_code()).json()

    found = claims(done["access_token"])
    assert (found["amr"], found["aal"]) == (["mfa", "otp", "pwd"], 2)
    assert found["auth_time"] == int(frozen.now().timestamp())
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": done["refresh_token"]}).json()
    assert claims(refreshed["access_token"])["aal"] == 2


@pytest.mark.asvs("6.5.1")
def test_the_enrolments_own_code_signs_nobody_in(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = enrol(http, ann, frozen)

    answer = finish(http, begin(http, ann), "totp", code=app.code())

    assert (answer.status_code, slug(answer)) == (401, "mfa-failed")


@pytest.mark.asvs("6.5.1")
def test_a_code_is_good_once(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = enrol(http, ann, frozen)
    code = app.next_code()

    first, second = (finish(http, begin(http, ann), "totp", code=code) for _ in range(2))

    assert (first.status_code, slug(second)) == (200, "mfa-failed")


def test_an_older_code_is_refused_after_a_newer_one(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = enrol(http, ann, frozen)
    frozen.advance(seconds=2 * STEP_SECONDS)

    newer = finish(http, begin(http, ann), "totp", code=app.code(1))
    older = finish(http, begin(http, ann), "totp", code=app.code())

    assert (newer.status_code, slug(older)) == (200, "mfa-failed")


@pytest.mark.asvs("6.5.1")
def test_totp_replay_parallel(
    http: AppClient, person: MakePerson, ports: Ports, call: Call, client: Client, frozen: FakeClock
):
    """One code, two sign-ins at the same moment: the write that moves the step on has one winner."""
    ann = person()
    app = enrol(http, ann, frozen)
    code = app.next_code()
    tokens = [pending_of(ports, ann, client, call).token for _ in range(4)]

    results = together(
        *(lambda token=token: factors.finish(ports, token, method="totp", code=code, call=call) for token in tokens)
    )

    assert outcomes(results) == {"ok": 1, "mfa-failed": 3}


def test_one_sign_in_is_finished_once(
    http: AppClient, person: MakePerson, ports: Ports, call: Call, client: Client, frozen: FakeClock
):
    ann = person()
    app = enrol(http, ann, frozen)
    frozen.advance(seconds=2 * STEP_SECONDS)
    token = pending_of(ports, ann, client, call).token

    codes = [app.code(), app.code(1)]
    results = together(
        *(lambda code=code: factors.finish(ports, token, method="totp", code=code, call=call) for code in codes)
    )

    assert outcomes(results)["ok"] == 1


def test_five_wrong_codes_end_the_sign_in(
    http: AppClient, person: MakePerson, frozen: FakeClock, mailbox: Mailbox, table: Table
):
    ann = person()
    app = enrol(http, ann, frozen)
    pending = begin(http, ann)

    wrong = [finish(http, pending, "totp", code=app.wrong()) for _ in range(MFA_ATTEMPTS)]
    right = finish(http, pending, "totp", code=app.next_code())

    assert [slug(answer) for answer in wrong] == ["mfa-failed"] * MFA_ATTEMPTS
    assert (right.status_code, slug(right)) == (429, "attempts-exhausted")
    assert int(right.headers["retry-after"]) > 0
    assert mailbox.latest(ann.email, "mfa-exhausted")


def test_an_ended_sign_in_stays_ended_when_the_limit_has_passed(
    http: AppClient, person: MakePerson, frozen: FakeClock, ports: Ports
):
    ann = person()
    app = enrol(http, ann, frozen)
    pending = begin(http, ann)
    for _ in range(MFA_ATTEMPTS):
        finish(http, pending, "totp", code=app.wrong())
    ports.limits.decide = lambda *given, **more: _Allowed()  # type: ignore[method-assign, assignment]
    ports.limits.refund = lambda decision: None  # type: ignore[method-assign, assignment]

    assert slug(finish(http, pending, "totp", code=app.next_code())) == "attempts-exhausted"
    frozen.advance(minutes=5)
    assert slug(finish(http, pending, "totp", code=app.next_code())) == "mfa-token-invalid"
    assert finish(http, begin(http, ann), "totp", code=app.next_code()).status_code == 200


def test_exhausted_guesses_hold_over_further_sign_ins(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = enrol(http, ann, frozen)
    for _ in range(MFA_ATTEMPTS):
        finish(http, begin(http, ann), "totp", code=app.wrong())

    answer = finish(http, begin(http, ann), "totp", code=app.next_code())

    assert (answer.status_code, slug(answer)) == (429, "attempts-exhausted")


def test_right_codes_use_no_guesses_up(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = enrol(http, ann, frozen)

    answers = [finish(http, begin(http, ann), "totp", code=app.next_code()) for _ in range(8)]

    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    "token",
    ["", "tmf_", "tmf_e30.e30", "trt_abc.def", "x" * 1_500],
    ids=["empty", "nothing", "no signature", "another kind", "long"],
)
def test_a_token_we_did_not_make_costs_no_request_of_the_table(ports: Ports, call: Call, token: str, http: AppClient):
    with aws.metered() as meter, pytest.raises(Exception, match="Sign in again"):
        factors.finish(ports, token, method="totp", code="123456", call=call)

    assert meter.requests == 0


def test_a_token_does_not_outlive_a_change_of_the_password(
    http: AppClient, person: MakePerson, frozen: FakeClock, mailbox: Mailbox
):
    ann = person()
    app = enrol(http, ann, frozen)
    pending = begin(http, ann)
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")
    assert http.post("/accounts/password/reset", json={"token": token, "password": "quite another one"}).is_success

    assert slug(finish(http, pending, "totp", code=app.next_code())) == "mfa-token-invalid"


@pytest.mark.asvs("6.4.3")
def test_a_reset_of_the_password_does_not_skip_the_second_factor(
    http: AppClient, person: MakePerson, frozen: FakeClock, mailbox: Mailbox
):
    ann = person()
    enrol(http, ann, frozen)
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")
    http.post("/accounts/password/reset", json={"token": token, "password": "quite another one"})

    answer = http.post("/accounts/login", json={"email": ann.email, "password": "quite another one"})

    assert answer.json()["status"] == "mfa_required"


def test_a_locked_user_finishes_nothing(
    http: AppClient, person: MakePerson, frozen: FakeClock, internal: Callable[..., object]
):
    ann = person()
    app = enrol(http, ann, frozen)
    pending = begin(http, ann)
    internal("POST", f"/accounts/internal/users/{ann.id}/lock", {})

    assert slug(finish(http, pending, "totp", code=app.next_code())) == "mfa-token-invalid"


def test_setting_up_tells_the_owner_and_makes_old_tokens_stale(
    http: AppClient, person: MakePerson, frozen: FakeClock, mailbox: Mailbox, told: Callable[[], list[str]]
):
    ann = person()
    before = dict(ann.bearer)
    enrol(http, ann, frozen)
    frozen.advance(seconds=9)

    assert mailbox.latest(ann.email, "mfa-enabled")["data"]["method"] == "an authenticator app"
    assert {"accounts.mfa.enabled.v1", "accounts.mfa-enabled"} <= set(told())
    assert slug(http.get("/accounts/me", headers=before)) == "token-stale"
    assert http.get("/accounts/me", headers=ann.bearer).status_code == 200


def test_an_app_that_is_removed_is_not_asked_for(
    http: AppClient, person: MakePerson, frozen: FakeClock, mailbox: Mailbox, told: Callable[[], list[str]]
):
    ann = person()
    enrol(http, ann, frozen)

    removed = http.delete("/accounts/me/mfa/totp", headers=ann.bearer)

    assert removed.status_code == 204
    assert mailbox.latest(ann.email, "mfa-disabled")
    assert {"accounts.mfa.disabled.v1", "accounts.mfa-disabled"} <= set(told())
    assert "access_token" in begin(http, ann)


def test_what_is_not_there_cannot_be_removed(http: AppClient, person: MakePerson):
    answer = http.delete("/accounts/me/mfa/totp", headers=person().bearer)

    assert (answer.status_code, slug(answer)) == (404, "not-found")


def test_totp_login_costs_three_requests_more(
    http: AppClient, person: MakePerson, ports: Ports, call: Call, client: Client, frozen: FakeClock, table: Table
):
    ann, bob = person(), person("bob@example.com")
    app = enrol(http, ann, frozen)

    with CapacityMeter() as plain:
        sign_in.login(ports, email=bob.email, password=PASSWORD, client=client, call=call)
    with CapacityMeter() as with_app:
        token, code = pending_of(ports, ann, client, call).token, app.next_code()
        sign_in.finish_login(
            ports, mfa_token=token, method="totp", code=code, credential=None, client=client, call=call
        )

    # Beyond the claim, the counted user and the session: the attempt, user and factors at once, the step.
    assert plain.of(table.name).operations == ["GetItem", "UpdateItem", "TransactWriteItems"]
    assert with_app.of(table.name).operations == [
        *["GetItem", "UpdateItem"],
        *["UpdateItem", "Query", "TransactWriteItems", "TransactWriteItems"],
    ]


def test_a_kms_that_is_down_opens_no_half_session(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    app = enrol(http, ann, frozen)
    pending = begin(http, ann)

    with failing("kms", "Decrypt", code="KMSInternalException"):
        down = finish(http, pending, "totp", code=app.next_code())
    up = finish(http, pending, "totp", code=app.code())

    assert (down.status_code, up.status_code) == (503, 200)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"method": "totp"}, "/code"),
        ({"method": "passkey", "code": "123456"}, "/credential"),
        ({"method": "sms", "code": "123456"}, "/method"),
        ({"method": "totp", "code": "12345\u0000"}, ""),
        ({"method": "totp", "code": "x" * 1_000}, "/code"),
        ({"method": "totp", "code": 123456}, "/code"),
    ],
)
def test_a_malformed_second_factor_says_where(http: AppClient, body: dict[str, object], pointer: str):
    answer = http.post("/accounts/login/mfa", json={"mfa_token": "tmf_x", **body})

    assert answer.status_code == 422
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_an_attempt_leaves_an_item_that_goes_by_itself(
    http: AppClient, person: MakePerson, frozen: FakeClock, table: Table
):
    ann = person()
    app = enrol(http, ann, frozen)
    pending = begin(http, ann)
    assert not [item for item in everything_in(table) if item["pk"]["S"].startswith(mfa_pk(""))]

    finish(http, pending, "totp", code=app.wrong())

    (item,) = [item for item in everything_in(table) if item["pk"]["S"].startswith(mfa_pk(""))]
    assert (item["uid"]["S"], item["left"]["N"], item["amr"]["SS"]) == (ann.id, "4", ["pwd"])
    assert int(item["ttl"]["N"]) - frozen.now().timestamp() <= 360


def pending_of(ports: Ports, person: Person, client: Client, call: Call) -> MfaPending:
    found = sign_in.login(ports, email=person.email, password=person.password, client=client, call=call)
    assert isinstance(found, MfaPending)
    return found


class _Allowed:
    allowed, charged = True, False

    def headers(self) -> dict[str, str]:
        return {}
