"""Roles of an organisation's own: some of what a user may do, under a name."""

from collections.abc import Sequence

from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.roles import held_by
from tessera.etags import StaleVersion
from tessera.problems import FieldError, InvalidRequest, NotFound
from tessera.transact import transact

from ..events import OrganisationUpdated
from ..ports import Ports
from ..rules.organisation import BUILT_IN, MANAGERS, MAX_ROLES, Organisation, Role, TooManyRoles
from ..store.rows import OrganisationRow
from .access import enter, person, settled


def listed(ports: Ports, organisation_id: str, *, by: Principal) -> list[Role]:
    """2 requests."""
    enter(ports, by, organisation_id)
    return ports.roles.all(organisation_id)


def get(ports: Ports, organisation_id: str, name: str, *, by: Principal) -> Role:
    """2 requests. Raises `NotFound`."""
    enter(ports, by, organisation_id)
    return _role(ports, organisation_id, name)


def define(
    ports: Ports,
    organisation_id: str,
    name: str,
    permissions: Sequence[str],
    expect: int | None,
    *,
    only_known: bool = False,
    by: Principal,
    call: Call,
) -> tuple[Role, bool]:
    """A role, or other permissions for one that there is; whether it is new. 4 requests.

    Other permissions reach every token of the organisation within 15 seconds: each has to be refreshed once.
    Raises `TooManyRoles`, `StaleVersion`, `InvalidRequest` for what no user may do, and what `enter` raises.
    """
    _check(name, permissions)
    wanted = frozenset(permissions)

    def decide(seen: Organisation) -> bool:
        known = ports.roles.find(organisation_id, name)
        if known is None and only_known:
            raise StaleVersion("There is no such role yet. Send no If-Match to define it.")
        if known is None:
            _define(ports, seen, name, wanted, by=by, call=call)
        elif known.permissions != wanted or expect not in (None, known.version):
            _redefine(ports, seen, known, wanted, expect, by=by, call=call)
        return known is None

    is_new = settled(lambda: enter(ports, by, organisation_id, MANAGERS).organisation, decide)
    return _role(ports, organisation_id, name), is_new


def _check(name: str, permissions: Sequence[str]) -> None:
    if name in BUILT_IN:
        told = f"{', '.join(BUILT_IN)} are what they are in every organisation."
        raise InvalidRequest(told, errors=[FieldError("name", told)])
    strange = [at for at, permission in enumerate(permissions) if permission not in held_by("user")]
    if strange:
        errors = [FieldError(f"/permissions/{at}", "No user holds this permission.") for at in strange]
        raise InvalidRequest("A role holds what a user may do, or less.", errors=errors)


def _define(ports: Ports, seen: Organisation, name: str, wanted: frozenset[str], *, by: Principal, call: Call) -> None:
    transact(
        ports.roles.defining(seen.id, name, wanted),
        ports.organisations.changing(
            seen,
            OrganisationRow.roles.add(1),
            also=OrganisationRow.roles < MAX_ROLES,
            refused=TooManyRoles(),
            event=_changed(seen, by),
        ),
        ports.trail.noting(seen.id, "role-defined", f"role:{name}", by=by, call=call, permissions=_named(wanted)),
    )


def _redefine(
    ports: Ports,
    seen: Organisation,
    known: Role,
    wanted: frozenset[str],
    expect: int | None,
    *,
    by: Principal,
    call: Call,
) -> None:
    transact(
        ports.roles.redefining(seen.id, known, wanted, expect=expect),
        ports.organisations.changing(seen, OrganisationRow.epoch.set(seen.epoch + 1), event=_changed(seen, by)),
        ports.feed.revoke("m", f"{seen.id}#", min_ep=seen.epoch + 1),
        ports.trail.noting(
            seen.id,
            "role-defined",
            f"role:{known.name}",
            by=by,
            call=call,
            permissions=_named(wanted),
            before=_named(known.permissions),
        ),
    )


def drop(
    ports: Ports, organisation_id: str, name: str, *, expect: int | None = None, by: Principal, call: Call
) -> None:
    """3 requests. Raises `RoleInUse`, `StaleVersion`, `NotFound`, and what `enter` raises."""

    def decide(seen: Organisation) -> None:
        transact(
            ports.roles.dropping(seen.id, name, expect=expect),
            ports.organisations.changing(seen, OrganisationRow.roles.add(-1), event=_changed(seen, by)),
            ports.trail.noting(seen.id, "role-dropped", f"role:{name}", by=by, call=call),
        )

    settled(lambda: enter(ports, by, organisation_id, MANAGERS).organisation, decide)


def _changed(seen: Organisation, by: Principal) -> OrganisationUpdated:
    return OrganisationUpdated(organisation_id=seen.id, by=person(by), changed=("roles",))


def _named(permissions: frozenset[str]) -> str:
    return " ".join(sorted(permissions))


def _role(ports: Ports, organisation_id: str, name: str) -> Role:
    found = ports.roles.find(organisation_id, name)
    if found is None:
        raise NotFound("There is no such role.")
    return found
