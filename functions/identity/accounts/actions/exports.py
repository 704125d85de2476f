"""Everything an account has, as one file: gathered capability by capability, kept for a day."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tessera import clock, queues
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.jobs import Job, JobState
from tessera.problems import NotFound, Problem, Unavailable
from tessera.transact import transact

from .. import mails
from ..ports import Ports
from ..rules import EXPORT_LIFE
from ..store import UserRow
from ..store.activity import telling
from ..store.belongings import everything_of
from .erasable import BY_ADDRESS, OURSELVES, addresses_of, capabilities

EXPORT = "export"
CALL_SECONDS = 2.0
MAX_TRIES = 3
PAUSE_SECONDS = 10
FORMAT = 1


@dataclass(frozen=True)
class Work:
    """What a message asks for: the next page of one capability. `parts` are the pages that are kept already."""

    user_id: str
    job_id: str
    position: int = 0
    after: str | None = None
    tries: int = 0
    parts: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


class _Running(Exception):
    """There is an export of this day."""


def ask(ports: Ports, user_id: str, *, caller: Principal, call: Call) -> Job:
    """Begin an export, or return the one that was begun within the last day. 1 transaction and 1 message."""
    job, keeping = ports.jobs.starting(user_id, EXPORT, total=len(sources()))
    try:
        transact(
            keeping,
            ports.exports.opening(user_id, job.id, taken=_Running()),
            telling(ports.users.table, audit("accounts.export-asked", f"user:{user_id}", by=caller, call=call)),
        )
    except _Running:
        job = _last(ports, user_id)
    # Also for the one that was begun before: a crash between its writing and its message is got over this way.
    if job.state is JobState.QUEUED:
        _send(ports, Work(user_id, job.id))
    return job


def link(ports: Ports, user_id: str, job_id: str) -> tuple[str, datetime]:
    """A link to a finished export, and until when it is good. 1 read. Raises `NotFound`."""
    row = ports.exports.last(user_id)
    left = int(row.exp) - clock.millis() if row is not None else 0
    if row is None or row.job_id != job_id or row.object_key is None or left < 1_000:
        raise NotFound("There is no such export, or it has expired. Ask for another one.")
    return ports.exports.link(row, seconds=left // 1000), clock.from_millis(int(row.exp))


def forget(ports: Ports, user_id: str) -> None:
    """The object of the last export; what else there is of it goes with the account's items."""
    row = ports.exports.last(user_id)
    if row is not None and row.object_key is not None:
        ports.exports.forget(row.object_key)


def sources() -> list[str]:
    return [OURSELVES, *capabilities()]


def work(ports: Ports, work: Work) -> None:
    """Gather one page and send the rest on. Every step may be done twice."""
    try:
        job = ports.jobs.get(work.user_id, work.job_id)
        user = ports.users.get(work.user_id)
    except NotFound:
        return
    if job.state.is_over:
        return
    wanted = sources()
    if work.position >= len(wanted):
        _join(ports, user, job, work)
        return
    name = wanted[work.position]
    if name == OURSELVES:
        _kept(ports, work, name, everything_of(ports.users.table, user), None)
        return
    try:
        items, after = _page(ports, name, user, work)
    except _NothingToAsk:
        _next(ports, work)
    except Problem:
        if work.tries + 1 < MAX_TRIES:
            _send(ports, replace(work, tries=work.tries + 1), delay_seconds=PAUSE_SECONDS)
        else:
            _next(ports, replace(work, missing=(*work.missing, name)))
    else:
        _kept(ports, work, name, items, after)


class _NothingToAsk(Exception):
    """The capability has no export of its own."""


def _page(ports: Ports, name: str, user: UserRow, work: Work) -> tuple[list[Any], str | None]:
    asked: dict[str, Any] = {"owner_id": work.user_id, "after": work.after}
    if name in BY_ADDRESS:
        asked["addresses"] = addresses_of(user)
    answer = ports.internal.call(name, "POST", f"/{name}/internal/export", json=asked, timeout=CALL_SECONDS)
    if answer.status == 404:
        raise _NothingToAsk()
    if not answer.ok:
        raise Unavailable(f"{name} answered {answer.status}.")
    said = answer.json()
    return list(said["items"]), said.get("next")


def _kept(ports: Ports, work: Work, name: str, content: Any, after: str | None) -> None:
    page = work.parts.get(name, 0)
    kept = replace(work, after=after, tries=0)
    # A page that has found nothing is worth no part, unless it is all there is.
    if content or (after is None and not page):
        ports.exports.keep_part(work.user_id, work.job_id, f"{name}-{page}", content)
        kept = replace(kept, parts={**work.parts, name: page + 1})
    if after is not None:
        _send(ports, kept)
    else:
        _next(ports, kept)


def _next(ports: Ports, work: Work) -> None:
    done = replace(work, position=work.position + 1, after=None, tries=0)
    job = ports.jobs.get(work.user_id, work.job_id)
    if not ports.jobs.progress(job, done.position).state.is_over:
        _send(ports, done)


def _join(ports: Ports, user: UserRow, job: Job, work: Work) -> None:
    head: dict[str, Any] = {"format": FORMAT, "made_at": clock.rfc3339(clock.now()), "user_id": work.user_id}
    if work.missing:
        head["missing"] = list(work.missing)
    key, size = ports.exports.join(work.user_id, work.job_id, head, work.parts)
    if not ports.exports.done(work.user_id, work.job_id, key):
        ports.exports.forget(key)
        ports.jobs.fail(job, NotFound("The account is being deleted."))
        return
    result = {"download": f"/accounts/me/exports/{job.id}", "size_bytes": size}
    errors = [
        {"pointer": name, "detail": "It did not answer, so what it has is not in the file."} for name in work.missing
    ]
    ports.jobs.finish(job, result=result, errors=errors)
    until = f"{clock.now() + EXPORT_LIFE:%Y-%m-%d %H:%M} UTC"
    ports.users.tell(mails.notice("export-ready", to=user.email, locale=user.locale, until=until))


def _send(ports: Ports, work: Work, *, delay_seconds: int = 0) -> None:
    said = {**vars(work), "missing": list(work.missing)}
    queues.send(ports.settings.queue, EXPORT, said, delay_seconds=delay_seconds)


def _last(ports: Ports, user_id: str) -> Job:
    row = ports.exports.last(user_id)
    if row is None:
        raise Unavailable("The last export has just expired. Ask again.")
    return ports.jobs.get(user_id, row.job_id)
