"""What a provider signs, and everything that may be wrong with it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from functions.identity.oauth import id_tokens
from functions.identity.oauth.id_tokens import Expected
from localstack.stand_ins import signing
from localstack.stand_ins.signing import Key
from tessera.auth.jws import Malformed
from tests.unit.identity.oauth.conftest import CLIENT_ID, Browser, World

PEERS = os.environ.get("PEERS", "")
ALGS = ("RS256", "PS256", "ES256", "EdDSA")
NOW = 2_000_000_000
ISSUER = "https://idp.example"
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "ada",
    "aud": CLIENT_ID,
    "iat": NOW,
    "exp": NOW + 600,
    "nonce": "n" * 43,
}


@pytest.fixture(scope="module")
def signers() -> dict[str, Key]:
    return {alg: Key(alg) for alg in ALGS}


def verified(token: str, jwks: list[Any], algs: tuple[str, ...] = ALGS, **more: Any) -> dict[str, Any]:
    expected = Expected(**{"client_id": CLIENT_ID, "nonce": "n" * 43, "now": NOW, "access_token": "access", **more})
    parsed = id_tokens.parse(token, algs)
    key = id_tokens.key_for(parsed, jwks)
    if key is None or not id_tokens.is_signed_by(parsed, key):
        raise Malformed("signature")
    return id_tokens.claims_of(parsed, ISSUER, expected)


@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.asvs("6.8.2")
def test_each_algorithm_is_verified_with_its_own_key_only(signers: dict[str, Key], alg: str) -> None:
    token = signers[alg].token({**GOOD, "at_hash": signing.half_hash("access", alg)})

    assert verified(token, [key.jwk() for key in signers.values()])["sub"] == "ada"
    with pytest.raises(Malformed):
        verified(token, [key.jwk() for other, key in signers.items() if other != alg])
    with pytest.raises(Malformed):
        verified(token, [signers[alg].jwk()], tuple(other for other in ALGS if other != alg))
    with pytest.raises(Malformed):
        verified(token, [{**Key(alg).jwk(), "kid": signers[alg].kid}])


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("another issuer", {"iss": "https://idp.example.attacker.example"}),
    ("an issuer with a slash", {"iss": f"{ISSUER}/"}),
    ("no issuer", {"iss": None}),
    ("another audience", {"aud": "other"}),
    ("no audience", {"aud": None}),
    ("an empty list of audiences", {"aud": []}),
    ("several audiences without azp", {"aud": [CLIENT_ID, "other"]}),
    ("several audiences and another azp", {"aud": [CLIENT_ID, "other"], "azp": "other"}),
    ("one audience and another azp", {"azp": "other"}),
    ("audiences that are no texts", {"aud": [CLIENT_ID, 5]}),
    ("expired", {"exp": NOW - 61}),
    ("no end", {"exp": None}),
    ("an end in words", {"exp": "2099"}),
    ("an end that is true", {"exp": True}),
    ("an end beyond all numbers", {"exp": 10**400}),
    ("issued in the future", {"iat": NOW + 61}),
    ("no beginning", {"iat": None}),
    ("not valid yet", {"nbf": NOW + 61}),
    ("another nonce", {"nonce": "m" * 43}),
    ("no nonce", {"nonce": None}),
    ("a nonce that is no text", {"nonce": 5}),
    ("no subject", {"sub": None}),
    ("an empty subject", {"sub": ""}),
    ("a subject that is a number", {"sub": 5}),
    ("a subject that is too long", {"sub": "x" * 256}),
    ("a subject in other letters", {"sub": "ad\u00e4"}),
    ("the hash of another access token", {"at_hash": signing.half_hash("other", "ES256")}),
    ("a hash that is no text", {"at_hash": 5}),
]


@pytest.mark.parametrize("claims", [claims for _, claims in WRONG], ids=[name for name, _ in WRONG])
@pytest.mark.asvs("10.5.4")
def test_a_token_that_says_something_wrong_is_refused(signers: dict[str, Key], claims: dict[str, Any]) -> None:
    made = {name: value for name, value in {**GOOD, **claims}.items() if value is not None}

    with pytest.raises(Malformed):
        verified(signers["ES256"].token(made), [signers["ES256"].jwk()])


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"exp": NOW - 59},
        {"iat": NOW + 59},
        {"exp": NOW + 0.5},
        {"at_hash": signing.half_hash("access", "ES256")},
        {"anything": {"else": [1, 2]}},
    ],
    ids=str,
)
def test_a_token_that_says_it_in_another_good_way_is_taken(signers: dict[str, Key], claims: dict[str, Any]) -> None:
    assert verified(signers["ES256"].token({**GOOD, **claims}), [signers["ES256"].jwk()])["sub"] == "ada"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "NONE"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": "es256"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"typ": 5},
        {"kid": "other"},
        {"kid": 5},
        {"jwk": {}},
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/cert"},
        {"x5c": []},
        {"crit": ["b64"]},
        {"b64": False},
        {"zip": "DEF"},
    ],
    ids=str,
)
def test_a_header_that_asks_for_something_else_is_refused(signers: dict[str, Key], header: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        verified(signers["ES256"].token(GOOD, **header), [signers["ES256"].jwk()])


@pytest.mark.parametrize("header", [{"typ": None}, {"typ": "jwt"}, {"typ": "application/jwt"}, {"x5t": "x"}], ids=str)
def test_a_header_that_is_written_differently_is_taken(signers: dict[str, Key], header: dict[str, Any]) -> None:
    assert verified(signers["ES256"].token(GOOD, **header), [signers["ES256"].jwk()])["sub"] == "ada"


def test_a_token_without_a_key_id_is_good_where_only_one_key_could_be_meant(signers: dict[str, Key]) -> None:
    token = signers["ES256"].token(GOOD, kid=None)

    assert verified(token, [key.jwk() for key in signers.values()])["sub"] == "ada"
    with pytest.raises(Malformed):
        verified(token, [signers["ES256"].jwk(), Key("ES256", "second").jwk()])


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": None}, {"alg": "ES384"}, {"crv": "P-384"}], ids=str
)
def test_a_key_for_something_else_verifies_nothing(signers: dict[str, Key], change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        verified(signers["ES256"].token(GOOD), [{**signers["ES256"].jwk(), **change}])


@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("change", ["gone", "", "!", 5], ids=repr)
def test_a_key_that_is_none_verifies_nothing(signers: dict[str, Key], alg: str, change: Any) -> None:
    jwk: dict[str, Any] = dict(signers[alg].jwk())
    member = "n" if alg in ("RS256", "PS256") else "x"
    jwk[member] = change
    if change == "gone":
        del jwk[member]

    with pytest.raises(Malformed):
        verified(signers[alg].token(GOOD), [jwk])


def test_a_weak_key_verifies_nothing() -> None:
    weak = Key("RS256", "weak", bits=1_024)

    with pytest.raises(Malformed):
        verified(weak.token(GOOD), [weak.jwk()])


def test_a_token_with_a_claim_twice_or_too_long_is_refused(signers: dict[str, Key]) -> None:
    key = signers["ES256"]
    twice = json.dumps(GOOD)[:-1] + f', "aud": "{CLIENT_ID}"}}'
    signed = f"{signing.b64(json.dumps({'alg': 'ES256', 'kid': key.kid}).encode())}.{signing.b64(twice.encode())}"

    for token in (f"{signed}.{signing.b64(key.sign(signed.encode()))}", key.token({**GOOD, "x": "y" * 16_384})):
        with pytest.raises(Malformed):
            verified(token, [key.jwk()])


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d", "e30.e30.", "\u00e4.e30.AA", "e30.e30.AA=="])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        verified(text, [])


LOGOUT: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT_ID,
    "iat": NOW,
    "exp": NOW + 60,
    "jti": "1",
    "sub": "ada",
    "events": {id_tokens.LOGOUT_EVENT: {}},
}


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "n" * 43},
        {"events": None},
        {"events": {}},
        {"events": {id_tokens.LOGOUT_EVENT: None}},
        {"events": []},
        {"sub": None},
        {"sub": 5},
        {"sid": ["x"]},
        {"sid": ""},
        {"jti": None},
        {"exp": NOW - 61},
        {"aud": "other"},
        {"iss": "https://other.example"},
    ],
    ids=str,
)
@pytest.mark.asvs("10.5.5")
def test_a_logout_token_that_says_something_wrong_is_refused(signers: dict[str, Key], claims: dict[str, Any]) -> None:
    made = {name: value for name, value in {**LOGOUT, **claims}.items() if value is not None}
    parsed = id_tokens.parse(signers["ES256"].token(made, typ="logout+jwt"), ALGS, types=("logout+jwt", "jwt"))

    with pytest.raises(Malformed):
        id_tokens.logout_claims_of(parsed, ISSUER, Expected(CLIENT_ID, "", NOW))


ATTACKS: dict[str, dict[str, Any]] = {
    "none": {"id_token": "none"},
    "HS256 with the client's secret": {"id_token": "hs256"},
    "HS256 with the public key": {"id_token": "hs256-public-key"},
    "an unknown key": {"id_token": "unknown-kid"},
    "another key of the same id": {"id_token": "other-key"},
    "altered": {"id_token": "altered"},
    "wrong nonce": {"claims": {"nonce": "x" * 43}},
    "no nonce": {"claims": {"nonce": None}},
    "wrong audience": {"claims": {"aud": "somebody-else"}},
    "two audiences without azp": {"claims": {"aud": [CLIENT_ID, "other"]}},
    "two audiences, another azp": {"claims": {"aud": [CLIENT_ID, "other"], "azp": "other"}},
    "another azp": {"claims": {"azp": "other"}},
    "wrong issuer": {"claims": {"iss": "https://attacker.example"}},
    "no issuer": {"claims": {"iss": None}},
    "expired": {"claims": {"exp": 1}},
    "no end": {"claims": {"exp": None}},
    "issued in the future": {"claims": {"iat": 4_000_000_000}},
    "not valid yet": {"claims": {"nbf": 4_000_000_000}},
    "no subject": {"claims": {"sub": None}},
    "an empty subject": {"claims": {"sub": ""}},
    "a subject that is a list": {"claims": {"sub": ["ada"]}},
    "the hash of another access token": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
    "an access token for an id token": {"header": {"typ": "at+jwt"}},
    "a logout token for an id token": {"header": {"typ": "logout+jwt"}},
    "a key of its own": {"header": {"jwk": {"kty": "EC"}}},
    "a place for keys of its own": {"header": {"jku": "https://attacker.example/jwks"}},
    "critical extensions": {"header": {"crit": ["exp"]}},
    "compressed": {"header": {"zip": "DEF"}},
}


@pytest.mark.parametrize("faults", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.asvs("6.8.2")
def test_idtoken_attack_matrix(world: World, browser: Browser, faults: dict[str, Any]) -> None:
    world.idp.faults.update(faults)

    assert browser.sign_in() == {"error": "id-token-invalid"}

    assert world.neighbours.users == {}
    # The same sign-in is good as soon as nothing is wrong with it, so it was this that was refused.
    world.idp.faults.clear()
    assert "code" in browser.sign_in()


def groups() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(PEERS) / "wycheproof/json_web_signature_test.json").read_text())[
        "testGroups"
    ]
    return found


def vectors() -> list[Any]:
    if not PEERS:
        return [pytest.param({}, {}, marks=pytest.mark.skip(reason="PEERS is not set: no Wycheproof vectors"))]
    return [
        pytest.param(group.get("public") or group["private"], case, id=f"{case['tcId']}-{case['comment']}")
        for group in groups()
        for case in group["tests"]
    ]


def accepts(jwk: dict[str, Any], text: str) -> bool:
    try:
        parsed = id_tokens.parse(text, ALGS)
        key = id_tokens.key_for(parsed, [jwk])
        return key is not None and id_tokens.is_signed_by(parsed, key)
    except Malformed:
        return False


@pytest.mark.parametrize(("jwk", "case"), vectors())
def test_wycheproof(jwk: dict[str, Any], case: dict[str, Any]) -> None:
    header, payload, _ = [*case["jws"].split("."), "", "", ""][:3]
    alg = json.loads(signing.unb64(header)).get("alg") if case["result"] == "valid" else ""
    # Good signatures are refused too where we do not speak the algorithm, the key was made for another one, or
    # nothing at all is signed: an id token is never empty.
    spoken = alg in ALGS and jwk.get("alg", alg) == alg and jwk["kty"] in ("RSA", "EC") and payload != ""
    expected = case["result"] == "valid" and spoken and jwk.get("crv", "P-256") == "P-256"

    assert accepts(jwk, str(case["jws"])) is expected


@pytest.mark.skipif(not PEERS, reason="PEERS is not set: no Wycheproof vectors")
def test_wycheproof_has_good_signatures_of_what_we_speak() -> None:
    taken = [
        case["tcId"] for group in groups() for case in group["tests"] if accepts(group.get("public") or {}, case["jws"])
    ]

    assert len(taken) >= 10
