"""The whole capability on moto with the log's own table, `files` as a stand-in, and people who talk."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from functions.live.chat.app import app, handler
from functions.live.chat.ports import Ports
from functions.live.chat.triggers import ENTRIES
from tessera import aws, clock, ids
from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.auth.roles import expand
from tessera.outbox import Envelope
from tessera.seqlog import EntryRow, SeqLog
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.triggers import dispatch
from tests.kit.apps import Caller, Served, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain, make_queue
from tests.kit.stores import everything_in, make_table


class Files:
    """What `files` would answer: whatever a test has said that there is, to its owner."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []
        self.status = 200

    def add(self, owner_id: str, state: str = "clean") -> str:
        file_id = ids.new()
        self.known[file_id] = {"id": file_id, "owner_id": owner_id, "state": state, "size": 12}
        self.known[file_id] |= {"name": "a.png", "type": "image/png", "role": "owner", "n": 1}
        return file_id

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        assert (function, event["rawPath"]) == ("tessera-files", "/files/internal/resolve")
        asked = json.loads(event["body"])
        self.asked.append(asked)
        found = [self.known[one] for one in asked["ids"] if one in self.known]
        return {"statusCode": self.status, "body": json.dumps({"items": found})}


def principal(user_id: str = "", *roles: str) -> Principal:
    user_id = user_id or ids.new()
    return Principal(kind="user", id=user_id, user_id=user_id, permissions=expand(["user", *roles]))


@dataclass
class World:
    """`chat` and what it stands on."""

    served: Served
    realtime: Table
    queue: str
    fanout: str
    ephemeral: str
    files: Files
    frozen: FakeClock
    delivered: set[str] = field(default_factory=set)

    @property
    def table(self) -> Table:
        return self.served.table

    @property
    def bindings(self) -> Bindings:
        found: Bindings = app.state.bindings
        return found

    @property
    def ports(self) -> Ports:
        return self.bindings.get(Ports)

    def another_process(self) -> Ports:
        """The same stores, with nothing remembered."""
        return Ports.bind(Bindings(self.bindings.environment))

    def person(self, *roles: str, **claims: Any) -> Caller:
        user_id = ids.new()
        expires = int(clock.now().timestamp()) + 400 * 86_400
        told = {"sub": user_id, "sid": f"family-{user_id}", "exp": expires, "roles": ["user", *roles], **claims}
        return Caller(self.served.client, self.served.signer.token(**told), user_id)

    def room(self, owner: Caller, *members: Caller, kind: str = "private", **fields: Any) -> dict[str, Any]:
        body = {"name": f"Room {ids.new()}", "kind": kind, "member_ids": [one.id for one in members], **fields}
        answer = owner.post("/chat/rooms", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def dm(self, one: Caller, *others: Caller) -> dict[str, Any]:
        answer = one.post("/chat/dms", json={"user_ids": [other.id for other in others]})
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def listen(self, room_id: str) -> None:
        """Somebody listens on the room's topic from now on."""
        SeqLog(self.realtime).listen(f"room:{room_id}", 1)

    def log(self, topic: str) -> list[dict[str, Any]]:
        """What a topic's log holds, in order."""
        rows = SeqLog(self.realtime).read(topic, 0, 10_000)
        assert [row.offset for row in rows] == list(range(1, len(rows) + 1))
        return [{"seq": row.offset, **(json.loads(row.data) or {})} for row in rows]

    def granted(self, room_id: str, user_id: str) -> str:
        from tessera.live import GrantRow

        row = self.realtime.get(GrantRow, f"GRANT#room:{room_id}", user_id)
        return row.perms if row else ""

    def events(self, event_type: str) -> list[dict[str, Any]]:
        found = [Envelope.parse(item["event"]["S"]) for item in everything_in(self.table) if "event" in item]
        return [one.data for one in sorted(found, key=lambda one: one.id) if one.type == event_type]

    def receive(self, event_type: str, event_id: str = "", **data: Any) -> dict[str, Any]:
        made = Envelope(event_id or ids.new(), event_type, clock.rfc3339(clock.now()), "", data)
        body = {"detail-type": event_type, "source": "tessera.any", "detail": json.loads(made.text())}
        return self.deliver(body)

    def deliver(self, *bodies: dict[str, Any]) -> dict[str, Any]:
        records = [
            {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body), "attributes": {}}
            for number, body in enumerate(bodies)
        ]
        answer: dict[str, Any] = dispatch(ENTRIES, {"Records": records}, self.bindings)
        return answer

    def follow(self) -> None:
        """Bring the capability's own events, each once, and work off its queue."""
        wanted = {on.name for on in ENTRIES.events}
        found = [Envelope.parse(item["event"]["S"]) for item in everything_in(self.table) if "event" in item]
        for one in sorted(found, key=lambda one: one.id):
            if one.id not in self.delivered and one.type in wanted:
                self.delivered.add(one.id)
                body = {"detail-type": one.type, "source": "tessera.chat", "detail": json.loads(one.text())}
                assert self.deliver(body) == {"batchItemFailures": []}
        self.work()

    def work(self) -> None:
        while bodies := drain(self.queue):
            assert self.deliver(*map(json.loads, bodies)) == {"batchItemFailures": []}

    def told(self) -> list[dict[str, Any]]:
        """What was told live and is kept nowhere."""
        return [json.loads(body)["data"]["data"] for body in drain(self.ephemeral)]

    def sweep(self) -> None:
        """Send what is due by now, as the sweeper does."""
        due = [item for item in everything_in(self.table) if "due_sk" in item]
        for item in due:
            if clock.parse(item["due_sk"]["S"].partition("#")[0]) <= clock.now():
                data = {name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")}
                assert self.deliver({"kind": "due", "data": data}) == {"batchItemFailures": []}

    def invoke(self, path: str, body: dict[str, Any], *, caller: str, of: Principal | None = None) -> Any:
        """As another function of ours calls, perhaps on behalf of somebody."""
        from tessera.auth.envelope import context

        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "http": {"method": "POST", "path": path, "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"},
                "tessera": context(caller, on_behalf_of=of, client={}),
            },
            "body": json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = handler(event, None)
        return answer["statusCode"], json.loads(answer["body"] or "null")

    def keys(self, begins: str) -> list[str]:
        return sorted(
            f"{item['pk']['S']}/{item['sk']['S']}"
            for item in everything_in(self.table)
            if begins in item["pk"]["S"] + "/" + item["sk"]["S"]
        )

    def row(self, room_id: str, sk: str) -> Row | None:
        return self.table.get(Row, f"ROOM#{room_id}", sk)

    def entry(self, room_id: str, offset: int) -> EntryRow:
        return SeqLog(self.realtime).read(f"room:{room_id}", offset - 1, 1)[0]


