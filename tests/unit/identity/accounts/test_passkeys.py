"""Passkeys: adding them, signing in with them, and everything about them that must be refused."""

import copy
import json
import random
from base64 import urlsafe_b64decode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soft_webauthn import SoftWebauthnDevice

from functions.identity.accounts.actions import factors, passkeys
from functions.identity.accounts.config import AccountSettings
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.relying_party import NotGenuine, RelyingParty
from functions.identity.accounts.rules import MAX_PASSKEYS, PasskeyInvalid
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.factor_rows import PasskeyRow, challenge_pk, passkey_sk
from functions.identity.accounts.store.rows import user_pk
from tessera.auth.call import Call
from tessera.tables import Table
from tests.kit.authenticators import (
    BACKED_UP,
    EDDSA,
    ELIGIBLE,
    ES256,
    PRESENT,
    RS256,
    VERIFIED,
    Authenticator,
    decode,
    encode,
)
from tests.kit.capacity import CapacityMeter
from tests.kit.clocks import FakeClock
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import Mailbox, Person
from .second_factors import ORIGIN, add, ask_to_add, ask_to_show, begin, enrol, finish, show, slug, with_token

MakePerson = Callable[..., Person]


@pytest.fixture
def ann(http: AppClient, person: MakePerson) -> Person:
    return person()


@pytest.fixture
def device(http: AppClient, ann: Person) -> Authenticator:
    """Ann's passkey, added; her session has shown it."""
    made = Authenticator(ORIGIN)
    answer = add(http, ann, made, name="Laptop")
    assert answer.status_code == 201, answer.text
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token})
    with_token(ann, refreshed)
    return made


def test_a_browser_is_asked_for_a_passkey_that_can_sign_in_alone(http: AppClient, ann: Person):
    asked = ask_to_add(http, ann)["publicKey"]

    assert asked["rp"] == {"id": "app.test", "name": "Tessera"}
    assert asked["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "preferred",
    }
    assert [one["alg"] for one in asked["pubKeyCredParams"]] == [EDDSA, ES256, RS256]
    assert asked["attestation"] == "none"
    assert len(decode(asked["challenge"])) == 32


def test_the_handle_is_chance_and_the_same_for_every_passkey(http: AppClient, ann: Person, device: Authenticator):
    again = ask_to_add(http, ann)["publicKey"]["user"]["id"]

    assert again == device.handle
    assert len(decode(again)) == 32
    assert ann.id.encode() not in decode(again)


def test_passkeys_that_are_known_are_not_made_again(http: AppClient, ann: Person, device: Authenticator):
    known = ask_to_add(http, ann)["publicKey"]["excludeCredentials"]

    assert known == [{"type": "public-key", "id": encode(device.credential_id), "transports": ["internal"]}]


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_passkey_signs_in_alone(http: AppClient, ann: Person, algorithm: int, claims: Callable[[str], dict[str, Any]]):
    device = Authenticator(ORIGIN, algorithm=algorithm)
    add(http, ann, device)

    done = show(http, device)

    assert done.status_code == 200, done.text
    assert done.json()["user"]["id"] == ann.id
    found = claims(done.json()["access_token"])
    assert (found["amr"], found["aal"]) == (["hwk", "mfa", "user"], 2)


def test_a_key_that_may_leave_its_device_is_a_software_key(
    http: AppClient, ann: Person, claims: Callable[[str], dict[str, Any]]
):
    device = Authenticator(ORIGIN, flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)
    add(http, ann, device)

    done = show(http, device).json()

    assert claims(done["access_token"])["amr"] == ["mfa", "swk", "user"]
    (kept,) = http.get("/accounts/me/passkeys", headers=ann.bearer).json()["items"]
    assert kept["backed_up"] is True


def test_passkey_alone_must_verify_its_user(http: AppClient, ann: Person):
    device = Authenticator(ORIGIN, flags=PRESENT)
    add(http, ann, device)

    assert ask_to_show(http)["publicKey"]["userVerification"] == "required"
    assert slug(show(http, device)) == "login-failed"


