"""The HTTP side of `realtime` through the front door."""

import json
import secrets
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.kit.people import People, Person


@pytest.fixture
def topic() -> str:
    """A topic of this test's own, that anybody may read."""
    return f"notice:{secrets.token_hex(6)}"


@pytest.fixture
def tell(people: People, topic: str) -> Callable[..., Any]:
    """`tell(data)`: what staff publish to the topic."""
    admin = people.admin()

    def publish(data: Any, **more: Any) -> Any:
        answer = admin.post("/realtime/publish", json={"topic": topic, "data": data, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return publish


def polled(person: Person, topic: str, **given: Any) -> Any:
    answer = person.get("/realtime/poll", params={"topic": topic, **given})
    assert answer.status_code == 200, answer.text
    return answer.json()["topics"][topic]


def position_of(told: Any) -> str:
    return f"{told['epoch']}:{told['offset']}"


def blocks(answer: httpx.Response) -> list[dict[str, str]]:
    found = []
    for block in answer.text.split("\n\n"):
        lines = [line.partition(":") for line in block.split("\n") if line]
        found.append({name: value.removeprefix(" ") for name, _, value in lines})
    return [block for block in found if block]


def test_the_configuration_says_where_to_listen(anonymous: httpx.Client) -> None:
    found = anonymous.get("/realtime/config").json()

    assert found["ws_url"].startswith(("ws://", "wss://"))
    assert anonymous.get(found["poll_url"], params={"topic": "notice:x"}).status_code == 200


def test_longpoll_wakes(user: Person, topic: str, tell: Callable[..., Any]) -> None:
    tell("seen")
    position = position_of(polled(user, topic))
    speaker = threading.Timer(1.0, tell, args=["news"])
    speaker.start()

    told = polled(user, topic, pos=position, wait=20)

    speaker.join()
    assert [one["data"] for one in told["publications"]] == ["news"]
    assert told["recovered"]


def test_sse_resume_last_event_id(user: Person, topic: str, tell: Callable[..., Any]) -> None:
    heard: list[int] = []
    begun = user.get("/realtime/sse", params={"topic": topic, "wait": 0})
    last = [block["id"] for block in blocks(begun) if "id" in block][-1]
    for number in range(5):
        tell(number)
        if number % 2:
            continue
        answer = user.get("/realtime/sse", params={"topic": topic, "wait": 1}, headers={"last-event-id": last})
        assert answer.headers["content-type"].startswith("text/event-stream")
        heard += [json.loads(block["data"])["publication"]["data"] for block in blocks(answer) if "data" in block]
        last = [block["id"] for block in blocks(answer) if "id" in block][-1]

    assert heard == [0, 1, 2, 3, 4]


def test_a_ticket_opens_its_topics_and_no_others(
    user: Person, anonymous: httpx.Client, topic: str, tell: Callable[..., Any]
) -> None:
    tell(1)
    own = f"user:{user.id}"
    made = user.post("/realtime/tickets", json={"topics": [own, topic]})
    assert made.status_code == 201
    ticket = made.json()["ticket"]

    for _ in range(2):
        assert set(anonymous.get("/realtime/poll", params={"ticket": ticket}).json()["topics"]) == {own, topic}
    beyond = anonymous.get("/realtime/poll", params={"ticket": ticket, "topic": "notice:other"})
    assert beyond.status_code == 403
    assert anonymous.get("/realtime/poll", params={"topic": own}).status_code == 401


def test_history_goes_on_from_a_position_and_says_when_it_cannot(
    user: Person, topic: str, tell: Callable[..., Any]
) -> None:
    for number in range(3):
        tell(number)
    path = f"/realtime/topics/{quote(topic, safe='')}/history"

    whole = user.get(path).json()
    rest = user.get(path, params={"since_epoch": whole["epoch"], "since_offset": 1}).json()
    lost = user.get(path, params={"since_epoch": "aaaaaaaa", "since_offset": 1})

    assert [one["data"] for one in whole["items"]] == [0, 1, 2]
    assert [one["data"] for one in rest["items"]] == [1, 2]
    assert (lost.status_code, lost.json()["type"]) == (409, "/problems/unrecoverable-position")


@pytest.mark.parametrize("rest", ["a#b", "a:b", "a-b_c.d"])
def test_a_topic_arrives_whole_in_a_path(people: People, user: Person, rest: str) -> None:
    topic = f"notice:{secrets.token_hex(4)}{rest}"
    body = {"topic": topic, "data": topic}
    assert people.admin().post("/realtime/publish", json=body).status_code == 200

    items = user.get(f"/realtime/topics/{quote(topic, safe='')}/history").json()["items"]

    assert [one["data"] for one in items] == [topic]


def test_what_is_asked_twice_is_published_once(user: Person, topic: str, tell: Callable[..., Any]) -> None:
    first, second = tell("once", idempotency_key="k"), tell("once", idempotency_key="k")

    assert first == second
    assert polled(user, topic)["offset"] == 1


def test_a_broadcast_has_a_result_for_each_topic(people: People, topic: str) -> None:
    body = {"topics": [topic, "room:1"], "data": "all"}

    results = people.admin().post("/realtime/broadcast", json=body).json()["results"]

    assert results[0]["placed"]["offset"] == 1
    assert results[1]["problem"]["status"] == 403


def test_a_user_neither_speaks_for_the_product_nor_hears_of_others(people: People, user: Person, topic: str) -> None:
    other = people.pooled(1)

    assert user.post("/realtime/publish", json={"topic": topic, "data": 1}).status_code == 403
    assert user.post("/realtime/broadcast", json={"topics": [topic], "data": 1}).status_code == 403
    refused = user.get("/realtime/poll", params={"topic": [f"user:{other.id}", topic]})
    assert refused.status_code == 403
    assert [error["detail"].startswith(f"user:{other.id}") for error in refused.json()["errors"]] == [True]


def test_connections_are_for_staff(people: People, user: Person) -> None:
    assert user.get("/realtime/connections", params={"user": user.id}).status_code == 403
    assert user.post(f"/realtime/users/{user.id}/disconnect").status_code == 403

    admin = people.admin()
    assert admin.get("/realtime/connections", params={"user": user.id}).status_code == 200
    assert admin.post(f"/realtime/users/{user.id}/disconnect").status_code == 204
    assert admin.post("/realtime/topics/notice:x/unsubscribe", json={"user": user.id}).status_code == 204


def test_presence_is_told_where_it_is_kept(user: Person) -> None:
    topic = f"demo:{secrets.token_hex(4)}"

    stats = user.get(f"/realtime/topics/{topic}/presence-stats")
    absent = user.get("/realtime/topics/notice:x/presence")

    # Where nobody opened the topics for trying things out, there are none.
    assert stats.status_code in (200, 404)
    assert absent.status_code == 409


def test_erasure_is_not_for_the_outside(user: Person) -> None:
    assert user.post("/realtime/internal/erase", json={"owner_id": user.id}).status_code == 404


def test_what_is_published_is_read_by_whoever_asks_next(user: Person, topic: str, tell: Callable[..., Any]) -> None:
    """Answered means kept: the very next read has it, wherever it is served."""
    for number in range(1, 6):
        assert tell(number)["offset"] == number
        assert polled(user, topic)["offset"] == number
