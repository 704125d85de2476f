"""For those who run it: attempts, dead letters, and bringing them back."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Path, Query

from tessera.auth.principal import Principal
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.signing import Signing
from tessera.problems import FieldError, InvalidRequest, NotFound
from tessera.types import Page, Params

from ..actions import manage
from ..rules.problems import NotRedrivable
from ..staff_schemas import DeadParams, DeliveryOut, DeliveryParams, RedriveIn, RedriveOut
from ..store.rows import LISTED, DeliveryRow
from .given import PREFIX, TAGS, Bound, Keys, Manager

router = Router(prefix=PREFIX, tags=TAGS)
DeliveryPath = Annotated[str, Path(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}-(email|sms|push|webhook)$", max_length=40)]


@router.get("/deliveries", responses=problems(InvalidRequest, InvalidCursor))
async def list_deliveries(
    asked: Annotated[DeliveryParams, Query()], caller: Manager, ports: Bound, keys: Keys
) -> Page[DeliveryOut]:
    """Those of a person, or those that failed or are dead, newest first. A page may be short."""
    route = "GET /notifications/deliveries"
    place = keys.state(caller, route, asked, asked.cursor)
    after = place and place["after"]
    if asked.user is not None:
        found = ports.store.deliveries.of_user(asked.user, asked.limit, after, state=asked.state, type=asked.type)
    elif asked.state in LISTED:
        found = ports.store.deliveries.in_state(str(asked.state), asked.limit, after, type=asked.type)
    else:
        told = "Name a user, or a state that is failed or dead."
        raise InvalidRequest(told, errors=[FieldError("?user", told)])
    return _page(found.rows, found.next, caller, keys, route, asked=asked)


@router.get("/dead-letters", responses=problems(InvalidCursor))
async def list_dead_letters(
    asked: Annotated[DeadParams, Query()], caller: Manager, ports: Bound, keys: Keys
) -> Page[DeliveryOut]:
    """Deliveries that wait for a person, newest first."""
    route = "GET /notifications/dead-letters"
    place = keys.state(caller, route, asked, asked.cursor)
    found = ports.store.deliveries.in_state("dead", asked.limit, place and place["after"])
    return _page(found.rows, found.next, caller, keys, route, asked=asked)


@router.post("/dead-letters/{delivery_id}/redrive", status_code=202, responses=problems(NotFound, NotRedrivable))
async def redrive_delivery(delivery_id: DeliveryPath, caller: Manager, ports: Bound) -> DeliveryOut:
    """Give one that failed or is dead all its attempts again."""
    return _out(manage.redrive(ports, delivery_id))


@router.post("/dead-letters/redrive", status_code=202, responses=problems(InvalidRequest))
async def redrive_messages(body: RedriveIn, caller: Manager, ports: Bound) -> RedriveOut:
    """Another try for the messages that the queue itself gave up on."""
    return RedriveOut(messages=manage.redrive_messages(ports, body.limit))


def _page(
    rows: Sequence[DeliveryRow],
    following: Mapping[str, str] | None,
    caller: Principal,
    keys: Signing,
    route: str,
    *,
    asked: Params,
) -> Page[DeliveryOut]:
    state = {"after": following} if following else None
    return Page(items=[_out(row) for row in rows], next=keys.cursor(caller, route, asked, state))


def _out(row: DeliveryRow) -> DeliveryOut:
    made: dict[str, Any] = {
        "id": manage.delivery_id_of(row),
        "notification_id": row.id,
        "channel": row.channel,
        "user_id": row.user_id,
        "type": row.type,
        "state": row.state,
        "reason": row.reason,
        "attempts": int(row.attempts),
        "next_at": row.next_at,
        "provider_id": row.provider_id,
        "batch_id": row.batch_id,
        "created_at": row.created_at,
        "history": list(row.history),
    }
    return DeliveryOut.model_validate(made)
