"""The keys that sign: made once, rotated without notice to anybody, revoked at once."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.signing import RingMoved, SigningKeys
from functions.identity.accounts.triggers import ENTRIES, revoke_active_key, rotate_keys
from tessera import aws, clock
from tessera.auth import jws
from tessera.auth.feed import Feed
from tessera.auth.keyring import KeyRing
from tessera.auth.problems import TokenInvalid
from tessera.auth.tokens import sign_input, verify
from tessera.settings import Bindings
from tests.kit.clocks import FakeClock
from tests.kit.faults import crash_at, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.web import AppClient

from .conftest import Person, make_app

MakePerson = Callable[..., Person]


@pytest.fixture
def container(environment: dict[str, str], tables: dict[str, Any], frozen: FakeClock) -> Callable[[], Bindings]:
    """Another process on the same tables."""
    return lambda: make_app(environment, tables).state.bindings


def claims(**more: object) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    return {
        "iss": "https://tessera.test",
        "aud": "tessera",
        "sub": "01HZX3J0V7Q8M4N5P6R7S8T9VW",
        "sid": "f",
        "ep": 1,
        "iat": now,
        "exp": now + 600,
        **more,
    }


def is_accepted(bindings: Bindings, token: str) -> bool:
    try:
        found = verify(token, bindings.get(KeyRing), issuer="https://tessera.test", now=clock.now().timestamp())
        bindings.get(Feed).check(found)
    except TokenInvalid:
        return False
    return True


def test_two_cold_starts_at_once_make_one_ring(container: Callable[[], Bindings]):
    processes = [container().get(SigningKeys) for _ in range(5)]

    results = together(*(lambda keys=keys: keys.ring() for keys in processes))

    assert outcomes(results) == {"ok": 5}
    assert len({result.value.keys[0].kid for result in results}) == 1


def test_the_key_that_loses_is_given_up(container: Callable[[], Bindings]):
    first, second = container().get(SigningKeys), container().get(SigningKeys)
    known = {key["KeyId"] for key in aws.client("kms").list_keys()["Keys"]}

    waiting = [first]

    def first_wins(service: str, name: str, parameters: dict[str, Any]) -> None:
        if (service, name) == ("fault", "signing.key made") and waiting:
            waiting.pop().ring()

    with aws.intercepted(first_wins):
        won = second.ring()

    made = {key["KeyId"] for key in aws.client("kms").list_keys()["Keys"]} - known
    states = {key: aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in made}
    assert states.pop(won.keys[0].kms_id) == "Enabled"
    assert set(states.values()) == {"PendingDeletion"}


def test_a_process_that_dies_after_making_a_key_leaves_no_ring_behind(container: Callable[[], Bindings]):
    with crash_at("signing.key made"), pytest.raises(BaseException, match="key made"):
        container().get(SigningKeys).ring()

    assert [key.state for key in container().get(SigningKeys).ring().keys] == ["active"]


def test_keys_are_tagged_for_the_policy_that_lets_us_use_them(container: Callable[[], Bindings]):
    key = container().get(SigningKeys).ring().keys[0]

    tags = aws.client("kms").list_resource_tags(KeyId=key.kms_id)["Tags"]

    assert tags == [{"TagKey": "tessera", "TagValue": "jwks"}]


def test_jwks_rotation_zero_downtime(container: Callable[[], Bindings], frozen: FakeClock):
    """Over a year, a verifier that reads the ring as late as it may accepts every token until it expires."""
    signer, verifier = container(), container()
    seen: set[str] = set()
    for _ in range(370):
        token = signer.get(SigningKeys).sign(claims())
        seen.add(str(jws.parse(token).header["kid"]))
        assert is_accepted(verifier, token)
        rotate_keys(container())
        frozen.advance(minutes=9)
        assert is_accepted(verifier, token)
        frozen.advance(hours=23, minutes=51)

    assert len(seen) == 5


@pytest.mark.asvs("7.4.5")
def test_a_revoked_key_signs_nothing_more_and_its_tokens_are_refused(
    container: Callable[[], Bindings], frozen: FakeClock
):
    signer, verifier = container(), container()
    token = signer.get(SigningKeys).sign(claims())
    assert is_accepted(verifier, token)

    revoke_active_key(signer)
    frozen.advance(seconds=9)

    assert not is_accepted(verifier, token)
    frozen.advance(seconds=31)
    assert is_accepted(verifier, signer.get(SigningKeys).sign(claims()))


@pytest.mark.parametrize("has_next", [False, True])
def test_what_a_leaked_key_signs_is_refused_for_ever(
    container: Callable[[], Bindings], frozen: FakeClock, has_next: bool
):
    verifier = container()
    if has_next:
        container().get(SigningKeys).ring()
        frozen.advance(days=89, hours=1)
        rotate_keys(container())
    leaked = next(key for key in container().get(SigningKeys).ring().keys if key.state == "active")

    def forged() -> str:
        text = sign_input(leaked.kid, claims())
        made = aws.client("kms").sign(
            KeyId=leaked.kms_id, Message=text, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
        )
        return jws.compose(text, jws.der_to_raw(made["Signature"]))

    assert is_accepted(verifier, forged())
    revoke_active_key(container())
    frozen.advance(seconds=9)

    for _ in range(90):
        assert not is_accepted(verifier, forged())
        frozen.advance(minutes=1)


def test_two_rotations_at_once_make_one_next_key(container: Callable[[], Bindings], frozen: FakeClock):
    container().get(SigningKeys).ring()
    frozen.advance(days=89)
    processes = [container().get(SigningKeys) for _ in range(3)]

    results = together(*(keys.rotate for keys in processes))

    assert outcomes(results)["ok"] >= 1
    assert [key.state for key in container().get(SigningKeys).ring().keys] == ["active", "next"]


def test_a_rotation_that_comes_second_gives_its_key_up(container: Callable[[], Bindings], frozen: FakeClock):
    container().get(SigningKeys).ring()
    frozen.advance(days=89)
    first, second = container().get(SigningKeys), container().get(SigningKeys)

    with meanwhile("TransactWriteItems", first.rotate), pytest.raises(RingMoved):
        second.rotate()

    kids = [key.kid for key in container().get(SigningKeys).ring().keys]
    assert kids == [key.kid for key in first.ring().keys]


def test_der_to_raw_padding(container: Callable[[], Bindings]):
    """About one signature in 128 has a number that begins with a zero byte."""
    keys = container().get(SigningKeys)
    kid = keys.ring().keys[0]
    public = jws.public_key(kid.jwk())

    short = 0
    for number in range(5_000):
        parsed = jws.parse(keys.sign(claims(jti=str(number))))
        assert len(parsed.signature) == 64
        assert jws.is_signed_by(parsed, public)
        short += parsed.signature[0] == 0 or parsed.signature[32] == 0
        if short >= 2:
            break

    assert short


def test_the_key_set_is_public_and_cached(http: AppClient, person: MakePerson):
    ann = person()

    answer = http.get("/accounts/.well-known/jwks.json")

    kid = jws.parse(ann.signed_in["access_token"]).header["kid"]
    assert [key["kid"] for key in answer.json()["keys"]] == [kid]
    assert "d" not in answer.json()["keys"][0]
    assert answer.headers["cache-control"] == "public, max-age=300"
    again = http.get("/accounts/.well-known/jwks.json", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_discovery_names_the_configured_issuer_whatever_the_host(http: AppClient):
    answer = http.get("/accounts/.well-known/openid-configuration", headers={"host": "evil.example"})

    assert answer.json()["issuer"] == "https://tessera.test"
    assert answer.json()["jwks_uri"] == "https://app.test/accounts/.well-known/jwks.json"
    assert answer.json()["id_token_signing_alg_values_supported"] == ["ES256"]
    again = http.get("/accounts/.well-known/openid-configuration", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_library_of_others_verifies_our_tokens(http: AppClient, person: MakePerson):
    from joserfc import jwt
    from joserfc.jwk import KeySet

    token = person().signed_in["access_token"]

    found = jwt.decode(token, KeySet.import_key_set(http.get("/accounts/.well-known/jwks.json").json()), ["ES256"])

    assert found.header["typ"] == "at+jwt"
    assert found.claims["iss"] == "https://tessera.test"


@pytest.mark.asvs("9.1.1")
def test_alg_confusion_matrix(http: AppClient, person: MakePerson):
    """What is no token of ours is refused by the app itself, whatever it claims to be signed with."""
    import hashlib
    import hmac
    import json

    token = person().signed_in["access_token"]
    parsed = jws.parse(token)
    published = http.get("/accounts/.well-known/jwks.json").json()["keys"][0]
    signature = jws.encode(parsed.signature)
    payload = token.split(".")[1]

    def forged(header: dict[str, Any], tail: str | None = None) -> str:
        head = jws.encode(json.dumps(header).encode())
        return f"{head}.{payload}.{signature if tail is None else tail}"

    head = parsed.header
    hs256 = jws.encode(json.dumps({**head, "alg": "HS256"}).encode())
    mac = hmac.digest(json.dumps(published).encode(), f"{hs256}.{payload}".encode(), hashlib.sha256)
    cases = {
        "none": forged({**head, "alg": "none"}, ""),
        "None": forged({**head, "alg": "None"}),
        "HS256 with the public key": f"{hs256}.{payload}.{jws.encode(mac)}",
        "ES384": forged({**head, "alg": "ES384"}),
        "embedded key": forged({**head, "jwk": published}),
        "key by URL": forged({**head, "jku": "https://evil.example/jwks.json"}),
        "another type": forged({**head, "typ": "JWT"}),
        "unknown key": forged({**head, "kid": "nobody"}),
        "zero R": forged(head, jws.encode(bytes(32) + parsed.signature[32:])),
        "zero S": forged(head, jws.encode(parsed.signature[:32] + bytes(32))),
        "DER": forged(head, jws.encode(jws.raw_to_der(parsed.signature))),
        "no signature": forged(head, ""),
    }

    def status(case: str) -> int:
        return int(http.get("/accounts/me", headers={"authorization": f"Bearer {case}"}).status_code)

    assert {name for name, case in cases.items() if status(case) != 401} == set()


def test_the_schedules_are_those_of_the_template():
    assert set(ENTRIES.schedules) == {"rotate-keys", "revoke-active-key"}
