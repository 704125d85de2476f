"""Reading the audit log."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from tessera import clock
from tessera.auth.problems import InsufficientScope
from tessera.problems import FieldError, InvalidRequest

from ..accounts import Asker
from ..ports import Ports
from ..store.rows import AuditRow
from ..store.trail import Wanted
from . import standing

READ = "admin:audit_read"
# How far back a list goes that says no beginning, and how far one may go.
BACK, FARTHEST = timedelta(days=90), timedelta(days=3_660)
# The whole address of a client is shown for so long; after that, only its network.
ADDRESS_SHOWN = timedelta(days=90)


def page(
    ports: Ports, wanted: Wanted, *, limit: int, state: dict[str, Any] | None, asker: Asker
) -> tuple[list[AuditRow], dict[str, Any] | None]:
    """Entries, the newest first: 1 query, 2 across the end of a day.

    Whoever may read only what they did themselves finds only that: raises `InsufficientScope` for anything else.
    """
    wanted = own(wanted, asker)
    if wanted.actor or wanted.target:
        rows, following = ports.trail.by_index(wanted, limit=limit, after=state["after"] if state else None)
        return rows, {"after": following} if following else None
    first, last = span(wanted)
    day = date.fromisoformat(state["day"]) if state else last
    rows, day, following = ports.trail.by_day(
        wanted, first=first, day=day, limit=limit, after=state["after"] if state else None
    )
    return rows, None if day < first else {"day": day.isoformat(), "after": following}


def own(wanted: Wanted, asker: Asker) -> Wanted:
    """What the caller may see of what they want. Raises `InsufficientScope`."""
    assert asker.principal is not None
    mine = asker.principal.user_id or asker.principal.id
    if not standing.is_limited(asker.principal, READ):
        return wanted
    if wanted.actor not in (None, mine):
        raise InsufficientScope(READ, detail="You may read what you did yourself.")
    return replace(wanted, actor=mine)


def span(wanted: Wanted) -> tuple[date, date]:
    """The first and the last day of a list. Raises `InvalidRequest` for a time that goes backwards."""
    now = clock.now()
    until = max(min(wanted.until or now, now), now - FARTHEST)
    since = wanted.since or until - BACK
    if wanted.until and wanted.since and wanted.until < wanted.since:
        told = "It ends before it begins."
        raise InvalidRequest(told, errors=[FieldError("?to", told)])
    return max(since, now - FARTHEST).date(), until.date()


def shows_address(row: AuditRow) -> bool:
    return clock.now() - clock.parse(row.recorded_at) < ADDRESS_SHOWN


def all_of_it(asker: Asker) -> None:
    """Raises `InsufficientScope` for whoever may read only what they did themselves."""
    assert asker.principal is not None
    if standing.is_limited(asker.principal, READ):
        raise InsufficientScope(READ, detail="You may read what you did yourself.")
