"""Invitations to a role."""

from typing import Annotated

from fastapi import Query, Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.cursors import InvalidCursor
from tessera.entry import Router
from tessera.entry import problems as declared
from tessera.entry.headers import IdempotencyKey
from tessera.etags import StaleVersion
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Page

from ..actions import invite as actions
from ..rules import InvitationExpired, InvitationUsed, InvitationVoid, OtherAddress, WouldEscalate
from ..schemas.roles import AcceptedOut, AcceptIn, InvitationIn, InvitationOut, InvitationParams
from .shared import PREFIX, TAGS, Bound, By, Keys, invitation_out, problems, staff

router = Router(prefix=f"{PREFIX}/invitations", tags=TAGS)

Inviter = Annotated[Principal, staff("admin:roles")]
Invited = Annotated[Principal, auth.require("accounts:self", kinds=("user",), rate="auth")]


@router.post("", status_code=201, responses=problems(WouldEscalate, IdempotencyMismatch, Gone, InvalidRequest))
async def create_invitation(
    body: InvitationIn,
    response: Response,
    caller: Inviter,
    ports: Bound,
    by: By,
    keys: Keys,
    key: IdempotencyKey = None,
) -> InvitationOut:
    """Invite the owner of an address to have these roles. The mail's link works once, for 7 days."""
    intent = keys.intent(key, caller, "POST /admin/invitations", body)
    made, replayed = actions.create(ports, body.email, body.roles, intent=intent, asker=by)
    if replayed:
        response.headers["Idempotent-Replay"] = "true"
    return invitation_out(made)


@router.get("", responses=problems(InvalidCursor))
async def list_invitations(
    asked: Annotated[InvitationParams, Query()], caller: Inviter, ports: Bound, keys: Keys
) -> Page[InvitationOut]:
    """Invitations, the newest first."""
    route = "GET /admin/invitations"
    state = keys.state(caller, route, asked, asked.cursor)
    found, following = actions.page(ports, asked.limit, state["after"] if state else None)
    cursor = keys.cursor(caller, route, asked, {"after": following} if following else None)
    return Page[InvitationOut](items=[invitation_out(one) for one in found], next=cursor)


@router.delete("/{invitation_id:ulid}", status_code=204, responses=problems(NotFound, InvitationUsed))
async def cancel_invitation(invitation_id: str, caller: Inviter, ports: Bound, by: By) -> None:
    """Withdraw an invitation that was not accepted."""
    actions.cancel(ports, invitation_id, asker=by)


@router.post(
    "/accept",
    responses=declared(NotFound, OtherAddress, InvitationUsed, InvitationExpired, InvitationVoid, StaleVersion),
)
async def accept_invitation(body: AcceptIn, caller: Invited, ports: Bound, by: By) -> AcceptedOut:
    """Take on the roles of an invitation to one's own address. Refresh the token to have them."""
    invitation, user = actions.accept(ports, body.token, asker=by)
    return AcceptedOut(invitation_id=invitation.id, roles=sorted(user.roles))
