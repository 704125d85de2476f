"""What the routes are given: who asks, what they stand on, and the keys of cursors and retries."""

from enum import Enum
from typing import Annotated

from fastapi import Path

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..ports import Ports
from ..schemas import Locale, TypeName

PREFIX = "/notifications"
TAGS: list[str | Enum] = ["notifications"]
Reader = Annotated[Principal, auth.require("notifications:read")]
Writer = Annotated[Principal, auth.require("notifications:write")]
Sender = Annotated[Principal, auth.require("notifications:send")]
Manager = Annotated[Principal, auth.require("notifications:manage")]
Accounts = Annotated[Principal, auth.service("accounts")]
Anyone = Annotated[Principal, auth.public()]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]
TypePath = Annotated[TypeName, Path(alias="type")]
LocalePath = Annotated[Locale, Path(alias="locale")]
