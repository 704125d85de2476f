"""A notification as a client sees it, in the feed and on the socket alike."""

from collections.abc import Sequence
from typing import Any

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from ..store.feed import copy_of
from ..store.rows import ARCHIVE, FeedRow

# What is taken over from the newest of those that are grouped.
_TAKEN = ("values", "title", "body", "link", "priority", "count", "created_at", "batch_id", "expires_at")


def shown(row: FeedRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "priority": row.priority,
        "title": row.title,
        "body": row.body or "",
        "link": row.link or None,
        "actors": list(row.actors),
        "count": int(row.count),
        "read": bool(row.read),
        "archived": str(row.sk).startswith(ARCHIVE),
        "created_at": row.created_at,
    }


def copied(there: FeedRow, fresh: FeedRow, actors: Sequence[str]) -> FeedRow:
    """The row that is there, with what the newer one says."""
    made = copy_of(there)
    for name in _TAKEN:
        setattr(made, name, getattr(fresh, name))
    made.actors = list(actors)
    return made


def changes(row: FeedRow) -> list[Change]:
    """The update that makes an item say what this row does."""
    made: list[Change] = [Path("actors").set(list(row.actors))]
    for name in _TAKEN:
        value = getattr(row, name)
        made.append(Path(name).remove() if value is None else Path(name).set(value))
    return made
