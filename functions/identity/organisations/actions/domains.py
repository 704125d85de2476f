"""Domains: named, proven by a TXT record, given up."""

import secrets
from dataclasses import replace

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.problems import FieldError, InvalidRequest, NotFound
from tessera.transact import Step, transact

from ..events import OrganisationUpdated
from ..ports import Ports
from ..rules.organisation import (
    MANAGERS,
    MAX_DOMAINS,
    Domain,
    DomainClaimed,
    DomainUnproven,
    Join,
    Organisation,
    TooManyDomains,
)
from ..store.rows import OrganisationRow
from .access import enter, person, settled

PREFIX = "tessera-domain-verification="


def listed(ports: Ports, organisation_id: str, *, by: Principal) -> list[Domain]:
    """2 requests."""
    enter(ports, by, organisation_id, MANAGERS)
    return ports.domains.all(organisation_id)


def get(ports: Ports, organisation_id: str, name: str, *, by: Principal) -> Domain:
    """2 requests. Raises `NotFound`."""
    enter(ports, by, organisation_id, MANAGERS)
    return _domain(ports, organisation_id, name)


def put(
    ports: Ports,
    organisation_id: str,
    name: str,
    join: Join,
    role: str,
    expect: int | None,
    *,
    only_known: bool = False,
    by: Principal,
    call: Call,
) -> tuple[Domain, bool]:
    """Name a domain, or say anew who comes in by it; whether it is new. 4 requests.

    Raises `DomainClaimed`, `TooManyDomains`, `RoleUnknown`, `StaleVersion`, and what `enter` raises.
    """

    if role in MANAGERS:
        told = "Nobody becomes an owner or an admin by their address alone."
        raise InvalidRequest(told, errors=[FieldError("/role", told)])

    def decide(seen: Organisation) -> bool:
        known = ports.domains.find(organisation_id, name)
        if known is None and only_known:
            raise StaleVersion("There is no such domain yet. Send no If-Match to name it.")
        changed = OrganisationUpdated(organisation_id=organisation_id, by=person(by), changed=("domains",))
        steps: list[Step]
        if known is None:
            new = Domain(
                organisation_id=organisation_id,
                name=name,
                value=f"{PREFIX}{secrets.token_hex(16)}",
                join=join,
                role=role,
                created_at=clock.now(),
                version=1,
            )
            counted = Path("domains").add(1)
            steps = [ports.domains.adding(new, changed), ports.domains.not_claimed_elsewhere(organisation_id, name)]
        else:
            counted = Path("domains").add(0)
            steps = [ports.domains.changing(known, join, role, changed, expect=expect)]
        transact(
            *steps,
            ports.organisations.changing(
                seen,
                counted,
                also=Path("domains") < MAX_DOMAINS if known is None else None,
                refused=TooManyDomains(),
            ),
            *ports.roles.counting(organisation_id, taken=role, given_up=known.role if known else None),
            ports.trail.noting(
                organisation_id, "domain-set", f"domain:{name}", by=by, call=call, join=join.value, role=role
            ),
        )
        return known is None

    is_new = settled(lambda: enter(ports, by, organisation_id, MANAGERS).organisation, decide)
    return _domain(ports, organisation_id, name), is_new


def verify(ports: Ports, organisation_id: str, name: str, *, by: Principal, call: Call) -> Domain:
    """Look for the TXT record. 1 question to the DNS, 3 requests. One that is proven stays so.

    Raises `DomainUnproven`, `DomainClaimed`, `Unavailable`, and what `enter` raises.
    """

    def decide(seen: Organisation) -> Domain:
        domain = _domain(ports, organisation_id, name)
        if domain.verified_at is not None:
            return domain
        if ports.domains.holder(name) not in (None, organisation_id):
            raise DomainClaimed("If it is yours, ask its administrators to give it up.")
        if not ports.dns.stands(domain.record, domain.value):
            raise DomainUnproven(
                f"Put a TXT record at {domain.record} with the value shown, and wait for it to spread."
            )
        changed = OrganisationUpdated(organisation_id=organisation_id, by=person(by), changed=("domains",))
        transact(
            *ports.domains.verifying(domain, changed),
            ports.organisations.changing(seen),
            ports.trail.noting(organisation_id, "domain-verified", f"domain:{name}", by=by, call=call),
        )
        return replace(domain, verified_at=clock.now(), version=domain.version + 1)

    return settled(lambda: enter(ports, by, organisation_id, MANAGERS).organisation, decide)


def remove(
    ports: Ports, organisation_id: str, name: str, *, expect: int | None = None, by: Principal, call: Call
) -> None:
    """Give a domain up. Who came in by it stays in. 3 requests.

    Raises `StaleVersion`, `NotFound`, and what `enter` raises.
    """

    def decide(seen: Organisation) -> None:
        domain = _domain(ports, organisation_id, name)
        changed = OrganisationUpdated(organisation_id=organisation_id, by=person(by), changed=("domains",))
        transact(
            *ports.domains.removing(domain, expect=expect),
            ports.organisations.changing(seen, OrganisationRow.domains.add(-1), event=changed),
            *ports.roles.counting(organisation_id, given_up=domain.role),
            ports.trail.noting(organisation_id, "domain-removed", f"domain:{name}", by=by, call=call),
        )

    settled(lambda: enter(ports, by, organisation_id, MANAGERS).organisation, decide)


def _domain(ports: Ports, organisation_id: str, name: str) -> Domain:
    found = ports.domains.find(organisation_id, name)
    if found is None:
        raise NotFound("There is no such domain.")
    return found
