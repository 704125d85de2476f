"""How far people have read, who is typing, what was reported."""

from typing import Annotated

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, show_created
from tessera.problems import InvalidRequest, NotFound
from tessera.seqlog import LogContended
from tessera.types import Page

from ..actions import marks, reports
from ..rules.messages import MessageDeleted
from ..rules.rooms import LastOwner, MayNotPost, MembersFixed, NotAMember
from ..schemas.messages import (
    DeliveredIn,
    DeliveredOut,
    ReadIn,
    ReadOut,
    ReportActionIn,
    ReportIn,
    ReportOut,
    ReportParams,
)
from ..schemas.rooms import ReceiptsOut, ReceiptsParams
from ..store.rows import ReportRow
from .shared import PREFIX, TAGS, Asked, Bound, Keys, Moderator, Reader, Writer, after

router = Router(prefix=PREFIX, tags=TAGS)


@router.put("/rooms/{room_id:ulid}/read", responses=problems(NotFound, NotAMember, InvalidRequest))
async def mark_read(room_id: str, body: ReadIn, caller: Reader, ports: Bound) -> ReadOut:
    """Say how far you have read, in the room or in a thread of it."""
    if body.thread_root is not None:
        read_n, unread = marks.read_thread(
            ports, room_id, body.thread_root, body.n, mark_unread=body.mark_unread, by=caller
        )
        return ReadOut(read_n=read_n, unread=unread, mentions=0)
    found = marks.read(ports, room_id, body.n, mark_unread=body.mark_unread, by=caller)
    return ReadOut(read_n=found.read_n, unread=found.unread, mentions=found.mentions)


@router.put("/rooms/{room_id:ulid}/delivered", responses=problems(NotFound, NotAMember, InvalidRequest))
async def mark_delivered(room_id: str, body: DeliveredIn, caller: Reader, ports: Bound) -> DeliveredOut:
    """Say how far you have received."""
    return DeliveredOut(delivered_n=marks.delivered(ports, room_id, body.n, by=caller).deliv_n)


@router.get("/rooms/{room_id:ulid}/receipts", responses=problems(NotFound, NotAMember, InvalidRequest))
async def get_receipts(
    room_id: str, asked: Annotated[ReceiptsParams, Query()], caller: Reader, ports: Bound
) -> ReceiptsOut:
    """Who has read and who has received a message."""
    return ReceiptsOut.model_validate(marks.receipts(ports, room_id, asked.n, by=caller))


@router.post(
    "/rooms/{room_id:ulid}/typing",
    status_code=202,
    responses=problems(NotFound, NotAMember, MayNotPost, marks.TypingTooOften),
)
async def tell_typing(room_id: str, caller: Writer, ports: Bound) -> None:
    """Let the others see that you are typing, for five seconds."""
    marks.typing(ports, room_id, by=caller)


@router.post(
    "/rooms/{room_id:ulid}/messages/{message_id:ulid}/reports",
    status_code=201,
    responses=problems(NotFound, NotAMember, InvalidRequest, reports.AlreadyReported, MessageDeleted),
)
async def report_message(
    room_id: str,
    message_id: str,
    body: ReportIn,
    response: Response,
    caller: Writer,
    ports: Bound,
    keys: Keys,
    key: IdempotencyKey = None,
) -> ReportOut:
    """Tell moderators that something is wrong with a message. Each tells it once."""
    intent = keys.intent(key, caller, "POST /chat/reports", body)
    row = reports.file(ports, room_id, message_id, body.reason, body.note, by=caller, intent=intent)
    show_created(response, location=f"{PREFIX}/reports?state=open", version=1, replayed=False)
    return _report(row)


@router.get("/reports", responses=problems(InvalidRequest, InvalidCursor))
async def list_reports(
    asked: Annotated[ReportParams, Query()], caller: Moderator, ports: Bound, keys: Keys
) -> Page[ReportOut]:
    """Reports, the newest first."""
    route = "GET /chat/reports"
    state = keys.state(caller, route, asked, asked.cursor)
    rows, following = reports.page(ports, asked.state, asked.limit, after(state))
    cursor = keys.cursor(caller, route, asked, {"after": following} if following else None)
    return Page[ReportOut](items=[_report(row) for row in rows], next=cursor)


@router.post(
    "/reports/{report_id:ulid}/actions",
    responses=problems(
        NotFound, InvalidRequest, reports.ReportResolved, MessageDeleted, MembersFixed, LastOwner, LogContended
    ),
)
async def act_on_report(
    report_id: str, body: ReportActionIn, caller: Moderator, ports: Bound, call: Asked
) -> ReportOut:
    """Remove the message, warn its author, send them out of the room, or dismiss the report."""
    return _report(reports.act(ports, report_id, body.action, body.note, by=caller, call=call))


def _report(row: ReportRow) -> ReportOut:
    same = ("room_id", "message_id", "author_id", "reason", "note", "text", "state", "action")
    return ReportOut.model_validate(
        {
            **{name: getattr(row, name) for name in same},
            "id": row.pk.partition("#")[2],
            "created_at": row.created_at,
            "resolved_at": row.resolved_at,
        }
    )
