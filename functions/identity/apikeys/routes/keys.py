"""One's own keys, or those of the organisation one acts for."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query, Response

from tessera import clock
from tessera.auth.problems import InsufficientScope
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Page

from ..actions import change, create, end
from ..actions.given import check_manager, mine
from ..rules import ExpiryLater, KeyNotActive, ScopesWider, TooManyKeys
from ..schemas import (
    ClassCountOut,
    KeyIn,
    KeyMadeOut,
    KeyOut,
    KeyPatch,
    ListParams,
    RotateIn,
    StatusCountOut,
    UsageOut,
    UsageParams,
)
from .shared import PREFIX, TAGS, Asked, Bound, Keys, Maker, Owner, OwnerJustNow, all_shown, made_out, shown

router = Router(prefix=PREFIX, tags=TAGS)


@router.post(
    "",
    status_code=201,
    responses=problems(InvalidRequest, InsufficientScope, TooManyKeys, IdempotencyMismatch, Gone),
)
async def create_key(
    body: KeyIn, response: Response, caller: Maker, ports: Bound, keys: Keys, call: Asked, key: IdempotencyKey = None
) -> KeyMadeOut:
    """Make a key. It is shown this once: a repetition of the request is answered without it."""
    wanted = create.Wanted(body.name, body.scopes, body.env, body.life, body.ip_allow, body.plan)
    intent = keys.intent(key, caller, "POST /apikeys", body)
    made = create.create(ports, wanted, caller=caller, call=call, intent=intent)
    location, version = f"{PREFIX}/{made.row.key_id}", int(made.row.version)
    show_created(response, location=location, version=version, replayed=made.text is None)
    return made_out(made.row, made.text)


@router.get("", responses=problems(InvalidRequest, InvalidCursor, InsufficientScope))
async def list_keys(asked: Annotated[ListParams, Query()], caller: Owner, ports: Bound, keys: Keys) -> Page[KeyOut]:
    """Your keys, the newest first; what has ended can be looked at for 90 days."""
    check_manager(caller)
    route = "GET /apikeys"
    state = keys.state(caller, route, asked, asked.cursor)
    rows, after = ports.keys.page(caller.owner_id, asked.limit, state["after"] if state else None)
    following = keys.cursor(caller, route, asked, {"after": after} if after else None)
    return Page[KeyOut](items=all_shown(ports, rows), next=following)


@router.get("/{key_id:ulid}", responses=problems(NotFound, InsufficientScope))
async def get_key(key_id: str, response: Response, caller: Owner, ports: Bound) -> KeyOut:
    """One key, and when and from where it was used last."""
    row = mine(ports, caller, key_id)
    show_version(response, int(row.version))
    return shown(ports, row)


@router.patch(
    "/{key_id:ulid}",
    responses=problems(
        NotFound,
        StaleVersion,
        VersionRequired,
        KeyNotActive,
        ScopesWider,
        ExpiryLater,
        InvalidRequest,
        InsufficientScope,
    ),
)
async def patch_key(
    key_id: str,
    body: KeyPatch,
    response: Response,
    caller: OwnerJustNow,
    ports: Bound,
    call: Asked,
    if_match: IfMatch = None,
) -> KeyOut:
    """Change a key: its name, where it works from, less of what it may do, an earlier end."""
    version = required_version(if_match)
    row = change.change(ports, key_id, body.changes(), version=version, caller=caller, call=call)
    show_version(response, int(row.version))
    return shown(ports, row)


@router.post("/{key_id:ulid}/rotate", responses=problems(NotFound, KeyNotActive, StaleVersion, InsufficientScope))
async def rotate_key(
    key_id: str, body: RotateIn, response: Response, caller: OwnerJustNow, ports: Bound, call: Asked
) -> KeyMadeOut:
    """Give a key a new secret, shown this once. The old one goes on until the overlap is over."""
    overlap = timedelta(seconds=body.overlap_s)
    made = change.rotate(ports, key_id, overlap, caller=caller, call=call)
    show_version(response, int(made.row.version))
    return made_out(made.row, made.text)


@router.post("/{key_id:ulid}/revoke", responses=problems(NotFound, InsufficientScope))
async def revoke_key(key_id: str, response: Response, caller: Owner, ports: Bound, call: Asked) -> KeyOut:
    """End a key at once and for good. Asking again changes nothing."""
    row = end.revoke(ports, key_id, caller=caller, call=call)
    show_version(response, int(row.version))
    return shown(ports, row)


@router.get("/{key_id:ulid}/usage", responses=problems(NotFound, InvalidRequest, InsufficientScope))
async def get_key_usage(key_id: str, asked: Annotated[UsageParams, Query()], caller: Owner, ports: Bound) -> UsageOut:
    """What a key did on one day, by class of request and by how it was answered."""
    row = mine(ports, caller, key_id)
    day = asked.day or clock.now().date()
    used = ports.keys.used([row]).get(key_id)
    requests = sorted(used.requests.items()) if used else []
    answers = sorted(used.answers.items()) if used else []
    by_class = [ClassCountOut(rate_class=name, count=count) for (on, name), count in requests if on == day]
    return UsageOut(
        day=day,
        requests=sum(one.count for one in by_class),
        by_class=by_class,
        by_status=[
            StatusCountOut(rate_class=name, status=f"{first}xx", count=count)
            for (on, name, first), count in answers
            if on == day
        ],
    )
