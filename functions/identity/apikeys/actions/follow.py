"""What is done when something else has happened: to the owner of a key, or to a key."""

from contextlib import suppress

from tessera.outbox import Envelope

from ..ports import Ports
from ..rules import Status
from ..store.keys import Overtaken
from . import end

ERASED_AT_ONCE = 50


def refresh(ports: Ports, user_id: str) -> None:
    """Let the keys of a user know how the user stands now.

    1 request for who has none; else 2, 1 internal call (2 for who is locked), and 1 write a key. What has happened does
    not matter, only what is so now: events may come twice and in any order.
    """
    rows = ports.keys.in_use(user_id)
    if not rows:
        return
    noted, standing = None, ports.owners.standing(user_id)
    while standing is not None and standing != noted:
        status = Status.ACTIVE if standing.is_active else Status.SUSPENDED
        for row in rows:
            ports.keys.refresh(row, roles=standing.roles, epoch=standing.epoch, status=status)
        if standing.is_active:
            return
        # Who is unlocked gets no new epoch by which what was noted of it meanwhile would be the newer.
        noted, standing = standing, ports.owners.standing(user_id)
    if standing is None:
        end.revoke_all(ports, user_id, reason="owner_gone")


def follow_organisation(ports: Ports, organisation_id: str, *, is_there: bool, heard_at: str) -> None:
    """The keys of an organisation rest while it is deleted. 1 write, 2 requests, and 1 transaction a key."""
    # First, so that a key that is not among those in use is not made any more.
    if not ports.keys.hear(organisation_id, heard_at, rests=not is_there):
        return
    status = Status.ACTIVE if is_there else Status.SUSPENDED
    with suppress(Overtaken):
        for row in ports.keys.in_use(organisation_id):
            if row.status != status.value:
                ports.keys.hold(row, status, heard_at)


def tell(ports: Ports, user_id: str, template: str, data: dict[str, str], received: Envelope) -> None:
    """A mail about a key to who made it, once for each event. 1 read, 2 internal calls, 1 write."""
    if ports.keys.was_seen(received.id):
        return
    ports.owners.write(user_id, template, data)
    ports.keys.note_seen(received.id)


def erase(ports: Ports, owner_id: str) -> tuple[bool, int]:
    """Delete some of an owner's keys: whether none is left, and how many went. To be asked until done."""
    erased = ports.keys.erase(owner_id, ERASED_AT_ONCE)
    done = erased < ERASED_AT_ONCE
    if done:
        ports.keys.tell_erased(owner_id)
    return done, erased
