"""What reaches `ratelimit` other than HTTP: refusals that the layer tells of, and leases whose time has run out."""

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Instant, Model

from .actions import insight, leasing
from .store.leases import LeaseStore
from .store.top import TopStore


class Refused(Model):
    """Somebody was refused, for the first time in a minute."""

    policy: str
    kind: str
    subject: str
    mode: str
    at: Instant


def limited(refused: Refused, received: Envelope, bindings: Bindings) -> None:
    # No record of seen events: the minute says whether it was counted.
    insight.count(bindings.get(TopStore), bindings.environment.get("STACK", ""), **refused.model_dump())


def come_due(item: DueItem, bindings: Bindings) -> None:
    leasing.expire(bindings.get(LeaseStore), item)


ENTRIES = Entries(events=[On("ratelimit.subject.limited.v1", Refused, limited)], due=come_due)
