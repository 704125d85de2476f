"""Ends: of one subscription, and of a connection with all it had."""

from tessera.namespaces import namespace_of

from ..ports import Ports
from ..protocol.replies import disconnect
from ..store.rows import SubscriptionRow

# A socket's end may overtake the push that says why, so it comes a little later.
DROPPED_AFTER_SECONDS = 2
ONLINE_AFTER_SECONDS = 10


def leave(ports: Ports, row: SubscriptionRow) -> bool:
    """End a subscription, once however often that is asked; those who hear of it are told."""
    gone = ports.listeners.remove(row.topic, int(row.shard), row.connection)
    if gone is None:
        return False
    if not gone.own:
        ports.connections.free_place(row.connection)
    announce(ports, gone, "leave")
    return True


def announce(ports: Ports, row: SubscriptionRow, kind: str) -> None:
    """Tell whoever asked to hear of it that somebody joined or left."""
    if not namespace_of(row.topic).join_leave:
        return
    shards = max(1, ports.live.log.head(row.topic).shards)
    data = {"happened": kind, "info": row.info, "connection": row.connection}
    for shard in range(shards):
        ports.fanout.send("announce", row.topic, shard, data, once=f"{kind}#{row.connection}#{row.born}")


def end(ports: Ports, connection: str) -> None:
    """Forget a connection that is gone. Harmless when it was forgotten before."""
    row = ports.connections.delete(connection)
    topics = [held for held in ports.listeners.of_connection(connection) if leave(ports, held)]
    if row is not None and row.user:
        documents = sorted(held.topic for held in topics if held.topic.startswith("doc:"))
        data = {"user": row.user, "client": row.client or "", "documents": documents, "connection": connection}
        ports.later("ended", data)
        look_whether_online_later(ports, row.user)


def look_whether_online_later(ports: Ports, user: str) -> None:
    """A reload is a connection that ends and one that begins: neither is worth telling."""
    ports.later("online", {"user": user}, seconds=ONLINE_AFTER_SECONDS)


def cut(ports: Ports, connection: str, code: int) -> None:
    """Tell a client that its connection ends, and then end it."""
    if ports.connections.close(connection):
        ports.post_all([connection], [disconnect(code)])
        ports.later("drop", {"connection": connection}, seconds=DROPPED_AFTER_SECONDS)
