"""What several routers need: the ports, the callers, and the shapes of answers."""

from enum import Enum
from typing import Annotated, cast

from fastapi import Depends, Path, Request, Response

from tessera import auth, clock
from tessera.auth.authenticate import authenticate, has_credential
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import (
    CredentialsMissing,
    ImpersonationForbidden,
    InsufficientScope,
    StepUpRequired,
)
from tessera.entry import bound

from ..actions.exchange import Client, Gained
from ..actions.identities import Identity
from ..ports import Ports
from ..rules.providers import PATTERN
from ..schemas import (
    ContinueOut,
    EmailNeededOut,
    FactorNeededOut,
    IdentityOut,
    LinkedOut,
    LinkNeededOut,
    TokensOut,
    UserOut,
)

PREFIX = "/oauth"
TAGS: list[str | Enum] = ["oauth"]
FRESH_SECONDS = 300

Bound = Annotated[Ports, bound(Ports)]
Anyone = Annotated[Principal, auth.public()]
Guesser = Annotated[Principal, auth.public(rate="auth")]
Myself = Annotated[Principal, auth.require("accounts:self", kinds=("user",))]
MyselfJustNow = Annotated[Principal, auth.require("accounts:self", kinds=("user",), fresh=FRESH_SECONDS)]
ProviderName = Annotated[str, Path(pattern=PATTERN, max_length=32)]
GainedOut = TokensOut | FactorNeededOut | LinkNeededOut | EmailNeededOut | LinkedOut | ContinueOut


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Asked = Annotated[Call, Depends(_call_of)]


def linker_of(call: Call) -> str:
    """The user who links something to themselves, asked for as a route for that alone would have done.

    Signing in is for everybody, also for who still has a credential that is good no more, so the route itself does
    not look at any. Raises the problem of who is not a user just signed in.
    """
    if not has_credential(call):
        raise CredentialsMissing()
    caller = authenticate(call)
    if caller.kind != "user" or caller.org is not None:
        raise InsufficientScope(detail="Only a person does this, and for themselves.")
    caller.require("accounts:self")
    if caller.actor is not None:
        raise ImpersonationForbidden("This is for the person alone to do.")
    proved = caller.auth_time
    if proved is None or (clock.now() - proved).total_seconds() > FRESH_SECONDS:
        raise StepUpRequired(max_age=FRESH_SECONDS)
    return str(caller.user_id)


def gained_out(gained: Gained, response: Response) -> GainedOut:
    response.headers["Cache-Control"] = "no-store"
    if gained.status == "ok" and gained.tokens is not None:
        return _tokens_out(gained.tokens)
    if gained.status == "mfa_required" and gained.tokens is not None:
        return FactorNeededOut(mfa_token=gained.tokens["mfa_token"], methods=gained.tokens["methods"])
    if gained.status == "link_required":
        return LinkNeededOut(
            link_ticket=str(gained.ticket), provider=str(gained.provider), email_hint=gained.email_hint
        )
    if gained.status == "email_required":
        return EmailNeededOut(ticket=str(gained.ticket), provider=str(gained.provider))
    if gained.status == "continue":
        return ContinueOut(code=str(gained.code))
    return LinkedOut(provider=str(gained.provider), identity_id=str(gained.identity_id))


def identity_out(identity: Identity) -> IdentityOut:
    return IdentityOut(id=identity.id, provider=identity.provider, label=identity.label, linked_at=identity.linked_at)


def client_of(client_id: str, device_name: str | None) -> Client:
    return Client(client_id, device_name)


def _tokens_out(tokens: dict[str, object]) -> TokensOut:
    """What `accounts` answers may grow; what is shown here is what a client needs."""
    known = {name: tokens[name] for name in TokensOut.model_fields if name in tokens and name not in ("user", "status")}
    user = tokens.get("user")
    shown = {name: user.get(name) for name in UserOut.model_fields} if isinstance(user, dict) else None
    return TokensOut.model_validate({**known, "user": shown})
