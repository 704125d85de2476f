"""The hub on moto, with sockets that remember what they were sent and a fan-out that runs when it is told to."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.live.realtime.ports import Gone, Ports, Sockets, TooSlow
from functions.live.realtime.socket import serve
from functions.live.realtime.triggers import ENTRIES
from tessera import clock, ids, queues
from tessera.fanout import Fanout
from tessera.live import Live
from tessera.seqlog import SeqLog
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.queues import make_queue
from tests.kit.stores import make_table
from tests.kit.tokens import ISSUER, Signer, publish

TOPIC = "demo:room"


class Wire(Sockets):
    """The far ends: what each was sent, in order; some may be gone, or take nothing."""

    def __init__(self) -> None:
        super().__init__("")
        self.sent: dict[str, list[str]] = defaultdict(list)
        self.gone: set[str] = set()
        # How many more frames each of these does not take.
        self.slow: dict[str, int] = {}
        self.dropped: list[str] = []
        self.fails: Callable[[], bool] = lambda: False

    def post(self, connection: str, frame: str) -> None:
        if connection in self.gone:
            raise Gone()
        if self.slow.get(connection):
            self.slow[connection] -= 1
            raise TooSlow()
        if self.fails():
            raise TooSlow()
        self.sent[connection].append(frame)

    def drop(self, connection: str) -> None:
        self.dropped.append(connection)
        self.gone.add(connection)


class Line(Fanout):
    """Messages by group, each once, until the worker is let at them."""

    def __init__(self) -> None:
        super().__init__([], "")
        self.waiting: list[tuple[str, str]] = []
        self.ephemeral: list[str] = []
        self.seen: set[str] = set()
        self.count = 0

    def send(self, kind: str, topic: str, shard: int, data: dict[str, Any], *, once: str) -> None:
        name = f"{kind}#{topic}#{shard}#{once}"
        if name not in self.seen:
            self.seen.add(name)
            self.count += 1
            self.waiting.append((f"{topic}#{shard}", queues.message(kind, {"topic": topic, "shard": shard, **data})))

    def tell(self, topic: str, data: Any, info: dict[str, Any] | None = None) -> None:
        self.ephemeral.append(queues.message("ephemeral", {"topic": topic, "data": data, "info": info}))


@dataclass
class Hub:
    bindings: Bindings
    table: Table
    wire: Wire
    line: Line
    signer: Signer
    queue: str
    clients: list["Client"] = field(default_factory=list)
    # What the hub sent itself for later: when it is due, and the message.
    held: list[tuple[int, str]] = field(default_factory=list)

    @property
    def ports(self) -> Ports:
        return self.bindings.get(Ports)

    @property
    def log(self) -> SeqLog:
        return self.ports.live.log

    def publish(self, topic: str, data: Any) -> int:
        """As another process of the same capability would."""
        live = Live("realtime", SeqLog(self.table), self.line)
        return live.publish(topic, data).last

    def event(self, kind: str, connection: str, body: str = "", **more: Any) -> dict[str, Any]:
        context = {"eventType": kind, "connectionId": connection, "apiId": "api", "stage": "live"}
        return {"requestContext": {**context, "identity": {"sourceIp": "203.0.113.9"}}, "body": body, **more}

    def open(self, connection: str = "", **more: Any) -> "Client":
        client = Client(self, connection or ids.new())
        client.opened = serve(self.event("CONNECT", client.id, **more), self.bindings)["statusCode"]
        self.clients.append(client)
        return client

    def connected(self, user: str = "", **claims: Any) -> "Client":
        """A client of this user, ready; without one, of nobody in particular."""
        client = self.open()
        token = {"token": self.signer.token(sub=user, **claims)} if user else {}
        client.reply = client.ask("connect", **token)
        return client

    def work(self, *, reordered: bool = False) -> None:
        """Let the worker at everything that waits, also at what comes of it."""
        while self.line.waiting or self.line.ephemeral:
            given, self.line.waiting = self.line.waiting, []
            told, self.line.ephemeral = self.line.ephemeral, []
            if reordered:
                given.reverse()
            assert self.deliver([*given, *(("", body) for body in told)]) == []

    def deliver(self, messages: list[tuple[str, str]]) -> list[str]:
        """Hand these to the worker as a queue would; the bodies of those that failed."""
        records = [
            {
                "eventSource": "aws:sqs",
                "messageId": str(position),
                "body": body,
                "attributes": {"MessageGroupId": group} if group else {},
            }
            for position, (group, body) in enumerate(messages)
        ]
        if not records:
            return []
        failed = dispatch(ENTRIES, {"Records": records}, self.bindings)["batchItemFailures"]
        return [messages[int(item["itemIdentifier"])][1] for item in failed]

    def upkeep(self) -> list[str]:
        """Do what waits in the hub's own queue, whatever its delay; the kinds that were done."""
        bodies = [body for _, body in drain_delayed(self.queue)]
        assert self.deliver([("", body) for body in bodies]) == []
        return [json.loads(body)["kind"] for body in bodies]

    def upkeep_in_time(self) -> None:
        """Do what has come due by our clock; what was sent for later waits."""
        self.held += [(clock.millis() + 1_000 * seconds, body) for seconds, body in drain_delayed(self.queue)]
        due = [body for at, body in self.held if at <= clock.millis()]
        self.held = [(at, body) for at, body in self.held if at > clock.millis()]
        assert self.deliver([("", body) for body in due]) == []

    def minute(self) -> None:
        dispatch(ENTRIES, {"schedule": "minute"}, self.bindings)

    def tell(self, event_type: str, **data: Any) -> None:
        """An event of the bus."""
        detail = {"id": ids.new(), "type": event_type, "time": "2030-01-01T00:00:00.000Z", "trace": "", "data": data}
        body = json.dumps({"detail-type": event_type, "source": "tessera.x", "detail": detail})
        assert self.deliver([("", body)]) == []


