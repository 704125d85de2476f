"""Internal routes: what `admin` does to a user, and the demo seed."""

from typing import Annotated

from fastapi import Body

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.etags import StaleVersion
from tessera.problems import InvalidRequest, NotFound

from ..actions import deletion, email_change, factors, staff
from ..internal_schemas import DeleteIn, EmailIn, FullUserOut
from ..rules import EmailTaken, LastOwner, NotActive
from ..schemas import LockIn, RolesIn, SeenIn
from .shared import PREFIX, TAGS, Asked, Bound, full_user_out

router = Router(prefix=f"{PREFIX}/internal/users", tags=TAGS)
Staff = Annotated[Principal, auth.service("admin", "seed")]
# Who asks without a body has not looked at the user before.
Seen = Annotated[SeenIn, Body(default_factory=SeenIn)]
Reader = Annotated[
    Principal, auth.service("admin", "organisations", "apikeys", "oauth", "sessions", "notifications", "seed")
]


@router.get("/{user_id:ulid}", responses=problems(NotFound))
async def get_full_user(user_id: str, caller: Reader, ports: Bound) -> FullUserOut:
    """Everything about a user but their credentials."""
    return full_user_out(ports.users.get(user_id))


@router.post("/{user_id:ulid}/roles", responses=problems(NotFound, StaleVersion, InvalidRequest))
async def set_roles(user_id: str, body: RolesIn, caller: Staff, ports: Bound, call: Asked) -> FullUserOut:
    """Give a user exactly these roles."""
    return full_user_out(staff.set_roles(ports, user_id, body.roles, version=body.version, caller=caller, call=call))


@router.post("/{user_id:ulid}/lock", responses=problems(NotFound, StaleVersion, LastOwner, InvalidRequest))
async def lock_user(user_id: str, body: LockIn, caller: Staff, ports: Bound, call: Asked) -> FullUserOut:
    """Let nobody sign in as this user."""
    return full_user_out(
        staff.lock(ports, user_id, reason=body.reason, until=body.until, seen=body.roles_seen, caller=caller, call=call)
    )


@router.post("/{user_id:ulid}/unlock", responses=problems(NotFound, StaleVersion))
async def unlock_user(user_id: str, body: Seen, caller: Staff, ports: Bound, call: Asked) -> FullUserOut:
    """Let this user sign in again."""
    return full_user_out(staff.unlock(ports, user_id, seen=body.roles_seen, caller=caller, call=call))


@router.post("/{user_id:ulid}/force-reset", responses=problems(NotFound, StaleVersion, NotActive))
async def force_reset(user_id: str, body: Seen, caller: Staff, ports: Bound, call: Asked) -> FullUserOut:
    """Take the password away; a mail lets the user choose another one."""
    return full_user_out(staff.force_reset(ports, user_id, seen=body.roles_seen, caller=caller, call=call))


@router.post("/{user_id:ulid}/revoke-sessions", responses=problems(NotFound, StaleVersion))
async def revoke_sessions(user_id: str, body: Seen, caller: Staff, ports: Bound, call: Asked) -> FullUserOut:
    """End every session of a user."""
    return full_user_out(staff.revoke_sessions(ports, user_id, seen=body.roles_seen, caller=caller, call=call))


@router.post("/{user_id:ulid}/reset-mfa", responses=problems(NotFound, StaleVersion))
async def reset_factors(user_id: str, body: Seen, caller: Staff, ports: Bound, call: Asked) -> FullUserOut:
    """Take every second factor and passkey away and end every session."""
    factors.reset(ports, ports.users.get(user_id), seen=body.roles_seen, caller=caller, call=call)
    return full_user_out(ports.users.get(user_id))


@router.post("/{user_id:ulid}/email", responses=problems(NotFound, StaleVersion, EmailTaken, InvalidRequest))
async def set_email(user_id: str, body: EmailIn, caller: Staff, ports: Bound, call: Asked) -> FullUserOut:
    """Another address, for which staff vouch."""
    return full_user_out(
        email_change.set_by_staff(ports, user_id, body.email, seen=body.roles_seen, caller=caller, call=call)
    )


@router.post("/{user_id:ulid}/delete", responses=problems(NotFound, StaleVersion, LastOwner, NotActive))
async def delete_user(user_id: str, body: DeleteIn, caller: Staff, ports: Bound, call: Asked) -> FullUserOut:
    """Delete the account, after the grace or at once."""
    deletion.remove(ports, user_id, now=body.now, seen=body.roles_seen, caller=caller, call=call)
    return full_user_out(ports.users.get(user_id))
