"""`presence` through the front door: by HTTP, and with clients that are processes of their own."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.people import People, Person, eventually, until

CLIENT = Path(__file__).with_name("presence_client.py")


@pytest.fixture
def doc(user: Person) -> str:
    """The document of a public room of this test's own."""
    name = f"doc-{secrets.token_hex(6)}"
    made = user.put(f"/presence/rooms/{name}", json={"visibility": "public", "ttl_s": 30})
    assert made.status_code == 201, made.text
    return name


class Process:
    """A client, and the last that it has said of what it sees."""

    def __init__(self, url: str, person: Person, doc: str) -> None:
        command = [sys.executable, str(CLIENT), url, person.tokens["access_token"], doc]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seen: dict[str, Any] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.seen = json.loads(line)

    def move(self, x: float, y: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"x": x, "y": y}) + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def end(self) -> None:
        if self._process.poll() is None:
            self.kill()


@pytest.fixture
def client(user: Person, doc: str) -> Iterator[Callable[[Person], Process]]:
    """`client(person)`: a process in which they have the document open."""
    url, processes = user.get("/realtime/config").json()["ws_url"], list[Process]()

    def start(person: Person) -> Process:
        processes.append(Process(url, person, doc))
        return processes[-1]

    yield start
    for process in processes:
        process.end()


def here(by: Person, doc: str) -> list[str]:
    found = by.get(f"/presence/rooms/{doc}").json()
    return sorted(one["session_id"] for member in found["members"] for one in member["sessions"])


def told(by: Person, doc: str) -> list[dict[str, Any]]:
    answer = by.get("/realtime/poll", params={"topic": f"doc:{doc}", "pos": ":0"})
    assert answer.status_code == 200, answer.text
    return [one["data"] for one in answer.json()["topics"][f"doc:{doc}"]["publications"]]


def test_three_clients_converge(people: People, user: Person, doc: str, client: Callable[[Person], Process]) -> None:
    """Each sees the same people at the same places, and of one that is killed nothing is left."""
    # Nobody is here before all can come: whoever is silent for half a minute is gone.
    everybody = [user, people.new(), people.new()]
    three = [client(one) for one in everybody]

    def all_see(count: int, of: list[Process]) -> list[str] | None:
        views = [one.seen.get("here") for one in of]
        return views[0] if views[0] and len(views[0]) == count and all(view == views[0] for view in views) else None

    eventually(lambda: all_see(3, three), what="three in every view")
    for turn in range(10):
        for number, one in enumerate(three):
            one.move(round(turn / 10, 2), round(number / 10, 2))

    def all_agree() -> dict[str, Any] | None:
        views = [one.seen.get("cursors", {}) for one in three]
        places = sorted((cursor["x"], cursor["y"]) for cursor in views[0].values())
        return views[0] if views[0] == views[1] == views[2] and places == [(0.9, 0.0), (0.9, 0.1), (0.9, 0.2)] else None

    eventually(all_agree, what="one picture")
    killed, rest = three[2].seen["session"], three[:2]
    three[2].kill()

    left = eventually(lambda: all_see(2, rest), within=60, what="the end of who was killed")
    assert killed not in left
    until(lambda: here(user, doc), lambda found: found == left)
    last = [one for one in told(user, doc) if one["type"] == "left"]
    assert [(one["session_id"], one["reason"]) for one in last] == [(killed, "closed")]


def test_a_document_is_shared_by_http_alone(people: People, user: Person, doc: str) -> None:
    other = people.new()
    path = f"/presence/rooms/{doc}/sessions"
    assert other.get("/realtime/poll", params={"topic": f"doc:{doc}"}).status_code == 403

    made = other.post(path, json={"client": "tab", "meta": {"name": "Bob"}})
    again = other.post(path, json={"client": "tab", "meta": {"name": "Bob"}})
    session = f"{path}/{made.json()['session_id']}"
    beaten = other.put(f"{session}/beat", json={"v": 1, "state": {"status": "reading"}})
    moved = other.patch(session, json={"cursor": {"x": 0.5, "y": 0.5}})

    assert (made.status_code, again.status_code) == (201, 200)
    assert (beaten.status_code, moved.status_code) == (200, 200)
    assert here(user, doc) == [made.json()["session_id"]]
    assert [one["type"] for one in told(other, doc)] == ["joined"]
    assert other.get("/presence/users", params={"ids": other.id}).json()["items"][0]["devices"] == 1
    assert other.delete(session).status_code == 204
    assert here(user, doc) == []
    eventually(
        lambda: other.get("/realtime/poll", params={"topic": f"doc:{doc}"}).status_code == 403 or None,
        what="the end of listening",
    )


def test_who_is_silent_is_gone_within_a_minute_of_their_time(user: Person, doc: str) -> None:
    assert user.put(f"/presence/rooms/{doc}", json={"visibility": "public", "ttl_s": 15}).status_code == 200
    user.post(f"/presence/rooms/{doc}/sessions", json={})

    def is_told() -> bool | None:
        head = user.get(f"/presence/rooms/{doc}").json()
        return (head["offset"] == 2 and head["members"] == []) or None

    eventually(is_told, within=15 + 62 + 20, what="the end of who was silent")


def test_what_is_internal_is_not_for_the_outside(user: Person) -> None:
    assert user.post("/presence/internal/erase", json={"owner_id": user.id}).status_code == 404
    assert user.post("/presence/internal/rpc", json={"method": "presence.join"}).status_code == 404
