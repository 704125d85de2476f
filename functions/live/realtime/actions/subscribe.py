"""Listening to a topic without a gap, a repetition or disorder.

The order is what makes it so: the listener's row, then the head, then a read of what the log holds after the asked
position; then the reply; and only then is the delivery asked to take it from the reply's last offset on.
"""

from typing import Any

from tessera import clock
from tessera.auth.subscription_tokens import Subscription
from tessera.fanout import shard_of
from tessera.namespaces import Namespace, namespace_of
from tessera.seqlog import EntryRow, Head
from tessera.tables import ConditionFailed

from ..protocol.commands import Command
from ..protocol.replies import LARGEST_OUT, PUSHES_PER_FRAME, Disconnect, Refused, publication, publications
from ..rules.access import SUBSCRIBE
from ..rules.position import Position, is_recoverable, is_whole
from ..store.rows import SubscriptionRow, held_key, subscribers_key
from . import topic_tokens
from .leave import leave
from .session import Session

# API Gateway cuts frames of more than 32 KB, and a client that comes back sends all its subscriptions in one.
MOST_TOPICS = 64
MOST_PER_SHARD = 200
MOST_SHARDS = 64
FULL_FRAME = LARGEST_OUT - 8_192


def subscribe(session: Session, command: Command) -> dict[str, Any]:
    """Raises `Refused`."""
    if command.body.get("type") or command.body.get("tf"):
        raise Refused(107)
    topic, told = command.text("channel"), topic_tokens.shown(session, command)
    namespace = session.access(told.topic if told else "").require(topic, SUBSCRIBE)
    try:
        session.ports.connections.take_place(session.connection, MOST_TOPICS)
    except ConditionFailed as failed:
        if failed.old is None or failed.old.state != "ready":
            raise Disconnect(3501) from None
        raise Refused(106) from None
    try:
        hears = command.flag("join_leave") and namespace.join_leave
        return subscribe_to(session, topic, command, hears=hears, told=told)
    except Refused:
        session.ports.connections.free_place(session.connection)
        raise


def unsubscribe(session: Session, command: Command) -> dict[str, Any]:
    """Nothing happens when it does not listen."""
    topic = command.text("channel")
    for row in session.ports.listeners.of_connection(session.connection):
        if row.topic == topic and not row.own:
            leave(session.ports, row)
    return {}


def subscribe_to(
    session: Session,
    topic: str,
    asked: Command,
    *,
    own: bool = False,
    hears: bool = False,
    told: Subscription | None = None,
) -> dict[str, Any]:
    """Begin to listen, and say from where; with a token, until it ends. Raises `Refused`."""
    ports, connection, namespace = session.ports, session.connection, namespace_of(topic)
    known = ports.live.log.known(topic)
    shard = shard_of(connection, known.shards if known else 1)
    row = SubscriptionRow(
        pk=subscribers_key(topic, shard),
        sk=connection,
        state="joining",
        topic=topic,
        shard=shard,
        client=session.client,
        user=session.user,
        born=clock.millis(),
        hears=hears,
        own=own,
        gs1_pk=held_key(connection),
        gs1_sk=topic,
    )
    if told is not None:
        row.end_at(told.expires_at)
    _must_be_new(session, topic, own)
    try:
        mark = ports.listeners.add(row)
    except ConditionFailed:
        raise Refused(105) from None
    head = ports.live.log.head(topic)
    wanted = max(shard + 1, 1)
    if int(mark.listeners) > MOST_PER_SHARD:
        wanted = max(wanted, min(MOST_SHARDS, 2 * max(head.shards, 1)))
    if head.shards < wanted:
        head = ports.live.log.listen(topic, wanted)
    reply, last = _answer(session, topic, namespace, asked, head)
    joining = {"connection": connection, "after": last, "born": int(row.born)}
    session.after.append(lambda: ports.fanout.send("join", topic, shard, joining, once=f"{connection}#{row.born}"))
    return {**reply, **topic_tokens.life(told)} if told else reply


def _must_be_new(session: Session, topic: str, own: bool) -> None:
    """One row a topic: while a topic grows, a second one could stand in another shard. Raises `Refused`."""
    if not own and any(row.topic == topic for row in session.ports.listeners.of_connection(session.connection)):
        raise Refused(105)


def _answer(
    session: Session, topic: str, namespace: Namespace, asked: Command, head: Head
) -> tuple[dict[str, Any], int]:
    """The reply, and the offset up to which the client has everything then."""
    reply: dict[str, Any] = {"recoverable": namespace.recovers, "positioned": namespace.recovers}
    reply |= {"epoch": head.epoch, "offset": head.off, "recovered": False, "was_recovering": asked.flag("recover")}
    if not (asked.flag("recover") and namespace.recovers):
        return reply, head.off
    position = Position(asked.text("epoch"), asked.number("offset"))
    if not is_recoverable(position, head):
        return reply, head.off
    entries = session.ports.live.log.read(topic, position.offset, PUSHES_PER_FRAME, up_to=head.off)
    if not is_whole(entries, position.offset, min(head.off, position.offset + PUSHES_PER_FRAME)):
        return reply, head.off
    fitting = _fitting(entries)
    reply["recovered"] = True
    last = position.offset
    if fitting:
        # A client moves on while it works through these; the rest follows as ordinary pushes.
        reply["offset"] = position.offset
        reply["publications"] = publications(fitting)
        last = fitting[-1].offset
    return reply, last


def _fitting(entries: list[EntryRow]) -> list[EntryRow]:
    size, fitting = 0, list[EntryRow]()
    for entry in entries:
        size += len(publication(entry).encode())
        if size > FULL_FRAME:
            break
        fitting.append(entry)
    return fitting
