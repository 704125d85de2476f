"""Domains of an organisation, proven by a TXT record."""

from fastapi import Response

from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, show_version
from tessera.etags import StaleVersion, expected_version
from tessera.problems import InvalidRequest, NotFound, Unavailable

from ..actions import domains as actions
from ..rules.organisation import (
    Domain,
    DomainClaimed,
    DomainUnproven,
    OrganisationDeleting,
    RoleTooLow,
    RoleUnknown,
    TooManyDomains,
)
from ..schemas import DomainIn, DomainOut, DomainsOut
from .shared import ONE, PREFIX, TAGS, Asked, Bound, DomainName, Reader, Sender, Writer

router = Router(prefix=f"{PREFIX}{ONE}/domains", tags=TAGS)


@router.get("", responses=problems(NotFound, RoleTooLow, OrganisationDeleting))
async def list_domains(organisation_id: str, caller: Reader, ports: Bound) -> DomainsOut:
    """Every domain it has named; there are at most ten. For owners and admins."""
    return DomainsOut(items=[DomainOut.of(one) for one in actions.listed(ports, organisation_id, by=caller)])


@router.get("/{domain}", responses=problems(NotFound, RoleTooLow, OrganisationDeleting))
async def get_domain(
    organisation_id: str, domain: DomainName, response: Response, caller: Reader, ports: Bound
) -> DomainOut:
    """One domain, and the TXT record that proves it. For owners and admins."""
    return _shown(response, actions.get(ports, organisation_id, domain, by=caller))


@router.put(
    "/{domain}",
    responses={
        201: {"model": DomainOut, "description": "The domain was named."},
        **problems(
            NotFound,
            RoleTooLow,
            DomainClaimed,
            TooManyDomains,
            RoleUnknown,
            OrganisationDeleting,
            StaleVersion,
            InvalidRequest,
        ),
    },
)
async def put_domain(
    organisation_id: str,
    domain: DomainName,
    body: DomainIn,
    response: Response,
    caller: Writer,
    ports: Bound,
    call: Asked,
    if_match: IfMatch = None,
) -> DomainOut:
    """Name a domain, or say anew who comes in by it. It counts once it is verified. For owners and admins."""
    version = expected_version(if_match, required=False)
    found, is_new = actions.put(
        ports,
        organisation_id,
        domain,
        body.join,
        body.role,
        version,
        only_known=bool(if_match),
        by=caller,
        call=call,
    )
    response.status_code = 201 if is_new else 200
    return _shown(response, found)


@router.post(
    "/{domain}/verify",
    responses=problems(NotFound, RoleTooLow, DomainUnproven, DomainClaimed, OrganisationDeleting, Unavailable),
)
async def verify_domain(
    organisation_id: str, domain: DomainName, response: Response, caller: Sender, ports: Bound, call: Asked
) -> DomainOut:
    """Look for the TXT record, and take the domain as proven when it stands. For owners and admins."""
    return _shown(response, actions.verify(ports, organisation_id, domain, by=caller, call=call))


@router.delete(
    "/{domain}", status_code=204, responses=problems(NotFound, RoleTooLow, StaleVersion, OrganisationDeleting)
)
async def remove_domain(
    organisation_id: str, domain: DomainName, caller: Writer, ports: Bound, call: Asked, if_match: IfMatch = None
) -> None:
    """Give a domain up. Who came in by it stays in. For owners and admins."""
    expect = expected_version(if_match, required=False)
    actions.remove(ports, organisation_id, domain, expect=expect, by=caller, call=call)


def _shown(response: Response, found: Domain) -> DomainOut:
    show_version(response, found.version)
    return DomainOut.of(found)
