"""What becomes of connections with time: pings, old age, tokens that end, users who come and go."""

from collections.abc import Sequence

from tessera import clock, log
from tessera.due import DueItem
from tessera.live import GrantRow, grant_key
from tessera.tables import ConditionFailed

from ..events import ConnectionClosed, UserOffline, UserOnline
from ..ports import Ports
from ..rules.access import SUBSCRIBE
from ..rules.pings import is_silent, rounds_of, seconds_left, times_a_minute
from ..store.connections import PING_PARTITIONS
from ..store.online import Online
from ..store.rows import MARK, META, ConnectionRow, SubscriptionRow, mark_key
from . import deliver
from .leave import cut, end

PINGED_AT_ONCE = 100
PING = "{}"


def ping_all(ports: Ports) -> None:
    """Every minute: hand the connections whose turn it is to the workers, a hundred at a time."""
    seconds = ports.settings.ping_seconds
    minute = clock.millis() // 60_000 % rounds_of(seconds)
    times = times_a_minute(seconds)
    for partition in range(PING_PARTITIONS):
        found = ports.connections.in_slot(minute, partition)
        for start in range(0, len(found), PINGED_AT_ONCE):
            for turn in range(times):
                data = {"connections": found[start : start + PINGED_AT_ONCE]}
                ports.later("ping", data, seconds=turn * 60 // times)


def ping(ports: Ports, connections: Sequence[str]) -> None:
    """Ping these; end those that are silent or not there any more, or grow too old before their next turn."""
    now, alive = clock.millis(), list[str]()
    round_seconds = 60 * rounds_of(ports.settings.ping_seconds)
    for connection in connections:
        row = ports.connections.get(connection)
        if row is None or row.state != "ready":
            continue
        if is_silent(int(row.pong_at), now, ports.settings.ping_seconds):
            cut(ports, connection, 3012)
            continue
        alive.append(connection)
        left = seconds_left(connection, int(row.born), now)
        if left < round_seconds:
            # At its own second: who came in the same minute has the same turn, and would come again all at once.
            ports.later("cut", {"connection": connection, "code": 3011}, seconds=max(0, left))
    gone, _ = ports.post_all(alive, [PING])
    for connection in gone:
        end(ports, connection)


def come_due(ports: Ports, item: DueItem) -> None:
    """A token of a connection or a subscription has ended, a log has grown old, or nobody listens any more."""
    if item.pk.startswith("CONN#"):
        _expire(ports, item)
    elif item.pk.startswith("SUB#"):
        _end_subscription(ports, item)
    elif item.pk.startswith("LOG#"):
        ports.live.log.trim(item.pk.removeprefix("LOG#"), item.due_pk)
    elif item.pk.startswith("FAN#"):
        _fall_silent(ports, item)


def drop_unless_ready(ports: Ports, connection: str) -> None:
    """A socket that was opened and has said nothing since."""
    row = ports.connections.get(connection)
    if row is not None and row.state == "open":
        drop(ports, connection)


def drop(ports: Ports, connection: str) -> None:
    ports.sockets.drop(connection)
    end(ports, connection)


def look_whether_online(ports: Ports, online: Online, user: str) -> None:
    """Say that a user has come or gone, when that is still so some seconds later."""
    is_here = any(row.state == "ready" for row in ports.connections.of_user(user, at_most=5))
    event = UserOnline(user_id=user) if is_here else UserOffline(user_id=user)
    try:
        online.become(user, is_here, event)
    except ConditionFailed:
        log.line("online", outcome="known")


def tell_closed(online: Online, user: str, client: str, documents: list[str]) -> None:
    """For whoever keeps track of who has a document open."""
    if documents:
        online.tell(ConnectionClosed(user_id=user, client=client, documents=documents))


def cut_user(ports: Ports, user: str, session: str = "", *, code: int = 3503) -> None:
    """End the connections of a user; with `session`, of this session or key alone."""
    at_most = 2 * ports.settings.connections_per_user
    for row in ports.connections.of_user(user, at_most=at_most):
        if not session or row.session == session:
            cut(ports, row.connection, code)


def end_what_is_not_granted(ports: Ports, topic: str, user: str) -> None:
    """A right was taken away. Who has been given it again since, by a reload for one, goes on listening."""
    grant = ports.live.log.table.get(GrantRow, grant_key(topic), user)
    if grant is None or SUBSCRIBE not in grant.perms:
        revoke(ports, topic, user)


def revoke(ports: Ports, topic: str, user: str) -> None:
    """End what a user listens to, in the order of the topic itself."""
    for connection in ports.connections.of_user(user, at_most=2 * ports.settings.connections_per_user):
        for row in ports.listeners.of_connection(connection.connection):
            if row.topic == topic:
                data = {"connection": connection.connection, "code": 2000}
                ports.fanout.send("end", topic, int(row.shard), data, once=f"{connection.connection}#{row.born}")


def _expire(ports: Ports, item: DueItem) -> None:
    row = ports.connections.table.get(ConnectionRow, item.pk, META)
    if row is not None and row.due_pk == item.due_pk and row.state == "ready":
        cut(ports, row.connection, 3005)


def _end_subscription(ports: Ports, item: DueItem) -> None:
    row = ports.listeners.table.get(SubscriptionRow, item.pk, item.sk)
    if row is not None and row.due_pk == item.due_pk:
        data = {"connection": row.connection, "code": deliver.EXPIRED}
        once = f"{row.connection}#{row.born}#{row.expires_at}"
        ports.fanout.send("end", row.topic, int(row.shard), data, once=once)


def _fall_silent(ports: Ports, item: DueItem) -> None:
    topic, _, number = item.pk.removeprefix("FAN#").rpartition("#")
    head = ports.live.log.head(topic)
    if not head.shards:
        return
    marks = [mark for shard in range(head.shards) if (mark := ports.listeners.mark(topic, shard)) is not None]
    mine = next((mark for mark in marks if mark.pk == mark_key(topic, int(number)) and mark.sk == MARK), None)
    if mine is None or mine.due_pk != item.due_pk:
        return
    if any(int(mark.listeners) > 0 for mark in marks) or not ports.listeners.fall_silent(
        topic, head, marks, item.due_pk
    ):
        ports.listeners.wait_no_more(topic, int(number), item.due_pk)
    ports.live.log.forget(topic)
