"""From the log to the sockets: one worker at a time for a topic's shard, so that order is kept."""

from collections.abc import Iterable
from dataclasses import dataclass

from tessera import aws, clock, log
from tessera.namespaces import namespace_of
from tessera.seqlog import EntryRow, Head
from tessera.tables import ConditionFailed

from ..ports import Ports
from ..protocol.replies import frames, publication_push, push, unsubscribe
from ..rules.position import MOST_RECOVERED, is_whole
from ..store.listeners import Listener
from ..store.rows import MarkRow
from .leave import announce, cut, end, leave

PAGE = 100
# The code by which a client asks for a new token and comes again.
EXPIRED = 2501
# After so many connections the way that was gone is noted, which bounds what is sent twice after a crash.
NOTED_AFTER = 100
# A join whose message never came: its client is asked to come again.
JOIN_WITHIN_MS = 5_000
_NEW = MarkRow(off=0, subs_v=0, listeners=0)


@dataclass(frozen=True)
class Shard:
    topic: str
    shard: int


def poke(ports: Ports, at: Shard) -> None:
    """Deliver what the log holds and the shard has not. Harmless when there is nothing."""
    _advance(ports, at)


def join(ports: Ports, at: Shard, connection: str, after: int, born: int) -> None:
    """Give somebody who joins what came since their reply, and from now on all that comes.

    `born` tells this subscription from a later one of the same connection, whose reply said more.
    """
    reached = _advance(ports, at)
    row = ports.listeners.get(at.topic, at.shard, connection)
    if row is None or row.state != "joining" or int(row.born) != born:
        return
    if reached - after > MOST_RECOVERED or not _catch_up(ports, at, connection, after, reached):
        _ask_again(ports, at, [connection])
    elif ports.listeners.make_live(row, reached):
        announce(ports, row, "join")


def announce_to(ports: Ports, at: Shard, happened: str, info: dict[str, str], but: str) -> None:
    """Tell those of the shard who asked to hear of it that somebody joined or left."""
    mark = ports.listeners.mark(at.topic, at.shard) or _NEW
    hearing = [
        listener.connection
        for listener in ports.listeners.everybody(at.topic, at.shard, int(mark.subs_v))
        if listener.state == "live" and listener.hears and listener.connection != but
    ]
    _send(ports, hearing, [push(at.topic, happened, {"info": info})], at)


def tell(ports: Ports, topic: str, data: object, info: dict[str, str] | None) -> None:
    """Deliver what is not kept: to whoever listens this moment, in no particular order."""
    said = {"data": data, "info": info} if info else {"data": data}
    for shard in range(ports.live.log.head(topic).shards):
        mark = ports.listeners.mark(topic, shard)
        if mark is not None and int(mark.listeners):
            everybody = ports.listeners.everybody(topic, shard, int(mark.subs_v))
            _send(ports, _live(everybody), [push(topic, "pub", said)], Shard(topic, shard))


