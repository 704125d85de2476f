"""A session goes on: looked at, renewed, proved again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tessera import clock, log
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.charging import charge
from tessera.problems import Busy

from .. import secret_values
from ..ports import Ports
from ..proofs import Minted, UserGone
from ..rules import LoginFailed, Proof, Session, SessionOver, SessionReplaced
from ..store import Place
from .sign_in import SignedIn, principal_of, signed_in

# Another tab may have given it another cookie in between.
TRIES = 4


def current(ports: Ports, secret: str) -> Session:
    """1 read. Raises `SessionOver`."""
    session = ports.sessions.get(secret_values.hash_of(secret))
    log.current().caller = f"user:{session.user_id}"
    return session


def renew(ports: Ports, secret: str, *, call: Call) -> SignedIn:
    """The next access token: 1 write and 1 internal call.

    The cookie stays, so that tabs may renew side by side. Only when the account has changed, by other roles or a
    new password, the session gets another one; then whoever comes second is told `SessionReplaced`. Raises
    `SessionOver`, `LimitExceeded`, `SigningUnavailable`.
    """
    session = ports.sessions.keep_alive(secret_values.hash_of(secret))
    log.current().caller = f"user:{session.user_id}"
    charge(call, principal_of(session), None)
    minted = _mint(ports, session, call=call)
    if minted.ends(session):
        ports.endings.end(Place(session.user_id, session.id, session.hash), reason="ended elsewhere")
        raise SessionOver()
    if minted.epoch != session.epoch:
        return _moved(ports, session, session.as_user_is(minted.epoch, minted.user), minted)
    if minted.user != session.user:
        ports.sessions.keep_user(session, minted.user)
    return signed_in(session, minted)


def prove_again(ports: Ports, secret: str, shown: Mapping[str, Any], *, call: Call) -> SignedIn:
    """Show again who one is, for what asks for a fresh or a second proof: 1 read, 2 internal calls, 1 transaction.

    The session gets another cookie, so that whoever had the old one gains nothing. Raises `SessionOver`,
    `SessionReplaced`, and what `Accounts.prove_again` raises.
    """
    before = current(ports, secret)
    charge(call, principal_of(before), None)
    proof = ports.accounts.prove_again(before.user_id, shown, call=call)
    proved = before.proved_again(proof, clock.millis())
    minted = _mint(ports, proved, call=call)
    # As at a sign-in: what was shown before the account changed is worth nothing any more.
    if proof.epoch is not None and proof.epoch != minted.epoch:
        raise LoginFailed("Your account has just changed. Sign in again.")
    after = proved.as_user_is(minted.epoch, minted.user)
    told = audit("sessions.reauthenticated", f"session:{after.id}", by=principal_of(after), call=call)
    return _moved(ports, before, after, minted, told=told)


def move(ports: Ports, user_id: str, session_id: str) -> tuple[Session, str]:
    """Give a session another cookie, whatever its cookie was: 2 reads, 1 transaction. Raises `SessionOver`, `Busy`.

    For what the account is about to do in it: whoever has copied the cookie does not come along.
    """
    for _ in range(TRIES):
        place = ports.sessions.place(user_id, session_id)
        if place is None:
            break
        try:
            before, secret = ports.sessions.get(place.hash), secret_values.new()
            after = replace(before, hash=secret_values.hash_of(secret))
            ports.sessions.replace(before, after)
        except SessionReplaced:
            continue
        return after, secret
    else:
        raise Busy()
    raise SessionOver()


def _mint(ports: Ports, session: Session, *, call: Call) -> Minted:
    proof = Proof(session.user_id, session.amr, session.aal, session.auth_time)
    seconds = session.token_seconds(clock.millis(), ports.settings.access_token_seconds)
    try:
        return ports.accounts.mint(session.id, proof, session, call=call, seconds=seconds)
    except UserGone:
        raise SessionOver() from None


def _moved(ports: Ports, before: Session, after: Session, minted: Minted, *, told: Any = None) -> SignedIn:
    secret = secret_values.new()
    moved = replace(after, hash=secret_values.hash_of(secret))
    ports.sessions.replace(before, moved, event=told)
    return signed_in(moved, minted, secret=secret)