def test_after_a_password_a_touch_is_enough(http: AppClient, ann: Person, claims: Callable[[str], dict[str, Any]]):
    device = Authenticator(ORIGIN, flags=PRESENT)
    add(http, ann, device)
    pending = begin(http, ann)
    asked = ask_to_show(http, mfa_token=pending["mfa_token"])["publicKey"]

    done = finish(http, pending, "passkey", credential=device.get(asked))

    assert pending["methods"] == ["passkey"]
    assert asked["userVerification"] == "preferred"
    assert [one["id"] for one in asked["allowCredentials"]] == [encode(device.credential_id)]
    found = claims(done.json()["access_token"])
    assert (found["amr"], found["aal"]) == (["hwk", "mfa", "pwd", "user"], 2)


@pytest.mark.asvs("6.6.2")
def test_a_challenge_of_one_kind_answers_no_other(http: AppClient, ann: Person, device: Authenticator):
    pending = begin(http, ann)
    for_login = device.get(ask_to_show(http)["publicKey"])
    asked = ask_to_show(http, mfa_token=pending["mfa_token"])
    for_second = {"challenge_id": asked["challenge_id"], "credential": device.get(asked["publicKey"])}

    assert slug(finish(http, pending, "passkey", credential=for_login)) == "mfa-failed"
    assert slug(http.post("/accounts/login/passkey", json=for_second)) == "login-failed"


def test_a_challenge_is_good_once(http: AppClient, device: Authenticator):
    asked = ask_to_show(http)
    body = {"challenge_id": asked["challenge_id"], "credential": device.get(asked["publicKey"])}

    first, second = (http.post("/accounts/login/passkey", json=body) for _ in range(2))

    assert (first.status_code, slug(second)) == (200, "login-failed")


def test_a_challenge_is_gone_also_when_the_answer_is_wrong(http: AppClient, device: Authenticator):
    asked = ask_to_show(http)
    wrong = device.get({**asked["publicKey"], "challenge": encode(bytes(32))})
    right = device.get(asked["publicKey"])

    answers = [
        http.post("/accounts/login/passkey", json={"challenge_id": asked["challenge_id"], "credential": one})
        for one in (wrong, right)
    ]

    assert [slug(answer) for answer in answers] == ["login-failed"] * 2


@pytest.mark.asvs("6.5.5")
def test_a_challenge_is_good_for_five_minutes(http: AppClient, device: Authenticator, frozen: FakeClock):
    asked = ask_to_show(http)
    frozen.advance(minutes=5)

    body = {"challenge_id": asked["challenge_id"], "credential": device.get(asked["publicKey"])}
    assert slug(http.post("/accounts/login/passkey", json=body)) == "login-failed"


def test_two_answers_to_one_challenge_have_one_winner(http: AppClient, device: Authenticator, ports: Ports, call: Call):
    asked = passkeys.ask_to_show(ports, None)
    answers = [device.get(asked.options) for _ in range(4)]

    results = together(
        *(lambda one=one: factors.verify_passkey_login(ports, asked.challenge_id, one, call=call) for one in answers)
    )

    assert outcomes(results) == {"ok": 1, "login-failed": 3}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"origin": "https://evil.test"},
        {"type": "webauthn.create"},
        {"crossOrigin": True},
        {"topOrigin": "https://evil.test"},
        {"challenge": encode(bytes(32))},
    ],
    ids=lambda spoilt: "".join(spoilt),
)
def test_an_answer_that_another_page_asked_for_is_refused(
    http: AppClient, device: Authenticator, spoilt: dict[str, object]
):
    assert slug(show(http, device, **spoilt)) == "login-failed"


def test_an_answer_for_another_domain_is_refused(http: AppClient, device: Authenticator):
    device.rp_id = "evil.test"

    assert slug(show(http, device)) == "login-failed"


def test_an_answer_without_the_owners_handle_is_refused(http: AppClient, device: Authenticator):
    device.handle = encode(bytes(32))
    wrong = show(http, device)
    device.handle = None
    absent = show(http, device)

    assert [slug(wrong), slug(absent)] == ["login-failed"] * 2


