"""What is handed to a provider, and what may come of it.

NotSent       the provider has said that it did not take the message
├── Refused   it never will
│   └── Gone  there is nobody at this address any more
└── Failed    it may another time
Unsure        no answer came: the message may or may not have been taken
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ..rules.kinds import Words


class NotSent(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason[:100]


class Refused(NotSent):
    pass


class Gone(Refused):
    pass


class Failed(NotSent):
    """`after_seconds` is how long the provider wants to be left alone."""

    def __init__(self, reason: str, after_seconds: int = 0) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds


class Unsure(Exception):
    pass


@dataclass(frozen=True)
class Message:
    """What is said, whatever it is said through. `collapse` is the same for what replaces each other on a screen."""

    id: str
    type: str
    words: Words
    created_at: datetime
    is_urgent: bool = False
    collapse: str = ""
    count: int = 1
    ttl_seconds: int = 86_400


@dataclass(frozen=True)
class Target:
    """One address of a person. `id` tells it from the others of theirs."""

    id: str
    kind: str
    address: str
    keys: dict[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    def send(self, message: Message, target: Target) -> str:
        """Hand the message over, once; the provider's id of it comes back. Raises `NotSent` or `Unsure`."""
        ...
