"""Our tokens, as libraries that nobody here wrote read them: `joserfc` is in `test_signing`, Node's `jose` a peer."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from tests.kit.clocks import FakeClock
from tests.kit.web import AppClient

from .conftest import Person

MakePerson = Callable[..., Person]
AUDIENCE, ISSUER = "tessera", "https://tessera.test"


@pytest.fixture
def token(person: MakePerson) -> str:
    return str(person().signed_in["access_token"])


@pytest.fixture
def key(http: AppClient, token: str) -> Any:
    """The key of the token, found in the published set by its id."""
    published = jwt.PyJWKSet.from_json(http.get("/accounts/.well-known/jwks.json").text)
    return published[jwt.get_unverified_header(token)["kid"]].key


def read(token: str, key: Any, **options: Any) -> dict[str, Any]:
    # The test's time stands still in another year, so that PyJWT must not look at its own.
    checks = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub", "jti", "aud", "iss"]}
    return dict(
        jwt.decode(token, key, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER, options={**checks, **options})
    )


def test_pyjwt_verifies_our_tokens(token: str, key: Any):
    claims = read(token, key)

    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert claims["exp"] - claims["iat"] == 600
    assert datetime.fromtimestamp(claims["iat"], UTC).year == 2030


def test_the_key_set_says_what_a_verifier_needs_to_know(http: AppClient, token: str):
    (key,) = http.get("/accounts/.well-known/jwks.json").json()["keys"]

    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert key["kid"] == jwt.get_unverified_header(token)["kid"]
    assert "d" not in key


def test_pyjwt_refuses_a_token_that_was_altered(token: str, key: Any):
    head, body, tag = token.split(".")
    claims = json.loads(jwt.utils.base64url_decode(body))
    forged = jwt.utils.base64url_encode(json.dumps({**claims, "roles": ["owner"]}).encode()).decode()

    with pytest.raises(jwt.InvalidSignatureError):
        read(f"{head}.{forged}.{tag}", key)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [({"audience": "others"}, jwt.InvalidAudienceError), ({"issuer": "https://evil.test"}, jwt.InvalidIssuerError)],
    ids=["audience", "issuer"],
)
@pytest.mark.asvs("9.2.4")
def test_pyjwt_refuses_a_token_for_somebody_else(token: str, key: Any, wrong: dict[str, str], refusal: type[Exception]):
    expected = {"audience": AUDIENCE, "issuer": ISSUER, **wrong}

    with pytest.raises(refusal):
        jwt.decode(token, key, algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False}, **expected)


def test_pyjwt_sees_that_a_token_has_expired(http: AppClient, person: MakePerson, frozen: FakeClock):
    frozen.set(datetime(2020, 1, 1, tzinfo=UTC))
    token = str(person().signed_in["access_token"])
    published = jwt.PyJWKSet.from_json(http.get("/accounts/.well-known/jwks.json").text)

    with pytest.raises(jwt.ExpiredSignatureError):
        read(token, published[jwt.get_unverified_header(token)["kid"]].key, verify_exp=True)
