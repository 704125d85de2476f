"""What staff may do with everybody's keys."""

from typing import Annotated

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import show_version
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Page

from ..actions import end
from ..schemas import KeyOut, OwnerParams, RevokeAllIn, RevokedOut
from .shared import PREFIX, TAGS, Asked, Bound, Keys, Manager, Revoker, all_shown, shown

router = Router(prefix=f"{PREFIX}/admin", tags=TAGS)


@router.get("/keys", responses=problems(InvalidRequest, InvalidCursor))
async def list_keys_of_owner(
    asked: Annotated[OwnerParams, Query()], caller: Manager, ports: Bound, keys: Keys
) -> Page[KeyOut]:
    """The keys of a user or an organisation, the newest first."""
    route = "GET /apikeys/admin/keys"
    state = keys.state(caller, route, asked, asked.cursor)
    rows, after = ports.keys.page(asked.owner_id, asked.limit, state["after"] if state else None)
    following = keys.cursor(caller, route, asked, {"after": after} if after else None)
    return Page[KeyOut](items=all_shown(ports, rows), next=following)


@router.get("/keys/{key_id:ulid}", responses=problems(NotFound))
async def get_any_key(key_id: str, response: Response, caller: Manager, ports: Bound) -> KeyOut:
    """Anybody's key."""
    row = ports.keys.get(key_id)
    show_version(response, int(row.version))
    return shown(ports, row)


@router.post("/keys/{key_id:ulid}/revoke", responses=problems(NotFound))
async def revoke_any_key(key_id: str, response: Response, caller: Revoker, ports: Bound, call: Asked) -> KeyOut:
    """End anybody's key at once and for good."""
    row = end.revoke_any(ports, key_id, caller=caller, call=call)
    show_version(response, int(row.version))
    return shown(ports, row)


@router.post("/revoke-all", responses=problems(InvalidRequest))
async def revoke_keys_of_owner(body: RevokeAllIn, caller: Manager, ports: Bound, call: Asked) -> RevokedOut:
    """End every key of a user or an organisation."""
    return RevokedOut(revoked=end.revoke_all(ports, body.owner_id, reason="by_staff", caller=caller, call=call))
