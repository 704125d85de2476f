"""What the front door is told at its start, in a file that only its owner can read."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class DoorSettings:
    port: int
    endpoint: str
    api_id: str
    socket_id: str
    stack: str
    edge_secret: str
    # First segments of the paths that capabilities answer.
    capabilities: frozenset[str]
    # The state folder of the stack, for the pages that read its logs.
    folder: Path
    # The demo logins; a stack that was not seeded has no such file.
    demo: Path = Path()
    # The domain whose mail comes in; empty when none does.
    reply_domain: str = ""

    @classmethod
    def load(cls, path: Path) -> Self:
        found: dict[str, Any] = json.loads(path.read_text())
        paths = {name: Path(found[name]) for name in ("folder", "demo")}
        return cls(**{**found, **paths, "capabilities": frozenset(found["capabilities"])})

    @property
    def api_base(self) -> str:
        return f"{self.endpoint}/_aws/execute-api/{self.api_id}/$default"

    @property
    def socket_url(self) -> str:
        return f"{self.endpoint.replace('http', 'ws', 1)}/_aws/execute-api/{self.socket_id}/live"
