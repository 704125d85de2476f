"""Many clients change one task at once while workers die: what they were told can be put in one order."""

import threading
from collections.abc import Callable

import httpx
import pytest

from tests.kit.histories import History, Lost, assert_conserved, assert_linearizable, register
from tests.kit.people import People, Person
from tests.kit.workers import Workers

CLIENTS, TURNS, KILL_EVERY = 4, 9, 5


@pytest.fixture
def person(people: People) -> Person:
    return people.new()


def in_threads(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask(http: httpx.Client, person: Person, method: str, path: str, **options: object) -> httpx.Response:
    """The answer of the capability. A killed worker's is the door's, so nobody knows what was done."""
    headers = {"authorization": f"Bearer {person.tokens['access_token']}", **options.pop("headers", {})}
    try:
        answer = http.request(method, path, headers=headers, **options)
    except httpx.TransportError:
        raise Lost from None
    if answer.status_code >= 500:
        raise Lost
    return answer


def version_of(answer: httpx.Response) -> int:
    return int(answer.headers["etag"].strip('"v'))


def test_changes_of_one_task_are_linearizable_while_workers_are_killed(
    person: Person, workers: Workers, base_url: str
) -> None:
    made = person.post("/tasks", json={"title": "start"}).json()
    path, history = f"/tasks/{made['id']}", History()
    first = version_of(person.get(path))

    def read(http: httpx.Client) -> tuple[str | None, int]:
        answer = ask(http, person, "GET", path)
        title = answer.json()["title"]
        return (None if title == "start" else title), version_of(answer) - first + 1

    def write(http: httpx.Client, title: str, version: int) -> int | None:
        headers = {"if-match": f'"v{version + first - 1}"'}
        answer = ask(http, person, "PATCH", path, json={"title": title}, headers=headers)
        # Anything but done and refused for its version, such as a limit, is no answer of the object's.
        if answer.status_code not in (200, 412):
            raise Lost
        return version_of(answer) - first + 1 if answer.status_code == 200 else None

    def work(client: int) -> None:
        with httpx.Client(base_url=base_url, timeout=30) as http:
            for turn in range(TURNS):
                seen = history.record(client, "read", None, lambda: read(http))
                if seen is None:
                    continue
                title, version = f"{client}-{turn}", seen[1]
                history.record(client, "write", (title, version), lambda t=title, v=version: write(http, t, v))
                if turn % KILL_EVERY == client:
                    workers.kill_one()

    in_threads(work)

    written = sum(operation.name == "write" and operation.answer is not None for operation in history.operations)
    assert written >= TURNS
    assert_linearizable(history.operations, register())


def test_tasks_counted_are_tasks_made_whatever_became_of_the_answers(
    person: Person, workers: Workers, base_url: str
) -> None:
    done: list[tuple[int, bool | None]] = []
    lock = threading.Lock()

    def work(client: int) -> None:
        with httpx.Client(base_url=base_url, timeout=30) as http:
            for turn in range(TURNS):
                try:
                    status = ask(http, person, "POST", "/tasks", json={"title": f"{client}-{turn}"}).status_code
                    was_made: bool | None = status == 201
                except Lost:
                    was_made = None
                with lock:
                    done.append((1, was_made))
                if turn % KILL_EVERY == client:
                    workers.kill_one()

    in_threads(work)

    listed, cursor = 0, ""
    while True:
        page = person.get(f"/tasks?limit=100{cursor}").json()
        listed += len(page["items"])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert_conserved(done, before=0, after=listed)
