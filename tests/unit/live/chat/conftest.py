"""The whole capability on moto with the log's own table, `files` as a stand-in, and people who talk."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from functions.live.chat.app import app, handler
from functions.live.chat.ports import Ports
from functions.live.chat.triggers import ENTRIES
from tessera import ids
from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.auth.roles import expand
from tessera.seqlog import EntryRow, SeqLog
from tessera.tables import Row, Table
from tests.kit.apps import Caller, answered, invocation, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain, make_fifo, make_queue
from tests.kit.stores import everything_in, make_bucket, make_table
from tests.kit.worlds import DONE, CapabilityWorld


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


class Pages:
    """What `linkpreview` would answer: a card for every page a test has said that there is."""

    def __init__(self) -> None:
        self.titles: dict[str, str] = {}
        self.asked: list[list[str]] = []
        # How many times more it does not answer.
        self.away = 0

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        assert event["rawPath"] == "/linkpreview/internal/cards"
        urls: list[str] = json.loads(event["body"])["urls"]
        self.asked.append(urls)
        if self.away:
            self.away -= 1
            return {"statusCode": 503, "body": "{}"}
        return {"statusCode": 200, "body": json.dumps({"items": [self._item(url) for url in urls]})}

    def _item(self, url: str) -> dict[str, Any]:
        if url not in self.titles:
            return {"url": url, "cache": None, "card": None, "problem": {"title": "Not there"}}
        card = {"url": url, "title": self.titles[url], "description": "About it", "site_name": None}
        picture = {"url": f"{url}/a.png", "proxy_url": "https://app.test/linkpreview/image?u=a"}
        return {"url": url, "cache": "miss", "card": {**card, "image": picture}, "problem": None}


class Media:
    """What `media` would answer: a small picture of every file a test has said that there is one of."""

    def __init__(self) -> None:
        self.made: set[str] = set()
        self.asked: list[dict[str, Any]] = []
        self.status = 200

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        assert event["rawPath"] == "/media/internal/thumb"
        asked: dict[str, Any] = json.loads(event["body"])
        self.asked.append(asked)
        url = f"https://store.test/{asked['file_id']}-{asked['size']}" if asked["file_id"] in self.made else None
        size = {"w": 160, "h": 90} if url else {"w": None, "h": None}
        return {"statusCode": self.status, "body": json.dumps({"url": url, "blurhash": "00N17T", **size})}


class Names:
    """What `accounts` would answer: whoever a test has named, and nobody else."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.is_away = False

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        assert event["rawPath"] == "/accounts/internal/profiles"
        asked: list[str] = json.loads(event["body"])["ids"]
        assert 1 <= len(asked) <= 100
        if self.is_away:
            return {"statusCode": 503, "body": "{}"}
        found = [{"id": one, "name": self.known[one], "handle": None} for one in asked if one in self.known]
        return {"statusCode": 200, "body": json.dumps({"items": found})}


def principal(user_id: str = "", *roles: str) -> Principal:
    user_id = user_id or ids.new()
    return Principal(kind="user", id=user_id, user_id=user_id, permissions=expand(["user", *roles]))


@dataclass
class World(CapabilityWorld[Ports]):
    """`chat` and what it stands on."""

    entries = ENTRIES
    ports_type = Ports

    realtime: Table
    queue: str
    fanout: str
    ephemeral: str
    files: Files
    pages: Pages
    names: Names
    media: Media
    bucket: str

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

    def follow(self) -> None:
        """Bring the capability's own events and work off its queue."""
        self.deliver_own()
        self.work()

    def work(self) -> None:
        while bodies := drain(self.queue):
            assert self.deliver(*map(json.loads, bodies)) == DONE

    def invoke(self, path: str, body: dict[str, Any], *, caller: str, of: Principal | None = None) -> tuple[int, Any]:
        """As another function of ours calls, perhaps on behalf of somebody."""
        return answered(handler, invocation(path, body, caller=caller, of=of))

    def told(self) -> list[dict[str, Any]]:
        """What was told live and is kept nowhere."""
        return [json.loads(body)["data"]["data"] for body in drain(self.ephemeral)]

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
    realtime, queue, files = make_table("Realtime"), make_queue("chat"), Files()
    fanout, ephemeral, bucket = make_fifo("fanout"), make_queue("ephemeral"), make_bucket("uploads")
    variables = {
        "QUEUE": queue,
        "BUCKET": bucket,
        "REALTIME": realtime.name,
        "FANOUT_QUEUES": fanout,
        "EPHEMERAL_QUEUE": ephemeral,
        "RATE_FACTOR": "1000",
    }
    with serving(app, "Chat", **variables) as served:
        pages, names, media = Pages(), Names(), Media()

        def others(function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
            if function == "tessera-linkpreview":
                return pages(event)
            if function == "tessera-media":
                return media(event)
            if function == "tessera-accounts":
                return names(event)
            return files(function, event, timeout_seconds)

        served.bindings.replace(Internal, Internal("chat", served.bindings, others))
        yield World(served, frozen, realtime, queue, fanout, ephemeral, files, pages, names, media, bucket)


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