def test_an_answer_signed_by_another_key_is_refused(http: AppClient, device: Authenticator):
    device.key = Authenticator(ORIGIN).key

    assert slug(show(http, device)) == "login-failed"


def test_passkey_that_opens_nothing_can_be_removed_from_its_device(http: AppClient, ann: Person, device: Authenticator):
    asked = ask_to_show(http)
    stranger = Authenticator(ORIGIN, rp_id="app.test", handle=device.handle)
    body = {"challenge_id": asked["challenge_id"], "credential": stranger.get(asked["publicKey"])}

    answer = http.post("/accounts/login/passkey", json=body)

    assert (answer.status_code, slug(answer)) == (401, "passkey-unknown")
    assert answer.headers["www-authenticate"]


def test_a_locked_user_is_told_nothing_by_a_passkey(
    http: AppClient, ann: Person, device: Authenticator, internal: Callable[..., object]
):
    internal("POST", f"/accounts/internal/users/{ann.id}/lock", {})

    assert slug(show(http, device)) == "login-failed"


def test_whoever_asked_for_a_passkey_before_there_was_a_second_factor_gets_none_after(
    http: AppClient, ann: Person, frozen: FakeClock
):
    password = {"email": ann.email, "password": ann.password}
    thief = http.post("/accounts/login", json=password).json()
    asked = http.post(
        "/accounts/me/passkeys/options", headers={"authorization": f"Bearer {thief['access_token']}"}
    ).json()
    enrol(http, ann, frozen)
    later = http.post("/accounts/token/refresh", json={"refresh_token": thief["refresh_token"]}).json()
    credential = Authenticator(ORIGIN).create(asked["publicKey"])

    answer = http.post(
        "/accounts/me/passkeys",
        json={"challenge_id": asked["challenge_id"], "credential": credential},
        headers={"authorization": f"Bearer {later['access_token']}"},
    )

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/step-up-required")
    assert http.get("/accounts/me/passkeys", headers=ann.bearer).json()["items"] == []


@pytest.mark.asvs("16.3.3")
def test_a_count_that_did_not_grow_is_refused_and_told(
    http: AppClient, ann: Person, device: Authenticator, mailbox: Mailbox, told: Callable[[], list[str]]
):
    assert show(http, device).status_code == 200
    copied = copy.copy(device)
    copied.count -= 1

    assert slug(show(http, copied)) == "login-failed"
    assert mailbox.latest(ann.email, "passkey-refused")["data"]["passkey"] == "Laptop"
    assert "accounts.passkey-refused" in told()
    assert show(http, device).status_code == 200


def test_keys_that_never_count_sign_in_again_and_again(http: AppClient, ann: Person):
    device = Authenticator(ORIGIN, counts=False)
    add(http, ann, device)

    assert [show(http, device).status_code for _ in range(3)] == [200] * 3


def test_a_count_that_stops_at_zero_is_a_regression(http: AppClient, device: Authenticator):
    assert show(http, device).status_code == 200
    device.counts, device.count = False, 0

    assert slug(show(http, device)) == "login-failed"


def test_keys_in_several_places_cannot_count_together(http: AppClient, ann: Person):
    device = Authenticator(ORIGIN, flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)
    add(http, ann, device)
    assert show(http, device).status_code == 200
    elsewhere = copy.copy(device)
    elsewhere.count = 0

    assert show(http, elsewhere).status_code == 200


def test_the_same_passkey_is_one_users(http: AppClient, ann: Person, person: MakePerson, ports: Ports, call: Call):
    """Both ask, both answer with the same credential, at the same moment."""
    bob = person("bob@example.com")
    device = Authenticator(ORIGIN)
    answers = []
    for one in (ann, bob):
        asked = ask_to_add(http, one)
        answers.append((one, asked["challenge_id"], device.create(asked["publicKey"])))
    callers = {one.id: caller_of(one) for one in (ann, bob)}

    results = together(
        *(
            lambda one=one, challenge_id=challenge_id, credential=credential: passkeys.add(
                ports,
                one.id,
                challenge_id=challenge_id,
                credential=credential,
                name=None,
                caller=callers[one.id],
                call=call,
            )
            for one, challenge_id, credential in answers
        )
    )

    assert outcomes(results) == {"ok": 1, "passkey-taken": 1}
    assert {len(ports.passkeys.of(one.id)) for one in (ann, bob)} == {0, 1}


