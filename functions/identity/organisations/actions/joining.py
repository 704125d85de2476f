"""Coming in: what every new membership takes, and joining by a proven domain."""

from tessera import emails
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import NotFound
from tessera.transact import Step, transact

from ..events import MemberAdded
from ..ports import Ports
from ..rules.organisation import (
    OWNER,
    AlreadyMember,
    Domain,
    InvitationRequired,
    Member,
    Organisation,
    SeatsExhausted,
    Status,
)
from ..store.rows import OrganisationRow
from .access import as_oneself, settled


def joinable(ports: Ports, *, by: Principal, call: Call) -> list[tuple[Organisation, Domain]]:
    """Where somebody may join by the domain of their address. 1 internal call, at most 4 requests."""
    user_id = as_oneself(by)
    domain = _domain_of(ports, user_id, call)
    if domain is None or not domain.lets_in:
        return []
    found, member = ports.organisations.standing(domain.organisation_id, user_id)
    return [(found, domain)] if found and not member and found.status is Status.ACTIVE else []


def join(ports: Ports, organisation_id: str, *, by: Principal, call: Call) -> tuple[Organisation, Member]:
    """Become a member by the domain of one's address. 1 internal call, 5 requests.

    Raises `InvitationRequired`, `AlreadyMember`, `SeatsExhausted`, and `NotFound` for any other organisation.
    """
    user_id = as_oneself(by)

    def decide(domain: Domain | None) -> None:
        if domain is None or domain.organisation_id != organisation_id:
            # Who is in it already is told so, whichever way they came.
            if ports.organisations.standing(organisation_id, user_id)[1] is not None:
                raise AlreadyMember()
            raise NotFound("There is no such organisation, or nobody joins it by your address.")
        if not domain.lets_in:
            raise InvitationRequired("Ask one of its administrators for an invitation.")
        transact(
            *coming_in(ports, organisation_id, user_id, domain.role, by=by, call=call),
            # Before its role, which may be gone when the domain gives another one by now.
            ports.domains.holding(domain),
            *ports.roles.counting(organisation_id, taken=domain.role),
        )

    settled(lambda: _domain_of(ports, user_id, call), decide)
    return inside(ports, organisation_id, user_id)


def _domain_of(ports: Ports, user_id: str, call: Call) -> Domain | None:
    """The proven domain in which somebody has their confirmed address."""
    somebody = ports.people.of(user_id, call)
    if somebody.email is None or not somebody.is_active:
        return None
    name = emails.parse(somebody.email).domain
    holder = ports.domains.holder(name)
    return ports.domains.find(holder, name) if holder else None


def coming_in(
    ports: Ports,
    organisation_id: str,
    user_id: str,
    role: str,
    *,
    by: Principal,
    call: Call,
    invitations: int = 0,
) -> list[Step]:
    """A new member within the seats there are. Raises `AlreadyMember`, `SeatsExhausted`."""
    return [
        ports.members.adding(
            organisation_id,
            user_id,
            role,
            MemberAdded(organisation_id=organisation_id, by=user_id, user_id=user_id, role=role),
        ),
        ports.organisations.counting(
            organisation_id,
            OrganisationRow.members.add(1),
            OrganisationRow.owners.add(int(role == OWNER)),
            OrganisationRow.invitations.add(invitations),
            also=OrganisationRow.members < OrganisationRow.seats,
            refused=SeatsExhausted(),
        ),
        ports.trail.noting(organisation_id, "member-joined", f"user:{user_id}", by=by, call=call, role=role),
    ]


def inside(ports: Ports, organisation_id: str, user_id: str) -> tuple[Organisation, Member]:
    found, member = ports.organisations.standing(organisation_id, user_id)
    if found is None or member is None:
        raise NotFound("There is no such organisation.")
    return found, member
