"""What several routers need: the ports, the callers, and the shapes of answers."""

from enum import Enum
from typing import Annotated, cast

from fastapi import Depends, Header, Request

from tessera import auth, clock
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.problems import FieldError, InvalidRequest, NotFound

from ..actions.tokens import Tokens
from ..internal_schemas import FullUserOut
from ..ports import Client, Ports
from ..schemas import AccessOut, PublicUserOut, SignedInOut, Status, TokensOut, UserOut
from ..store import UserRow

PREFIX = "/accounts"
TAGS: list[str | Enum] = ["accounts"]

Bound = Annotated[Ports, bound(Ports)]
Guesser = Annotated[Principal, auth.public(rate="auth")]
Myself = Annotated[Principal, auth.require("accounts:self", kinds=("user",))]
MyselfJustNow = Annotated[Principal, auth.require("accounts:self", kinds=("user",), fresh=300)]


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Asked = Annotated[Call, Depends(_call_of)]
DeviceToken = Annotated[
    str, Header(alias="X-Device-Token", max_length=200, description="What an earlier sign-in on this device gave.")
]


def client_of(
    ports: Ports, call: Call, device_token: str = "", *, client_id: str = "web", device_name: str | None = None
) -> Client:
    """Raises `InvalidRequest` for a client nobody configured."""
    if client_id not in ports.settings.client_ids:
        known = ", ".join(sorted(ports.settings.client_ids))
        raise InvalidRequest("Name a known client.", errors=[FieldError("/client_id", f"Known are {known}.")])
    return Client(call.client_address, client_id, device_name, device_token)


def user_id_of(caller: Principal) -> str:
    if caller.user_id is None:
        raise NotFound()
    return caller.user_id


def session_id_of(caller: Principal) -> str:
    if caller.session_id is None:
        raise NotFound()
    return caller.session_id


def user_out(user: UserRow) -> UserOut:
    return UserOut(
        id=user.user_id,
        email=user.email,
        status=cast(Status, user.status),
        name=user.name,
        handle=user.handle,
        locale=user.locale,
        timezone=user.timezone,
        avatar_file_id=user.avatar_file_id,
        bio=user.bio,
        metadata=user.metadata or {},
        app_metadata=user.app_metadata or {},
        roles=sorted(user.roles),
        created_at=clock.from_millis(int(user.created)),
        updated_at=clock.from_millis(int(user.updated)),
    )


def public_user_out(user: UserRow) -> PublicUserOut:
    return PublicUserOut(id=user.user_id, name=user.name, handle=user.handle, avatar_file_id=user.avatar_file_id)


def full_user_out(user: UserRow) -> FullUserOut:
    return FullUserOut(
        **user_out(user).model_dump(),
        epoch=int(user.ep),
        version=int(user.version),
        plan=user.plan,
        factors=sorted(user.mfa or ()),
        has_password=user.pw is not None,
        locked_until=clock.from_millis(int(user.locked_until)) if user.locked_until else None,
        deleted_at=clock.from_millis(int(user.erase_at)) if user.erase_at else None,
    )


def tokens_out(tokens: Tokens) -> TokensOut:
    return TokensOut.model_validate(tokens)


def signed_in_out(user: UserRow, tokens: Tokens) -> SignedInOut:
    return SignedInOut.model_validate({**vars(tokens), "user": user_out(user)})


def access_out(tokens: Tokens) -> AccessOut:
    return AccessOut(access_token=tokens.access_token, expires_in=tokens.expires_in, session_id=tokens.session_id)
