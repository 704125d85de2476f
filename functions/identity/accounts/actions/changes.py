"""Changes that end sessions, tried again when somebody signs in or out in between."""

from collections.abc import Callable, Sequence

from pynamodb.expressions.update import Action as Change

from tessera.outbox import Event
from tessera.problems import Busy
from tessera.transact import Step

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
    unless: Callable[[UserRow], bool] = lambda found: False,
) -> int:
    """`UserStore.end_sessions`, on the user as they are by then; returns the new epoch.

    Raises `Busy` when `unless` says that the change makes no sense any more, or nobody lets us through.
    """
    for _ in range(TRIES):
        try:
            return ports.users.end_sessions(
                user, *changes, event=event, also=also, steps=steps, keep=keep, reason=reason, bump=bump
            )
        except Changed:
            user = ports.users.get(user.user_id)
            if unless(user):
                break
    raise Busy()
