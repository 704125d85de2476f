"""Invitations to a role: by mail, once, for the owner of the address."""

from tessera import emails
from tessera.auth.audit import audit
from tessera.idempotency import Intent
from tessera.problems import NotFound, Problem
from tessera.tables import Key

from .. import rules
from ..accounts import Asker, User
from ..events import InvitationAccepted, InvitationCreated
from ..ports import Ports
from ..store import Invitation
from . import people, standing
from .refusals import on_record

PREFIX = "tin_"


def create(ports: Ports, email: str, roles: list[str], *, intent: Intent, asker: Asker) -> tuple[Invitation, bool]:
    """Keep the invitation and send it; and whether an earlier request had. 1 read, 1 transaction, 1 internal call.

    Raises `WouldEscalate`, `InvalidRequest`, and `Unavailable` when the mail cannot be asked for: then there is none.
    """
    assert asker.principal is not None
    definitions = standing.definitions(ports)
    wanted = standing.wanted_roles(roles, definitions)
    with on_record(ports, "invitation:", asker):
        rules.check_grant(standing.of_asker(asker), {rules.USER}, wanted, definitions)
    invitation_id = intent.id
    token = PREFIX + ports.invitations.secret_of(invitation_id)
    target, by = f"invitation:{invitation_id}", asker.principal
    told = audit("admin.invited", target, by=by, call=asker.call, changes={"roles": (None, wanted)})
    event = InvitationCreated(invitation_id=invitation_id, roles=sorted(wanted), by=by.id)
    made, replayed = ports.invitations.create(
        token, email, wanted, by=by.user_id or by.id, intent=intent, events=[event, told]
    )
    if replayed:
        return made, True
    try:
        # In the fragment, which no server and no proxy ever sees.
        link = f"{ports.settings.base}/#invite={token}"
        ports.accounts.mail(
            email,
            "staff-invitation",
            data={"roles": ", ".join(sorted(wanted)), "days": str(ports.settings.invitation_days)},
            secret={"link": link},
        )
    except Problem:
        ports.invitations.cancel(invitation_id, audit("admin.invitation-unsent", target, by=by, call=asker.call))
        raise
    return made, False


def page(ports: Ports, limit: int, after: Key | None) -> tuple[list[Invitation], Key | None]:
    return ports.invitations.page(limit, after)


def cancel(ports: Ports, invitation_id: str, *, asker: Asker) -> None:
    """Raises `NotFound`, `InvitationUsed`."""
    assert asker.principal is not None
    told = audit("admin.invitation-cancelled", f"invitation:{invitation_id}", by=asker.principal, call=asker.call)
    ports.invitations.cancel(invitation_id, told)


def is_invited(ports: Ports, token: str, email: str) -> bool:
    """Whether somebody with this address may come by this link. 1 read."""
    try:
        found = ports.invitations.by_token(token)
    except NotFound:
        return False
    return not found.is_over and emails.parse(found.email).key == emails.parse(email).key


def accept(ports: Ports, token: str, *, asker: Asker) -> tuple[Invitation, User]:
    """The caller gets the roles, if the address is theirs and the one who invited may still give them.

    1 read, 2 writes, 3 or 4 internal calls. Raises `NotFound`, `OtherAddress`, `InvitationUsed`, `InvitationExpired`,
    `InvitationVoid`.
    """
    assert asker.principal is not None and asker.principal.user_id is not None
    user_id = asker.principal.user_id
    invitation = ports.invitations.by_token(token)
    # By the address as `accounts` reads it, of which there is one spelling, and which its owner has confirmed.
    found, _ = ports.accounts.search({"email": invitation.email}, limit=1)
    if not found or found[0].id != user_id:
        raise rules.OtherAddress()
    user = found[0]
    wanted = user.roles | invitation.roles
    _still_good(ports, invitation, user, wanted)
    ports.invitations.claim(token, user_id)
    if wanted != user.roles:
        user = people.give(ports, user, wanted, asker=asker)
    done = audit(
        "admin.invitation-accepted",
        f"invitation:{invitation.id}",
        by=asker.principal,
        call=asker.call,
        changes={"roles": (None, invitation.roles)},
    )
    event = InvitationAccepted(invitation_id=invitation.id, user_id=user_id, roles=sorted(invitation.roles))
    return ports.invitations.finish(token, user_id, event, done), user


def _still_good(ports: Ports, invitation: Invitation, user: User, wanted: frozenset[str]) -> None:
    """Raises `InvitationVoid` when who invited was demoted or locked since."""
    try:
        state = ports.accounts.state(invitation.by)
        if state.status != "active":
            raise rules.InvitationVoid()
        inviter = standing.of_roles(invitation.by, state.roles, state.added)
        rules.check_grant(inviter, user.roles, wanted, standing.definitions(ports))
    except (rules.WouldEscalate, NotFound):
        raise rules.InvitationVoid() from None
