"""Signing up."""

from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.auth.problems import AttemptsExhausted, RateLimited
from tessera.entry import Router, problems
from tessera.problems import FieldError, InvalidRequest, Unavailable

from ..actions import guests, sign_up
from ..rules import CodeExpired, CodeInvalid, SigningUnavailable, SignUpClosed, WeakPassword
from ..schemas import ResendIn, SignedInOut, SignUpIn, SignUpOut, VerifyIn
from .shared import PREFIX, TAGS, Asked, Bound, Guesser, client_of, signed_in_out

router = Router(prefix=f"{PREFIX}/sign-up", tags=TAGS)
Stranger = Annotated[Principal, auth.public(rate="auth:sign-up:ip")]


@router.post(
    "", status_code=202, responses=problems(InvalidRequest, WeakPassword, SignUpClosed, RateLimited, Unavailable)
)
async def start_sign_up(body: SignUpIn, caller: Stranger, ports: Bound) -> SignUpOut:
    """Ask for an account. The answer is the same whether or not the address has one; the mail tells."""
    async with ports.pace.held():
        pending = sign_up.start(ports, **body.model_dump())
    return SignUpOut(sign_up_id=pending.id, expires_at=pending.expires_at)


@router.post(
    "/verify",
    status_code=201,
    responses=problems(CodeInvalid, CodeExpired, AttemptsExhausted, SigningUnavailable, InvalidRequest),
)
async def verify_sign_up(body: VerifyIn, caller: Guesser, ports: Bound, call: Asked) -> SignedInOut:
    """Confirm the address, by the code or by the link and the password, and be signed in."""
    client = client_of(ports, call, client_id=body.client_id, device_name=body.device_name)
    async with ports.pace.held():
        if body.sign_up_id is not None and body.code is not None and body.token is None and body.password is None:
            user, tokens = sign_up.verify_code(ports, body.sign_up_id, body.code, client=client, call=call)
        elif body.token is not None and body.password is not None and body.sign_up_id is None and body.code is None:
            user, tokens = sign_up.verify_link(ports, body.token, body.password, client=client, call=call)
        else:
            told = "Send sign_up_id and code, or token and password."
            raise InvalidRequest(told, errors=[FieldError("", told)])
    guests.merge(ports, body.guest_token, user.user_id, call=call)
    return signed_in_out(user, tokens)


@router.post("/resend", status_code=202, responses=problems(InvalidRequest, RateLimited))
async def resend_sign_up(body: ResendIn, caller: Guesser, ports: Bound) -> None:
    """Ask for another mail, at most 3 an hour. The answer is the same whatever the id."""
    async with ports.pace.held():
        sign_up.resend(ports, body.sign_up_id)
