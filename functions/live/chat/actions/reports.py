"""Messages that somebody finds wrong, and what moderators do about them."""

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.live import user_topic
from tessera.problems import Problem
from tessera.tables import Key
from tessera.transact import Step, telling, transact

from .. import events
from ..ports import Ports
from ..rules.messages import MessageDeleted
from ..rules.rooms import MembersFixed, Role
from ..store.reports import OPEN, listed_under, report_pk
from ..store.rows import MAIN, ReportRow
from .access import person
from .changes import delete, visible
from .members import take_out


class AlreadyReported(Problem):
    status, slug, title = 409, "already-reported", "You have reported this message"


class ReportResolved(Problem):
    status, slug, title = 409, "report-resolved", "The report is done with"


def file(
    ports: Ports, room_id: str, message_id: str, reason: str, note: str | None, *, by: Principal, intent: Intent
) -> ReportRow:
    """A report with what was said, as it stands now. Raises `AlreadyReported`. 3 requests."""
    user_id = person(by)
    _, message = visible(ports, room_id, message_id, user_id)
    if message.deleted_at is not None:
        raise MessageDeleted("There is nothing left to report.")
    row = ReportRow(
        pk=report_pk(intent.id),
        sk=MAIN,
        room_id=room_id,
        message_id=message_id,
        author_id=message.author_id,
        by=user_id,
        reason=reason,
        note=note,
        text=message.text,
        state=OPEN,
        created_at=clock.rfc3339(clock.now()),
        gs1_pk=listed_under(OPEN),
        gs1_sk=intent.id,
    )
    event = events.ReportCreated(
        report_id=intent.id, room_id=room_id, message_id=message_id, author_id=message.author_id, reason=reason
    )
    once = ports.messages.reporting(message, user_id, AlreadyReported)
    transact(once, ports.reports.filing(row, event))
    return row


def page(ports: Ports, state: str, limit: int, after: Key | None) -> tuple[list[ReportRow], Key | None]:
    return ports.reports.page(state, limit, after)


def act(ports: Ports, report_id: str, action: str, note: str | None, *, by: Principal, call: Call) -> ReportRow:
    """Do something about a report, which closes it in the same transaction, with its entry in the audit trail.

    Raises `ReportResolved`; and `MessageDeleted` or `MembersFixed` for what cannot be done any more, or there.
    """
    row = ports.reports.get(report_id)
    if row.state != OPEN:
        raise ReportResolved(f"It was closed with: {row.action}.")
    target = f"message:{row.message_id}"
    entry = audit(
        f"chat.report-{action}", target, by=by, call=call, reason=note, room=row.room_id, author=row.author_id
    )
    closing = [ports.reports.resolving(row, action, person(by), ReportResolved()), telling(ports.reports.table, entry)]
    if action == "remove":
        delete(ports, row.room_id, row.message_id, None, by=by, more=closing, is_staff=True)
    elif action == "ban":
        _ban(ports, row, closing, by)
    elif action == "warn":
        _warn(ports, row, closing)
    else:
        transact(*closing)
    return ports.reports.get(report_id)


def _ban(ports: Ports, row: ReportRow, closing: list[Step], by: Principal) -> None:
    room = ports.rooms.room(row.room_id)
    if room.dm_users:
        raise MembersFixed("Nobody is sent out of a conversation.")
    take_out(
        ports,
        row.room_id,
        row.author_id,
        by=person(by),
        change="banned",
        role=Role.BANNED,
        more=closing,
        by_force=True,
    )


def _warn(ports: Ports, row: ReportRow, closing: list[Step]) -> None:
    warned = events.UserWarned(user_id=row.author_id, room_id=row.room_id, message_id=row.message_id, at=clock.now())
    data = {"kind": "chat.warned", "room_id": row.room_id, "message_id": row.message_id}
    steps = [*closing, telling(ports.reports.table, warned)]
    ports.live.publish(user_topic(row.author_id), data, also=lambda made: steps)
