"""The HTTP side of the same hub: requests and sockets share a table, a queue and a clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from functions.live.realtime.actions.polling import Pauses
from functions.live.realtime.app import app
from tessera import clock, ids
from tessera.live import Live
from tessera.namespaces import namespace_of
from tessera.seqlog import HEAD, Entry, EntryRow, HeadRow, SeqLog, as_text, entry_key, key_of
from tests.kit.apps import Caller
from tests.kit.clocks import FakeClock
from tests.kit.web import AppClient


class Rest(Pauses):
    """Rests by moving the clock; what is to happen after so many rests happens then."""

    def __init__(self, frozen: FakeClock) -> None:
        self._frozen = frozen
        self.taken: list[float] = []
        self.happens: dict[int, Any] = {}

    async def rest(self, seconds: float) -> None:
        self.taken.append(seconds)
        self._frozen.advance(seconds=seconds)
        if len(self.taken) in self.happens:
            self.happens[len(self.taken)]()


@dataclass
class Web:
    hub: Any
    client: AppClient
    frozen: FakeClock
    rest: Rest
    known: dict[str, Caller] = field(default_factory=dict)

    def person(self, user_id: str = "", **claims: Any) -> Caller:
        """Somebody signed in; the same user again when they are named."""
        user_id = user_id or ids.new()
        expires = int(clock.now().timestamp()) + 86_400
        told = {"sub": user_id, "sid": f"family-{user_id}", "exp": expires, **claims}
        return Caller(self.client, self.hub.signer.token(**told), user_id)

    def admin(self) -> Caller:
        return self.person(roles=["user", "admin"])

    def nobody(self, path: str, **given: Any) -> httpx.Response:
        answer: httpx.Response = self.client.get(path, **given)
        return answer

    def grant(self, topic: str, user_id: str, perms: str = "sh") -> None:
        """As the capability whose topic it is would."""
        Live(namespace_of(topic).owner, self.hub.log, self.hub.line).grant(topic, user_id, perms)

    def publish(self, topic: str, *data: Any) -> int:
        """Append these entries past everything but the log; the offset of the last."""
        log = SeqLog(self.hub.table)
        return [log.append(topic, [Entry(one)]).last for one in data][-1]

    def revoke(self, topic: str, user_id: str) -> None:
        Live(namespace_of(topic).owner, self.hub.log, self.hub.line).revoke(topic, user_id)

    def fill(self, topic: str, count: int, *, floor: int = 1) -> None:
        """A log of so many entries, those below the floor gone, without the work of appending them."""
        table = self.hub.table
        table.put(HeadRow(pk=key_of(topic), sk=HEAD, epoch="abcdefgh", off=count, floor=floor, shards=0))
        for offset in range(floor, count + 1):
            row = EntryRow(
                pk=key_of(topic), sk=entry_key(offset), data=as_text(offset), at=clock.millis(), id=ids.new()
            )
            table.put(row)

    def position(self, topic: str) -> str:
        head = self.hub.log.head(topic)
        return f"{head.epoch}:{head.off}"


@pytest.fixture
def web(hub: Any, frozen: FakeClock) -> Iterator[Web]:
    rest = Rest(frozen)
    hub.bindings.replace(Pauses, rest)
    before, app.state.bindings = app.state.bindings, hub.bindings
    yield Web(hub, AppClient(app, base_url="https://app.test"), frozen, rest)
    app.state.bindings = before


@pytest.fixture
def alice(web: Web) -> Caller:
    return web.person()
