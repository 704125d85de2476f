"""Changes that end sessions, tried again when somebody signs in or out in between."""

from collections.abc import Callable, Collection, Sequence

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action as Change

from tessera.etags import StaleVersion
from tessera.outbox import Event
from tessera.problems import Busy
from tessera.transact import Step

from ..events import UserUpdated
from ..ports import Ports
from ..store import UserRow
from ..store.users import Changed

TRIES = 5


def applied(
    ports: Ports,
    user: UserRow,
    *changes: Change,
    event: Event,
    also: Sequence[Event] = (),
    steps: Sequence[Step] = (),
    keep: str | None = None,
    reason: str,
    bump: bool = False,
    only_if: Condition | None = None,
    unless: Callable[[UserRow], bool] = lambda found: False,
) -> int:
    """`UserStore.end_sessions`, on the user as they are by then; returns the new epoch.

    Raises `Busy` when `unless` says that the change makes no sense any more, or nobody lets us through.
    """
    for _ in range(TRIES):
        try:
            return ports.users.end_sessions(
                user,
                *changes,
                event=event,
                also=also,
                steps=steps,
                keep=keep,
                reason=reason,
                bump=bump,
                only_if=only_if,
            )
        except Changed:
            user = ports.users.get(user.user_id)
            if unless(user):
                break
    raise Busy()


def check_seen(user: UserRow, roles: Collection[str] | None) -> None:
    """Raises `StaleVersion` when the user does not have the roles by which it was decided what may be done to them."""
    if roles is not None and set(roles) != set(user.roles):
        raise StaleVersion("Their roles were changed in between. Look at them again.")


def as_updated(user: UserRow, roles: set[str] | None = None) -> UserUpdated:
    """What the rest is told when a user's roles or epoch change: whoever keeps either reads it again."""
    shown = {field: getattr(user, field) for field in ("name", "handle", "avatar_file_id")}
    return UserUpdated(user_id=user.user_id, roles=sorted(user.roles if roles is None else roles), **shown)