def test_the_same_passkey_again_is_refused(http: AppClient, ann: Person, device: Authenticator):
    answer = add(http, ann, device)

    assert (answer.status_code, slug(answer)) == (409, "passkey-taken")


def test_a_challenge_is_answered_by_who_asked(http: AppClient, ann: Person, person: MakePerson):
    bob = person("bob@example.com")
    asked = ask_to_add(http, ann)
    credential = Authenticator(ORIGIN).create(asked["publicKey"])

    body = {"challenge_id": asked["challenge_id"], "credential": credential}
    answer = http.post("/accounts/me/passkeys", json=body, headers=bob.bearer)

    assert (answer.status_code, slug(answer)) == (422, "passkey-invalid")


@pytest.mark.parametrize("spoilt", [{"origin": "https://evil.test"}, {"crossOrigin": True}, {"type": "webauthn.get"}])
def test_passkey_made_on_another_page_is_refused(http: AppClient, ann: Person, spoilt: dict[str, object]):
    answer = add(http, ann, Authenticator(ORIGIN, more=spoilt))

    assert (answer.status_code, slug(answer)) == (422, "passkey-invalid")


def test_an_id_that_is_not_the_attested_one_is_refused(http: AppClient, ann: Person):
    asked = ask_to_add(http, ann)
    credential = Authenticator(ORIGIN).create(asked["publicKey"])
    other = encode(bytes(32))

    body = {"challenge_id": asked["challenge_id"], "credential": {**credential, "id": other, "rawId": other}}
    answer = http.post("/accounts/me/passkeys", json=body, headers=ann.bearer)

    assert slug(answer) == "passkey-invalid"


def test_sixteen_passkeys_are_too_many(http: AppClient, ann: Person, device: Authenticator):
    for _ in range(MAX_PASSKEYS - 1):
        assert add(http, ann, Authenticator(ORIGIN)).status_code == 201

    answer = http.post("/accounts/me/passkeys/options", headers=ann.bearer)

    assert (answer.status_code, slug(answer)) == (409, "too-many-passkeys")


def test_a_list_says_what_a_person_knows_them_by(http: AppClient, ann: Person, frozen: FakeClock):
    google = Authenticator(ORIGIN, aaguid=bytes.fromhex("ea9b8d664d011d213ce4b6b48cb575d4"))
    add(http, ann, google)
    frozen.advance(minutes=1)
    show(http, google)

    (found,) = http.get("/accounts/me/passkeys", headers=ann.bearer).json()["items"]

    assert found["name"] == found["authenticator"] == "Google Password Manager"
    assert found["aaguid"] == "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"
    assert found["transports"] == ["internal"]
    assert found["last_used_at"] > found["created_at"]
    assert set(found) == set(
        "id name authenticator aaguid backed_up transports created_at last_used_at version".split()
    )


