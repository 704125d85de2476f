"""Another address for the account of the caller."""

from typing import Annotated

from fastapi import Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.auth.problems import AttemptsExhausted, RateLimited, StepUpRequired
from tessera.entry import Router, problems
from tessera.entry.headers import show_version
from tessera.problems import InvalidRequest, NotFound

from ..actions import email_change
from ..rules import CodeExpired, CodeInvalid, EmailTaken
from ..schemas import DoneOut, EmailChangeIn, EmailCodeIn, EmailRevertIn, UserOut
from .shared import PREFIX, TAGS, Asked, Bound, Guesser, MyselfJustNow, user_id_of, user_out

router = Router(prefix=f"{PREFIX}/me/email", tags=TAGS)
# A code is six digits, so whoever tries them is counted by address as well.
Confirming = Annotated[Principal, auth.require("accounts:self", kinds=("user",), rate="auth")]


@router.post("", status_code=202, responses=problems(InvalidRequest, StepUpRequired, RateLimited, NotFound))
async def change_email(body: EmailChangeIn, caller: MyselfJustNow, ports: Bound) -> None:
    """Ask for another address: it gets a code. The answer is the same whether or not it has an account."""
    async with ports.pace.held():
        email_change.ask(ports, user_id_of(caller), body.email, caller=caller)


@router.post("/confirm", responses=problems(CodeInvalid, CodeExpired, EmailTaken, AttemptsExhausted, NotFound))
async def confirm_email(
    body: EmailCodeIn, caller: Confirming, ports: Bound, call: Asked, response: Response
) -> UserOut:
    """Confirm the new address by its code. The old one gets a link that takes the account back, for 7 days."""
    user = email_change.confirm(ports, user_id_of(caller), body.code, caller=caller, call=call)
    show_version(response, int(user.version))
    return user_out(user)


@router.post("/revert", responses=problems(CodeInvalid, EmailTaken, RateLimited, InvalidRequest))
async def revert_email(body: EmailRevertIn, caller: Guesser, ports: Bound, call: Asked) -> DoneOut:
    """Take the account back to its old address by the link in its mail. Every session ends."""
    email_change.revert(ports, body.token, call=call)
    return DoneOut()
