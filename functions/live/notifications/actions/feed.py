"""What a person does with their feed. What is unread changes only together with its count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tessera import queues
from tessera.live import user_topic
from tessera.problems import Busy, NotFound
from tessera.tables import Key, Page
from tessera.transact import Step, transact

from ..ports import Ports
from ..store.feed import Unchanged
from ..store.rows import ARCHIVE, HIDDEN, INBOX, FeedRow

MAX_UNSEEN = 100
AT_ONCE, ROUNDS = 25, 20
_TRIES = 10


@dataclass(frozen=True)
class Counts:
    """`unseen` is counted up to a hundred."""

    unread: int
    unseen: int
    seen_id: str | None
    read_before: str | None


def counts(ports: Ports, user_id: str) -> Counts:
    """2 requests."""
    person = ports.store.people.get(user_id)
    seen_id = person.seen_id if person is not None else None
    unseen = ports.store.feed.after(user_id, seen_id, MAX_UNSEEN)
    if person is None:
        return Counts(0, unseen, None, None)
    return Counts(int(person.unread), unseen, seen_id, person.read_before)


def unread_of(ports: Ports, user_id: str) -> int:
    person = ports.store.people.get(user_id)
    return int(person.unread) if person is not None else 0


def page(
    ports: Ports, user_id: str, limit: int, after: Key | None, *, unread: bool, archived: bool, kind: str | None
) -> Page[FeedRow]:
    """1 request, at the same cost however many there are. With a type a page may be short."""
    if unread:
        return ports.store.feed.unread(user_id, limit, after, kind=kind)
    return ports.store.feed.page(user_id, limit, after, archived=archived, kind=kind)


def get(ports: Ports, user_id: str, notification_id: str) -> FeedRow:
    """1 request. Raises `NotFound`."""
    row = ports.store.feed.find(user_id, notification_id)
    if row is None or row.sk.startswith(HIDDEN):
        raise NotFound("There is no such notification.")
    return row


def read(ports: Ports, user_id: str, notification_id: str) -> FeedRow:
    """1 request, and 1 transaction the first time. Raises `NotFound`."""

    def steps(row: FeedRow) -> list[Step] | None:
        if row.read:
            return None
        return [ports.store.feed.reading(row), ports.store.people.counting(user_id, -1)]

    return _change(ports, user_id, notification_id, steps, "notification.read")


def unread(ports: Ports, user_id: str, notification_id: str) -> FeedRow:
    """Unread again, and back from the archive if it was there. Raises `NotFound`."""

    def steps(row: FeedRow) -> list[Step] | None:
        feed, count = ports.store.feed, ports.store.people.counting(user_id, 1)
        if row.sk.startswith(ARCHIVE):
            return [*feed.moving(row, INBOX, unread=True), count]
        return [feed.unreading(row), count] if row.read else None

    return _change(ports, user_id, notification_id, steps, "notification.unread")


def archive(ports: Ports, user_id: str, notification_id: str) -> FeedRow:
    """Out of the inbox, and read. Raises `NotFound`."""

    def steps(row: FeedRow) -> list[Step] | None:
        if row.sk.startswith(ARCHIVE):
            return None
        counted = [] if row.read else [ports.store.people.counting(user_id, -1)]
        return [*ports.store.feed.moving(row, ARCHIVE, unread=False), *counted]

    return _change(ports, user_id, notification_id, steps, "notification.archived")


def read_all(ports: Ports, user_id: str, before_id: str) -> tuple[int, bool]:
    """Everything up to this one is read: how many were not, and whether that was all.

    1 transaction for 25; beyond 500 the queue goes on. What comes meanwhile is newer and stays unread.
    """
    done, after = 0, None
    for _ in range(ROUNDS):
        found = ports.store.feed.unread(user_id, AT_ONCE, after, before_id=before_id)
        done += _read_some(ports, user_id, found.rows)
        after = found.next
        if after is None:
            break
    if after is not None:
        queues.send(ports.settings.queue, "read-all", {"user_id": user_id, "before_id": before_id})
    else:
        ports.store.people.read_up_to(user_id, before_id)
    if done:
        tell_counts(ports, user_id)
    return done, after is None


def see(ports: Ports, user_id: str, notification_id: str) -> Counts:
    """The badge has been looked at. 3 requests, and 1 transaction when that is news."""
    if ports.store.people.see(user_id, notification_id):
        return tell_counts(ports, user_id)
    return counts(ports, user_id)


def expire(ports: Ports, user_id: str, notification_id: str) -> None:
    """It has grown old: away with it, and out of the count if nobody ever read it. 1 transaction."""
    row = ports.store.feed.find(user_id, notification_id)
    if row is None or row.read:
        return
    try:
        transact(ports.store.feed.removing(row), ports.store.people.counting(user_id, -1))
    except Unchanged:
        # It was read or grouped at this moment; the sweeper comes again for what is left.
        return


def tell_counts(ports: Ports, user_id: str) -> Counts:
    now = counts(ports, user_id)
    said = {"kind": "notification.counts", "unread": now.unread, "unseen": now.unseen, "seen_id": now.seen_id}
    ports.live.publish(user_topic(user_id), said)
    return now


def _change(
    ports: Ports,
    user_id: str,
    notification_id: str,
    steps: Callable[[FeedRow], list[Step] | None],
    kind: str,
) -> FeedRow:
    """Do it, unless it is done; whoever else is at the same row makes us look again."""
    for _ in range(_TRIES):
        row = get(ports, user_id, notification_id)
        found = steps(row)
        if found is None:
            return row
        try:
            _publish(ports, user_id, {"kind": kind, "ids": [notification_id]}, found)
        except Unchanged:
            continue
        return get(ports, user_id, notification_id)
    raise Busy()


def _read_some(ports: Ports, user_id: str, rows: Sequence[FeedRow]) -> int:
    """All of them at once, or one by one when somebody was faster with one of them."""
    if not rows:
        return 0
    feed, people = ports.store.feed, ports.store.people
    try:
        transact(*(feed.reading(row) for row in rows), people.counting(user_id, -len(rows)))
        return len(rows)
    except Unchanged:
        return sum(_read_one(ports, user_id, row) for row in rows)


def _read_one(ports: Ports, user_id: str, row: FeedRow) -> bool:
    try:
        transact(ports.store.feed.reading(row), ports.store.people.counting(user_id, -1))
    except Unchanged:
        return False
    return True


def _publish(ports: Ports, user_id: str, said: dict[str, Any], steps: Sequence[Step]) -> None:
    ports.live.publish(user_topic(user_id), said, also=lambda made: steps)
