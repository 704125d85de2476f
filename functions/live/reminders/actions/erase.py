"""Everything of an owner goes."""

from ..ports import Ports

ERASED_AT_ONCE = 250


def erase(ports: Ports, owner_id: str) -> tuple[bool, int]:
    """Delete some of what an owner has: whether nothing is left, and how many items went. To be asked until done."""
    erased = ports.reminders.erase(owner_id, ERASED_AT_ONCE)
    if erased < ERASED_AT_ONCE:
        ports.calendar.replace_feed(owner_id, None)
        erased += ports.calendar.erase(owner_id, ERASED_AT_ONCE - erased)
    done = erased < ERASED_AT_ONCE
    if done:
        ports.calendar.tell_erased(owner_id)
    return done, erased
