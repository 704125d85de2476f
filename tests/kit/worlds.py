"""What the tests of a capability have at hand: its app on moto, people, the bus, and the sweeper.

    @dataclass
    class World(CapabilityWorld[Ports]):
        entries = ENTRIES
        ports_type = Ports

A capability adds what is its own: its further stores and queues, what people do there, and how it is worked off.
"""

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from tessera import clock, ids
from tessera.outbox import Envelope
from tessera.settings import Bindable, Bindings
from tessera.tables import Table
from tessera.triggers import Entries, dispatch
from tests.kit.apps import Caller, Served
from tests.kit.clocks import FakeClock
from tests.kit.queues import batch
from tests.kit.stores import envelopes_in, ready_in

P = TypeVar("P", bound=Bindable)
# What Lambda is told when no message is to be delivered again.
DONE: dict[str, Any] = {"batchItemFailures": []}


@dataclass
class CapabilityWorld(Generic[P]):
    entries: ClassVar[Entries]
    ports_type: ClassVar[type[Any]]

    served: Served
    frozen: FakeClock
    # The ids of the events that `deliver_own` has brought.
    delivered: set[str] = field(default_factory=set, init=False)

    @property
    def table(self) -> Table:
        return self.served.table

    @property
    def bindings(self) -> Bindings:
        return self.served.bindings

    @property
    def ports(self) -> P:
        found: P = self.bindings.get(self.ports_type)
        return found

    def another_process(self) -> P:
        """The same stores, with nothing remembered."""
        found: P = Bindings(self.bindings.environment).get(self.ports_type)
        return found

    def person(self, *roles: str, **claims: Any) -> Caller:
        """Somebody new, signed in."""
        return self.served.signed_in(ids.new(), **{"roles": ["user", *roles], **claims})

    def events(self, event_type: str) -> list[dict[str, Any]]:
        """The data of the events of this type that items carry, in the order in which they were made."""
        return [one.data for one in envelopes_in(self.table) if one.type == event_type]

    def receive(self, event_type: str, event_id: str = "", *, happened_at: str = "", **data: Any) -> dict[str, Any]:
        """An event of the bus comes; what Lambda is told of it comes back."""
        return self.deliver(carried(Envelope(event_id or ids.new(), event_type, happened_at or _now(), "", data)))

    def deliver(self, *bodies: dict[str, Any]) -> dict[str, Any]:
        """These messages come in one batch; what Lambda is told of it comes back."""
        answer: dict[str, Any] = dispatch(self.entries, batch(*map(json.dumps, bodies)), self.bindings)
        return answer

    def deliver_own(self) -> None:
        """Bring the capability's own events that it has a rule for, each once."""
        wanted = {on.name for on in self.entries.events}
        for one in envelopes_in(self.table):
            if one.type in wanted and one.id not in self.delivered:
                self.delivered.add(one.id)
                assert self.deliver(carried(one)) == DONE

    def sweep(self) -> int:
        """Send what is due by now, as the sweeper does; how many items that were."""
        due = ready_in(self.table)
        for message in due:
            assert self.deliver(message) == DONE
        return len(due)


def carried(envelope: Envelope) -> dict[str, Any]:
    """The message in which the bus brings this event."""
    source = f"tessera.{envelope.type.partition('.')[0]}"
    return {"detail-type": envelope.type, "source": source, "detail": json.loads(envelope.text())}


def _now() -> str:
    return clock.rfc3339(clock.now())
