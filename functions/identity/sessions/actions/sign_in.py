"""Signing in: `accounts` says who somebody is, and here a session begins that nobody had before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tessera import clock, ids, log
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.cookies import SESSION_COOKIE, cookie_of
from tessera.auth.principal import Principal

from .. import rules, secret_values
from ..events import SessionCreated
from ..ports import Ports
from ..proofs import FactorNeeded, Minted, Proven, UserGone
from ..rules import LoginFailed, Session, Wish


@dataclass(frozen=True)
class SignedIn:
    """A session and what its browser gets. `secret` is None where it keeps the one it has."""

    session: Session
    access_token: str
    access_seconds: int
    secret: str | None = None
    device_token: str | None = None


def sign_in(ports: Ports, how: str, shown: Mapping[str, Any], wish: Wish, *, call: Call) -> SignedIn | FactorNeeded:
    """2 internal calls and 1 transaction. Raises what `Accounts.authenticate` raises."""
    found = ports.accounts.authenticate(how, shown, call=call)
    if isinstance(found, FactorNeeded):
        return found
    return begin(ports, found, wish, call=call)


def begin(ports: Ports, found: Proven, wish: Wish, *, call: Call) -> SignedIn:
    """A session for somebody who has shown who they are. Raises `LoginFailed`, `SigningUnavailable`, `Busy`."""
    proof = found.proof
    log.current().caller = f"user:{proof.user_id}"
    session_id, secret = found.session_id or ids.new(), secret_values.new()
    try:
        minted = ports.accounts.mint(session_id, proof, wish, call=call)
    except UserGone:
        raise LoginFailed("This account cannot sign in.") from None
    # The password was changed, say, between the two calls: what was shown is worth nothing any more.
    if proof.epoch is not None and proof.epoch != minted.epoch:
        raise LoginFailed("Your account has just changed. Sign in again.")
    session = rules.begun(
        session_id,
        secret_values.hash_of(secret),
        proof,
        wish,
        ports.settings.lives(remember=wish.remember),
        epoch=minted.epoch,
        user=minted.user,
        now=clock.millis(),
    )
    ports.openings.open(
        session,
        event=SessionCreated(
            user_id=session.user_id, session_id=session_id, client_id=session.client_id, aal=session.aal
        ),
        told=audit("sessions.login", f"session:{session_id}", by=principal_of(session), call=call),
        presented=presented_in(call),
    )
    return signed_in(session, minted, secret=secret, device_token=found.device_token)


def signed_in(
    session: Session, minted: Minted, *, secret: str | None = None, device_token: str | None = None
) -> SignedIn:
    return SignedIn(session, minted.access_token, minted.expires_in, secret, device_token)


def principal_of(session: Session) -> Principal:
    return Principal(
        kind="user",
        id=session.user_id,
        user_id=session.user_id,
        session_id=session.id,
        aal=session.aal,
        credential="cookie",
        plan="user",
    )


def presented_in(call: Call) -> str:
    """The hash of the secret that came with the request; "" for none, and for what cannot be one."""
    secret = cookie_of(call, SESSION_COOKIE)
    return secret_values.hash_of(secret) if secret_values.is_one(secret) else ""
