"""The workers that carry publications die in mid-stream. Whoever listens ends with the log, in its order.

A worker that dies between a post and the note of it has told somebody what the next one tells them again: a client
knows it by its offset. Nothing is left out, and nothing comes before what stands before it.
"""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from tessera import ids
from tests.kit.listeners import Heard, listening, until
from tests.kit.people import People, Person
from tests.kit.workers import Workers

MESSAGES, PUBLISHERS, LISTENERS, KILL_EVERY = 300, 8, 3, 10
WITHIN_SECONDS = 240.0
# The entries of a page are few here, since the next is carried as soon as the last one was.
REPEATED = MESSAGES // 2
STACK = os.environ.get("STACK", "tessera")


def publish(person: Person, http: httpx.Client, topic: str, n: int) -> None:
    """Until it is answered, each time with the same key: a killed worker's answer says nothing of what it did."""
    key, deadline = ids.new(), time.monotonic() + WITHIN_SECONDS
    headers = {"authorization": f"Bearer {person.tokens['access_token']}", "idempotency-key": key}
    while time.monotonic() < deadline:
        try:
            answer = http.post("/realtime/publish", json={"topic": topic, "data": {"n": n}}, headers=headers)
        except httpx.TransportError:
            continue
        if answer.status_code == 200:
            return
        assert answer.status_code == 429 or answer.status_code >= 500, answer.text
        # The workers are being killed just now: there is nothing to wait for but time.
        time.sleep(0.1)
    raise AssertionError(f"Publication {n} was never taken.")


def test_listeners_end_with_the_log_while_what_carries_it_is_killed(
    people: People, workers: Workers, base_url: str
) -> None:
    topic = f"demo:chaos-{time.time_ns()}"
    publishers = [people.new() for _ in range(PUBLISHERS)]
    carrier, taken, lock = f"{STACK}-realtime-worker", 0, threading.Lock()

    def publish_all(own: int) -> None:
        nonlocal taken
        with httpx.Client(base_url=base_url, timeout=30) as http:
            for n in range(own, MESSAGES, PUBLISHERS):
                publish(publishers[own], http, topic, n)
                with lock:
                    taken += 1
                    # Now the one that carries, now any: the socket's, the route's, the relay's.
                    if taken % KILL_EVERY == 0:
                        workers.kill_one(carrier if taken % (2 * KILL_EVERY) else "")

    def publish_last() -> None:
        with httpx.Client(base_url=base_url, timeout=30) as http:
            publish(publishers[0], http, topic, MESSAGES)

    async def listen() -> list[Heard]:
        heard = [await listening(people.new().tokens["access_token"], topic) for _ in range(LISTENERS)]
        with ThreadPoolExecutor(PUBLISHERS) as pool:
            running = [pool.submit(publish_all, own) for own in range(PUBLISHERS)]
            for one in running:
                await asyncio.wrap_future(one)
            # Five workers killed over one message make it a dead letter: the next one brings what it should have.
            await asyncio.to_thread(publish_last)
        await until(heard, MESSAGES + 1, within=WITHIN_SECONDS)
        await asyncio.gather(*(one.client.disconnect() for one in heard if one.client))
        return heard

    heard = asyncio.run(listen())

    assert workers.killed >= MESSAGES // KILL_EVERY // 2
    logs = [dict(zip(one.offsets, one.data, strict=True)) for one in heard]
    # By when each offset was told first.
    assert [list(told) for told in logs] == [list(range(1, MESSAGES + 2))] * LISTENERS
    assert sorted(logs[0].values()) == list(range(MESSAGES + 1)), "a publication was lost or done twice"
    assert logs == [logs[0]] * LISTENERS
    assert max(len(one.offsets) for one in heard) <= MESSAGES + 1 + REPEATED
