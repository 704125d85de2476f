"""The index on a table of its own, and documents for it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from functions.content.search.app import app
from functions.content.search.ports import Ports
from functions.content.search.rules.documents import Document
from functions.content.search.store.indexing import Indexing
from functions.content.search.store.reading import Reading
from functions.content.search.triggers import ENTRIES
from tessera import ids
from tessera.auth.internal import Internal
from tessera.tables import Table
from tests.kit.apps import Caller, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain, make_fifo, make_queue
from tests.kit.worlds import DONE, CapabilityWorld


@pytest.fixture
def table(table_of: Callable[[str], Table]) -> Table:
    return table_of("Search")


@pytest.fixture
def indexing(table: Table) -> Indexing:
    return Indexing(table)


@pytest.fixture
def reading(table: Table) -> Reading:
    return Reading(table)


def document(title: str = "Sourdough bread", **given: Any) -> Document:
    """A public post, unless told otherwise."""
    made = {
        "id": ids.new(),
        "type": "post",
        "seq": 1,
        "acl": "public",
        "lang": "en",
        "updated_at": datetime(2026, 11, 1, tzinfo=UTC),
        **given,
    }
    return Document(title=title, **made)


class Keepers:
    """What `tasks`, `chat` and `files` would answer: the documents and the memberships a test has made."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.rooms: dict[tuple[str, str], int] = {}
        self.asked: list[str] = []
        self.status = 200

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        self.asked.append(f"{function} {event['rawPath']}")
        found: dict[str, Any]
        if event["rawPath"] == "/chat/internal/membership":
            asked = json.loads(event["body"])
            rooms = asked["room_ids"] or [room for user, room in self.rooms if user == asked["user_id"]]
            kept = [
                (room, self.rooms[asked["user_id"], room]) for room in rooms if (asked["user_id"], room) in self.rooms
            ]
            found = {"items": [{"room_id": room, "first_visible": first} for room, first in kept]}
        else:
            query = parse_qs(event["rawQueryString"])
            owner = query.get("owner_id", [""])[0]
            wanted = query.get("id", [])
            found = {
                "items": [
                    one
                    for one in self.documents.values()
                    if one["id"] in wanted or (not wanted and one["acl"] == f"user:{owner}")
                ]
            }
        return {"statusCode": self.status, "body": json.dumps(found)}

    def keep(self, **given: Any) -> str:
        made = {"id": ids.new(), "seq": 1, "type": "task", "title": "Buy rye bread", "acl": "public", **given}
        self.documents[made["id"]] = made
        return str(made["id"])


@dataclass
class World(CapabilityWorld[Ports]):
    """`search` and what it stands on."""

    entries = ENTRIES
    ports_type = Ports

    keepers: Keepers
    queue: str
    documents_queue: str

    def add(self, title: str = "Sourdough bread", **given: Any) -> str:
        """A document that is indexed already."""
        made = document(title, **given)
        self.ports.indexing.put(made)
        return made.id

    def work(self) -> None:
        """Work off both queues."""
        while waiting := [*drain(self.queue), *drain(self.documents_queue)]:
            assert self.deliver(*map(json.loads, waiting)) == DONE

    def found(self, q: str, by: Caller | None = None, **given: Any) -> list[str]:
        """The ids of what is found."""
        return [one["id"] for one in self.ask(q, by, **given)["items"]]

    def ask(self, q: str, by: Caller | None = None, **given: Any) -> dict[str, Any]:
        params = {"q": q, **{name.rstrip("_"): value for name, value in given.items()}}
        answer = (by or self.served.client).get("/search", params=params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def world(cloud: None, frozen: FakeClock) -> Iterator[World]:
    queue = make_queue("search")
    documents_queue = make_fifo("search-documents")
    with serving(app, "Search", QUEUE=queue, DOCUMENTS_QUEUE=documents_queue) as served:
        keepers = Keepers()
        served.bindings.replace(Internal, Internal("search", served.bindings, keepers))
        yield World(served, frozen, keepers, queue, documents_queue)
