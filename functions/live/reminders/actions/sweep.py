"""Once a minute: what is due in the next one goes to the queue, where it waits for its second."""

from datetime import datetime, timedelta

from tessera import aws, clock, log
from tessera.due import DueItem

from ..ports import Ports

MINUTE = timedelta(minutes=1)
# A message may be lost, or its sender ended before it was sent: what is still there two minutes later is sent again.
LOOK_BACK = 2 * MINUTE
# After a long stop the mark moves bit by bit, so that a sweep cut short has still got somewhere.
STRIDE, MOST_AT_ONCE = 30, 180


def sweep(ports: Ports) -> int:
    """Read the next minute, the one of two minutes ago, and every one that no sweep has read. How many were sent.

    In step that is 2 minutes of 16 requests each, whatever the number of reminders, and a read and a write of the mark.
    """
    this = clock.now().replace(second=0, microsecond=0)
    ahead, mark = this + MINUTE, ports.marks.get() or this - LOOK_BACK
    # What is due now does not wait for what was missed long ago.
    first = max(mark + MINUTE, this - LOOK_BACK + MINUTE)
    sent = _send(ports, [this - LOOK_BACK, *_minutes(first, ahead)])
    missed = list(_minutes(mark + MINUTE, this - LOOK_BACK - MINUTE))[:MOST_AT_ONCE]
    for start in range(0, len(missed), STRIDE):
        some = missed[start : start + STRIDE]
        sent += _send(ports, some)
        aws.fault_point("reminders.swept")
        ports.marks.move(some[-1])
    if not missed or missed[-1] >= this - LOOK_BACK - MINUTE:
        ports.marks.move(ahead)
    if sent:
        log.line("swept", sent=sent)
    return sent


def _send(ports: Ports, minutes: list[datetime]) -> int:
    waiting: list[DueItem] = [item for minute in minutes for item in ports.marks.waiting(minute)]
    return ports.queue.send(waiting)


def _minutes(first: datetime, last: datetime) -> list[datetime]:
    return [first + number * MINUTE for number in range((last - first) // MINUTE + 1)]
