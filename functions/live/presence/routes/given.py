"""What several routers need: the callers, the ports, and the names in paths."""

from enum import Enum
from typing import Annotated

from fastapi import Path

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import bound

from ..ports import Ports
from ..schemas import DOC

PREFIX = "/presence"
TAGS: list[str | Enum] = ["presence"]

Reader = Annotated[Principal, auth.require("presence:read")]
Writer = Annotated[Principal, auth.require("presence:write")]
# A cursor moves as often as others read, and writes as little.
Mover = Annotated[Principal, auth.require("presence:write", rate="read")]
Bound = Annotated[Ports, bound(Ports)]
Doc = Annotated[str, Path(pattern=DOC, max_length=64, description="The document's own name.")]
