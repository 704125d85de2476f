"""Roles of an organisation's own."""

from fastapi import Response

from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, show_version
from tessera.etags import StaleVersion, expected_version
from tessera.problems import InvalidRequest, NotFound

from ..actions import roles as actions
from ..rules.organisation import OrganisationDeleting, Role, RoleInUse, RoleTooLow, TooManyRoles
from ..schemas import RoleIn, RoleOut, RolesOut
from .shared import ONE, PREFIX, TAGS, Asked, Bound, Reader, RolePath, Writer

router = Router(prefix=f"{PREFIX}{ONE}/roles", tags=TAGS)


@router.get("", responses=problems(NotFound, OrganisationDeleting))
async def list_roles(organisation_id: str, caller: Reader, ports: Bound) -> RolesOut:
    """Its own roles; there are at most 20. Owner, admin, member and viewer are everywhere."""
    return RolesOut(items=[RoleOut.of(role) for role in actions.listed(ports, organisation_id, by=caller)])


@router.get("/{name}", responses=problems(NotFound, OrganisationDeleting))
async def get_role(organisation_id: str, name: RolePath, response: Response, caller: Reader, ports: Bound) -> RoleOut:
    """One role and what it permits."""
    return _shown(response, actions.get(ports, organisation_id, name, by=caller))


@router.put(
    "/{name}",
    responses={
        201: {"model": RoleOut, "description": "The role was defined."},
        **problems(NotFound, RoleTooLow, TooManyRoles, OrganisationDeleting, StaleVersion, InvalidRequest),
    },
)
async def put_role(
    organisation_id: str,
    name: RolePath,
    body: RoleIn,
    response: Response,
    caller: Writer,
    ports: Bound,
    call: Asked,
    if_match: IfMatch = None,
) -> RoleOut:
    """Define a role, or change what it permits, within 15 seconds for everybody. For owners and admins."""
    version = expected_version(if_match, required=False)
    found, is_new = actions.define(
        ports,
        organisation_id,
        name,
        body.permissions,
        version,
        only_known=bool(if_match),
        by=caller,
        call=call,
    )
    response.status_code = 201 if is_new else 200
    return _shown(response, found)


@router.delete(
    "/{name}", status_code=204, responses=problems(NotFound, RoleTooLow, RoleInUse, StaleVersion, OrganisationDeleting)
)
async def drop_role(
    organisation_id: str, name: RolePath, caller: Writer, ports: Bound, call: Asked, if_match: IfMatch = None
) -> None:
    """Drop a role that nobody and nothing names any more. For owners and admins."""
    expect = expected_version(if_match, required=False)
    actions.drop(ports, organisation_id, name, expect=expect, by=caller, call=call)


def _shown(response: Response, role: Role) -> RoleOut:
    show_version(response, role.version)
    return RoleOut.of(role)
