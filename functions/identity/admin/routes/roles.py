"""Roles that are defined here, the catalogue of permissions, and why somebody may do something."""

from typing import Annotated

from fastapi import Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.auth.roles import known
from tessera.entry import Router
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired
from tessera.problems import InvalidRequest, NotFound

from ..actions import roles as actions
from ..actions import why
from ..rules import RoleAssigned, RoleBuiltIn, RoleExists, TooManyRoles, WouldEscalate
from ..schemas.roles import (
    BecauseOut,
    CheckIn,
    CheckOut,
    GroupOut,
    PermissionsOut,
    RoleChangeIn,
    RoleIn,
    RoleOut,
    RolesOut,
    WhoAmIOut,
)
from .shared import JUST_NOW, PREFIX, TAGS, Bound, By, Keys, RoleName, problems, role_out, staff

router = Router(prefix=PREFIX, tags=TAGS)

Definer = Annotated[Principal, staff("admin:roles_staff")]
DefinerJustNow = Annotated[Principal, staff("admin:roles_staff", fresh=JUST_NOW)]
Staff = Annotated[Principal, staff("admin:read")]
Anyone = Annotated[Principal, auth.current_user()]


@router.get("/roles", responses=problems())
async def list_roles(caller: Definer, ports: Bound) -> RolesOut:
    """The roles that are defined here, with how many hold each."""
    return RolesOut(items=[role_out(role) for role in ports.roles.all()])


@router.post(
    "/roles",
    status_code=201,
    responses=problems(RoleBuiltIn, RoleExists, TooManyRoles, WouldEscalate, InvalidRequest),
)
async def create_role(
    body: RoleIn,
    response: Response,
    caller: DefinerJustNow,
    ports: Bound,
    by: By,
    keys: Keys,
    key: IdempotencyKey = None,
) -> RoleOut:
    """Define a role."""
    intent = keys.intent(key, caller, "POST /admin/roles", body)
    made_by = intent.made_by if key is not None else None
    role, replayed = actions.define(ports, body.name, body.permissions, body.description, made_by=made_by, asker=by)
    show_created(response, location=f"{PREFIX}/roles/{role.name}", version=role.version, replayed=replayed)
    return role_out(role)


@router.get("/roles/{name}", responses=problems(NotFound))
async def get_role(name: RoleName, response: Response, caller: Definer, ports: Bound) -> RoleOut:
    """One role."""
    role = actions.get(ports, name)
    show_version(response, role.version)
    return role_out(role)


@router.put(
    "/roles/{name}",
    responses=problems(NotFound, RoleBuiltIn, StaleVersion, VersionRequired, WouldEscalate, InvalidRequest),
)
async def change_role(
    name: RoleName,
    body: RoleChangeIn,
    response: Response,
    caller: DefinerJustNow,
    ports: Bound,
    by: By,
    if_match: IfMatch = None,
) -> RoleOut:
    """Say anew what a role gives; whoever holds it has it within 15 seconds."""
    version = required_version(if_match)
    role = actions.redefine(ports, name, body.permissions, body.description, version=version, asker=by)
    show_version(response, role.version)
    return role_out(role)


@router.delete(
    "/roles/{name}",
    status_code=204,
    responses=problems(NotFound, RoleBuiltIn, StaleVersion, VersionRequired, RoleAssigned),
)
async def delete_role(name: RoleName, caller: DefinerJustNow, ports: Bound, by: By, if_match: IfMatch = None) -> None:
    """Take a role away that nobody holds."""
    actions.delete(ports, name, version=required_version(if_match), asker=by)


@router.get("/permissions", responses=problems())
async def permissions(caller: Staff) -> PermissionsOut:
    """Every permission, and which role holds it how far."""
    groups = [
        GroupOut(title=group.title, permissions=group.permissions, roles=group.cells) for group in why.catalogue()
    ]
    return PermissionsOut(items=groups)


@router.get("/whoami")
async def whoami(caller: Anyone) -> WhoAmIOut:
    """What the credential of this request is good for."""
    return WhoAmIOut.model_validate(
        {
            "kind": caller.kind,
            "id": caller.id,
            "user_id": caller.user_id,
            "roles": sorted(caller.roles),
            "staff": why.is_staff(caller.roles),
            "aal": caller.aal,
            "organisation": caller.org,
            "permissions": sorted(one for one in known() if caller.can(one)),
            "actor": caller.actor.id if caller.actor else None,
        }
    )


@router.post("/check", responses=problems(NotFound, InvalidRequest))
async def check(body: CheckIn, caller: Staff, ports: Bound) -> CheckOut:
    """Why somebody may do something, or may not: from each of their roles to the permission."""
    explained = why.explain_of(ports, body.permission, user_id=body.user_id, roles=body.roles, caller=caller)
    return CheckOut(
        permission=explained.permission,
        allowed=explained.allowed,
        roles=sorted(explained.roles),
        because=[BecauseOut(**vars(one)) for one in explained.because],
        would=explained.would,
    )
