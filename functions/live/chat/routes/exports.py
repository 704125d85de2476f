"""A room as a file."""

from typing import Annotated

from fastapi import Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.entry.jobs import JobOut, show_accepted
from tessera.problems import NotFound

from ..actions import exporting
from ..rules.exports import ExportRunning
from ..rules.rooms import NotAllowed, NotAMember
from ..schemas.exports import RoomFileOut
from .shared import PREFIX, TAGS, Asked, Bound, Reader

router = Router(prefix=f"{PREFIX}/rooms/{{room_id:ulid}}", tags=TAGS)
Mover = Annotated[Principal, auth.require("chat:write", rate="expensive")]


@router.post("/export", status_code=202, responses=problems(NotFound, NotAMember, NotAllowed, ExportRunning))
async def export_room(room_id: str, response: Response, caller: Mover, ports: Bound, call: Asked) -> JobOut:
    """Have what you may read of a room written to a file: for its owners."""
    return show_accepted(response, "chat", exporting.start(ports, room_id, by=caller, call=call))


@router.get("/exports/{job_id:ulid}", responses=problems(NotFound, NotAMember, NotAllowed))
async def get_room_export(room_id: str, job_id: str, caller: Reader, ports: Bound) -> RoomFileOut:
    """Where to fetch a finished export of yours, for a quarter of an hour; the file is there for 20 hours."""
    job, url, until = exporting.link(ports, room_id, job_id, by=caller)
    told = job.result or {}
    counts = {name: told[name] for name in ("size_bytes", "members", "messages", "replies")}
    return RoomFileOut(url=url, expires_at=until, **counts)
