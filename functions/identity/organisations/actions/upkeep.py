"""What other capabilities ask, and what happens by itself: memberships, seats, ends, erasure."""

from dataclasses import replace
from datetime import timedelta

from tessera import clock
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import NotFound
from tessera.transact import telling, transact

from ..events import MemberRemoved, OrganisationUpdated
from ..ports import Ports
from ..rules.organisation import OWNER, Member, Organisation, OrganisationActive, Role, Status, next_owner, own
from ..store.organisations import Moved
from ..store.rows import OrganisationRow
from . import members
from .access import person, settled
from .organisations import deleting

# An internal call has two seconds.
ERASED_AT_ONCE = 100
LEFT_AT_ONCE = 20
# How long an erasure that was asked for may take before it is asked for again.
AGAIN_AFTER = timedelta(hours=1)
MYSELF = Principal(kind="service", id="organisations", credential="iam")


def membership(ports: Ports, organisation_id: str, user_id: str) -> tuple[Organisation, Member, Role | None]:
    """What a token for the organisation says of this member. 2 requests, 3 for a role of the organisation's own.

    The organisation is read before the member: a role that changes in between comes with the epoch from
    before the change, and such a token is refused. Raises `NotFound` for who is no member.
    """
    found = ports.organisations.find(organisation_id)
    member = ports.members.find(organisation_id, user_id)
    if found is None or member is None or found.status is not Status.ACTIVE:
        raise NotFound("There is no such membership.")
    return found, member, ports.roles.find(organisation_id, member.role) if own(member.role) else None


def set_seats(
    ports: Ports, organisation_id: str, seats: int, *, by: Principal, call: Call | None = None
) -> Organisation:
    """How many may be members from now on; nobody is put out. 1 read, and 1 transaction for another number.

    Raises `NotFound`.
    """

    def decide(seen: Organisation | None) -> Organisation:
        if seen is None:
            raise NotFound("There is no such organisation.")
        if seats != seen.seats:
            changed = OrganisationUpdated(organisation_id=organisation_id, by=person(by), changed=("seats",))
            target = f"organisation:{organisation_id}"
            transact(
                ports.organisations.seating(seen, seats, changed),
                ports.trail.noting(
                    organisation_id, "seats-set", target, by=by, call=call, seats=seats, before=seen.seats
                ),
            )
        return replace(seen, seats=seats)

    return settled(lambda: ports.organisations.find(organisation_id), decide)


def end(ports: Ports, organisation_id: str, seen_due: str) -> None:
    """The 30 days are over: have everything erased that the organisation owns anywhere.

    It is asked for again every hour until the organisation itself is gone, which is what goes last.
    """
    if ports.organisations.begin_erasing(organisation_id, seen_due, clock.now() + AGAIN_AFTER):
        ports.people.erase(organisation_id)


def erase(ports: Ports, owner_id: str, *, by: Principal) -> tuple[bool, int]:
    """Delete some of what a user or an organisation has here: whether that was all, and how many items went.

    Raises `OrganisationActive` for an organisation whose end has not come.
    """
    found = ports.organisations.find(owner_id)
    if found is not None:
        if found.status is not Status.ERASING:
            raise OrganisationActive("Only an organisation past its 30 days is erased.")
        erased = ports.eraser.erase_organisation(found, ERASED_AT_ONCE)
        done = ports.organisations.find(owner_id) is None
    else:
        erased = _erase_person(ports, owner_id, by=by)
        done = not erased
    if done:
        ports.eraser.tell(owner_id)
    return done, erased


def _erase_person(ports: Ports, user_id: str, *, by: Principal) -> int:
    """End some memberships of somebody whose account is gone; 0 when none is left.

    Where they were the last owner, the admin who has been there longest becomes owner; where there is no
    admin, nobody could ever decide anything again, and the organisation ends at once.
    """
    found, _ = ports.members.memberships(user_id, LEFT_AT_ONCE, None)
    for membership_ in found:
        _end_membership(ports, membership_.organisation_id, user_id, by=by)
    return len(found) + ports.eraser.erase_slots(user_id)


def _end_membership(ports: Ports, organisation_id: str, user_id: str, *, by: Principal) -> None:
    def look() -> tuple[Organisation | None, Member | None]:
        return ports.organisations.standing(organisation_id, user_id)

    def decide(seen: tuple[Organisation | None, Member | None]) -> None:
        organisation, member = seen
        if member is None:
            return
        if organisation is None or organisation.status is Status.ERASING:
            transact(ports.members.removing(member))
        elif organisation.status is Status.DELETING:
            _end_in_grace(ports, organisation, member, by=by)
        elif member.role == OWNER and organisation.owners == 1:
            _end_last_owner(ports, organisation, member, by=by)
        else:
            transact(*members.removing(ports, organisation, member, by=by, call=None))

    settled(look, decide)


def _end_in_grace(ports: Ports, seen: Organisation, member: Member, *, by: Principal) -> None:
    """Nobody acts for it any more, so there are no tokens to end; but it may still be restored."""
    try:
        transact(
            ports.organisations.changing(
                seen,
                OrganisationRow.members.add(-1),
                OrganisationRow.owners.add(-int(member.role == OWNER)),
                event=MemberRemoved(organisation_id=seen.id, by=person(by), user_id=member.user_id),
                from_status=Status.DELETING,
            ),
            ports.members.removing(member),
            *ports.roles.counting(seen.id, given_up=member.role),
            ports.trail.noting(seen.id, "member-removed", f"user:{member.user_id}", by=by, role=member.role),
        )
    except NotFound:
        # Its end has come meanwhile.
        raise Moved() from None


def _end_last_owner(ports: Ports, seen: Organisation, member: Member, *, by: Principal) -> None:
    heir = next_owner(list(ports.members.everybody(seen.id)), member.user_id)
    if heir is not None:
        transact(
            *members.removing(ports, seen, member, by=by, call=None, heirs=1),
            *members.promoting(ports, seen, heir, by=by),
        )
        return
    removed = MemberRemoved(organisation_id=seen.id, by=person(by), user_id=member.user_id)
    transact(
        *deleting(ports, seen, clock.now(), by=by, call=None, owners=-1, members=-1),
        ports.members.removing(member),
        telling(ports.organisations.table, removed),
    )
