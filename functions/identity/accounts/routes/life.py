"""What happened to the account of the caller, taking everything along, and leaving."""

from typing import Annotated, Any, cast

from fastapi import Query, Response

from tessera import auth, clock
from tessera.auth.principal import Principal
from tessera.auth.problems import ImpersonationForbidden, StepUpRequired
from tessera.cursors import InvalidCursor
from tessera.entry import Router, bound, problems
from tessera.entry.jobs import JobOut, show_accepted
from tessera.entry.signing import Signing
from tessera.problems import NotFound, Unavailable
from tessera.types import Page

from ..actions import activity, deletion, exports, tickets
from ..rules import LastOwner, NotActive
from ..schemas import ActivityOut, ActivityParams, DeletionOut, LinkOut, TicketOut
from ..store import ActivityRow
from .shared import PREFIX, TAGS, Asked, Bound, Myself, MyselfJustNow, user_id_of

router = Router(prefix=PREFIX, tags=TAGS)
Keys = Annotated[Signing, bound(Signing)]
Exporter = Annotated[Principal, auth.require("accounts:self", kinds=("user",), rate="expensive")]
# A ticket is good for whom the caller acts as just now, an organisation too.
Connecting = Annotated[Principal, auth.require("accounts:self", kinds=("user",), in_organisation=True)]
ACTIVITY = "GET /accounts/me/activity"
MAX_DETAIL = 300


@router.get("/me/activity", responses=problems(InvalidCursor))
async def list_activity(
    asked: Annotated[ActivityParams, Query()], caller: Myself, ports: Bound, keys: Keys
) -> Page[ActivityOut]:
    """What happened to the account in the last 90 days, newest first: sign-ins, new passwords, what staff did."""
    state = keys.state(caller, ACTIVITY, asked, asked.cursor)
    rows, following = activity.page(ports, user_id_of(caller), limit=asked.limit, state=state)
    return Page(items=[_out(row) for row in rows], next=keys.cursor(caller, ACTIVITY, asked, following))


@router.post("/me/export", status_code=202, responses=problems(NotFound, Unavailable))
async def export_everything(caller: Exporter, ports: Bound, call: Asked, response: Response) -> JobOut:
    """Gather everything the account has in one file. Within a day the answer is the same export."""
    return show_accepted(response, "accounts", exports.ask(ports, user_id_of(caller), caller=caller, call=call))


@router.get("/me/exports/{job_id:ulid}", responses=problems(NotFound, ImpersonationForbidden))
async def download_export(job_id: str, caller: Myself, ports: Bound) -> LinkOut:
    """A link to a finished export, which is kept for 24 hours."""
    if caller.actor is not None:
        # Everything there is of somebody is for nobody but them, whoever may look at their account.
        raise ImpersonationForbidden()
    url, until = exports.link(ports, user_id_of(caller), job_id)
    return LinkOut(url=url, expires_at=until)


@router.delete("/me", responses=problems(NotFound, StepUpRequired, LastOwner, NotActive))
async def delete_account(caller: MyselfJustNow, ports: Bound, call: Asked) -> DeletionOut:
    """Leave. Every session ends; whoever signs in within 30 days keeps the account, then everything is erased."""
    return DeletionOut(erased_after=deletion.leave(ports, user_id_of(caller), caller=caller, call=call))


@router.post("/tickets", status_code=201)
async def issue_ticket(caller: Connecting, ports: Bound) -> TicketOut:
    """A ticket for what cannot send a header: a WebSocket or a download, once, within 30 seconds."""
    text, ticket = tickets.issue(ports, caller)
    return TicketOut(ticket=text, expires_at=clock.from_millis(ticket.expires_at * 1000))


def _out(row: ActivityRow) -> ActivityOut:
    return ActivityOut(
        id=row.entry_id,
        at=clock.parse(row.at),
        action=row.action,
        by=cast(Any, row.by),
        place=row.place,
        session_id=row.session_id,
        detail={name: _short(value) for name, value in (row.detail or {}).items()},
    )


def _short(value: str | int | bool | None) -> str | int | bool | None:
    return value[:MAX_DETAIL] if isinstance(value, str) else value
