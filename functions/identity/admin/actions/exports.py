"""The audit log as a file: a job that writes it, and where to fetch it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal

from tessera import clock, csvio, queues
from tessera.auth.audit import audit
from tessera.idempotency import Intent
from tessera.jobs import Job, Jobs, JobState
from tessera.problems import NotFound
from tessera.transact import telling
from tessera.types import Model

from ..accounts import Asker
from ..ports import Ports
from ..store.rows import AuditRow
from ..store.trail import Wanted
from . import trail

EXPORT = "audit-export"
Format = Literal["csv", "ndjson"]
# What one worker writes in its time and memory; a longer time is asked for in parts.
MOST = 100_000
COLUMNS = (
    "recorded_at occurred_at capability action outcome actor_kind actor_id actor_via actor_ip on_behalf_of "
    "target_type target_id reason changes detail request_id trace_id id"
).split()


class ExportAudit(Model):
    """The work, as it lies in the queue."""

    owner_id: str
    job_id: str
    format: Format
    since: str
    until: str
    actor: str | None = None
    target: str | None = None
    action: str | None = None


def start(ports: Ports, wanted: Wanted, file_format: Format, *, intent: Intent, asker: Asker) -> tuple[Job, bool]:
    """The job, and whether an earlier request began it. 1 transaction, 1 message.

    That the log was exported is itself an entry. Raises `IdempotencyMismatch`.
    """
    assert asker.principal is not None
    owner_id = asker.principal.owner_id
    first, last = trail.span(wanted)
    earliest = clock.parse(f"{first}T00:00:00Z")
    since, until = max(wanted.since or earliest, earliest), min(wanted.until or clock.now(), clock.now())
    told = audit(
        "admin.audit-exported",
        f"export:{intent.id}",
        by=asker.principal,
        call=asker.call,
        first=str(first),
        last=str(last),
        format=file_format,
    )
    job, replayed = ports.jobs.start(owner_id, EXPORT, intent, telling(ports.trail.table, told))
    work = ExportAudit(
        owner_id=owner_id,
        job_id=job.id,
        format=file_format,
        since=clock.rfc3339(since),
        until=clock.rfc3339(until),
        actor=wanted.actor,
        target=wanted.target,
        action=wanted.action,
    )
    # Also for one that was begun before: a crash between its writing and its message is got over this way.
    if job.state is JobState.QUEUED:
        queues.send(ports.settings.queue, EXPORT, work.model_dump())
    return job, replayed


def write(ports: Ports, work: ExportAudit) -> None:
    """Write the file. Doing it twice writes it twice the same."""
    job = ports.jobs.get(work.owner_id, work.job_id)
    if job.state.is_over:
        return
    entries: list[dict[str, Any]] = []
    cut = False
    for row in _rows(ports, work):
        if len(entries) >= MOST:
            cut = True
            break
        entries.append(shown(row))
    body = b"".join(_csv(entries) if work.format == "csv" else _ndjson(entries))
    ports.objects.put(object_key(job.id, work.format), body)
    told = [{"code": "too-many", "detail": f"There are more than {MOST} entries. Export the rest by itself."}]
    ports.jobs.finish(job, result={"entries": len(entries), "format": work.format}, errors=told if cut else ())


def link(ports: Ports, job_id: str, *, asker: Asker) -> tuple[Job, str]:
    """Where the file may be fetched now. 1 read. Raises `NotFound`, also while it is being written."""
    assert asker.principal is not None
    job = of_kind(ports.jobs, asker.principal.owner_id, job_id)
    if job.state not in (JobState.DONE, JobState.PARTIAL) or job.result is None:
        raise NotFound("The export is not there yet. Look at its job.")
    file_format = str(job.result["format"])
    return job, ports.objects.download_url(object_key(job_id, file_format), f"audit-{job_id}.{file_format}")


def of_kind(jobs: Jobs, owner_id: str, job_id: str) -> Job:
    job = jobs.get(owner_id, job_id)
    if job.kind != EXPORT:
        raise NotFound("There is no such export.")
    return job


def object_key(job_id: str, file_format: str) -> str:
    return f"admin/exports/{job_id}.{file_format}"


def shown(row: AuditRow) -> dict[str, Any]:
    """An entry as people get to see it."""
    entry: dict[str, Any] = json.loads(row.entry)
    if not trail.shows_address(row):
        entry["actor"]["ip"] = None
    return entry


def _rows(ports: Ports, work: ExportAudit) -> Iterator[AuditRow]:
    wanted = Wanted(work.actor, work.target, work.action, None, clock.parse(work.since), clock.parse(work.until))
    if wanted.actor or wanted.target:
        after = None
        while True:
            rows, after = ports.trail.by_index(wanted, limit=1000, after=after)
            yield from rows
            if after is None:
                return
    assert wanted.since is not None and wanted.until is not None
    day, last = wanted.since.date(), wanted.until.date()
    while day <= last:
        yield from ports.trail.of_day(day.isoformat(), only=wanted.only())
        day += timedelta(days=1)


def _ndjson(entries: list[dict[str, Any]]) -> Iterator[bytes]:
    for entry in entries:
        yield json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv(entries: list[dict[str, Any]]) -> Iterator[bytes]:
    return csvio.write(COLUMNS, ([_cell(entry, column) for column in COLUMNS] for entry in entries))


def _cell(entry: dict[str, Any], column: str) -> csvio.Cell:
    head, _, tail = column.partition("_")
    value = entry[head].get(tail) if head in ("actor", "target") else entry.get(column)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
