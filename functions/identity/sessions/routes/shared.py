"""What several routers need: the ports, the callers, and what a browser is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from tessera import auth, clock
from tessera.auth import cookies, csrf
from tessera.auth.audit import shortened
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import CredentialsAmbiguous, CsrfFailed, OriginNotAllowed
from tessera.entry import bound, problems
from tessera.problems import FieldError, InvalidRequest, NotFound, UnsupportedMedia

from ..actions.sign_in import SignedIn
from ..guards import from_our_page, refuse, with_session
from ..ports import Ports
from ..proofs import FactorNeeded
from ..rules import DEVICE_LIFE, Session, SessionOver, Wish
from ..schemas import CurrentOut, FactorNeededOut, SignedInOut, UserOut, WishIn

PREFIX = "/sessions"
TAGS: list[str | Enum] = ["sessions"]

Bound = Annotated[Ports, bound(Ports)]
OurPage = Annotated[Principal, from_our_page()]
Browser = Annotated[Principal, with_session()]
BrowserToRenew = Annotated[Principal, with_session(forgets=True)]
Myself = Annotated[Principal, auth.require("accounts:self", kinds=("user",))]

ON_THE_WAY = (CredentialsAmbiguous, CsrfFailed, OriginNotAllowed, UnsupportedMedia)
SETS_COOKIES = {
    "Set-Cookie": {"description": "The cookies of the session.", "schema": {"type": "string", "maxLength": 4_300}}
}
CLEARS = {
    **SETS_COOKIES,
    "Clear-Site-Data": {"description": "What the browser forgets.", "schema": {"type": "string", "maxLength": 100}},
}


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Asked = Annotated[Call, Depends(_call_of)]


async def _secret_of(call: Asked) -> str:
    return cookies.cookie_of(call, cookies.SESSION_COOKIE)


Secret = Annotated[str, Depends(_secret_of)]


def answers(status: int, headers: dict[str, Any], *kinds: type[Any], and_on: int = 0) -> dict[int | str, Any]:
    """The `responses=` of a route that sets cookies: with its success, and with its problems of one status more."""
    made = problems(*kinds)
    made[status] = {**made.get(status, {}), "headers": headers}
    if and_on:
        made[and_on]["headers"] = headers
    return made


@contextmanager
def counted(call: Call, *, forgets: bool = False) -> Iterator[None]:
    """A session that is over counts by address, so that nobody tries made-up cookies for long."""
    try:
        yield
    except SessionOver:
        refuse(call, forgets=forgets)


def user_id_of(caller: Principal) -> str:
    if caller.user_id is None:
        raise NotFound()
    return caller.user_id


def wish_of(ports: Ports, call: Call, body: WishIn) -> Wish:
    """Raises `InvalidRequest` for a client nobody configured."""
    if body.client_id not in ports.settings.client_ids:
        known = ", ".join(sorted(ports.settings.client_ids))
        raise InvalidRequest("Name a known client.", errors=[FieldError("/client_id", f"Known are {known}.")])
    return Wish(body.remember, body.client_id, body.device_name, shortened(call.client_address))


def welcomed(ports: Ports, call: Call, found: SignedIn | FactorNeeded) -> SignedInOut | FactorNeededOut:
    """The answer to a sign-in, and its cookies when it is complete."""
    if isinstance(found, FactorNeeded):
        return FactorNeededOut(mfa_token=found.mfa_token, methods=list(found.methods))
    return signed_in_out(ports, call, found)


def signed_in_out(ports: Ports, call: Call, found: SignedIn) -> SignedInOut:
    token = give_cookies(ports, call, found)
    told = current_out(found.session, token).model_dump()
    return SignedInOut(**told, access_seconds=found.access_seconds)


def give_cookies(ports: Ports, call: Call, found: SignedIn) -> str:
    """What the browser keeps from here on; the session's token comes back, "" when its secret stays as it was."""
    token = give_session(ports, call, found.session, found.secret) if found.secret is not None else ""
    cookies.give(call, cookies.ACCESS, found.access_token, max_age=found.access_seconds)
    if found.device_token is not None:
        cookies.give(call, cookies.DEVICE, found.device_token, max_age=int(DEVICE_LIFE.total_seconds()))
    return token


def give_session(ports: Ports, call: Call, session: Session, secret: str) -> str:
    """The session's own cookie and the token that belongs to it, which comes back."""
    life, token = _life(session), csrf.csrf_token(ports.mac, secret)
    cookies.give(call, cookies.SESSION, secret, max_age=life)
    cookies.give(call, cookies.CSRF, token, max_age=life)
    return token


def token_for(ports: Ports, call: Call, session: Session, secret: str) -> str:
    """The token that the browser has, so that its tabs agree; another one when it has none that is good."""
    token = cookies.cookie_of(call, cookies.CSRF_COOKIE)
    if not csrf.is_token_of(ports.mac, secret, token):
        token = csrf.csrf_token(ports.mac, secret)
        cookies.give(call, cookies.CSRF, token, max_age=_life(session))
    return token


def current_out(session: Session, token: str) -> CurrentOut:
    return CurrentOut(
        user=UserOut(**session.user),
        session_id=session.id,
        aal=session.aal,
        amr=sorted(session.amr),
        authenticated_at=clock.EPOCH + timedelta(seconds=session.auth_time),
        expires_at=clock.from_millis(session.expires_at),
        ends_at=clock.from_millis(session.ends_at),
        csrf_token=token,
    )


def _life(session: Session) -> int | None:
    return (session.ends_at - clock.millis()) // 1000 if session.remember else None