def test_passkey_gets_another_name_and_goes_as_it_was_read(
    http: AppClient, ann: Person, device: Authenticator, told: Callable[[], list[str]]
):
    (before,) = http.get("/accounts/me/passkeys", headers=ann.bearer).json()["items"]
    path = f"/accounts/me/passkeys/{before['id']}"

    renamed = http.patch(path, json={"name": "Work laptop"}, headers={**ann.bearer, "if-match": '"v1"'})
    stale = http.patch(path, json={"name": "Other"}, headers={**ann.bearer, "if-match": '"v1"'})
    kept = http.delete(path, headers={**ann.bearer, "if-match": '"v1"'})
    gone = http.delete(path, headers={**ann.bearer, "if-match": '"v2"'})

    assert (renamed.status_code, renamed.json()["name"], renamed.headers["etag"]) == (200, "Work laptop", '"v2"')
    assert (stale.status_code, kept.status_code, gone.status_code) == (412, 412, 204)
    assert "accounts.passkey-renamed" in told()


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.asvs("8.2.2")
def test_passkey_of_somebody_else_is_not_found(
    http: AppClient, device: Authenticator, ann: Person, person: MakePerson, method: str
):
    (found,) = http.get("/accounts/me/passkeys", headers=ann.bearer).json()["items"]
    bob = person("bob@example.com")

    body = {"json": {"name": "Mine"}} if method == "PATCH" else {}
    answer = http.request(method, f"/accounts/me/passkeys/{found['id']}", headers=bob.bearer, **body)

    assert (answer.status_code, slug(answer)) == (404, "not-found")


def test_passkey_that_is_removed_opens_nothing(
    http: AppClient, ann: Person, device: Authenticator, mailbox: Mailbox, told: Callable[[], list[str]], table: Table
):
    (found,) = http.get("/accounts/me/passkeys", headers=ann.bearer).json()["items"]

    removed = http.delete(f"/accounts/me/passkeys/{found['id']}", headers=ann.bearer)

    assert removed.status_code == 204
    assert mailbox.latest(ann.email, "passkey-removed")["data"]["passkey"] == "Laptop"
    assert {"accounts.mfa.disabled.v1", "accounts.passkey-removed"} <= set(told())
    assert slug(show(http, device)) == "passkey-unknown"
    assert "access_token" in begin(http, ann)
    assert not [item for item in everything_in(table) if item["pk"]["S"].startswith("C#")]


def test_the_last_way_to_sign_in_stays(http: AppClient, ann: Person, device: Authenticator, table: Table):
    table.update(UserRow, user_pk(ann.id), "MAIN", UserRow.pw.remove(), UserRow.pw_pv.remove())
    (found,) = http.get("/accounts/me/passkeys", headers=ann.bearer).json()["items"]

    answer = http.delete(f"/accounts/me/passkeys/{found['id']}", headers=ann.bearer)

    assert (answer.status_code, slug(answer)) == (409, "last-sign-in-method")
    assert show(http, device).status_code == 200


def test_two_removals_at_once_leave_one_way_in(
    http: AppClient, ann: Person, device: Authenticator, table: Table, ports: Ports, call: Call
):
    assert add(http, ann, Authenticator(ORIGIN)).status_code == 201
    table.update(UserRow, user_pk(ann.id), "MAIN", UserRow.pw.remove(), UserRow.pw_pv.remove())
    ids = [row.passkey_id for row in ports.passkeys.of(ann.id)]

    results = together(
        *(lambda one=one: passkeys.remove(ports, ann.id, one, caller=caller_of(ann, aal=2), call=call) for one in ids)
    )

    assert outcomes(results) == {"ok": 1, "last-sign-in-method": 1}
    assert len(ports.passkeys.of(ann.id)) == 1


def test_adding_one_tells_the_owner(
    http: AppClient, ann: Person, device: Authenticator, mailbox: Mailbox, told: Callable[[], list[str]]
):
    assert mailbox.latest(ann.email, "passkey-added")["data"]["passkey"] == "Laptop"
    assert {"accounts.mfa.enabled.v1", "accounts.passkey-added"} <= set(told())


def test_an_outside_authenticator_is_a_second_factor(http: AppClient, ann: Person):
    """`soft-webauthn` has no way to verify its user, so it signs in after a password only."""
    outside = SoftWebauthnDevice()
    asked = ask_to_add(http, ann)
    made = outside.create(as_bytes(asked["publicKey"]), ORIGIN)
    body = {"challenge_id": asked["challenge_id"], "credential": as_json(made)}
    assert http.post("/accounts/me/passkeys", json=body, headers=ann.bearer).status_code == 201
    pending = begin(http, ann)
    shown = outside.get(as_bytes(ask_to_show(http, mfa_token=pending["mfa_token"])["publicKey"]), ORIGIN)

    done = finish(http, pending, "passkey", credential=as_json(shown))

    assert done.status_code == 200, done.text


