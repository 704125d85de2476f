"""What reaches `reminders` other than HTTP: its sweep, its own queue, and the runs of reminders that are gone."""

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import fire, forget
from .actions.sweep import sweep
from .ports import Ports


class Forget(Model):
    reminder_ids: list[str]


def _come_due(item: DueItem, bindings: Bindings) -> None:
    fire.come_due(bindings.get(Ports), item)


def _forget(job: Forget, received: Envelope, bindings: Bindings) -> None:
    forget.forget(bindings.get(Ports), job.reminder_ids)


def _sweep(bindings: Bindings) -> None:
    sweep(bindings.get(Ports))


ENTRIES = Entries(jobs=(On(forget.FORGET, Forget, _forget),), due=_come_due, schedules={"sweep": _sweep})
