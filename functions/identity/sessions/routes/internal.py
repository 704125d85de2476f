"""Internal routes: what `accounts`, `admin` and `oauth` ask for."""

from enum import Enum
from typing import Annotated

from tessera import auth, clock
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.problems import Busy, FieldError, InvalidRequest, NotFound

from ..actions import end, exchange, keep
from ..rules import Proof, Session, SessionOver
from ..schemas import (
    EndedOut,
    EndIn,
    ErasedOut,
    EraseIn,
    ExchangeCodeIn,
    ExchangeCodeOut,
    MovedOut,
    OfIn,
    OneIn,
    OpenOut,
    OpenSessionsOut,
)
from .shared import PREFIX, Asked, Bound, give_session

INTERNAL: list[str | Enum] = ["internal"]
router = Router(prefix=f"{PREFIX}/internal", tags=INTERNAL, include_in_schema=False)

Staff = Annotated[Principal, auth.service("accounts", "admin")]
Provider = Annotated[Principal, auth.service("oauth")]
Accounts = Annotated[Principal, auth.service("accounts")]


@router.post("/of")
async def of_user(body: OfIn, caller: Staff, ports: Bound) -> OpenSessionsOut:
    """Where a user is signed in with cookies, newest first."""
    return OpenSessionsOut(items=[_out(session) for session in end.listed(ports, body.user_id)])


@router.post("/end", responses=problems(NotFound, InvalidRequest))
async def end_sessions(body: EndIn, caller: Staff, ports: Bound, call: Asked) -> EndedOut:
    """End one session of a user, or all. 404 when there is no such session; no sessions at all are no error."""
    if body.all == (body.session_id is not None):
        told = "Name one session_id, or say all."
        raise InvalidRequest(told, errors=[FieldError("/session_id", told)])
    if body.session_id is None:
        return EndedOut(ended=end.end_all(ports, body.user_id, caller=caller, call=call))
    end.end_one(ports, body.user_id, body.session_id, caller=caller, call=call)
    return EndedOut(ended=1)


@router.post("/provider-session/end", status_code=204)
async def end_provider_session(body: OneIn, caller: Provider, ports: Bound, call: Asked) -> None:
    """End a session whose provider has ended its own, also one that is still to begin."""
    end.end_from_outside(ports, body.user_id, body.session_id, caller=caller, call=call)


@router.post("/move", responses=problems(SessionOver, Busy))
async def move_session(body: OneIn, caller: Accounts, ports: Bound, call: Asked) -> MovedOut:
    """Give a session another cookie, for the browser that the caller answers: headers as they are to be sent."""
    give_session(ports, call, *keep.move(ports, body.user_id, body.session_id))
    made = list(call.answer_cookies)
    call.answer_cookies.clear()
    return MovedOut(set_cookies=made)


@router.post("/exchange-code")
async def issue_exchange_code(body: ExchangeCodeIn, caller: Provider, ports: Bound) -> ExchangeCodeOut:
    """A code for a sign-in at a provider: good once, for a minute, with the verifier of this challenge."""
    proof = Proof(body.user_id, frozenset(body.amr), body.aal, body.auth_time)
    return ExchangeCodeOut(code=exchange.issue(ports, proof, body.verifier_challenge, session_id=body.session_id))


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """End and delete what there is of a user."""
    return ErasedOut(done=True, erased=end.erase(ports, body.owner_id))


def _out(session: Session) -> OpenOut:
    return OpenOut(
        id=session.id,
        device=session.device,
        place=session.network,
        created_at=clock.from_millis(session.created),
        last_seen_at=clock.from_millis(session.seen),
        expires_at=clock.from_millis(session.expires_at),
    )