@pytest.fixture
def world(cloud: None, frozen: FakeClock) -> Iterator[World]:
    realtime, queue, ephemeral, files = make_table("Realtime"), make_queue("chat"), make_queue("ephemeral"), Files()
    fifo = {"FifoQueue": "true"}
    fanout = aws.client("sqs").create_queue(QueueName=f"fan-{ids.new().lower()}.fifo", Attributes=fifo)["QueueUrl"]
    variables = {
        "QUEUE": queue,
        "REALTIME": realtime.name,
        "FANOUT_QUEUES": fanout,
        "EPHEMERAL_QUEUE": ephemeral,
        "RATE_FACTOR": "1000",
    }
    with serving(app, "Chat", **variables) as served:
        bindings: Bindings = app.state.bindings
        bindings.replace(Internal, Internal("chat", bindings, files))
        yield World(served, realtime, queue, fanout, ephemeral, files, frozen)


@pytest.fixture
def alice(world: World) -> Caller:
    return world.person()


@pytest.fixture
def bob(world: World) -> Caller:
    return world.person()


@pytest.fixture
def say(world: World) -> Callable[..., dict[str, Any]]:
    """`say(alice, room, "Hello")`: the message as its author is answered."""

    def send(by: Caller, room: dict[str, Any], text: str = "Hello", **fields: Any) -> dict[str, Any]:
        answer = post(by, room, text, **fields)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return send


def post(by: Caller, room: dict[str, Any], text: str = "Hello", **fields: Any) -> httpx.Response:
    body = {"text": text, "client_msg_id": ids.new(), **fields}
    return by.post(f"/chat/rooms/{room['id']}/messages", json=body)
