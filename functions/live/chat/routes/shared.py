"""What several routers need: the callers, the ports, and the shapes of answers."""

from enum import Enum
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from tessera import auth
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..ports import Ports
from ..rules.rooms import Member, Room
from ..schemas.rooms import RoomOut

PREFIX = "/chat"
TAGS: list[str | Enum] = ["chat"]

Reader = Annotated[Principal, auth.require("chat:read")]
Writer = Annotated[Principal, auth.require("chat:write")]
Moderator = Annotated[Principal, auth.require("chat:moderate")]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Asked = Annotated[Call, Depends(_call_of)]


def shown(room: Room, member: Member | None) -> RoomOut:
    return RoomOut.of(room, member)


def after(state: dict[str, Any] | None) -> Any:
    return state["after"] if state else None
