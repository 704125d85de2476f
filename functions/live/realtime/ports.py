"""Everything the hub stands on: its store, the logs, the sockets themselves, and its queue."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from tessera import aws, queues
from tessera.auth.internal import Internal
from tessera.backoff import Backoff
from tessera.fanout import Fanout
from tessera.limits import Limits
from tessera.live import Live
from tessera.settings import Bindings
from tessera.tables import Table

from .settings import RealtimeSettings
from .store.connections import Connections
from .store.listeners import Listeners
from .store.waiting import Waiting

POST_TRIES = 3
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.020, 0.2
# The client's own repetition would send a frame again that may have arrived.
_ONCE = {"mode": "standard", "total_max_attempts": 1}
POSTS_AT_ONCE = 32


class Gone(Exception):
    """The socket is not there any more."""


class TooSlow(Exception):
    """The socket takes nothing at the moment."""


class Sockets:
    """The far ends of the connections."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(RealtimeSettings).socket_endpoint)

    def post(self, connection: str, frame: str) -> None:
        """Send one frame. Raises `Gone`, and `TooSlow` when it is not known to have got through.

        A frame is sent again only after an answer that says it was not taken: whoever may have it or not comes
        again, and says where they stand.
        """
        backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        for _ in range(POST_TRIES):
            try:
                self._client().post_to_connection(ConnectionId=connection, Data=frame.encode())
                return
            except aws.ClientError as error:
                if aws.code_of(error) in ("GoneException", "410"):
                    raise Gone() from None
                if aws.code_of(error) in ("ForbiddenException", "PayloadTooLargeException"):
                    raise
            except aws.NotReached:
                pass
            except aws.BotoCoreError:
                break
            backoff.wait()
        raise TooSlow()

    def drop(self, connection: str) -> None:
        """Close it. Nothing happens when it is closed already."""
        try:
            self._client().delete_connection(ConnectionId=connection)
        except aws.ClientError as error:
            if aws.code_of(error) not in ("GoneException", "410"):
                raise

    def _client(self) -> Any:
        return aws.client("apigatewaymanagementapi", endpoint=self._endpoint or None, retries=_ONCE)


@dataclass(frozen=True)
class Ports:
    settings: RealtimeSettings
    connections: Connections
    listeners: Listeners
    waiting: Waiting
    live: Live
    fanout: Fanout
    sockets: Sockets
    limits: Limits
    internal: Internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(RealtimeSettings)
        table = Table(settings.table)
        return cls(
            settings=settings,
            connections=Connections(table),
            listeners=bindings.once(Listeners, lambda: Listeners(table)),
            waiting=Waiting(table, settings.waiting_places),
            live=bindings.get(Live),
            fanout=bindings.get(Fanout),
            sockets=bindings.get(Sockets),
            limits=bindings.get(Limits),
            internal=bindings.get(Internal),
        )

    def later(self, kind: str, data: Mapping[str, object], *, seconds: int = 0) -> None:
        """Have this done by the worker. 1 request."""
        queues.send(self.settings.queue, kind, dict(data), delay_seconds=seconds)

    def post_all(self, connections: Sequence[str], frames: Iterable[str]) -> tuple[list[str], list[str]]:
        """Send these frames, in order, to each of these, many at once: who is gone, and who took too long."""
        given, gone, slow = list(frames), list[str](), list[str]()

        def send(connection: str) -> None:
            try:
                for frame in given:
                    self.sockets.post(connection, frame)
            except Gone:
                gone.append(connection)
            except TooSlow:
                slow.append(connection)

        _side_by_side(send, connections)
        return gone, slow


def _side_by_side(do: Callable[[str], None], connections: Sequence[str]) -> None:
    if len(connections) == 1:
        do(connections[0])
    elif connections:
        with ThreadPoolExecutor(min(POSTS_AT_ONCE, len(connections))) as pool:
            list(pool.map(do, connections))