def test_passkey_does_not_wait_for_the_limit_on_codes(http: AppClient, ann: Person, frozen: FakeClock):
    phone = enrol(http, ann, frozen)
    device = Authenticator(ORIGIN)
    assert add(http, ann, device).status_code == 201
    for _ in range(6):
        finish(http, begin(http, ann), "totp", code=phone.wrong())
    pending = begin(http, ann)

    shown = device.get(ask_to_show(http, mfa_token=pending["mfa_token"])["publicKey"])

    assert pending["methods"] == ["passkey", "totp"]
    assert finish(http, pending, "passkey", credential=shown).status_code == 200


def test_requests_of_passkeys(http: AppClient, ann: Person, device: Authenticator, table: Table):
    def cost(do: Callable[[], object]) -> list[str]:
        with CapacityMeter() as meter:
            do()
        return meter.of(table.name).operations

    asked = ask_to_show(http)
    body = {"challenge_id": asked["challenge_id"], "credential": device.get(asked["publicKey"])}
    assert cost(lambda: http.post("/accounts/login/passkey", json=body)) == [
        *["DeleteItem", "GetItem", "GetItem", "GetItem"],
        *["TransactWriteItems", "TransactWriteItems"],
    ]
    assert cost(lambda: ask_to_show(http)) == ["PutItem"]
    assert cost(lambda: ask_to_add(http, ann)) == ["GetItem", "Query", "PutItem"]
    assert cost(lambda: http.get("/accounts/me/passkeys", headers=ann.bearer)) == ["Query"]
    new, second = ask_to_add(http, ann), Authenticator(ORIGIN)
    body = {"challenge_id": new["challenge_id"], "credential": second.create(new["publicKey"])}
    assert cost(lambda: http.post("/accounts/me/passkeys", json=body, headers=ann.bearer)) == [
        *["DeleteItem", "GetItem", "TransactWriteItems"]
    ]


def test_challenges_go_by_themselves(http: AppClient, table: Table, frozen: FakeClock):
    challenge_id = ask_to_show(http)["challenge_id"]

    (item,) = [item for item in everything_in(table) if item["pk"]["S"] == challenge_pk(challenge_id)]

    assert int(item["ttl"]["N"]) - frozen.now().timestamp() <= 300
    assert item["purpose"]["S"] == "login"


def test_related_origins_are_those_of_the_settings(http: AppClient):
    answer = http.get("/.well-known/webauthn")

    assert answer.json() == {"origins": ["https://app.test"]}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("base", "more", "rp_id", "origins"),
    [
        ("https://app.test", {}, "app.test", ["https://app.test"]),
        ("http://127.0.0.1:8000", {}, "localhost", ["http://127.0.0.1:8000", "http://localhost:8000"]),
        (
            "https://api.example.com",
            {"WEB_ORIGINS": "https://app.example.com,https://example.org", "PASSKEY_DOMAIN": "example.com"},
            "example.com",
            ["https://api.example.com", "https://app.example.com", "https://example.org"],
        ),
        ("https://[::1]:8443", {}, "localhost", ["https://[::1]:8443", "https://localhost:8443"]),
    ],
)
def test_who_we_are_comes_from_the_settings(base: str, more: dict[str, str], rp_id: str, origins: list[str]):
    names = "TABLE PEPPER MAIL_KEY FACTOR_KEY AUTHFEED RATELIMIT MAC_KEYS".split()

    found = AccountSettings.load({**dict.fromkeys(names, "x"), "PUBLIC_BASE_URL": base, **more})

    assert (found.rp_id, found.passkey_origins) == (rp_id, origins)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(algorithm=st.sampled_from([ES256, EDDSA]), seed=st.integers(0, 2**32), other_key=st.binary(max_size=100))
