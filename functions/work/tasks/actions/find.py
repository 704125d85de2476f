"""Pages of tasks, by filter or by search."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tessera import clock

from ..rules import repeat
from ..rules.due import due_range, zone_of
from ..rules.filters import Filter, chosen
from ..rules.task import Sort, Status, Task, refused
from ..store.listing import Listing
from ..store.search import Search

State = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """A list of tasks as it was asked for."""

    list_id: str | None = None
    status: Status | None = None
    due: str | None = None
    priority: int | None = None
    tag: str | None = None
    q: str | None = None
    sort: Sort | None = None
    tz: str | None = None


def page(
    listing: Listing, search: Search, owner_id: str, query: Query, limit: int, state: State | None
) -> tuple[list[Task], State | None]:
    """Some tasks and where the next page starts. Raises `InvalidRequest` for what no index serves."""
    due = due_range(query.due, zone_of(query.tz), clock.now()) if query.due else None
    if query.q is not None:
        if query.sort is not None:
            raise refused("?sort", "What is searched for comes in the order of the search.")
        every = Filter(Sort.CREATED, query.status or Status.ALL, query.list_id, due, query.priority, query.tag)
        return search.find(owner_id, query.q, every.holds, limit, state)
    wanted = chosen(
        sort=query.sort,
        status=query.status,
        list_id=query.list_id,
        due=due,
        priority=query.priority,
        tag=query.tag,
    )
    return listing.page(owner_id, wanted, limit, state)


def occurrences(task: Task, n: int) -> list[str]:
    """When the task comes again, itself the first: days, or instants where it is due at one."""
    whens = repeat.preview(task, n)
    return [clock.rfc3339(when) if isinstance(when, datetime) else when.isoformat() for when in whens]
