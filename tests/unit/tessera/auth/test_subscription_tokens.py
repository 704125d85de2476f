"""Tokens for one topic: ours alone, of their own kind, and good until they end."""

from typing import Any

import pytest

from tessera import clock
from tessera.auth import jws, subscription_tokens, tokens
from tessera.auth.feed import Feed
from tessera.auth.problems import TokenExpired, TokenInvalid
from tessera.auth.subscription_tokens import Subscription
from tessera.tables import Table
from tessera.transact import transact
from tests.kit.clocks import FakeClock
from tests.kit.tokens import ISSUER, Signer

pytestmark = pytest.mark.usefixtures("frozen")
ANN, TOPIC = "01HZX3J0V7Q8M4N5P6R7S8T9VA", "room:1"


def read(token: str, signer: Signer, authfeed: Table, *, later: float = 0) -> Subscription:
    now = clock.now().timestamp() + later
    return subscription_tokens.read(token, signer, Feed(authfeed, 600), issuer=ISSUER, now=now)


def made(signer: Signer, header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(clock.now().timestamp())
    told = {"iss": ISSUER, "sub": ANN, "channel": TOPIC, "iat": now, "exp": now + 60, **claims}
    kept = {name: value for name, value in told.items() if value is not None}
    return signer.sign(jws.sign_input({"alg": "ES256", "typ": "sub+jwt", "kid": signer.kid, **(header or {})}, kept))


def test_it_says_who_may_listen_to_what_until_when(signer: Signer, authfeed: Table) -> None:
    token = signer.subscription(ANN, TOPIC, seconds=60)

    assert read(token, signer, authfeed) == Subscription(ANN, TOPIC, int(clock.now().timestamp()) + 60)
    assert read(made(signer), signer, authfeed) == read(token, signer, authfeed)
    assert len(token) < 500


def test_at_its_end_it_is_over(signer: Signer, authfeed: Table) -> None:
    token = signer.subscription(ANN, TOPIC, seconds=60)

    assert read(token, signer, authfeed, later=59.9)
    with pytest.raises(TokenExpired):
        read(token, signer, authfeed, later=60)


def test_neither_kind_is_taken_for_the_other(signer: Signer, authfeed: Table) -> None:
    with pytest.raises(TokenInvalid):
        read(signer.token(sub=ANN, channel=TOPIC), signer, authfeed)
    with pytest.raises(TokenInvalid):
        tokens.verify(signer.subscription(ANN, TOPIC), signer, issuer=ISSUER, now=clock.now().timestamp())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.test"},
        {"iss": None},
        {"sub": None},
        {"sub": 1},
        {"channel": None},
        {"channel": ["room:1"]},
        {"exp": None},
        {"exp": "2100"},
        {"exp": True},
        {"exp": 4.5e9},
    ],
)
def test_what_says_less_or_something_else_is_refused(signer: Signer, authfeed: Table, claims: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        read(made(signer, **claims), signer, authfeed)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"typ": "JWT"}, {"kid": "other"}, {"jwk": {}}])
def test_only_our_own_keys_sign(signer: Signer, authfeed: Table, header: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        read(made(signer, header), signer, authfeed)


def test_a_forged_one_is_refused(signer: Signer, authfeed: Table) -> None:
    other = Signer()
    other.kid = signer.kid

    for token in (made(other), "x", "a.b.c", "x" * 5_000):
        with pytest.raises(TokenInvalid):
            read(token, signer, authfeed)


def test_what_a_leaked_key_has_signed_is_refused(signer: Signer, authfeed: Table, frozen: FakeClock) -> None:
    token = signer.subscription(ANN, TOPIC)
    transact(Feed(authfeed, 600).revoke("g", signer.kid))

    with pytest.raises(TokenInvalid):
        read(token, signer, authfeed)