def end_subscription(ports: Ports, at: Shard, connection: str, code: int) -> None:
    """In the shard's own order, so that nothing comes after the push that says it is over."""
    row = ports.listeners.get(at.topic, at.shard, connection)
    if row is None or (code == EXPIRED and not row.is_over(clock.millis() // 1_000)):
        return
    if leave(ports, row):
        _send(ports, [connection], [unsubscribe(at.topic, code)], at)


def _advance(ports: Ports, at: Shard) -> int:
    """Bring everybody who is live up to the head; the offset they have then."""
    mark = ports.listeners.mark(at.topic, at.shard) or _NEW
    head = ports.live.log.head(at.topic)
    everybody = ports.listeners.everybody(at.topic, at.shard, int(mark.subs_v))
    _give_up_on_late(ports, at, everybody)
    live, reached = _live(everybody), int(mark.off)
    if mark.epoch not in (None, head.epoch):
        return _start_over(ports, at, head, live, reached)
    if not live:
        _move(ports, at, head, reached, head.off)
        return head.off
    while reached < head.off:
        # A delivery that was interrupted goes on with the same entries, after the last one who is known to have them.
        target = int(mark.to) if mark.to is not None else min(head.off, reached + PAGE)
        entries = ports.live.log.read(at.topic, reached, target - reached)
        if reached + 1 < head.floor or not is_whole(entries, reached, target):
            return _start_over(ports, at, head, live, reached)
        _deliver(ports, at, entries, live, mark, reached)
        _move(ports, at, head, reached, target)
        reached, mark = target, _NEW
    return reached


def _deliver(ports: Ports, at: Shard, entries: list[EntryRow], live: list[str], mark: MarkRow, reached: int) -> None:
    packed = list(frames(publication_push(at.topic, entry) for entry in entries))
    waiting = [connection for connection in live if mark.after is None or connection > mark.after]
    for start in range(0, len(waiting), NOTED_AFTER):
        batch = waiting[start : start + NOTED_AFTER]
        _send(ports, batch, packed, at)
        aws.fault_point("fanout.sent")
        if start + NOTED_AFTER < len(waiting):
            ports.listeners.progress(at.topic, at.shard, off=reached, to=entries[-1].offset, after=batch[-1])
    for entry in entries:
        _told(at, entry, len(waiting))


def _catch_up(ports: Ports, at: Shard, connection: str, after: int, up_to: int) -> bool:
    while after < up_to:
        target = min(up_to, after + PAGE)
        entries = ports.live.log.read(at.topic, after, target - after)
        if not is_whole(entries, after, target):
            return False
        _send(ports, [connection], frames(publication_push(at.topic, entry) for entry in entries), at)
        after = target
    return True


def _start_over(ports: Ports, at: Shard, head: Head, live: list[str], reached: int) -> int:
    """What they have cannot be gone on from: clients subscribe anew, and say where they stand."""
    _ask_again(ports, at, live)
    _move(ports, at, head, reached, head.off)
    return head.off


def _give_up_on_late(ports: Ports, at: Shard, everybody: list[Listener]) -> None:
    oldest = clock.millis() - JOIN_WITHIN_MS
    late = [one.connection for one in everybody if one.state == "joining" and one.born < oldest]
    _ask_again(ports, at, late)


def _ask_again(ports: Ports, at: Shard, connections: list[str]) -> None:
    for connection in connections:
        end_subscription(ports, at, connection, 2500)


def _move(ports: Ports, at: Shard, head: Head, reached: int, target: int) -> None:
    if target == reached and reached:
        return
    try:
        ports.listeners.move(at.topic, at.shard, head.epoch, off=reached, to=target)
    except ConditionFailed:
        # Somebody else has delivered the same, which the queue's order keeps from happening but for its own retries.
        log.line("fan-out", source=namespace_of(at.topic).name, outcome="moved before")


def _live(everybody: list[Listener]) -> list[str]:
    return [listener.connection for listener in everybody if listener.state == "live"]


def _send(ports: Ports, connections: list[str], lines: Iterable[str], at: Shard) -> None:
    gone, slow = ports.post_all(connections, lines)
    for connection in gone:
        end(ports, connection)
    for connection in slow:
        # One that takes nothing never holds up the others; it comes again and recovers.
        row = ports.listeners.get(at.topic, at.shard, connection)
        if row is None or not leave(ports, row) or not _says_so(ports, at, connection):
            # It does not know that it hears nothing any more: only a new connection brings it back.
            cut(ports, connection, 3008)


def _says_so(ports: Ports, at: Shard, connection: str) -> bool:
    gone, slow = ports.post_all([connection], [unsubscribe(at.topic, 2500)])
    return not (gone or slow)


def _told(at: Shard, entry: EntryRow, sockets: int) -> None:
    known = log.parse_traceparent(entry.trace or "")
    log.line(
        "delivered",
        source=namespace_of(at.topic).name,
        offset=entry.offset,
        sockets=sockets,
        oldest_age_ms=clock.millis() - int(entry.at),
        **({"trace_id": known[0], "parent_id": known[1]} if known else {}),
    )
