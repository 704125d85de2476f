import base64
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tessera import aws, clock
from tessera.auth import jws, tokens
from tessera.auth.problems import TokenExpired, TokenInvalid
from tests.kit.clocks import FakeClock
from tests.kit.tokens import ISSUER, Signer

pytestmark = pytest.mark.usefixtures("frozen")


def verify(token: str, signer: Signer, *, now: float | None = None) -> tokens.Claims:
    return tokens.verify(token, signer, issuer=ISSUER, now=clock.now().timestamp() if now is None else now)


def test_a_token_says_who_it_is_for(signer: Signer) -> None:
    claims = verify(signer.token(roles=["user", "support"], ep=7, act={"sub": "admin"}), signer)

    assert (claims.sub, claims.ep, claims.roles) == ("01HZX3J0V7Q8M4N5P6R7S8T9VW", 7, ("user", "support"))
    assert claims.act == {"sub": "admin"}
    assert claims.kid == signer.kid


def test_a_token_with_five_roles_stays_below_one_kilobyte(signer: Signer) -> None:
    token = signer.token(roles=["user", "support", "moderator", "admin", "owner"])

    assert len(token) < 1024


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "es256"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES384"},
        {"alg": "ES256K"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "at+jwt+x"},
        {"typ": "text/at+jwt"},
        {"typ": 1},
        {"kid": ""},
        {"kid": "somebody else's"},
        {"kid": None},
        {"kid": 1},
        {"kid": "../../etc/passwd"},
        {"jwk": {}},
        {"jku": "https://evil.test"},
        {"x5u": "https://evil.test"},
        {"x5c": []},
        {"crit": ["exp"]},
        {"b64": False},
        {"b64": True},
        {"zip": "DEF"},
    ],
    ids=json.dumps,
)
@pytest.mark.asvs("9.1.2", "9.1.3", "9.2.2")
def test_every_other_header_is_refused_though_its_signature_is_good(signer: Signer, header: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        verify(signer.token(header=header), signer)


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_the_type_may_be_spelled_as_rfc_9068_allows(signer: Signer, typ: str) -> None:
    assert verify(signer.token(header={"typ": typ}), signer).sid == "family-1"


def test_a_mac_made_with_the_public_key_is_refused(signer: Signer) -> None:
    header, payload, _ = signer.token(header={"alg": "HS256"}).split(".")
    public = base64.urlsafe_b64decode(signer.x + "=")
    forged = jws.encode(hmac.digest(public, f"{header}.{payload}".encode(), "sha256"))

    with pytest.raises(TokenInvalid):
        verify(f"{header}.{payload}.{forged}", signer)


@pytest.mark.parametrize("position", ["r", "s", "both"])
@pytest.mark.asvs("9.1.1")
def test_a_zero_in_the_signature_is_refused(signer: Signer, position: str) -> None:
    header, payload, signature = signer.token().split(".")
    raw = jws.decode(signature)
    forged = {"r": bytes(32) + raw[32:], "s": raw[:32] + bytes(32), "both": bytes(64)}[position]

    with pytest.raises(TokenInvalid):
        verify(f"{header}.{payload}.{jws.encode(forged)}", signer)


def test_a_der_signature_is_refused(signer: Signer) -> None:
    header, payload, signature = signer.token().split(".")
    der = jws.raw_to_der(jws.decode(signature))

    with pytest.raises(TokenInvalid):
        verify(f"{header}.{payload}.{jws.encode(der)}", signer)


def test_repeated_keys_are_refused_in_header_and_payload(signer: Signer) -> None:
    header, payload, _ = signer.token().split(".")
    twice = jws.encode(b'{"alg":"none",' + jws.decode(header)[1:])
    payload_twice = jws.encode(b'{"sub":"admin",' + jws.decode(payload)[1:])

    for first, second in ((twice, payload), (header, payload_twice)):
        with pytest.raises(TokenInvalid):
            verify(signer.sign(f"{first}.{second}".encode()), signer)


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "exp", "iat", "sid", "ep"])
@pytest.mark.asvs("10.3.3")
def test_a_required_claim_that_is_missing_is_named_in_the_log_only(signer: Signer, claim: str) -> None:
    with pytest.raises(TokenInvalid) as refused:
        verify(signer.token(without=(claim,)), signer)

    assert claim in refused.value.cause
    assert claim not in json.dumps(refused.value.document())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.test"},
        {"aud": "other"},
        {"aud": ["other"]},
        {"sub": ""},
        {"sub": 1},
        {"ep": "1"},
        {"ep": True},
        {"ep": 1.5},
        {"exp": "never"},
        {"exp": 1e300},
        {"roles": "owner"},
        {"roles": [1]},
        {"scope": ["tasks:read"]},
        {"act": "admin"},
        {"aal": "2"},
    ],
    ids=json.dumps,
)
@pytest.mark.asvs("9.2.3", "9.2.4", "10.3.1")
def test_claims_of_another_type_or_for_somebody_else_are_refused(signer: Signer, claims: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        verify(signer.token(**claims), signer)


def test_one_of_several_audiences_is_enough(signer: Signer) -> None:
    assert verify(signer.token(aud=["other", "tessera"]), signer).ep == 1


@pytest.mark.parametrize(("behind", "accepted"), [(45, True), (60, True), (61, False), (90, False)])
@pytest.mark.asvs("9.2.1")
def test_a_verifier_whose_clock_is_behind(signer: Signer, behind: int, accepted: bool) -> None:
    token, now = signer.token(), int(clock.now().timestamp()) - behind

    if accepted:
        assert verify(token, signer, now=now)
    else:
        with pytest.raises(TokenInvalid):
            verify(token, signer, now=now)


@pytest.mark.parametrize(("after", "accepted"), [(600, True), (629.9, True), (630, False), (6000, False)])
@pytest.mark.asvs("9.2.1")
def test_a_token_expires_with_thirty_seconds_of_grace(signer: Signer, after: float, accepted: bool) -> None:
    token, now = signer.token(), int(clock.now().timestamp()) + after

    if accepted:
        assert verify(token, signer, now=now)
    else:
        with pytest.raises(TokenExpired):
            verify(token, signer, now=now)


@pytest.mark.asvs("9.1.1")
def test_a_forged_token_that_has_expired_is_invalid_and_not_expired(signer: Signer, frozen: FakeClock) -> None:
    token = Signer().token(header={"kid": signer.kid})
    frozen.advance(hours=1)

    with pytest.raises(TokenInvalid):
        verify(token, signer)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d", "a" * 5000, "é.é.é", "e30.e30.e30", " "])
def test_what_is_no_token_at_all_is_refused(signer: Signer, text: str) -> None:
    with pytest.raises(TokenInvalid):
        verify(text, signer)


def test_whitespace_and_padding_around_a_good_token_are_refused(signer: Signer) -> None:
    token = signer.token()

    for spelled in (f" {token}", f"{token}\n", f"{token}=", token.replace(".", ".\n", 1)):
        with pytest.raises(TokenInvalid):
            verify(spelled, signer)


@pytest.mark.usefixtures("cloud")
def test_a_token_signed_by_kms_is_verified_by_the_published_key() -> None:
    kms = aws.client("kms")
    key_id = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    now = int(clock.now().timestamp())
    claims = {"iss": ISSUER, "aud": "tessera", "sub": "anna", "sid": "s", "ep": 1, "iat": now, "exp": now + 600}
    signing_input = tokens.sign_input("kms-key", claims)

    signed = kms.sign(KeyId=key_id, Message=signing_input, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")
    token = jws.compose(signing_input, jws.der_to_raw(signed["Signature"]))

    class Ring:
        def public_key(self, kid: str) -> Any:
            return public if kid == "kms-key" else None

    assert tokens.verify(token, Ring(), issuer=ISSUER, now=now).sub == "anna"
