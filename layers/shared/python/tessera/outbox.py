"""The event of a change rides on the changed item: one write, so neither exists without the other.

The table's stream shows the item to `relay`, which sends the event on. Every write through
`tables` names its event or clears the last one, so that a later write does not send it again.
"""

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from tessera import clock, ids, log

BESIDE_DAYS = 7


class Event(Protocol):
    """A typed event as the emitter's `events.py` declares it."""

    type: ClassVar[str]

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Envelope:
    """An event on its way: what the bus, the queue and the consumer see."""

    id: str
    type: str
    time: str
    trace: str
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> "Envelope":
        here = log.current()
        made = cls(
            id=ids.new(),
            type=event.type,
            time=clock.rfc3339(clock.now()),
            trace=here.traceparent,
            data=event.model_dump(mode="json"),
        )
        here.event_ids.append(made.id)
        return made

    @classmethod
    def parse(cls, text: str) -> "Envelope":
        """Read what `text()` wrote. Raises `ValueError` for anything else."""
        try:
            found = json.loads(text)
            return cls(**{name: found[name] for name in ("id", "type", "time", "trace", "data")})
        except (KeyError, TypeError) as error:
            raise ValueError("This is not an event envelope.") from error

    def text(self) -> str:
        body = {"id": self.id, "type": self.type, "time": self.time, "trace": self.trace, "data": self.data}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def attributes(event: Event | Envelope) -> dict[str, dict[str, str]]:
    """What the changed item carries, in DynamoDB's notation."""
    envelope = event if isinstance(event, Envelope) else Envelope.of(event)
    return {"event_id": {"S": envelope.id}, "event": {"S": envelope.text()}}


def beside(event: Event) -> dict[str, dict[str, str]]:
    """An item of its own for the second event of a change, to be put in the same transaction."""
    envelope = Envelope.of(event)
    expires = int(clock.now().timestamp()) + BESIDE_DAYS * 86_400
    return {
        "pk": {"S": f"OUT#{envelope.id}"},
        "sk": {"S": "MAIN"},
        "version": {"N": "1"},
        "ttl": {"N": str(expires)},
        **attributes(envelope),
    }
