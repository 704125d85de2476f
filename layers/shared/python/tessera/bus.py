"""Typed events, and the one way onto the bus.

A capability never sends: it puts its event on the item it writes, and `relay` sends it on.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import ConfigDict

from tessera import aws
from tessera.batches import batches
from tessera.outbox import Envelope
from tessera.types import Model

TYPE_PATTERN = re.compile(r"^[a-z][a-z-]*\.[a-z][a-z_]*\.[a-z][a-z_]*\.v[1-9][0-9]*$")
# These two belong to nobody because every capability emits them.
SHARED_PREFIXES = ("audit.", "privacy.")


class Event(Model):
    """Something that happened, as `capability.noun.verb_past.v1`. Subclasses declare `type` and fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if not TYPE_PATTERN.match(getattr(cls, "type", "")):
            raise TypeError(f"{cls.__name__}.type must look like `capability.noun.verb_past.v1`.")


def source_of(capability: str) -> str:
    return f"tessera.{capability}"


def may_emit(capability: str, event_type: str) -> bool:
    """A capability speaks for itself only."""
    return event_type.startswith((f"{capability}.", *SHARED_PREFIXES))


def put(bus_name: str, capability: str, envelopes: Sequence[Envelope]) -> list[Envelope]:
    """Send these events and return those the bus did not take. 1 request per 10, more where they are long."""
    refused: list[Envelope] = []
    for batch in batches(envelopes, Envelope.text):
        entries = [
            {
                "EventBusName": bus_name,
                "Source": source_of(capability),
                "DetailType": envelope.type,
                "Detail": envelope.text(),
            }
            for envelope in batch
        ]
        answers = aws.client("events").put_events(Entries=entries)["Entries"]
        refused += [envelope for envelope, answer in zip(batch, answers, strict=True) if answer.get("ErrorCode")]
    return refused


def envelope_of(body: dict[str, Any]) -> Envelope:
    """The envelope in a bus message as a queue delivers it. Raises `ValueError`."""
    detail = body.get("detail")
    return Envelope.parse(json.dumps(detail) if isinstance(detail, dict) else str(detail))
