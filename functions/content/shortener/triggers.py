"""What reaches `shortener` other than HTTP: clicks, links whose time is over, and the daily look at what is in use."""

from collections.abc import Collection, Mapping

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On, Together, worker
from tessera.types import Instant, Model, Ulid

from .actions import count, erase, watchful
from .actions.follow import CLICK
from .actions.manage import FORGET
from .ports import Ports
from .rules.clicks import Click


class Told(Model):
    """A click as the redirect tells it."""

    id: Ulid
    at: Instant
    subject: str
    domain: str
    code: str
    is_bot: bool
    shards: int
    visitor: str | None
    facets: dict[str, str]


class Recheck(Model):
    shard: int


class Forget(Model):
    link_id: str


def _count(told: Mapping[str, Told], bindings: Bindings) -> Collection[str]:
    return count.count(bindings.get(Ports), {message: Click(**dict(one)) for message, one in told.items()})


def _recheck(work: Recheck, received: Envelope, bindings: Bindings) -> None:
    watchful.recheck(bindings.get(Ports), work.shard)


def _forget(work: Forget, received: Envelope, bindings: Bindings) -> None:
    erase.forget(bindings.get(Ports), work.link_id)


def _due(item: DueItem, bindings: Bindings) -> None:
    watchful.come_due(bindings.get(Ports), item)


def _daily(bindings: Bindings) -> None:
    watchful.start_recheck(bindings.get(Ports))


ENTRIES = Entries(
    jobs=[On(watchful.RECHECK, Recheck, _recheck), On(FORGET, Forget, _forget)],
    together=Together(CLICK, Told, _count),
    due=_due,
    schedules={"recheck": _daily},
)
handler = worker("shortener", ENTRIES)
