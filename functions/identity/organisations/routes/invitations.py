"""How people come in: by invitation, or by the domain of their address."""

from typing import Annotated

from fastapi import Query, Response

from tessera.auth.problems import InsufficientScope, RateLimited
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, show_created, show_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound, Unavailable
from tessera.types import Page

from ..actions import invitations as actions
from ..actions import joining
from ..rules.organisation import (
    AlreadyInvited,
    AlreadyMember,
    InvitationExpired,
    InvitationRequired,
    InvitationUsed,
    OrganisationDeleting,
    OtherAddress,
    OwnersOnly,
    RoleTooLow,
    RoleUnknown,
    SeatsExhausted,
    TooManyInvitations,
)
from ..schemas import AcceptIn, InvitationIn, InvitationOut, JoinableOut, JoinablesOut, JoinedOut, PageParams
from .shared import ONE, PREFIX, TAGS, Asked, Bound, Keys, Person, Reader, Writer, page_of, start_of

router = Router(prefix=PREFIX, tags=TAGS)
INVITATIONS = f"{ONE}/invitations"
INVITATION = f"{INVITATIONS}/{{invitation_id:ulid}}"


@router.post(
    "/invitations/accept",
    responses=problems(
        NotFound,
        OtherAddress,
        InsufficientScope,
        AlreadyMember,
        InvitationUsed,
        SeatsExhausted,
        InvitationExpired,
        Unavailable,
        InvalidRequest,
    ),
)
async def accept_invitation(body: AcceptIn, caller: Writer, ports: Bound, call: Asked) -> JoinedOut:
    """Become a member by the link of a mail, with the account whose confirmed address it was sent to."""
    return JoinedOut.of(*actions.accept(ports, body.token, by=caller, call=call))


@router.get("/joinable", responses=problems(InsufficientScope, Unavailable))
async def list_joinable_organisations(caller: Person, ports: Bound, call: Asked) -> JoinablesOut:
    """The organisations that the domain of your confirmed address lets you join."""
    found = joining.joinable(ports, by=caller, call=call)
    return JoinablesOut(items=[JoinableOut.of(*one) for one in found])


@router.post(
    f"{ONE}/join",
    responses=problems(
        NotFound, InvitationRequired, InsufficientScope, AlreadyMember, SeatsExhausted, Unavailable, InvalidRequest
    ),
)
async def join_organisation(organisation_id: str, caller: Writer, ports: Bound, call: Asked) -> JoinedOut:
    """Become a member by the domain of your confirmed address, where the organisation lets it."""
    return JoinedOut.of(*joining.join(ports, organisation_id, by=caller, call=call))


@router.post(
    INVITATIONS,
    status_code=201,
    responses=problems(
        NotFound,
        RoleTooLow,
        OwnersOnly,
        AlreadyMember,
        AlreadyInvited,
        RoleUnknown,
        TooManyInvitations,
        OrganisationDeleting,
        RateLimited,
        Unavailable,
        InvalidRequest,
        IdempotencyMismatch,
        Gone,
    ),
)
async def create_invitation(
    organisation_id: str,
    body: InvitationIn,
    response: Response,
    caller: Writer,
    ports: Bound,
    keys: Keys,
    call: Asked,
    key: IdempotencyKey = None,
) -> InvitationOut:
    """Invite an address by mail, for seven days. The answer is the same whether or not it has an account."""
    intent = keys.intent(key, caller, f"POST /organisations/{organisation_id}/invitations", body)
    made, replayed = actions.invite(ports, organisation_id, body.email, body.role, by=caller, call=call, intent=intent)
    location = f"{PREFIX}/{organisation_id}/invitations/{made.id}"
    show_created(response, location=location, version=made.version, replayed=replayed)
    return InvitationOut.of(made)


@router.get(INVITATIONS, responses=problems(NotFound, RoleTooLow, OrganisationDeleting, InvalidCursor))
async def list_invitations(
    organisation_id: str, asked: Annotated[PageParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[InvitationOut]:
    """Open invitations, the newest first. For owners and admins."""
    route = f"GET /organisations/{organisation_id}/invitations"
    start = start_of(keys, caller, route, asked)
    found, after = actions.listed(ports, organisation_id, asked.limit, start, by=caller)
    return page_of(keys, caller, route, asked, [InvitationOut.of(one) for one in found], after)


@router.get(INVITATION, responses=problems(NotFound, RoleTooLow, OrganisationDeleting))
async def get_invitation(
    organisation_id: str, invitation_id: str, response: Response, caller: Reader, ports: Bound
) -> InvitationOut:
    """One open invitation. For owners and admins."""
    found = actions.get(ports, organisation_id, invitation_id, by=caller)
    show_version(response, found.version)
    return InvitationOut.of(found)


@router.delete(INVITATION, status_code=204, responses=problems(NotFound, RoleTooLow, OwnersOnly, OrganisationDeleting))
async def withdraw_invitation(
    organisation_id: str, invitation_id: str, caller: Writer, ports: Bound, call: Asked
) -> None:
    """Take an open invitation back: its link does nothing any more. For owners and admins."""
    actions.withdraw(ports, organisation_id, invitation_id, by=caller, call=call)


@router.post(
    f"{INVITATION}/resend",
    status_code=202,
    responses=problems(
        NotFound, RoleTooLow, OwnersOnly, AlreadyInvited, TooManyInvitations, OrganisationDeleting, RateLimited
    ),
)
async def resend_invitation(
    organisation_id: str, invitation_id: str, response: Response, caller: Writer, ports: Bound, call: Asked
) -> InvitationOut:
    """Send another mail, good for seven days; older links are good no more. An address gets at most four an hour."""
    found = actions.resend(ports, organisation_id, invitation_id, by=caller, call=call)
    show_version(response, found.version)
    return InvitationOut.of(found)
