"""Leaving: an account that is deleted can come back for a month, and then nothing of it is left."""

from collections.abc import Collection
from datetime import datetime, timedelta

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.outbox import Event

from .. import mails
from ..events import UserLocked, UserUnlocked
from ..ports import Ports
from ..rules import LoginFailed, NotActive
from ..store import UserRow
from ..store.activity import telling
from ..store.users import Changed
from .changes import applied, check_seen
from .factors import require_second_factor

OWNER = "owner"
# Their tokens are good nowhere after 15 seconds, and no request takes longer than 29. Erasing begins when nothing that
# was let in before can write any more, so that no capability has to ask at each write whether somebody is gone.
SETTLED = timedelta(seconds=50)


def leave(ports: Ports, user_id: str, *, caller: Principal, call: Call) -> datetime:
    """Delete one's own account, and return when it is erased: until then a sign-in keeps it.

    1 read and 1 transaction. Raises `StepUpRequired`, `LastOwner`, `NotActive` when it is on its way already.
    """
    user = ports.users.get(user_id)
    require_second_factor(user, caller)
    grace = timedelta(days=ports.settings.deletion_grace_days)
    return _close(ports, user, grace, by="user", caller=caller, call=call)


def remove(
    ports: Ports, user_id: str, *, now: bool, seen: Collection[str] | None = None, caller: Principal, call: Call
) -> datetime:
    """Staff delete an account, and return when it is erased. A sign-in does not keep it.

    Raises `NotFound`, `LastOwner`, `StaleVersion`, `NotActive` when it is on its way already.
    """
    grace = timedelta(0) if now else timedelta(days=ports.settings.deletion_grace_days)
    user = ports.users.get(user_id)
    check_seen(user, seen)
    return _close(ports, user, grace, by="staff", caller=caller, call=call)


def kept(ports: Ports, user: UserRow, *, call: Call | None = None) -> UserRow:
    """The user who signs in; an account that was on its way out stays, which is 1 transaction more.

    Raises `LoginFailed` for who may not come back, also when the erasure has begun meanwhile.
    """
    if not user.may_sign_in:
        raise LoginFailed()
    if user.status == "active":
        return user
    myself = Principal(kind="user", id=user.user_id, user_id=user.user_id)
    table = ports.users.table
    try:
        ports.lives.keep(
            user,
            event=UserUnlocked(user_id=user.user_id),
            steps=[
                telling(table, audit("accounts.deletion-cancelled", f"user:{user.user_id}", by=myself, call=call)),
                telling(table, mails.notice("account-kept", to=user.email, locale=user.locale)),
                *ports.owners.changing(before=False, after=OWNER in user.roles),
            ],
        )
    except Changed:
        raise LoginFailed() from None
    user.status, user.erase_at, user.erase_by, user.version = "active", None, None, int(user.version) + 1
    user.wait_until(None, user.user_id)
    return user


def _close(ports: Ports, user: UserRow, grace: timedelta, *, by: str, caller: Principal, call: Call) -> datetime:
    if user.status == "deleting":
        raise NotActive("The account is being deleted already.")
    at = clock.now() + max(grace, SETTLED)
    was_owner = OWNER in user.roles and user.status == "active"
    user.wait_until(at, user.user_id)
    told: list[Event] = [audit("accounts.deletion-asked", f"user:{user.user_id}", by=caller, call=call)]
    if by == "user":
        until = f"{at:%Y-%m-%d %H:%M} UTC"
        told.append(mails.notice("account-deleting", to=user.email, locale=user.locale, until=until))
    applied(
        ports,
        user,
        UserRow.status.set("deleting"),
        UserRow.erase_at.set(int(at.timestamp() * 1000)),
        UserRow.erase_by.set(by),
        UserRow.due_pk.set(user.due_pk),
        UserRow.due_sk.set(user.due_sk),
        # For everybody else the account is closed: cookie sessions, connections and keys end.
        event=UserLocked(user_id=user.user_id),
        also=told,
        steps=ports.owners.changing(before=was_owner, after=False),
        reason="account deleted",
        bump=True,
        unless=lambda found: found.status != user.status or set(found.roles) != set(user.roles),
    )
    return at
