"""Who belongs to an organisation."""

from typing import Annotated

from fastapi import Query, Response

from tessera.auth.problems import SessionRevoked, TokenStale
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, required_version, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.problems import InvalidRequest, NotFound, Unavailable
from tessera.types import Page

from ..actions import members as actions
from ..rules.organisation import LastOwner, OrganisationDeleting, OwnersOnly, RoleTooLow, RoleUnknown
from ..schemas import MemberOut, MemberPatch, PageParams, TransferIn
from .shared import ONE, PREFIX, TAGS, Asked, Bound, Keys, LiveOwner, Reader, Writer, page_of, start_of

router = Router(prefix=f"{PREFIX}{ONE}", tags=TAGS)
MEMBER = "/members/{user_id:ulid}"


@router.get("/members", responses=problems(NotFound, OrganisationDeleting, InvalidCursor))
async def list_members(
    organisation_id: str, asked: Annotated[PageParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[MemberOut]:
    """Everybody in it, with their role. Names come from `/accounts/users/batch`."""
    route = f"GET /organisations/{organisation_id}/members"
    start = start_of(keys, caller, route, asked)
    found, after = actions.listed(ports, organisation_id, asked.limit, start, by=caller)
    return page_of(keys, caller, route, asked, [MemberOut.of(member) for member in found], after)


@router.get(MEMBER, responses=problems(NotFound, OrganisationDeleting))
async def get_member(organisation_id: str, user_id: str, response: Response, caller: Reader, ports: Bound) -> MemberOut:
    """One member."""
    found = actions.get(ports, organisation_id, user_id, by=caller)
    show_version(response, found.version)
    return MemberOut.of(found)


@router.patch(
    MEMBER,
    responses=problems(
        NotFound,
        RoleTooLow,
        OwnersOnly,
        LastOwner,
        RoleUnknown,
        OrganisationDeleting,
        StaleVersion,
        VersionRequired,
        InvalidRequest,
    ),
)
async def change_member(
    organisation_id: str,
    user_id: str,
    body: MemberPatch,
    response: Response,
    caller: Writer,
    ports: Bound,
    call: Asked,
    if_match: IfMatch = None,
) -> MemberOut:
    """Give a member another role. Their old tokens are refused within 15 seconds. For owners and admins."""
    version = required_version(if_match)
    found = actions.assign(ports, organisation_id, user_id, body.role, version, by=caller, call=call)
    show_version(response, found.version)
    return MemberOut.of(found)


@router.delete(
    MEMBER,
    status_code=204,
    responses=problems(NotFound, RoleTooLow, OwnersOnly, LastOwner, StaleVersion, OrganisationDeleting),
)
async def remove_member(
    organisation_id: str, user_id: str, caller: Writer, ports: Bound, call: Asked, if_match: IfMatch = None
) -> None:
    """Put a member out. Their tokens for the organisation are refused within 15 seconds. For owners and admins."""
    expect = expected_version(if_match, required=False)
    actions.remove(ports, organisation_id, user_id, expect=expect, by=caller, call=call)


@router.post("/leave", status_code=204, responses=problems(NotFound, LastOwner, OrganisationDeleting))
async def leave_organisation(organisation_id: str, caller: Writer, ports: Bound, call: Asked) -> None:
    """Leave it. The last owner makes somebody else one first."""
    actions.leave(ports, organisation_id, by=caller, call=call)


@router.post(
    "/transfer",
    responses=problems(
        NotFound, RoleTooLow, LastOwner, OrganisationDeleting, SessionRevoked, TokenStale, Unavailable, InvalidRequest
    ),
)
async def transfer_organisation(
    organisation_id: str, body: TransferIn, response: Response, caller: LiveOwner, ports: Bound, call: Asked
) -> MemberOut:
    """Make another member an owner in your place; you stay as an admin. For owners."""
    found = actions.transfer(ports, organisation_id, body.user_id, by=caller, call=call)
    show_version(response, found.version)
    return MemberOut.of(found)
