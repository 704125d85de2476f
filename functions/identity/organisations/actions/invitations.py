"""Invitations: sent, sent again, taken back, accepted, run out."""

from pynamodb.expressions.operand import Path

from tessera import clock, emails
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.gcra import Window
from tessera.idempotency import Intent
from tessera.policies import Policy
from tessera.problems import NotFound
from tessera.transact import transact

from .. import addresses
from ..events import InvitationSent
from ..people import Person
from ..ports import Ports
from ..rules.organisation import (
    INVITATION_LIFE,
    MANAGERS,
    MAX_INVITATIONS,
    MAX_SENDS,
    AlreadyMember,
    Invitation,
    InvitationExpired,
    InvitationUsed,
    Member,
    Organisation,
    OtherAddress,
    Status,
    TooManyInvitations,
    check_reach,
)
from ..rules.tokens import Link, parse
from ..store.invitations import Closed
from ..store.organisations import Moved
from ..store.rows import OrganisationRow, invitation_of
from .access import Standing, as_oneself, enter, person, settled
from .joining import coming_in, inside

ACCEPTED, WITHDRAWN, EXPIRED = "accepted", "withdrawn", "expired"
TEMPLATE = "organisation-invitation"
# Each invitation is a mail to somebody who has not asked for one.
PER_ORGANISATION = Policy("organisations:invite", (Window(60, 3_600, 30),), fail="closed")
# Organisations are made and deleted as fast as one likes.
PER_PERSON = Policy("organisations:inviter", (Window(120, 3_600, 60),), fail="closed")
# Of an address and not of an invitation, which can be taken back and made anew.
PER_ADDRESS = Policy("organisations:address", (Window(4, 3_600, 4),), fail="closed")


def invite(
    ports: Ports, organisation_id: str, email: str, role: str, *, by: Principal, call: Call, intent: Intent
) -> tuple[Invitation, bool]:
    """An open invitation, its mail on the way; whether the same request had made it before.

    1 internal call, 3 requests.

    The answer is the same whether or not the address has an account. Raises `AlreadyMember`, `AlreadyInvited`,
    `OwnersOnly`, `RoleUnknown`, `TooManyInvitations`, `RateLimited`, and what `enter` raises.
    """

    def look() -> Standing:
        return enter(ports, by, organisation_id, MANAGERS)

    seen = look()
    check_reach(seen.role, role)
    address = addresses.mailable(email)
    address_key = ports.address_key(address.key)
    ports.charge(PER_ORGANISATION, f"organisation:{organisation_id}")
    ports.charge(PER_PERSON, f"user:{person(by)}")
    _charge_address(ports, organisation_id, address_key)
    known = ports.people.with_address(address.spelled, call)
    # Looked up also for an address that nobody has, so that the answer takes as long.
    if ports.members.find(organisation_id, known.id if known else organisation_id) is not None:
        raise AlreadyMember("Somebody with this address is a member.")
    now = clock.now()
    new = Invitation(
        id=intent.id,
        organisation_id=organisation_id,
        email=address.spelled,
        address=address_key,
        role=role,
        sends=1,
        mailed=0,
        invited_by=person(by),
        created_at=now,
        expires_at=now + INVITATION_LIFE,
        version=1,
    )
    return settled(look, lambda found: _invite(ports, found, new, by=by, call=call, intent=intent), seen=seen)


def _invite(
    ports: Ports, seen: Standing, new: Invitation, *, by: Principal, call: Call, intent: Intent
) -> tuple[Invitation, bool]:
    check_reach(seen.role, new.role)
    created = ports.invitations.create(
        new,
        intent,
        ports.invitations.holding_address(new),
        ports.organisations.changing(
            seen.organisation,
            OrganisationRow.invitations.add(1),
            also=Path("invitations") < MAX_INVITATIONS,
            refused=TooManyInvitations(),
        ),
        *ports.roles.counting(new.organisation_id, taken=new.role),
        ports.trail.noting(new.organisation_id, "invited", f"invitation:{new.id}", by=by, call=call, role=new.role),
        event=_sent(new, 1, by),
    )
    return invitation_of(created.row), created.replayed


