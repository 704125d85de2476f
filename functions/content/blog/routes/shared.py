"""What several routers need: the callers, the ports, and how an answer shows where it stands."""

from enum import Enum
from typing import Annotated, cast

from fastapi import Depends, Request

from tessera import auth
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..guards import of_the_realm, of_the_realm_or_nobody, open_to_all
from ..ports import Ports
from ..spamcheck import Visitor

PREFIX = "/blog"
TAGS: list[str | Enum] = ["blog"]
CONDUIT = f"{PREFIX}/realworld/api"

Anyone = Annotated[Principal, auth.optional_user()]
Commenter = Annotated[Principal, auth.optional_user(rate="write")]
Previewer = Annotated[Principal, auth.public()]
Reader = Annotated[Principal, auth.public(rate="read")]
Writer = Annotated[Principal, auth.require("blog:write")]
Moderator = Annotated[Principal, auth.require("blog:moderate")]
Manager = Annotated[Principal, auth.require("blog:manage")]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]

Open = Annotated[Principal, open_to_all()]
Member = Annotated[Principal, of_the_realm()]
Guest = Annotated[Principal, of_the_realm_or_nobody()]


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Asked = Annotated[Call, Depends(_call_of)]


def visitor_of(call: Call) -> Visitor:
    """Who is at the other end, as far as it is told to whoever judges comments."""
    return Visitor(call.client_address, call.header("user-agent")[:500], call.header("referer")[:500])
