from typing import Annotated, Literal

from fastapi import Query, Response

from tessera import clock
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Cursor, Day, Limit, Page, Params

from ..actions import manage
from ..rules import Suppression
from ..schemas import (
    Address,
    MailSummaryOut,
    RedriveIn,
    RedriveOut,
    SendingOut,
    StatsOut,
    StreamOut,
    SuppressionIn,
    SuppressionOut,
)
from ..store import Place
from .emails import summary
from .given import Keys, Manager, Store

router = Router(prefix="/outbox", tags=["outbox"])


class PageParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class AddressParams(Params):
    address: Address


class DayParams(Params):
    day: Day | None = None


@router.get("/suppressions", responses=problems(InvalidCursor))
async def suppressions(
    asked: Annotated[PageParams, Query()], caller: Manager, store: Store, keys: Keys
) -> Page[SuppressionOut]:
    """Addresses that get no mail, newest first."""
    route = "GET /outbox/suppressions"
    place = keys.state(caller, route, asked, asked.cursor)
    found, after = store.suppressions.page(asked.limit, place and place["after"])
    following = {"after": after} if after else None
    return Page(items=[SuppressionOut(**one) for one in found], next=keys.cursor(caller, route, asked, following))


@router.post("/suppressions", status_code=201, responses=problems(InvalidRequest))
async def suppress(body: SuppressionIn, caller: Manager, store: Store) -> SuppressionOut:
    """Send nothing to an address from now on."""
    wanted = Suppression(reason="manual", bulk_only=body.bulk_only, until=body.until)
    store.suppressions.put(body.address, wanted)
    return SuppressionOut(
        address=body.address,
        reason="manual",
        bulk_only=body.bulk_only,
        until=body.until,
        hits=0,
        created_at=clock.now(),
    )


@router.delete("/suppressions", status_code=204, responses=problems(NotFound))
async def lift(asked: Annotated[AddressParams, Query()], caller: Manager, store: Store) -> Response:
    """Send to an address again."""
    if not store.suppressions.lift(asked.address):
        raise NotFound("The address is not suppressed.")
    return Response(status_code=204)


@router.get("/dead-letters", responses=problems(InvalidCursor))
async def dead_letters(
    asked: Annotated[PageParams, Query()], caller: Manager, store: Store, keys: Keys
) -> Page[MailSummaryOut]:
    """Mails that could not be sent and wait for a person, newest first. A page may be short."""
    route = "GET /outbox/dead-letters"
    place = keys.state(caller, route, asked, asked.cursor)
    mails, following = store.listing.in_state("dead", asked.limit, Place(**place) if place else None)
    state = {"day": following.day, "after": following.after} if following else None
    return Page(items=[summary(mail) for mail in mails], next=keys.cursor(caller, route, asked, state))


@router.post("/dead-letters/redrive", status_code=202, responses=problems(InvalidRequest))
async def redrive(body: RedriveIn, caller: Manager, store: Store) -> RedriveOut:
    """Queue dead mails again; without ids also what the queue itself gave up on."""
    mails, messages = manage.redrive(store, body.ids, at_most=body.limit)
    return RedriveOut(mails=mails, messages=messages)


@router.get("/sending")
async def sending(caller: Manager, store: Store) -> SendingOut:
    """What may be sent now, and how much of the last thousand mails came back."""
    return _sending(store)


@router.post("/sending/resume")
async def resume_sending(caller: Manager, store: Store) -> SendingOut:
    """Somebody has seen to it: count anew what comes back, and try at once whether the provider takes mails."""
    manage.resume(store)
    return _sending(store)


@router.get("/stats")
async def stats(asked: Annotated[DayParams, Query()], caller: Manager, store: Store) -> StatsOut:
    """The sums of one day, today unless another is named."""
    day = asked.day or clock.now().date()
    totals = store.listing.totals(f"{day:%Y%m%d}")
    sent = max(1, totals["sent"])
    return StatsOut(
        day=day.isoformat(),
        **totals,
        bounce_percent=round(100 * totals["bounced"] / sent, 2),
        complaint_percent=round(100 * totals["complained"] / sent, 3),
    )


def _sending(store: Store) -> SendingOut:
    found, paused_until = store.guard.reputation()
    usual: Literal["open", "paused"] = "paused" if paused_until else "open"
    return SendingOut(
        transactional=StreamOut(state=usual),
        bulk=StreamOut(state="held" if found.stops_bulk else usual),
        probe_at=clock.from_millis(paused_until * 1000) if paused_until else None,
        bounced=found.recent("bounced"),
        complained=found.recent("complained"),
    )
