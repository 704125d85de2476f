"""What staff do to somebody's account. Who may do it to whom is for `admin` to decide, which calls these."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.problems import FieldError, InvalidRequest
from tessera.transact import putting

from .. import mails, secret_values
from ..events import PasswordChanged, UserLocked, UserUnlocked
from ..ports import Ports
from ..rules import NotActive
from ..store import UserRow
from .changes import applied, as_updated, check_seen
from .sign_up import reset_row

OWNER = "owner"
# The roles by which it was decided that the caller may do it.
Seen = Collection[str] | None


def set_roles(
    ports: Ports, user_id: str, roles: Sequence[str], *, version: int | None = None, caller: Principal, call: Call
) -> UserRow:
    """Give the user exactly these roles. Tokens with the old ones are refused within 15 seconds.

    Raises `LastOwner`, `StaleVersion`, and `InvalidRequest` for a role that nobody defined.
    """
    check_known(ports, roles)
    user = ports.users.get(user_id)
    if version is not None and version != int(user.version):
        raise StaleVersion(f"You read version {version}; it is at {int(user.version)} now. Read it again.")
    wanted = {"user", *roles} - {"guest"}
    if wanted == set(user.roles):
        return user
    named = ",".join(sorted(wanted))
    ports.users.restamp(
        user,
        UserRow.roles.set(wanted),
        UserRow.updated.set(clock.millis()),
        event=as_updated(user, wanted),
        also=[audit("accounts.roles-set", f"user:{user_id}", by=caller, call=call, roles=named)],
        steps=ports.owners.changing(before=is_active_owner(user), after=OWNER in wanted and user.status == "active"),
    )
    return ports.users.get(user_id)


def lock(
    ports: Ports,
    user_id: str,
    *,
    reason: str | None,
    until: datetime | None = None,
    seen: Seen = None,
    caller: Principal,
    call: Call,
) -> UserRow:
    """Nobody signs in as this user, and whoever is signed in is out within 15 seconds. Raises `LastOwner`.

    Who is locked already is so until the time that was named last. Raises `Busy`, `StaleVersion`.
    """
    user = ports.users.get(user_id)
    check_seen(user, seen)
    if user.status == "locked":
        return _until(ports, user, until, reason=reason, caller=caller, call=call)
    if user.status == "deleting":
        return _hold(ports, user, reason=reason, caller=caller, call=call)
    applied(
        ports,
        user,
        UserRow.status.set("locked"),
        *_opening(ports, user, until),
        event=UserLocked(user_id=user_id),
        also=[audit("accounts.locked", f"user:{user_id}", by=caller, call=call, reason=reason)],
        steps=ports.owners.changing(before=is_active_owner(user), after=False),
        reason="locked",
        bump=True,
        unless=lambda found: found.status != user.status or _has_other_roles(found, user),
    )
    return ports.users.get(user_id)


def unlock(ports: Ports, user_id: str, *, seen: Seen = None, caller: Principal, call: Call | None = None) -> UserRow:
    """The user may sign in again: by a member of staff, or because the time of the lock has run out."""
    user = ports.users.get(user_id)
    check_seen(user, seen)
    if user.status != "locked":
        return user
    ports.users.restamp(
        user,
        UserRow.status.set("active"),
        *_opening(ports, user, None),
        event=UserUnlocked(user_id=user_id),
        also=[audit("accounts.unlocked", f"user:{user_id}", by=caller, call=call)],
        steps=ports.owners.changing(before=False, after=OWNER in user.roles),
    )
    return ports.users.get(user_id)


def force_reset(ports: Ports, user_id: str, *, seen: Seen = None, caller: Principal, call: Call) -> UserRow:
    """The password is gone and every session ended; a mail lets the user choose another one.

    Raises `NotActive` for a guest, who has none.
    """
    user = ports.users.get(user_id)
    check_seen(user, seen)
    if user.email is None:
        raise NotActive("A guest has no password.")
    token = secret_values.new_link_token(user_id)
    applied(
        ports,
        user,
        UserRow.pw.remove(),
        UserRow.pw_pv.remove(),
        UserRow.pw_at.set(clock.millis()),
        event=PasswordChanged(user_id=user_id),
        also=[audit("accounts.reset-forced", f"user:{user_id}", by=caller, call=call)],
        steps=[
            putting(
                ports.users.table,
                reset_row(ports, user_id, token),
                event=mails.password_reset(ports, to=user.email, locale=user.locale, token=token),
            )
        ],
        reason="password reset by staff",
        bump=True,
        unless=lambda found: _has_other_roles(found, user),
    )
    return ports.users.get(user_id)


def revoke_sessions(ports: Ports, user_id: str, *, seen: Seen = None, caller: Principal, call: Call) -> UserRow:
    """End every session; the user may sign in again at once."""
    user = ports.users.get(user_id)
    check_seen(user, seen)
    applied(
        ports,
        user,
        # Whoever keeps the user's epoch, as API keys do, learns the new one from this.
        event=as_updated(user),
        also=[audit("accounts.sessions-revoked", f"user:{user_id}", by=caller, call=call)],
        reason="ended by staff",
        unless=lambda found: _has_other_roles(found, user),
    )
    return ports.users.get(user_id)


def is_active_owner(user: UserRow) -> bool:
    return OWNER in user.roles and user.status == "active"


def _has_other_roles(found: UserRow, user: UserRow) -> bool:
    return set(found.roles) != set(user.roles)


def check_known(ports: Ports, roles: Sequence[str]) -> None:
    unknown = sorted(set(roles) - ports.custom_roles.names())
    if unknown:
        told = f"There is no role {', '.join(unknown)}."
        raise InvalidRequest("Give roles that exist.", errors=[FieldError("/roles", told)])


def _opening(ports: Ports, user: UserRow, until: datetime | None) -> list[Change]:
    """When a lock ends by itself the user becomes due; a guest always is, some day."""
    idle = clock.now() + timedelta(days=ports.settings.guest_idle_days) if user.is_guest else None
    user.wait_until(until or idle, user.user_id)
    opens = UserRow.locked_until.set(int(until.timestamp() * 1000)) if until else UserRow.locked_until.remove()
    if user.due_pk is None:
        return [opens, UserRow.due_pk.remove(), UserRow.due_sk.remove()]
    return [opens, UserRow.due_pk.set(user.due_pk), UserRow.due_sk.set(user.due_sk)]


def _until(
    ports: Ports, user: UserRow, until: datetime | None, *, reason: str | None, caller: Principal, call: Call
) -> UserRow:
    """Another end of a lock that stands."""
    before = user.locked_until
    changes = _opening(ports, user, until)
    if before == (int(until.timestamp() * 1000) if until else None):
        return user
    told = audit("accounts.locked", f"user:{user.user_id}", by=caller, call=call, reason=reason)
    ports.users.restamp(user, *changes, event=told, also=[])
    return ports.users.get(user.user_id)


def _hold(ports: Ports, user: UserRow, *, reason: str | None, caller: Principal, call: Call) -> UserRow:
    """Who is locked on their way out is signed out already, and no sign-in brings them back any more."""
    told = audit("accounts.locked", f"user:{user.user_id}", by=caller, call=call, reason=reason)
    ports.users.restamp(user, UserRow.erase_by.set("staff"), event=told, also=[])
    return ports.users.get(user.user_id)
