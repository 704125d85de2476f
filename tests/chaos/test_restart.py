"""The whole local cloud is stopped and started again while somebody listens: with what it kept, nothing is missing."""

import asyncio
import time
from pathlib import Path

import httpx

from tests.kit.listeners import listening, until
from tests.kit.people import People
from tools import ports
from tools.stack import LocalStack

BEFORE, AFTER = 20, 20
WITHIN_SECONDS = 60.0


def test_a_listener_goes_on_where_it_was_when_the_cloud_comes_back(tmp_path: Path) -> None:
    door, topic = ports.any_free(), f"demo:restart-{time.time_ns()}"

    def stack() -> LocalStack:
        return LocalStack(tmp_path, door_port=door, persist=True, quiet=True)

    async def outlive() -> tuple[list[int], list[int]]:
        with stack() as first:
            first.settle()
            people = People(first.facts.base_url, first.facts.endpoint)
            person = people.new()
            token = person.tokens["access_token"]
            heard = await listening(token, topic, socket_url=first.facts.socket_url)
            await asyncio.to_thread(publish, first.facts.base_url, token, topic, 0, BEFORE)
            await until([heard], BEFORE, within=WITHIN_SECONDS)
        with stack() as second:
            # Their address is verified by a mail, which has come by table, bus and queue.
            await asyncio.to_thread(People(second.facts.base_url, second.facts.endpoint).new)
            await asyncio.to_thread(publish, second.facts.base_url, token, topic, BEFORE, BEFORE + AFTER)
            await until([heard], BEFORE + AFTER, within=WITHIN_SECONDS)
            assert heard.client is not None
            await heard.client.disconnect()
        assert heard.recovered and all(heard.recovered)
        return heard.offsets, heard.data

    offsets, data = asyncio.run(outlive())

    assert offsets == list(range(1, BEFORE + AFTER + 1))
    assert data == list(range(BEFORE + AFTER))


def publish(base_url: str, token: str, topic: str, first: int, end: int) -> None:
    with httpx.Client(base_url=base_url, timeout=30, headers={"authorization": f"Bearer {token}"}) as http:
        for n in range(first, end):
            answer = http.post("/realtime/publish", json={"topic": topic, "data": {"n": n}})
            assert answer.status_code == 200, answer.text
