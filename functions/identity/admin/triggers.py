"""What reaches `admin` other than HTTP: the audit trail, reports of erasure, its own jobs, what is due, the seal."""

from typing import Any

from pydantic import ConfigDict

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import erasures, exports, impersonate, imports, seal
from .ports import Ports


class Actor(Model):
    id: str


class Target(Model):
    type: str
    id: str


class Recorded(Model):
    """Kept whole, whatever else it says; these are what it is found by."""

    model_config = ConfigDict(extra="allow")

    action: str
    outcome: str
    actor: Actor
    target: Target


class Erased(Model):
    """Which capability has erased somebody: the event's own source names only who reports it."""

    owner_id: str
    capability: str


class Ended(Model):
    impersonation_id: str


def record(entry: Recorded, received: Envelope, bindings: Bindings) -> None:
    kept: dict[str, Any] = received.data
    bindings.get(Ports).trail.append(kept, received.id)


def erased(report: Erased, received: Envelope, bindings: Bindings) -> None:
    erasures.report(bindings.get(Ports), report.owner_id, report.capability, received.time)


def ended(told: Ended, received: Envelope, bindings: Bindings) -> None:
    impersonate.tell_user(bindings.get(Ports), told.impersonation_id, received.id)


def export_audit(work: exports.ExportAudit, received: Envelope, bindings: Bindings) -> None:
    exports.write(bindings.get(Ports), work)


def import_users(work: imports.ImportUsers, received: Envelope, bindings: Bindings) -> None:
    imports.work(bindings.get(Ports), work)


def come_due(item: DueItem, bindings: Bindings) -> None:
    impersonate.run_out(bindings.get(Ports), item.pk.removeprefix("IM#"), item.due_pk)


def seal_days(bindings: Bindings) -> None:
    seal.seal_due(bindings.get(Ports))


ENTRIES = Entries(
    events=[
        On("audit.entry.recorded.v1", Recorded, record),
        On("privacy.data.erased.v1", Erased, erased),
        On("admin.impersonation.ended.v1", Ended, ended),
    ],
    jobs=[
        On(exports.EXPORT, exports.ExportAudit, export_audit),
        On(imports.IMPORT, imports.ImportUsers, import_users),
    ],
    due=come_due,
    schedules={"seal": seal_days},
)
