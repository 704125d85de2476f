"""The calendar feed, the export, saved views, and the erasure of all of it."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from tessera import clock, csvio
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.problems import NotFound

from ..rules.due import DueRange, due_of, end_of_day, zone_of
from ..rules.filters import Filter
from ..rules.task import MAX_VIEWS, Sort, Task, TooMany, View
from ..store.listing import Listing
from ..store.personal import PersonalStore
from ..store.tasks import TaskStore

# Whole notes of that many tasks would be more than an answer may hold.
MAX_IN_FEED, NOTES_IN_FEED = 500, 1_000
# A page of the table, which comes on top of what fits, may weigh four million.
EXPORT_ROWS, EXPORT_BYTES = 2_000, 1_500_000
ERASED_AT_ONCE = 250
COLUMNS = (
    *("id", "title", "notes", "list", "status", "priority", "due_date", "due_at", "tz", "tags"),
    *("recurrence", "mode", "parent_id", "created_at", "completed_at"),
)


def create_view(
    own: PersonalStore, name: str, wanted: dict[str, object], *, by: Principal, intent: Intent
) -> tuple[View, bool]:
    if len(own.views(by.owner_id)) >= MAX_VIEWS:
        # The last place may have been taken by this very request.
        before = own.view_asked_before(by.owner_id, intent)
        if before is not None:
            return before, True
        raise TooMany(f"There are {MAX_VIEWS} views already. Delete one first.")
    return own.create_view(by.owner_id, name, wanted, intent)


def renew_feed(own: PersonalStore, owner_id: str, tz: str) -> str:
    """A new token for the feed, which ends the old one. Only its hash is kept."""
    token = secrets.token_urlsafe(24)
    own.replace_feed(owner_id, _hashed(token), tz)
    return token


def feed(own: PersonalStore, listing: Listing, token: str) -> str:
    """What is overdue or due today as an iCalendar of VTODOs (RFC 5545). Raises `NotFound` for an unknown token."""
    found = own.feed(_hashed(token))
    if found is None:
        raise NotFound()
    owner_id, tz = found
    now, zone = clock.now(), zone_of(tz)
    wanted = Filter(Sort.DUE, due=DueRange(until=end_of_day(now.astimezone(zone).date(), zone)))
    tasks: list[Task] = []
    state: dict[str, Any] | None = None
    while len(tasks) < MAX_IN_FEED:
        some, state = listing.page(owner_id, wanted, 100, state)
        tasks += some
        if state is None:
            break
    return "".join(f"{line}\r\n" for line in _calendar(tasks, now))


def _hashed(token: str) -> str:
    # The token is 192 random bits, so that a plain hash of it cannot be guessed back.
    return hashlib.sha256(token.encode()).hexdigest()


def _calendar(tasks: Iterable[Task], now: datetime) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tessera//tasks//EN", "METHOD:PUBLISH")
    for task in tasks:
        yield from ("BEGIN:VTODO", f"UID:{task.id}@tessera", f"DTSTAMP:{_stamp(now)}")
        yield f"CREATED:{_stamp(task.created_at)}"
        yield f"LAST-MODIFIED:{_stamp(task.updated_at)}"
        if task.due_date is not None:
            yield f"DUE;VALUE=DATE:{task.due_date:%Y%m%d}"
        elif (due := due_of(task)) is not None:
            yield f"DUE:{_stamp(due)}"
        # RFC 5545 3.8.1.9: 1 is the highest of nine, 5 the middle.
        yield f"PRIORITY:{(1, 3, 5, 9)[task.priority - 1]}"
        yield from _folded(f"SUMMARY:{_escaped(task.title)}")
        if task.notes:
            yield from _folded(f"DESCRIPTION:{_escaped(_short(task.notes))}")
        if task.tags:
            yield from _folded(f"CATEGORIES:{','.join(_escaped(tag) for tag in task.tags)}")
        yield from ("STATUS:NEEDS-ACTION", f"SEQUENCE:{task.version}", "END:VTODO")
    yield "END:VCALENDAR"


def _short(notes: str) -> str:
    return notes if len(notes) <= NOTES_IN_FEED else f"{notes[: NOTES_IN_FEED - 1]}…"


def _stamp(when: datetime) -> str:
    return f"{when:%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n").replace("\t", " ")


def _folded(line: str) -> Iterator[str]:
    """RFC 5545 3.1: a line has at most 75 bytes, and goes on in the next one behind a space."""
    piece, size = "", 0
    for character in line:
        width = len(character.encode())
        if size + width > 75:
            yield piece
            piece, size = " ", 1
        piece, size = piece + character, size + width
    yield piece


def export(
    tasks: TaskStore, listing: Listing, owner_id: str, state: dict[str, Any] | None
) -> tuple[bytes, dict[str, Any] | None]:
    """Tasks as CSV in the order of their creation, and where the rest starts when they are too many for one answer."""
    names = {one.id: one.name for one in tasks.lists(owner_id)}
    rows: list[list[csvio.Cell]] = []
    size = 0
    while len(rows) < EXPORT_ROWS and size < EXPORT_BYTES:
        some, state = listing.everything(owner_id, state)
        rows += [_row(task, names) for task in some]
        size += sum(_weight(task) for task in some)
        if state is None:
            break
    return b"".join(csvio.write(COLUMNS, rows)), state


def _weight(task: Task) -> int:
    """About how many bytes it is in an answer, which is CSV within JSON: there a quote has four."""
    words = f"{task.title}{task.notes or ''}"
    return 200 + len(words.encode()) + 3 * words.count('"') + words.count("\\") + words.count("\n")


def _row(task: Task, names: dict[str, str]) -> list[csvio.Cell]:
    repeats = task.recurrence
    return [
        task.id,
        task.title,
        task.notes,
        names.get(task.list_id, "Inbox"),
        task.status.value,
        task.priority,
        task.due_date,
        task.due_at,
        task.tz,
        ",".join(task.tags),
        repeats.rule if repeats else None,
        repeats.mode.value if repeats else None,
        task.parent_id,
        task.created_at,
        task.completed_at,
    ]


def erase(own: PersonalStore, owner_id: str) -> tuple[bool, int]:
    """Delete some of what an owner has: whether nothing is left, and how many items went. To be asked until done."""
    erased = own.erase(owner_id, ERASED_AT_ONCE)
    done = erased < ERASED_AT_ONCE
    if done:
        own.tell_erased(owner_id)
    return done, erased
