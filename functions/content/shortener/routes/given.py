"""What the routes of `shortener` are given: who asks, the ports, and the keys of cursors and retries."""

from enum import Enum
from typing import Annotated

from fastapi import Depends, Request

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..ports import Ports

PREFIX = "/shortener"
TAGS: list[str | Enum] = ["shortener"]

Reader = Annotated[Principal, auth.require("shortener:read")]
Writer = Annotated[Principal, auth.require("shortener:write")]
Moderator = Annotated[Principal, auth.require("shortener:moderate")]
# Where a stack lets anyone make links; the action asks the others for their permission.
Somebody = Annotated[Principal, auth.optional_user(rate=auth.limit("write"))]
# Following a link is what it is for, and many may share one address.
Follower = Annotated[Principal, auth.public(rate=auth.limit("shortener:follow:ip"))]
Reporter = Annotated[Principal, auth.public(rate=auth.limit("shortener:report:ip"))]
Accounts = Annotated[Principal, auth.service("accounts")]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]


async def _address(request: Request) -> str:
    return str(request.state.call.client_ip)


Address = Annotated[str, Depends(_address)]
