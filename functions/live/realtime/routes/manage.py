"""Connections, for staff."""

from typing import Annotated

from fastapi import Path, Query

from tessera import clock
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import manage
from ..schemas import ConnectionOut, ConnectionParams, ConnectionsOut
from ..store.rows import ConnectionRow
from .given import PREFIX, TAGS, Hub, Manager

router = Router(prefix=PREFIX, tags=TAGS)
MOST_SHOWN = 100

ClientName = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", max_length=36)]


@router.get("/connections", responses=problems(InvalidRequest))
async def list_connections(asked: Annotated[ConnectionParams, Query()], caller: Manager, hub: Hub) -> ConnectionsOut:
    """The connections of a user."""
    rows = manage.connections_of(hub, asked.user, MOST_SHOWN)
    return ConnectionsOut(items=[_out(row) for row in rows])


@router.delete("/connections/{client}", status_code=204, responses=problems(NotFound))
async def cut_connection(client: ClientName, caller: Manager, hub: Hub) -> None:
    """End one connection within seconds. Its client does not come back by itself."""
    manage.cut_client(hub, client)


@router.post("/users/{user_id:ulid}/disconnect", status_code=204)
async def disconnect_user(user_id: str, caller: Manager, hub: Hub) -> None:
    """End all connections of a user within seconds. Their clients do not come back by themselves."""
    manage.cut_user(hub, user_id)


def _out(row: ConnectionRow) -> ConnectionOut:
    return ConnectionOut(
        client=row.client or "",
        user=row.user or "",
        state="closing" if row.state == "closing" else "ready",
        topics=int(row.n_subs),
        opened_at=clock.from_millis(int(row.born)),
        heard_at=clock.from_millis(int(row.pong_at)),
        expires_at=None if row.expires_at is None else clock.from_millis(int(row.expires_at) * 1_000),
    )
