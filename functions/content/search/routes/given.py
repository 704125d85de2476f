"""What the routes are given: who asks, and what they stand on."""

from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..ports import Ports

# What is public is found by everybody, whoever they are or are not.
Anybody = Annotated[Principal, auth.optional_user()]
Writer = Annotated[Principal, auth.require("search:write")]
Manager = Annotated[Principal, auth.require("search:manage")]
Accounts = Annotated[Principal, auth.service("accounts")]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]


def reader(caller: Principal) -> Principal:
    """Who signed in to search may search. Raises `InsufficientScope`."""
    if caller.kind != "anonymous":
        caller.require("search:read")
    return caller
