"""What several routers need: the callers, the ports, and the shapes of answers."""

from enum import Enum
from typing import Annotated, Any, cast

from fastapi import Depends, Path, Request

from tessera import auth, clock
from tessera.auth.call import Call
from tessera.auth.guards import Authenticated
from tessera.auth.principal import Principal
from tessera.auth.problems import FactorRequired, StepUpRequired
from tessera.entry import bound
from tessera.entry import problems as declared
from tessera.entry.signing import Signing
from tessera.problems import Problem

from ..accounts import Asker, Elsewhere, User
from ..actions import people
from ..actions.people import Outcome
from ..factors import Factors
from ..ports import Ports
from ..schemas.people import IdentityOut, KeyOut, LockOut, SessionOut, UserOut, UserViewOut
from ..schemas.roles import InvitationOut, RoleOut
from ..store import Invitation, Role

PREFIX = "/admin"
TAGS: list[str | Enum] = ["admin"]
# Shorter than a session: what is done for good, or gives power, is done by somebody who has just shown who they are.
JUST_NOW = 300


class StaffGuard(Authenticated):
    """The permission, and of those who have a second factor, that they used it."""

    def describe(self) -> str:
        return f"{super().describe()}, second factor when enrolled"

    def admit(self, call: Call) -> Principal:
        principal = super().admit(call)
        call.bindings.get(Factors).check(principal)
        return principal


def staff(permission: str, *, fresh: int | None = None, rate: str | None = None) -> Any:
    """Somebody of the staff, in person: no key and no service."""
    limit = auth.limit(rate) if rate else None
    return Depends(StaffGuard(permission=permission, kinds=("user",), fresh=fresh, rate=limit))


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """What a route for staff may answer, besides what every route does."""
    return declared(StepUpRequired, FactorRequired, *kinds)


Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]
RoleName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{1,39}$", min_length=2, max_length=40)]


async def _call_of(request: Request) -> Call:
    return cast(Call, request.state.call)


Asked = Annotated[Call, Depends(_call_of)]


async def _asker(request: Request) -> Asker:
    """Who asks, and in which request: what is done elsewhere is done on their behalf."""
    return Asker(request.state.principal, request.state.call)


By = Annotated[Asker, Depends(_asker)]


def user_out(user: User, caller: Principal) -> UserOut:
    return UserOut(**_user(user, caller))


def view_out(user: User, elsewhere: Elsewhere, caller: Principal) -> UserViewOut:
    sessions = [
        SessionOut(
            id=_text(one, "id") or "",
            device=_text(one, "device", "device_name"),
            created_at=_text(one, "created_at"),
            last_seen_at=_text(one, "last_seen_at"),
        )
        for one in elsewhere.sessions
    ]
    identities = [
        IdentityOut(provider=_text(one, "provider") or "", linked_at=_text(one, "linked_at", "created_at"))
        for one in elsewhere.identities
    ]
    keys = [
        KeyOut(
            id=_text(one, "id") or "",
            name=_text(one, "name"),
            status=_text(one, "status", "state"),
            created_at=_text(one, "created_at"),
            last_used_at=_text(one, "last_used_at"),
        )
        for one in elsewhere.keys
    ]
    times = [one.last_seen_at for one in sessions] + [one.last_used_at for one in keys]
    if user.last_seen_at is not None:
        times.append(clock.rfc3339(user.last_seen_at))
    return UserViewOut(
        **_user(user, caller),
        last_activity_at=max((time for time in times if time), default=None),
        sessions=sessions,
        identities=identities,
        keys=keys,
        unavailable=elsewhere.unavailable,
    )


def lock_out(outcome: Outcome) -> LockOut:
    problem = outcome.problem
    if problem is None:
        return LockOut(id=outcome.user_id, status=200)
    return LockOut(id=outcome.user_id, status=problem.status, problem=problem.document())


def role_out(role: Role) -> RoleOut:
    return RoleOut(
        name=role.name,
        description=role.description,
        permissions=sorted(role.permissions),
        assigned=role.assigned,
        version=role.version,
    )


def invitation_out(made: Invitation) -> InvitationOut:
    state = "expired" if made.is_over and made.state in ("open", "accepting") else made.state
    return InvitationOut.model_validate(
        {
            "id": made.id,
            "email": made.email,
            "roles": sorted(made.roles),
            "state": state,
            "invited_by": made.by,
            "created_at": made.created_at,
            "expires_at": made.expires_at,
            "accepted_at": made.accepted_at,
        }
    )


def _user(user: User, caller: Principal) -> dict[str, Any]:
    shown = people.as_seen(user, caller)
    found = {name: getattr(shown, name) for name in UserOut.model_fields if name not in ("roles", "factors")}
    return {**found, "roles": sorted(shown.roles), "factors": sorted(shown.factors)}


def _text(given: dict[str, Any], *names: str) -> str | None:
    """What another service calls by one of these names, cut to what we show."""
    found = next((given[name] for name in names if given.get(name) is not None), None)
    return None if found is None else str(found)[:300]