def test_no_answer_of_an_authenticator_is_more_than_refused(algorithm: int, seed: int, other_key: bytes):
    """Bytes of the attestation, the assertion and the signature changed or cut at random, or another key."""
    party, device, chance = RelyingParty("app.test", [ORIGIN]), Authenticator(ORIGIN, algorithm), random.Random(seed)
    challenge = bytes(32)
    asked = {"rp": {"id": "app.test"}, "user": {"id": encode(b"x")}, "challenge": encode(challenge)}
    made, shown = device.create(asked), device.get(asked)
    public_key = party.registered(made, challenge).public_key
    assert party.asserted(shown, challenge, public_key, needs_verification=True).is_verified

    # What a new passkey's own authenticator says of itself is its own affair, so some changes pass.
    with suppress(PasskeyInvalid):
        party.registered(spoilt(made, "attestationObject", chance), challenge)
    for name in ("authenticatorData", "signature"):
        with pytest.raises(NotGenuine):
            party.asserted(spoilt(shown, name, chance), challenge, public_key, needs_verification=True)
    with pytest.raises(NotGenuine):
        party.asserted(shown, challenge, other_key, needs_verification=True)


def spoilt(credential: dict[str, Any], name: str, chance: random.Random) -> dict[str, Any]:
    response = dict(credential["response"])
    raw = bytearray(decode(response[name]))
    # Each place once, so that no change undoes another one.
    for place in chance.sample(range(len(raw)), chance.randint(1, 4)):
        raw[place] ^= chance.randint(1, 255)
    cut = chance.choice([len(raw), len(raw) - 1, len(raw) // 2, 1])
    return {**credential, "response": {**response, name: encode(bytes(raw[:cut]))}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"challenge_id": "x", "credential": {}},
        {"credential": {"id": "a", "rawId": "a", "type": "public-key", "response": {}}},
        {"credential": {"id": "ä", "rawId": "a", "type": "public-key", "response": {"clientDataJSON": "\ud800"}}},
        {"credential": {"id": "a" * 5_000, "rawId": "a", "type": "public-key"}},
    ],
)
def test_a_malformed_answer_is_no_fault_of_ours(http: AppClient, body: dict[str, object]):
    content = json.dumps({"challenge_id": "01HZX3J0V7Q8M4N5P6R7S8T9VW", **body})

    answer = http.post("/accounts/login/passkey", content=content, headers={"content-type": "application/json"})

    assert answer.status_code in (400, 422)


def test_what_is_not_base64_is_refused_as_unknown(http: AppClient, device: Authenticator):
    asked = ask_to_show(http)
    credential = device.get(asked["publicKey"])
    padded = credential["id"] + "A"

    body = {"challenge_id": asked["challenge_id"], "credential": {**credential, "id": padded, "rawId": padded}}

    assert http.post("/accounts/login/passkey", json=body).status_code == 401


def test_a_use_is_noted_at_the_passkey(http: AppClient, ann: Person, device: Authenticator, table: Table):
    show(http, device)

    (found,) = http.get("/accounts/me/passkeys", headers=ann.bearer).json()["items"]
    row = table.get(PasskeyRow, user_pk(ann.id), passkey_sk(found["id"]))
    assert row is not None and int(row.sign_count) == device.count
    assert urlsafe_b64decode(row.cred_id + "==") == device.credential_id


def caller_of(person: Person, aal: int = 1) -> Any:
    from tessera.auth.principal import Principal

    session_id = person.signed_in["session_id"]
    return Principal(kind="user", id=person.id, user_id=person.id, session_id=session_id, aal=aal)


def as_bytes(options: dict[str, Any]) -> dict[str, Any]:
    """The options as a page hands them to the browser, with bytes where the JSON form has text."""
    found = {**options, "challenge": decode(options["challenge"])}
    if "user" in options:
        found["user"] = {**options["user"], "id": decode(options["user"]["id"])}
    return {"publicKey": found}


def as_json(credential: dict[str, Any]) -> dict[str, Any]:
    named = encode(credential["rawId"])
    response = {name: encode(value) for name, value in credential["response"].items()}
    return {"id": named, "rawId": named, "type": credential["type"], "response": response}
