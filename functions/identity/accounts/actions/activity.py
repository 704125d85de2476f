"""What happened to somebody's account, page by page."""

from typing import Any

from ..ports import Ports
from ..store import ActivityRow
from ..store.rows import user_pk


def page(
    ports: Ports, user_id: str, *, limit: int, state: dict[str, Any] | None
) -> tuple[list[ActivityRow], dict[str, Any] | None]:
    """Some entries, the newest first, and the state of the next page. 1 query."""
    after = {"pk": user_pk(user_id), "sk": str(state["sk"])} if state else None
    found = ports.activity.page(user_id, limit=limit, after=after)
    return found.rows, {"sk": found.next["sk"]} if found.next else None
