"""The session of this browser."""

from tessera.auth.cookies import OF_SESSION, take_back
from tessera.auth.problems import AttemptsExhausted, CredentialsAmbiguous
from tessera.entry import Router
from tessera.problems import InvalidRequest

from ..actions import end, keep
from ..rules import LoginFailed, MfaFailed, PasskeyUnknown, SessionOver, SessionReplaced, SigningUnavailable
from ..schemas import CurrentOut, ReauthenticateIn, SignedInOut
from .shared import (
    CLEARS,
    ON_THE_WAY,
    PREFIX,
    SETS_COOKIES,
    TAGS,
    Asked,
    Bound,
    Browser,
    BrowserToRenew,
    Secret,
    answers,
    counted,
    current_out,
    give_cookies,
    signed_in_out,
    token_for,
)

router = Router(prefix=PREFIX, tags=TAGS)
FORGET = '"cookies", "storage"'


@router.get(
    "/current", responses=answers(200, SETS_COOKIES, SessionOver, SessionReplaced, CredentialsAmbiguous, InvalidRequest)
)
async def get_current(caller: Browser, ports: Bound, call: Asked, secret: Secret) -> CurrentOut:
    """Who is signed in here? 401 says that nobody is, and not why."""
    with counted(call):
        session = keep.current(ports, secret)
    return current_out(session, token_for(ports, call, session, secret))


@router.post(
    "/renew",
    status_code=204,
    responses=answers(204, SETS_COOKIES, SessionOver, SessionReplaced, SigningUnavailable, *ON_THE_WAY, and_on=401),
)
async def renew(caller: BrowserToRenew, ports: Bound, call: Asked, secret: Secret) -> None:
    """The next access cookie, and another while without signing in. 401 is the end of the session."""
    with counted(call, forgets=True):
        found = keep.renew(ports, secret, call=call)
    give_cookies(ports, call, found)


@router.post(
    "/reauthenticate",
    responses=answers(
        200,
        SETS_COOKIES,
        SessionOver,
        SessionReplaced,
        LoginFailed,
        MfaFailed,
        PasskeyUnknown,
        AttemptsExhausted,
        SigningUnavailable,
        InvalidRequest,
        *ON_THE_WAY,
    ),
)
async def reauthenticate(
    body: ReauthenticateIn, caller: Browser, ports: Bound, call: Asked, secret: Secret
) -> SignedInOut:
    """Show again who you are, for what needs a fresh sign-in or a second factor. The session gets new cookies."""
    with counted(call):
        found = keep.prove_again(ports, secret, body.model_dump(), call=call)
    return signed_in_out(ports, call, found)


@router.post("/logout", status_code=204, responses=answers(204, CLEARS, SessionOver, *ON_THE_WAY))
async def log_out(caller: Browser, ports: Bound, call: Asked, secret: Secret) -> None:
    """End this session, and have the browser forget it."""
    end.log_out(ports, secret, call=call)
    _forget(call)


@router.post("/logout-all", status_code=204, responses=answers(204, CLEARS, SessionOver, SessionReplaced, *ON_THE_WAY))
async def log_out_everywhere(caller: Browser, ports: Bound, call: Asked, secret: Secret) -> None:
    """End every session with cookies. `POST /accounts/me/logout-all` also ends those with tokens."""
    with counted(call):
        end.log_out_everywhere(ports, secret, call=call)
    _forget(call)


def _forget(call: Asked) -> None:
    take_back(call, *OF_SESSION)
    call.answer_headers["Clear-Site-Data"] = FORGET
