"""What is known of one version of a file besides its pictures."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Meta:
    """`state` is that of a job: queued, done or failed, the last with a `code`."""

    file_id: str
    owner_id: str
    n: int
    etag: str
    media_type: str
    size: int
    state: str
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0
