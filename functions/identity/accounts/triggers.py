"""What reaches `accounts` other than HTTP: due users and erasures, its own jobs, the schedules of its keys."""

from pydantic import Field

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import erasure, exports
from .ports import Ports
from .signing import SigningKeys


def rotate_keys(bindings: Bindings) -> None:
    bindings.get(SigningKeys).rotate()


def revoke_active_key(bindings: Bindings) -> None:
    bindings.get(SigningKeys).revoke_active()


class Erase(Model):
    owner_id: str
    capability: str


class Export(Model):
    user_id: str
    job_id: str
    position: int = 0
    after: str | None = None
    tries: int = 0
    parts: dict[str, int] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()


def erase(job: Erase, received: Envelope, bindings: Bindings) -> None:
    erasure.work(bindings.get(Ports), erasure.Work(job.owner_id, job.capability))


def export(job: Export, received: Envelope, bindings: Bindings) -> None:
    exports.work(bindings.get(Ports), exports.Work(**job.model_dump()))


def come_due(item: DueItem, bindings: Bindings) -> None:
    erasure.come_due(bindings.get(Ports), item)


ENTRIES = Entries(
    jobs=[On(erasure.ERASE, Erase, erase), On(exports.EXPORT, Export, export)],
    due=come_due,
    schedules={"rotate-keys": rotate_keys, "revoke-active-key": revoke_active_key},
)