def listed(
    ports: Ports, organisation_id: str, limit: int, after: str | None, *, by: Principal
) -> tuple[list[Invitation], str | None]:
    """Open ones, the newest first, and where the next page starts. 2 requests."""
    enter(ports, by, organisation_id, MANAGERS)
    return ports.invitations.page(organisation_id, limit, after)


def get(ports: Ports, organisation_id: str, invitation_id: str, *, by: Principal) -> Invitation:
    """2 requests. Raises `NotFound`."""
    enter(ports, by, organisation_id, MANAGERS)
    return _open(ports, organisation_id, invitation_id)


def resend(ports: Ports, organisation_id: str, invitation_id: str, *, by: Principal, call: Call) -> Invitation:
    """Another mail with a link of its own, good for seven days; older links are good no more. 4 requests.

    Raises `RateLimited`, `TooManyInvitations`, `AlreadyInvited`, `OwnersOnly`, and what `enter` raises.
    """

    def look() -> tuple[Standing, Invitation]:
        return enter(ports, by, organisation_id, MANAGERS), _open(ports, organisation_id, invitation_id)

    def decide(found: tuple[Standing, Invitation]) -> None:
        seen, invitation = found
        check_reach(seen.role, invitation.role)
        if invitation.sends > known.sends:
            # Somebody has just sent it again, which is what was asked for.
            return
        if invitation.sends >= MAX_SENDS:
            raise TooManyInvitations("It was sent too often. Take it back and invite the address again.")
        transact(
            *ports.invitations.sending_again(invitation, _sent(invitation, invitation.sends + 1, by)),
            ports.organisations.changing(seen.organisation),
            ports.trail.noting(organisation_id, "invited-again", f"invitation:{invitation_id}", by=by, call=call),
        )

    first = look()
    known = first[1]
    _charge_address(ports, organisation_id, known.address)
    settled(look, decide, seen=first)
    return _open(ports, organisation_id, invitation_id)


def withdraw(ports: Ports, organisation_id: str, invitation_id: str, *, by: Principal, call: Call) -> None:
    """Take an open invitation back. 3 requests. Raises `NotFound`, `OwnersOnly`, and what `enter` raises."""

    def decide(seen: Standing) -> None:
        invitation = _open(ports, organisation_id, invitation_id)
        check_reach(seen.role, invitation.role)
        try:
            transact(
                *ports.invitations.closing(invitation, WITHDRAWN),
                ports.organisations.changing(seen.organisation, OrganisationRow.invitations.add(-1)),
                *ports.roles.counting(organisation_id, given_up=invitation.role),
                ports.trail.noting(
                    organisation_id, "invitation-withdrawn", f"invitation:{invitation_id}", by=by, call=call
                ),
            )
        except Closed:
            # Closed by somebody else, or sent again, which has made another link that must not stay good.
            raise Moved() from None

    settled(lambda: enter(ports, by, organisation_id, MANAGERS), decide)


def accept(ports: Ports, token: str, *, by: Principal, call: Call) -> tuple[Organisation, Member]:
    """Become a member by the link of a mail. 1 internal call, 4 requests.

    Raises `OtherAddress`, `InvitationUsed`, `InvitationExpired`, `AlreadyMember`, `SeatsExhausted`, and
    `NotFound` for a link that is none of ours.
    """
    user_id = as_oneself(by)
    link = _link(ports, token)
    invitation = ports.invitations.find(link.organisation_id, link.invitation_id)
    if invitation is None:
        raise _why_closed(ports, link, ports.people.of(user_id, call))
    _check_address(ports, invitation.address, ports.people.of(user_id, call))
    if invitation.sends != link.number or invitation.expires_at <= clock.now():
        raise InvitationExpired()
    try:
        transact(
            *ports.invitations.closing(invitation, ACCEPTED, within_its_time=True),
            *coming_in(ports, link.organisation_id, user_id, invitation.role, by=by, call=call, invitations=-1),
        )
    except (Closed, Moved):
        raise _why_closed(ports, link, None) from None
    return inside(ports, link.organisation_id, user_id)


