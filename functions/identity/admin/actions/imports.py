"""Users from a file: CSV or NDJSON, each row for itself, with the hashes that another system kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tessera import clock, csvio, ids, queues
from tessera.auth.audit import audit
from tessera.auth.principal import Principal
from tessera.csvio import BadCSV, Column, Limits
from tessera.idempotency import Intent
from tessera.jobs import Job, JobState
from tessera.problems import FieldError, InvalidRequest, NotFound, PayloadTooLarge, Problem, Unavailable
from tessera.strictness import check_body
from tessera.transact import telling
from tessera.types import Model

from ..accounts import Asker
from ..ports import Ports
from ..rules import ImportStopped, UploadMissing
from ..store.imports import Import
from . import people, standing

IMPORT = "user-import"
Format = Literal["csv", "ndjson"]
MEDIA: Mapping[str, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
LIMITS = Limits(size_bytes=5_000_000, rows=10_000)
COLUMNS = (
    Column("email", required=True, aliases=("e-mail", "mail", "address")),
    Column("name", aliases=("full name",)),
    Column("locale", aliases=("language",)),
    Column("roles", aliases=("role",)),
    Column("password_hash", aliases=("hash", "password digest")),
    Column("password"),
)
NAMES = frozenset(column.name for column in COLUMNS)
MAX_CELL = 1_000
# One run of the worker; the rest goes back to the queue.
SECONDS, AT_ONCE, NOTED_EVERY = 12.0, 200, 20


class ImportUsers(Model):
    """The work, as it lies in the queue: go on with this import."""

    owner_id: str
    job_id: str


@dataclass(frozen=True)
class Upload:
    id: str
    url: str
    media_type: str


@dataclass(frozen=True)
class Line:
    """A row of the file by its number there, or what is wrong with it."""

    number: int
    values: Mapping[str, Any]
    fault: str = ""


def upload(ports: Ports, file_format: Format) -> Upload:
    """Where to put a file, for a quarter of an hour. No request."""
    upload_id = ids.new()
    media = MEDIA[file_format]
    return Upload(upload_id, ports.objects.upload_url(object_key(upload_id, file_format), media), media)


def start(
    ports: Ports,
    file_format: Format,
    *,
    upload_id: str | None = None,
    content: str | None = None,
    intent: Intent,
    asker: Asker,
) -> tuple[Job, bool]:
    """Begin the import of a file that was put there, or of a short one given here; and whether it was begun before.

    2 or 3 reads, 1 transaction, 1 message. Raises `UploadMissing`, `BadCSV`, `PayloadTooLarge`, `InvalidRequest`: what
    is wrong with the file as a whole; `IdempotencyMismatch`.
    """
    by = asker.principal
    assert by is not None
    # Ahead of the file, which is gone when an earlier request has had its import done.
    job, replayed = ports.jobs.asked_before(by.owner_id, intent), True
    if job is None:
        key = object_key(upload_id or intent.id, file_format)
        if content is not None:
            ports.objects.put(key, content.encode())
        count = len(_read(ports, key, file_format))
        told = audit("admin.users-imported", f"job:{intent.id}", by=by, call=asker.call, count=count)
        made = ports.imports.starting(Import(intent.id, key, file_format, by.snapshot()))
        telling_it = telling(ports.trail.table, told)
        job, replayed = ports.jobs.start(by.owner_id, IMPORT, intent, made, telling_it, total=count, cancellable=True)
    # Also for one that was begun before: a crash between its writing and its message is got over this way.
    if job.state is JobState.QUEUED:
        queues.send(ports.settings.queue, IMPORT, ImportUsers(owner_id=by.owner_id, job_id=job.id).model_dump())
    return job, replayed


def work(ports: Ports, task: ImportUsers) -> None:
    """Some rows, then the rest goes back to the queue. Raises `AlreadySeen` when another delivery is at it."""
    job = ports.jobs.get(task.owner_id, task.job_id)
    if job.state.is_over:
        return
    state = ports.imports.lease(task.job_id)
    asker = Asker(Principal.of_snapshot(state.by))
    try:
        _check_still_staff(ports, asker)
        lines = _read(ports, state.object_key, state.format)
    except Unavailable:
        raise
    except Problem as problem:
        ports.jobs.fail(job, problem)
        return
    known = standing.definitions(ports)
    started = clock.monotonic()
    done = 0
    while state.offset < len(lines) and done < AT_ONCE and clock.monotonic() - started < SECONDS:
        _one(ports, state, lines[state.offset], asker, known)
        done += 1
        ports.imports.note(state)
        if done % NOTED_EVERY == 0 and ports.jobs.progress(job, state.offset).state.is_over:
            return
    if state.offset < len(lines):
        job = ports.jobs.progress(job, state.offset)
        ports.imports.note(state, release=True)
        if not job.state.is_over:
            queues.send(ports.settings.queue, IMPORT, task.model_dump())
        return
    ports.jobs.finish(job, result={"created": state.created, "failed": state.failed}, errors=state.faults)
    # It holds addresses and hashes, for which there is no more use here.
    ports.objects.delete(state.object_key)


def _check_still_staff(ports: Ports, asker: Asker) -> None:
    """Whoever began it may have been locked or demoted since: raises `ImportStopped`. 1 internal call."""
    by = asker.principal
    assert by is not None and by.user_id is not None
    try:
        now = ports.accounts.state(by.user_id)
    except NotFound:
        raise ImportStopped() from None
    if now.status != "active" or not by.roles <= now.roles:
        raise ImportStopped()


def _one(ports: Ports, state: Import, line: Line, asker: Asker, known: standing.Definitions) -> None:
    """One row: a user, or why not. What does not answer is no fault of the row and is raised."""
    try:
        # The same key for the same row, so that an answer that was lost is not taken for a second user.
        people.create(ports, **_fields(line), asker=asker, key=f"{state.job_id}-{line.number}", known=known)
        state.created += 1
    except Unavailable:
        raise
    except Problem as problem:
        state.fail(_fault(line, problem))
    state.offset += 1


def _fields(line: Line) -> dict[str, Any]:
    """What the row says. Raises `InvalidRequest`."""
    if line.fault:
        raise InvalidRequest(line.fault)
    values = {name: value for name, value in line.values.items() if value not in (None, "", [])}
    for name, value in values.items():
        is_text = isinstance(value, str) and len(value) <= MAX_CELL
        if name not in NAMES or not (is_text or (name == "roles" and isinstance(value, list))):
            told = "There is no such column." if name not in NAMES else "This is not a short text."
            raise InvalidRequest(told, errors=[FieldError(f"/{name}", told)])
    if not values.get("email"):
        told = "A user needs an address."
        raise InvalidRequest(told, errors=[FieldError("/email", told)])
    roles = values.get("roles", [])
    named = roles.replace(",", " ").replace(";", " ").split() if isinstance(roles, str) else [str(one) for one in roles]
    return {
        "email": values["email"],
        "name": values.get("name"),
        "locale": values.get("locale"),
        "roles": named,
        "password": values.get("password"),
        "password_hash": values.get("password_hash"),
    }


def _fault(line: Line, problem: Problem) -> dict[str, Any]:
    """Which row, and why. Never what stood in it."""
    where = next((error.pointer.removeprefix("/") for error in problem.errors), "")
    said = next((error.detail for error in problem.errors), problem.detail)
    return {"row": line.number, "column": where, "code": problem.slug, "detail": said[:300]}


def _read(ports: Ports, key: str, file_format: str) -> list[Line]:
    """The file's rows. Raises `UploadMissing`, `PayloadTooLarge`, `BadCSV`, `InvalidRequest`."""
    body = ports.objects.get(key, at_most=LIMITS.size_bytes)
    if body is None:
        raise UploadMissing()
    if len(body) > LIMITS.size_bytes:
        raise PayloadTooLarge(f"The file may hold {LIMITS.size_bytes:,} bytes.")
    lines = _csv(body) if file_format == "csv" else _ndjson(body)
    if not lines:
        raise InvalidRequest("The file holds no users.")
    return lines


def _csv(body: bytes) -> list[Line]:
    sheet = csvio.read(body, COLUMNS, limits=LIMITS)
    good = [Line(row.number, row.cells) for row in sheet.rows]
    bad = [Line(fault.row, {}, fault.detail) for fault in sheet.faults]
    return sorted([*good, *bad], key=lambda line: line.number)


def _ndjson(body: bytes) -> list[Line]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadCSV("The file is not UTF-8.") from None
    filled = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(filled) > LIMITS.rows:
        raise BadCSV(f"The file has more than {LIMITS.rows} rows. Split it.")
    return [_parsed(number, line) for number, line in filled]


def _parsed(number: int, line: str) -> Line:
    try:
        found = json.loads(line)
        check_body(line.encode())
    except (ValueError, RecursionError):
        return Line(number, {}, "This line is not JSON.")
    except InvalidRequest as refused:
        return Line(number, {}, refused.detail)
    return Line(number, found) if isinstance(found, dict) else Line(number, {}, "This line is not a JSON object.")


def object_key(upload_id: str, file_format: str) -> str:
    return f"admin/imports/{upload_id}.{file_format}"
