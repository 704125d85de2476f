"""What other capabilities do to a user: roles, locking."""

from collections.abc import Sequence

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal

from ..events import UserLocked, UserUnlocked, UserUpdated
from ..ports import Ports
from ..rules import LastOwner
from ..store import UserRow
from .changes import applied


def set_roles(ports: Ports, user_id: str, roles: Sequence[str], *, caller: Principal, call: Call) -> UserRow:
    """Give the user exactly these roles. Tokens with the old ones are refused within 15 seconds."""
    user = ports.users.get(user_id)
    wanted = {"user", *roles}
    if wanted == set(user.roles):
        return user
    updated = UserUpdated(
        user_id=user_id, name=user.name, handle=user.handle, avatar_file_id=user.avatar_file_id, roles=sorted(wanted)
    )
    named = ",".join(sorted(wanted))
    ports.users.restamp(
        user,
        UserRow.roles.set(wanted),
        UserRow.updated.set(clock.millis()),
        event=updated,
        also=[audit("accounts.roles-set", f"user:{user_id}", by=caller, call=call, roles=named)],
    )
    return ports.users.get(user_id)


def lock(ports: Ports, user_id: str, *, reason: str | None, caller: Principal, call: Call) -> UserRow:
    """Nobody signs in as this user, and whoever is signed in is out within 15 seconds. Raises `LastOwner`."""
    user = ports.users.get(user_id)
    if user.status == "locked":
        return user
    if "owner" in user.roles:
        raise LastOwner("Take the role away first.")
    applied(
        ports,
        user,
        UserRow.status.set("locked"),
        event=UserLocked(user_id=user_id),
        also=[audit("accounts.locked", f"user:{user_id}", by=caller, call=call, reason=reason)],
        reason="locked",
        bump=True,
    )
    return ports.users.get(user_id)


def unlock(ports: Ports, user_id: str, *, caller: Principal, call: Call) -> UserRow:
    """The user may sign in again."""
    user = ports.users.get(user_id)
    if user.status != "locked":
        return user
    ports.users.restamp(
        user,
        UserRow.status.set("active"),
        event=UserUnlocked(user_id=user_id),
        also=[audit("accounts.unlocked", f"user:{user_id}", by=caller, call=call)],
    )
    return ports.users.get(user_id)
