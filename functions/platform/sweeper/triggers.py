"""Once a minute: everything that has become due goes to the queue of its capability."""

from dataclasses import asdict
from datetime import timedelta

from tessera import aws, clock, due, log, queues
from tessera.auth import feed_entries
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import Entries, worker

from .store import Marks, SweeperSettings, waiting

# A writer whose clock is behind may still add to a minute that was swept.
OVERLAP = timedelta(minutes=2)
# A table without a mark is as new as the stack, or as the capability in it.
FIRST_LOOK_BACK = timedelta(minutes=10)
# After a long stop the mark moves hour by hour, so that a sweep cut short has still got somewhere.
STRIDE = timedelta(hours=1)
_FAILING = (aws.ClientError, aws.BotoCoreError, Busy)


def sweep(bindings: Bindings) -> None:
    """Sweep every table from where the last sweep ended; a table that fails does not stop the others."""
    for name, queue_url in bindings.settings(SweeperSettings).targets:
        try:
            sweep_table(bindings.get(Marks), name, queue_url)
        except _FAILING as error:
            log.unexpected(f"sweep of {name}", error)
    pack_feed(bindings.settings(SweeperSettings).authfeed)


def pack_feed(name: str) -> None:
    """After a mass revocation, functions that start cold read it packed."""
    try:
        packed = feed_entries.pack(Table(name))
    except _FAILING as error:
        log.unexpected("packing of the feed", error)
        return
    if packed:
        log.line("packed", source=name, sent=packed)


def sweep_table(marks: Marks, name: str, queue_url: str) -> int:
    """Send what is due, then move the mark: a crash in between sends twice and loses nothing."""
    now, sent = clock.now(), 0
    # A mark in the future was made by a clock that has gone back since.
    since = max(min(marks.of(name, now - FIRST_LOOK_BACK), now) - OVERLAP, now - due.LOOK_BACK)
    while since < now:
        until = min(since + STRIDE, now)
        bodies = (queues.message("due", asdict(item)) for item in waiting(Table(name), since, until))
        sent += queues.send_bodies(queue_url, bodies)
        aws.fault_point("sweeper.sent")
        marks.move(name, until)
        since = until
    if sent:
        log.line("swept", source=name, sent=sent)
    return sent


ENTRIES = Entries(schedules={"sweep": sweep})
handler = worker("sweeper", ENTRIES)
