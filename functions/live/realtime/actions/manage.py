"""What staff do with connections. A socket is told by the worker, which alone can reach it."""

from tessera.namespaces import UnknownTopic, namespace_of
from tessera.problems import NotFound

from ..ports import Ports
from ..rules.pings import rounds_of
from ..store.rows import ConnectionRow

FORCED = 3503


def connections_of(ports: Ports, user: str, at_most: int) -> list[ConnectionRow]:
    """The connections of a user. 1 request."""
    return ports.connections.of_user(user, at_most=at_most)


def cut_client(ports: Ports, client: str) -> None:
    """End one connection. At most 5 requests. Raises `NotFound`."""
    row = ports.connections.of_client(client, rounds_of(ports.settings.ping_seconds))
    if row is None:
        raise NotFound("There is no such connection.")
    ports.later("cut", {"connection": row.connection, "code": FORCED})


def cut_user(ports: Ports, user: str) -> None:
    """End all connections of a user. 1 request; nothing happens when there are none."""
    ports.later("cut-user", {"user": user, "code": FORCED})


def unsubscribe(ports: Ports, topic: str, user: str) -> None:
    """End what a user listens to of a topic. 1 request; nothing happens when they do not. Raises `NotFound`."""
    try:
        namespace_of(topic)
    except UnknownTopic:
        raise NotFound("There is no such topic.") from None
    ports.later("unsubscribe", {"topic": topic, "user": user})