def is_invited(ports: Ports, token: str, email: str) -> bool:
    """Whether somebody with this address may come by this link. 1 read."""
    try:
        link = _link(ports, token)
    except NotFound:
        return False
    found = ports.invitations.find(link.organisation_id, link.invitation_id)
    if found is None or found.sends != link.number or found.expires_at <= clock.now():
        return False
    return ports.is_address(found.address, emails.parse(email).key)


def _link(ports: Ports, token: str) -> Link:
    read = parse(token)
    if read is None or not ports.is_ours(*read):
        raise NotFound("This link is none of ours. Use it as it came in the mail.")
    return read[0]


def _check_address(ports: Ports, address: str, somebody: Person) -> None:
    confirmed = somebody.email if somebody.is_active else None
    if confirmed is None or not ports.is_address(address, emails.parse(confirmed).key):
        raise OtherAddress()


def _why_closed(ports: Ports, link: Link, somebody: Person | None) -> Exception:
    """Why a link does nothing any more, told only to whom it was sent; `None` was let through before."""
    found = ports.invitations.closed(link.organisation_id, link.invitation_id)
    if found is None:
        return InvitationExpired()
    state, address = found
    if somebody is not None:
        _check_address(ports, address, somebody)
    return InvitationUsed() if state == ACCEPTED else InvitationExpired()


def expire(ports: Ports, organisation_id: str, invitation_id: str, seen_due: str, *, by: Principal) -> None:
    """What the sweeper does to one past its time. Twice, or after it was sent again, is nothing."""

    def decide(invitation: Invitation | None) -> None:
        if invitation is None or clock.rfc3339(invitation.expires_at) != seen_due.partition("#")[0]:
            return
        transact(
            *ports.invitations.closing(invitation, EXPIRED),
            # What is being erased already must not get another entry: it would stay behind.
            ports.organisations.counting(
                organisation_id,
                OrganisationRow.invitations.add(-1),
                also=OrganisationRow.status != Status.ERASING.value,
                in_any_status=True,
            ),
            *ports.roles.counting(organisation_id, given_up=invitation.role),
            ports.trail.noting(organisation_id, "invitation-expired", f"invitation:{invitation_id}", by=by),
        )

    try:
        settled(lambda: ports.invitations.find(organisation_id, invitation_id), decide)
    except (Closed, NotFound):
        # Somebody closed it first, or the organisation is going with all that is in it.
        return


def mail(ports: Ports, organisation_id: str, invitation_id: str, number: int) -> None:
    """Have the mail of one sending sent, unless a newer one was asked for. At least once, and seldom twice."""
    invitation = ports.invitations.find(organisation_id, invitation_id)
    seen = ports.organisations.find(organisation_id)
    if invitation is None or seen is None or seen.status is not Status.ACTIVE:
        return
    if invitation.sends != number or invitation.mailed >= number or invitation.expires_at <= clock.now():
        return
    known = ports.people.with_address(invitation.email)
    token = ports.sign_link(Link(organisation_id, invitation_id, number))
    ports.people.mail(
        invitation.email,
        TEMPLATE,
        locale=known.locale if known else None,
        # Nobody who is in the organisation is named: the mail may reach whom they have never met.
        data={"organisation": seen.name},
        # In the fragment, which no server and no proxy ever sees.
        secret={"link": f"{ports.settings.base}/#invitation={token}"},
    )
    ports.invitations.mark_mailed(invitation)


def _charge_address(ports: Ports, organisation_id: str, address_key: str) -> None:
    """One more mail from this organisation to this address. 1 write to the limiter. Raises `RateLimited`."""
    ports.charge(PER_ADDRESS, f"address:{organisation_id}:{address_key}")


def _open(ports: Ports, organisation_id: str, invitation_id: str) -> Invitation:
    found = ports.invitations.find(organisation_id, invitation_id)
    if found is None:
        raise NotFound("There is no such open invitation.")
    return found


def _sent(invitation: Invitation, number: int, by: Principal) -> InvitationSent:
    return InvitationSent(
        organisation_id=invitation.organisation_id, by=person(by), invitation_id=invitation.id, number=number
    )
