"""Internal routes: what `admin` does to a user, and the demo seed."""

from typing import Annotated

from fastapi import APIRouter

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import staff
from ..rules import LastOwner
from ..schemas import LockIn, RolesIn, UserOut
from .shared import PREFIX, TAGS, Asked, Bound, user_out

router = APIRouter(prefix=f"{PREFIX}/internal/users", tags=TAGS)
Staff = Annotated[Principal, auth.service("admin", "seed")]


@router.get("/{user_id:ulid}", responses=problems(NotFound))
async def get_full_user(user_id: str, caller: Staff, ports: Bound) -> UserOut:
    """Everything about a user but their credentials."""
    return user_out(ports.users.get(user_id))


@router.post("/{user_id:ulid}/roles", responses=problems(NotFound, InvalidRequest))
async def set_roles(user_id: str, body: RolesIn, caller: Staff, ports: Bound, call: Asked) -> UserOut:
    """Give a user exactly these roles."""
    return user_out(staff.set_roles(ports, user_id, body.roles, caller=caller, call=call))


@router.post("/{user_id:ulid}/lock", responses=problems(NotFound, LastOwner, InvalidRequest))
async def lock_user(user_id: str, body: LockIn, caller: Staff, ports: Bound, call: Asked) -> UserOut:
    """Let nobody sign in as this user."""
    return user_out(staff.lock(ports, user_id, reason=body.reason, caller=caller, call=call))


@router.post("/{user_id:ulid}/unlock", responses=problems(NotFound))
async def unlock_user(user_id: str, caller: Staff, ports: Bound, call: Asked) -> UserOut:
    """Let this user sign in again."""
    return user_out(staff.unlock(ports, user_id, caller=caller, call=call))
