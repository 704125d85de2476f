"""What several routers need: who asks, the ports, and the keys of cursors and retries."""

from enum import Enum
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Path, Request

from tessera import auth
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing
from tessera.types import Item, Page

from ..ports import Ports
from ..schemas import PageParams

PREFIX = "/organisations"
TAGS: list[str | Enum] = ["organisations"]
ONE = "/{organisation_id:ulid}"
R = TypeVar("R")

Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]
Reader = Annotated[Principal, auth.require("organisations:read")]
# Who belongs, and as what, is decided by persons; a key that leaks must not let its finder in for good.
Writer = Annotated[Principal, auth.require("organisations:write", kinds=("user",))]
Person = Annotated[Principal, auth.require("organisations:read", kinds=("user",))]
# What others are made to do something by: mails, questions to the DNS.
Sender = Annotated[Principal, auth.require("organisations:write", kinds=("user",), rate="expensive")]
LiveOwner = Annotated[Principal, auth.require("organisations:write", kinds=("user",), live=True)]

DomainName = Annotated[
    str,
    Path(
        pattern=r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$",
        min_length=4,
        # The record that proves it stands at `_tessera.<domain>`, whose 253 characters are the most the DNS knows.
        max_length=244,
        description="In lower case, and in its ASCII form (`xn--…`) when it has others.",
    ),
]
RolePath = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{1,39}$", min_length=2, max_length=40)]


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Asked = Annotated[Call, Depends(_call_of)]


def start_of(keys: Signing, caller: Principal, route: str, asked: PageParams) -> str | None:
    """After what a page starts. Raises `InvalidCursor`."""
    state = keys.state(caller, route, asked, asked.cursor)
    return str(state["after"]) if state else None


def page_of(
    keys: Signing, caller: Principal, route: str, asked: PageParams, items: list[Item], after: str | None
) -> Page[Item]:
    return Page(items=items, next=keys.cursor(caller, route, asked, {"after": after} if after else None))
