"""The whole capability on moto with the logs' own table, and people who come and go."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from functions.live.presence.actions import join
from functions.live.presence.app import app, handler
from functions.live.presence.ports import Ports
from functions.live.presence.rules import Person
from functions.live.presence.triggers import ENTRIES
from functions.live.presence.views import Joined
from tessera import ids
from tessera.auth.principal import Principal
from tessera.auth.roles import expand
from tessera.live import GrantRow
from tessera.seqlog import SeqLog
from tessera.tables import Table
from tests.kit.apps import Caller, answered, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain, make_fifo, make_queue
from tests.kit.stores import make_table
from tests.kit.worlds import DONE, CapabilityWorld

DOC = "plan"


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


@dataclass
class World(CapabilityWorld[Ports]):
    entries = ENTRIES
    ports_type = Ports

    realtime: Table
    queue: str
    ephemeral: str

    def room(self, owner: Caller, doc: str = DOC, **fields: Any) -> str:
        body = {"visibility": "public", **fields}
        answer = owner.request("PUT", f"/presence/rooms/{doc}", json=body)
        assert answer.is_success, answer.text
        return doc

    def join(self, by: Caller, doc: str = DOC, **fields: Any) -> dict[str, Any]:
        answer = by.post(f"/presence/rooms/{doc}/sessions", json=fields)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def enter(self, user_id: str = "", doc: str = DOC, **fields: Any) -> Joined:
        """As `join`, without HTTP."""
        user_id = user_id or ids.new()
        return join.join(self.another_process(), doc, join.Asked({}, **fields), by=Person(user_id, user_id))

    def here(self, by: Caller, doc: str = DOC) -> list[str]:
        """The ids of all sessions that somebody sees in the room."""
        found = by.get(f"/presence/rooms/{doc}")
        assert found.status_code == 200, found.text
        return sorted(one["session_id"] for member in found.json()["members"] for one in member["sessions"])

    def listen(self, doc: str = DOC) -> None:
        """Somebody listens on the document's topic from now on."""
        SeqLog(self.realtime).listen(f"doc:{doc}", 1)

    def log(self, doc: str = DOC) -> list[dict[str, Any]]:
        """What the document's log holds, in order."""
        return [json.loads(row.data) for row in SeqLog(self.realtime).read(f"doc:{doc}", 0, 10_000)]

    def told(self) -> list[dict[str, Any]]:
        """What was told live and is kept nowhere."""
        return [json.loads(body)["data"]["data"] for body in drain(self.ephemeral)]

    def granted(self, user_id: str, doc: str = DOC) -> str:
        row = self.realtime.get(GrantRow, f"GRANT#doc:{doc}", user_id)
        return row.perms if row else ""

    def deliver(self, *bodies: dict[str, Any]) -> dict[str, Any]:
        """As everywhere; here none may fail."""
        answer = super().deliver(*bodies)
        assert answer == DONE
        return answer

    def waiting(self) -> list[tuple[int, dict[str, Any]]]:
        """What waits in its queue, taken out: for how many seconds, and what."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.sqs import sqs_backends

        backend = sqs_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].queues[self.queue.rsplit("/", 1)[1]]
        found = [
            (max(0, round((message.delayed_until - float(message.sent_timestamp)) / 1_000)), json.loads(message.body))
            for message in list(backend._messages)
        ]
        backend._messages.clear()
        return found

    def work(self) -> list[str]:
        """Do what waits, whatever its delay; the kinds that were done."""
        bodies = [body for _, body in self.waiting()]
        if bodies:
            self.deliver(*bodies)
        return [body["kind"] for body in bodies]

    def invoke(self, route: str, body: dict[str, Any], *, caller: str, of: Principal | None = None) -> tuple[int, Any]:
        """As another function of ours calls, perhaps on behalf of somebody."""
        return answered(handler, invocation(f"/presence/internal/{route}", body, caller=caller, of=of))

    def call(self, by: Caller, method: str, *, connection: str = "", **data: Any) -> dict[str, Any]:
        """As the hub asks for a client that is connected."""
        body = {"method": f"presence.{method}", "data": data, "client": connection}
        status, answer = self.invoke("rpc", body, caller="realtime", of=principal(by.id))
        assert status == 200, answer
        found: dict[str, Any] = answer["result"]
        return found


def principal(user_id: str, *, permissions: frozenset[str] | None = None) -> Principal:
    held = expand(["user"]) if permissions is None else permissions
    return Principal(kind="user", id=user_id, user_id=user_id, permissions=held)


@pytest.fixture
def world(cloud: None, frozen: FakeClock) -> Iterator[World]:
    realtime, queue, ephemeral = make_table("Realtime"), make_queue("presence"), make_queue("ephemeral")
    variables = {
        "QUEUE": queue,
        "REALTIME": realtime.name,
        "FANOUT_QUEUES": make_fifo("fanout"),
        "EPHEMERAL_QUEUE": ephemeral,
        "RATE_FACTOR": "1000",
    }
    with serving(app, "Presence", **variables) as served:
        yield World(served, frozen, realtime, queue, ephemeral)


@pytest.fixture
def alice(world: World) -> Caller:
    return world.person()


@pytest.fixture
def bob(world: World) -> Caller:
    return world.person()