@dataclass
class Client:
    hub: Hub
    id: str
    opened: int = 0
    number: int = 0
    read: int = 0
    reply: dict[str, Any] = field(default_factory=dict)

    def send(self, *commands: dict[str, Any]) -> list[dict[str, Any]]:
        """One frame; what came back for it."""
        return self.send_text("\n".join(json.dumps(command) for command in commands))

    def send_text(self, frame: str) -> list[dict[str, Any]]:
        before = len(self.lines())
        serve(self.hub.event("MESSAGE", self.id, frame), self.hub.bindings)
        return self.lines()[before:]

    def ask(self, command: str, /, **body: Any) -> dict[str, Any]:
        """One command; its reply."""
        number = self.number = self.number + 1
        replies = self.send({"id": number, command: body})
        return next((reply for reply in replies if reply.get("id") == number), {})

    def subscribe(self, topic: str = TOPIC, **body: Any) -> dict[str, Any]:
        answer = self.ask("subscribe", channel=topic, **body)
        found: dict[str, Any] = answer.get("subscribe", answer)
        return found

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for frame in self.hub.wire.sent[self.id] for line in frame.split("\n")]

    def pushes(self, kind: str, topic: str = TOPIC) -> list[dict[str, Any]]:
        found = [line["push"] for line in self.lines() if "push" in line]
        return [push[kind] for push in found if kind in push and push.get("channel", topic) == topic]

    def offsets(self, topic: str = TOPIC) -> list[int]:
        return [found["offset"] for found in self.pushes("pub", topic)]

    def hang_up(self) -> None:
        serve(self.hub.event("DISCONNECT", self.id), self.hub.bindings)
        self.hub.wire.gone.add(self.id)


def drain_delayed(queue: str) -> list[tuple[int, str]]:
    """Every body of the queue, also what is to come later, and by how many seconds."""
    backend = _moto_queue(queue)
    found = [
        (round(max(0, message.delayed_until - message.sent_timestamp) / 1_000), message.body)
        for message in list(backend._messages)
    ]
    backend._messages.clear()
    return found


def _moto_queue(url: str) -> Any:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.sqs import sqs_backends

    return sqs_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].queues[url.rsplit("/", 1)[1]]


@pytest.fixture
def hub(secret: str) -> Iterator[Hub]:
    feed, signer, table, queue = make_table("Authfeed"), Signer(), make_table("Realtime"), make_queue("realtime")
    publish(feed, signer.entry())
    bindings = Bindings(
        {
            "STAGE": "test",
            "CAPABILITY": "realtime",
            "TABLE": table.name,
            "REALTIME": table.name,
            "QUEUE": queue,
            "ISSUER": ISSUER,
            "AUTHFEED": feed.name,
            "RATELIMIT": make_table("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "LIMIT_BUDGET_MS": "2000",
            "OPEN_DEMO": "true",
            "SOCKET_ENDPOINT": "http://sockets.test",
        }
    )
    wire, line = Wire(), Line()
    bindings.replace(Sockets, wire)
    bindings.replace(Fanout, line)
    yield Hub(bindings, table, wire, line, signer, queue)


@pytest.fixture
def user() -> Callable[[], str]:
    return ids.new
