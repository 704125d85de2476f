"""Members: who is in, with which role, and who is not any more."""

from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import FieldError, InvalidRequest, NotFound
from tessera.transact import Step, transact

from ..events import MemberRemoved, MemberRoleChanged
from ..ports import Ports
from ..rules.organisation import ADMIN, MANAGERS, OWNER, OWNERS, LastOwner, Member, Organisation, check_reach
from ..store.rows import OrganisationRow
from .access import Standing, enter, person, settled


def listed(
    ports: Ports, organisation_id: str, limit: int, after: str | None, *, by: Principal
) -> tuple[list[Member], str | None]:
    """Members by their ids, and where the next page starts. 2 requests."""
    enter(ports, by, organisation_id)
    return ports.members.page(organisation_id, limit, after)


def get(ports: Ports, organisation_id: str, user_id: str, *, by: Principal) -> Member:
    """2 requests. Raises `NotFound`."""
    enter(ports, by, organisation_id)
    return _member(ports, organisation_id, user_id)


def assign(
    ports: Ports, organisation_id: str, user_id: str, role: str, expect: int | None, *, by: Principal, call: Call
) -> Member:
    """Another role. Tokens with the old one are refused within 15 seconds. 4 requests.

    Raises `OwnersOnly`, `LastOwner`, `RoleUnknown`, `StaleVersion`, and what `enter` raises.
    """

    def decide(seen: Standing) -> None:
        member = _member(ports, organisation_id, user_id)
        check_reach(seen.role, member.role, role)
        _assign(ports, seen.organisation, member, role, expect, by=by, call=call)

    settled(lambda: enter(ports, by, organisation_id, MANAGERS), decide)
    return _member(ports, organisation_id, user_id)


def _assign(
    ports: Ports, seen: Organisation, member: Member, role: str, expect: int | None, *, by: Principal, call: Call
) -> None:
    if role == member.role and expect in (None, member.version):
        return
    owners = (role == OWNER) - (member.role == OWNER)
    steps = [
        changing_roles(ports, seen, owners=owners),
        ports.members.assigning(member, role, role_changed(member, role, by), expect=expect),
        *ports.roles.counting(seen.id, taken=role, given_up=member.role),
        ports.feed.revoke("m", f"{seen.id}#{member.user_id}", min_ep=seen.epoch + 1),
        ports.trail.noting(
            seen.id, "role-changed", f"user:{member.user_id}", by=by, call=call, role=role, before=member.role
        ),
    ]
    transact(*steps)


def remove(
    ports: Ports, organisation_id: str, user_id: str, *, expect: int | None = None, by: Principal, call: Call
) -> None:
    """Out, and their tokens for the organisation with them within 15 seconds. 3 requests.

    Raises `OwnersOnly`, `LastOwner`, `StaleVersion`, `NotFound`, and what `enter` raises.
    """

    def decide(seen: Standing) -> None:
        member = _member(ports, organisation_id, user_id)
        check_reach(seen.role, member.role)
        transact(*removing(ports, seen.organisation, member, expect=expect, by=by, call=call))

    settled(lambda: enter(ports, by, organisation_id, MANAGERS), decide)


def leave(ports: Ports, organisation_id: str, *, by: Principal, call: Call) -> None:
    """2 requests. Raises `LastOwner`, and what `enter` raises."""

    def decide(seen: Standing) -> None:
        transact(*removing(ports, seen.organisation, _own(seen), by=by, call=call))

    settled(lambda: enter(ports, by, organisation_id), decide)


def removing(
    ports: Ports,
    seen: Organisation,
    member: Member,
    *,
    by: Principal,
    call: Call | None,
    expect: int | None = None,
    heirs: int = 0,
) -> list[Step]:
    """The steps that end a membership. `heirs` is how many become owners in the same transaction."""
    owners = heirs - (member.role == OWNER)
    return [
        changing_roles(
            ports,
            seen,
            owners=owners,
            members=-1,
            event=MemberRemoved(organisation_id=seen.id, by=person(by), user_id=member.user_id),
        ),
        ports.members.removing(member, expect=expect),
        *ports.roles.counting(seen.id, given_up=member.role),
        # With an epoch, so that somebody who is invited again can act for the organisation at once.
        ports.feed.revoke("m", f"{seen.id}#{member.user_id}", min_ep=seen.epoch + 1),
        ports.trail.noting(seen.id, "member-removed", f"user:{member.user_id}", by=by, call=call, role=member.role),
    ]


def transfer(ports: Ports, organisation_id: str, user_id: str, *, by: Principal, call: Call) -> Member:
    """Make another member an owner in one's own place; one stays as an admin. 4 requests.

    Raises `NotFound` for who is no member, and what `enter` raises.
    """

    def decide(seen: Standing) -> None:
        mine, heir = _own(seen), _member(ports, organisation_id, user_id)
        if heir.user_id == mine.user_id:
            refused = FieldError("/user_id", "You are this owner already.")
            raise InvalidRequest("Name another member.", errors=[refused])
        _transfer(ports, seen.organisation, mine, heir, by=by, call=call)

    settled(lambda: enter(ports, by, organisation_id, OWNERS), decide)
    return _member(ports, organisation_id, user_id)


def _transfer(ports: Ports, seen: Organisation, mine: Member, heir: Member, *, by: Principal, call: Call) -> None:
    was_owner = heir.role == OWNER
    raised = [] if was_owner else promoting(ports, seen, heir, by=by)
    transact(
        changing_roles(ports, seen, owners=-int(was_owner)),
        ports.members.assigning(mine, ADMIN, role_changed(mine, ADMIN, by)),
        ports.feed.revoke("m", f"{seen.id}#{mine.user_id}", min_ep=seen.epoch + 1),
        *raised,
        ports.trail.noting(
            seen.id,
            "transferred",
            f"user:{heir.user_id}",
            by=by,
            call=call,
            before=heir.role,
            owner_before=mine.user_id,
        ),
    )


def promoting(ports: Ports, seen: Organisation, heir: Member, *, by: Principal) -> list[Step]:
    """The steps by which a member becomes an owner, beside those that change the counts."""
    return [
        ports.members.assigning(heir, OWNER, role_changed(heir, OWNER, by)),
        *ports.roles.counting(seen.id, given_up=heir.role),
        ports.feed.revoke("m", f"{seen.id}#{heir.user_id}", min_ep=seen.epoch + 1),
    ]


def changing_roles(
    ports: Ports, seen: Organisation, *, owners: int = 0, members: int = 0, event: MemberRemoved | None = None
) -> Step:
    """The counts after somebody's role changed, and the epoch that tells old tokens from new. Raises `LastOwner`."""
    return ports.organisations.changing(
        seen,
        OrganisationRow.epoch.set(seen.epoch + 1),
        OrganisationRow.owners.add(owners),
        OrganisationRow.members.add(members),
        also=OrganisationRow.owners > -owners if owners < 0 else None,
        refused=LastOwner(),
        event=event,
    )


def role_changed(member: Member, role: str, by: Principal) -> MemberRoleChanged:
    return MemberRoleChanged(
        organisation_id=member.organisation_id, by=person(by), user_id=member.user_id, role=role, before=member.role
    )


def _member(ports: Ports, organisation_id: str, user_id: str) -> Member:
    found = ports.members.find(organisation_id, user_id)
    if found is None:
        raise NotFound("There is no such member.")
    return found


def _own(standing: Standing) -> Member:
    if standing.member is None:
        raise NotFound("There is no such member.")
    return standing.member
