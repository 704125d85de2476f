"""The runs of reminders that are gone go behind the answer, some at a time."""

from collections.abc import Sequence

from ..ports import Ports

FORGET = "forget"
FORGOTTEN_AT_ONCE = 200


def forget_soon(ports: Ports, reminder_ids: Sequence[str]) -> None:
    """1 message, or none."""
    if reminder_ids:
        ports.queue.again(FORGET, {"reminder_ids": list(reminder_ids)})


def forget(ports: Ports, reminder_ids: Sequence[str]) -> None:
    """Delete some runs of these reminders, and go on with the next ones in a job of their own."""
    for position, reminder_id in enumerate(reminder_ids):
        if ports.reminders.forget_runs(reminder_id, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE:
            forget_soon(ports, reminder_ids[position:])
            return
