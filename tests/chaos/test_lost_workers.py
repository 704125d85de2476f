"""Workers die in the middle of what they do. Nothing that was answered is lost, and nothing is done twice.

A write is asked again with its key until it is answered, as a client would. Each task's event must then have reached
the consumer, which keeps search rows and the count of a tag: a lost event leaves the count short, one applied twice too
high.
"""

import os
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tessera import ids
from tests.kit.people import People, Person, eventually
from tests.kit.workers import Workers, client, redrive

WRITES, AUTHORS, WRITERS, KILL_EVERY = 500, 25, 4, 8
TAG = "chaos"
STACK = os.environ.get("STACK", "tessera")


@dataclass
class Author:
    person: Person
    # Not the person's own client, which holds answers against the document: a killed worker's is the door's 502.
    http: httpx.Client
    made: dict[str, str] = field(default_factory=dict)
    """The id of each task by the key it was made with."""


@pytest.fixture(scope="module")
def authors(people: People, base_url: str) -> list[Author]:
    return [Author(people.new(), httpx.Client(base_url=base_url, timeout=30)) for _ in range(AUTHORS)]


def write_all(authors: list[Author], workers: Workers) -> Counter[str]:
    """Every author's tasks, some at a time, while workers are killed; how often which answer came."""
    share = WRITES // len(authors)
    todo = deque((author, ids.new()) for _ in range(share) for author in authors)
    answers: Counter[str] = Counter()
    lock = threading.Lock()

    def work() -> None:
        while todo:
            try:
                author, key = todo.popleft()
            except IndexError:
                return
            status = ask(author, key)
            with lock:
                answers[status] += 1
                if status == "201" and answers["201"] % KILL_EVERY == 0:
                    workers.kill_one()
            if status != "201":
                todo.append((author, key))

    threads = [threading.Thread(target=work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def ask(author: Author, key: str) -> str:
    headers = {"authorization": f"Bearer {author.person.tokens['access_token']}", "idempotency-key": key}
    # Whatever becomes of the answer, the same key asks for the same task.
    answer = author.http.post("/tasks", json={"title": f"Task {key}", "tags": [TAG]}, headers=headers)
    if answer.status_code == 201:
        author.made[key] = str(answer.json()["id"])
    return str(answer.status_code)


def items_of(owner_id: str) -> list[dict[str, Any]]:
    pages = (
        client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=f"{STACK}-tasks",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"U#{owner_id}"}},
            ConsistentRead=True,
        )
    )
    return [item for page in pages for item in page["Items"]]


def derived(author: Author) -> tuple[int, int]:
    """How many tasks the consumer has seen, and how many it has counted under the tag."""
    items = items_of(author.person.id)
    seen = sum(item["sk"]["S"].startswith("P#") for item in items)
    counted = next((int(item["count"]["N"]) for item in items if item["sk"]["S"] == f"G#{TAG}"), 0)
    return seen, counted


def test_killing_workers_during_500_writes_loses_no_event(
    authors: list[Author], workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = write_all(authors, workers)
    share = WRITES // AUTHORS

    for author in authors:
        listed = {
            item["sk"]["S"].removeprefix("T#") for item in items_of(author.person.id) if item["sk"]["S"][:2] == "T#"
        }
        assert listed == set(author.made.values()) and len(listed) == share, "a write was lost or done twice"

    redriven = sum(arrive(author, share, dict(answers)) for author in authors)
    assert workers.killed >= WRITES // KILL_EVERY // 2
    with capsys.disabled():
        print(f"\n  {WRITES} writes answered {dict(answers)}; {workers.killed} workers killed; {redriven} dead letters")


def arrive(author: Author, share: int, answers: dict[str, int]) -> int:
    """The consumer has seen each of the author's tasks once. How many dead letters it took comes back."""
    last, redriven = (-1, -1), 0

    def look() -> bool | None:
        nonlocal last, redriven
        last = derived(author)
        # Five workers killed over one message make it a dead letter: kept for a person, who brings it back.
        redriven += redrive(STACK, "tasks", "tasks") + redrive(STACK, "relay", "relay-retry")
        return True if last == (share, share) else None

    try:
        eventually(look, within=120)
    except AssertionError:
        pytest.fail(f"Of {share} events {last[0]} were seen and {last[1]} counted; the writes answered {answers}.")
    return redriven
