"""Organisations themselves, their audit trail and their seats."""

from typing import Annotated

from fastapi import Query, Response

from tessera.auth.problems import InsufficientScope, StepUpRequired
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Page

from ..actions import organisations as actions
from ..actions.access import Standing, enter
from ..rules.organisation import (
    MANAGERS,
    OrganisationDeleting,
    OrganisationQuota,
    RoleTooLow,
    SlugTaken,
)
from ..schemas import EntryOut, OrganisationIn, OrganisationOut, OrganisationPatch, PageParams, SeatsOut
from .shared import ONE, PREFIX, TAGS, Asked, Bound, Keys, Reader, Writer, page_of, start_of

router = Router(prefix=PREFIX, tags=TAGS)


@router.post(
    "",
    status_code=201,
    responses=problems(
        SlugTaken, OrganisationQuota, InsufficientScope, NotFound, InvalidRequest, IdempotencyMismatch, Gone
    ),
)
async def create_organisation(
    body: OrganisationIn,
    response: Response,
    caller: Writer,
    ports: Bound,
    keys: Keys,
    call: Asked,
    key: IdempotencyKey = None,
) -> OrganisationOut:
    """Make an organisation and be its owner. One person can have made ten."""
    intent = keys.intent(key, caller, "POST /organisations", body)
    made, replayed = actions.create(ports, body.name, body.slug, by=caller, call=call, intent=intent)
    location = f"{PREFIX}/{made.organisation.id}"
    show_created(response, location=location, version=made.organisation.version, replayed=replayed)
    return OrganisationOut.of(made.organisation, made.role)


@router.get("", responses=problems(InvalidCursor, InvalidRequest))
async def list_organisations(
    asked: Annotated[PageParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[OrganisationOut]:
    """The organisations you belong to, and your role in each."""
    route = "GET /organisations"
    found, after = actions.listed(ports, caller, asked.limit, start_of(keys, caller, route, asked))
    return page_of(keys, caller, route, asked, [OrganisationOut.of(*one) for one in found], after)


@router.get(ONE, responses=problems(NotFound))
async def get_organisation(organisation_id: str, response: Response, caller: Reader, ports: Bound) -> OrganisationOut:
    """One organisation. An owner also sees one that is being deleted."""
    return _shown(response, enter(ports, caller, organisation_id, also_deleting=True))


@router.patch(
    ONE,
    responses=problems(
        NotFound, RoleTooLow, SlugTaken, OrganisationDeleting, StaleVersion, VersionRequired, InvalidRequest
    ),
)
async def change_organisation(
    organisation_id: str,
    body: OrganisationPatch,
    response: Response,
    caller: Writer,
    ports: Bound,
    call: Asked,
    if_match: IfMatch = None,
) -> OrganisationOut:
    """Rename it, or give it another slug; the old one is kept for it for 30 days. For owners and admins."""
    version = required_version(if_match)
    changes = {name: str(value) for name, value in body.changes().items() if value is not None}
    return _shown(response, actions.change(ports, organisation_id, changes, version, by=caller, call=call))


@router.delete(ONE, responses=problems(NotFound, RoleTooLow, StaleVersion, StepUpRequired))
async def delete_organisation(
    organisation_id: str, response: Response, caller: Writer, ports: Bound, call: Asked, if_match: IfMatch = None
) -> OrganisationOut:
    """Delete it: gone for its members now, for good after 30 days. For owners.

    Whoever has a second factor has to have signed in with it.
    """
    version = expected_version(if_match, required=False)
    return _shown(response, actions.delete(ports, organisation_id, version, by=caller, call=call))


@router.post(f"{ONE}/restore", responses=problems(NotFound, RoleTooLow, OrganisationQuota))
async def restore_organisation(
    organisation_id: str, response: Response, caller: Writer, ports: Bound, call: Asked
) -> OrganisationOut:
    """Take its deletion back, as long as it is not gone for good. For owners."""
    return _shown(response, actions.restore(ports, organisation_id, by=caller, call=call))


@router.get(f"{ONE}/audit", responses=problems(NotFound, RoleTooLow, OrganisationDeleting, InvalidCursor))
async def list_audit_entries(
    organisation_id: str, asked: Annotated[PageParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[EntryOut]:
    """Who did what to the organisation, the newest first, for 400 days. For owners and admins."""
    route = f"GET /organisations/{organisation_id}/audit"
    enter(ports, caller, organisation_id, MANAGERS)
    found, after = ports.trail.page(organisation_id, asked.limit, start_of(keys, caller, route, asked))
    return page_of(keys, caller, route, asked, [EntryOut.of(entry) for entry in found], after)


@router.get(f"{ONE}/seats", responses=problems(NotFound, RoleTooLow, OrganisationDeleting))
async def get_seats(organisation_id: str, caller: Reader, ports: Bound) -> SeatsOut:
    """How many seats there are and how many are taken. For owners and admins."""
    return SeatsOut.of(enter(ports, caller, organisation_id, MANAGERS).organisation)


def _shown(response: Response, standing: Standing) -> OrganisationOut:
    show_version(response, standing.organisation.version)
    return OrganisationOut.of(standing.organisation, standing.role)
