"""A new password."""

from tessera.auth.problems import AttemptsExhausted, RateLimited, StepUpRequired
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, Unavailable

from ..actions import passwords
from ..rules import LoginFailed, ResetTokenInvalid, SigningUnavailable, WeakPassword
from ..schemas import AccessOut, DoneOut, ForgotIn, PasswordIn, ResetIn
from .shared import (
    PREFIX,
    TAGS,
    Asked,
    Bound,
    DeviceToken,
    Guesser,
    MyselfJustNow,
    access_out,
    client_of,
    session_id_of,
    user_id_of,
)

router = Router(prefix=PREFIX, tags=TAGS)


@router.post("/password/forgot", status_code=202, responses=problems(InvalidRequest, RateLimited))
async def forgot_password(body: ForgotIn, caller: Guesser, ports: Bound) -> None:
    """Ask for a mail with a link. The answer is the same whether or not the address has an account."""
    async with ports.pace.held():
        passwords.forgot(ports, body.email)


@router.post("/password/reset", responses=problems(ResetTokenInvalid, WeakPassword, InvalidRequest, RateLimited))
async def reset_password(body: ResetIn, caller: Guesser, ports: Bound, call: Asked) -> DoneOut:
    """Set a new password by the link of the mail. Every session ends; sign in afterwards."""
    passwords.reset(ports, body.token, body.password, call=call)
    return DoneOut()


@router.post(
    "/me/password",
    responses=problems(
        LoginFailed, StepUpRequired, AttemptsExhausted, WeakPassword, SigningUnavailable, Unavailable, InvalidRequest
    ),
)
async def change_password(
    body: PasswordIn, caller: MyselfJustNow, ports: Bound, call: Asked, device_token: DeviceToken = ""
) -> AccessOut:
    """Change the password within 5 minutes of having signed in. Every other session ends."""
    changed = passwords.change(
        ports,
        user_id_of(caller),
        session_id_of(caller),
        current=body.current,
        new=body.new,
        caller=caller,
        client=client_of(ports, call, device_token),
        call=call,
    )
    return access_out(changed)
