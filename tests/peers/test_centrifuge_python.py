"""`centrifuge-python`, which others wrote, unmodified: it talks to our hub as to its own server.

And both clients, this one and the one for JavaScript, on one stream of a thousand messages whose sockets are cut again
and again: neither misses one, and neither gets one twice.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from centrifuge import CentrifugeError

from tests.kit.listeners import Heard, client_of, listening
from tests.kit.people import People
from tests.peers.centrifuge_js import COMMON, run

MESSAGES = 1_000
# One alone may publish ten times a second.
PUBLISHERS = 16
CUT_EVERY = 100
# Half a minute where nobody else is at work.
WITHIN_SECONDS = 120.0

LISTEN = (
    COMMON
    + """
const [wanted, every, within] = process.argv.slice(5).map(Number);
const one = client();
const subscription = one.newSubscription(topic);
const offsets = []; const data = []; const recovered = [];
let cuts = 0;
const done = new Promise((resolve) => {
  subscription.on('publication', (context) => {
    offsets.push(context.offset); data.push(context.data.n);
    if (data.length % every === every / 2) { cuts += 1; sockets.at(-1).terminate(); }
    if (data.length === wanted) resolve();
  });
});
subscription.on('subscribed', (context) => { if (context.wasRecovering) recovered.push(context.recovered); });
one.connect(); subscription.subscribe();
const timer = setTimeout(() => say({ offsets, data, recovered, cuts }), within * 1000);
await done;
clearTimeout(timer);
say({ offsets, data, recovered, cuts });
"""
)


def test_the_python_client_talks(people: People) -> None:
    person, topic = people.new(), f"demo:python-{time.time_ns()}"

    async def talk() -> dict[str, Any]:
        heard = Heard()
        one = client_of(person.tokens["access_token"])
        subscription = one.new_subscription(topic, heard)
        await one.connect()
        await subscription.subscribe()
        await one.ready()
        await subscription.ready()
        for n in range(5):
            await subscription.publish({"n": n})
        deadline = time.monotonic() + 20
        while len(heard.data) < 5 and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        history = await subscription.history(limit=10)
        backwards = await subscription.history(limit=2, reverse=True)
        present = await subscription.presence()
        stats = await subscription.presence_stats()
        clock = await one.rpc("time", {})
        try:
            await one.rpc("nope", {})
        except CentrifugeError as error:
            unknown = getattr(error, "code", None)
        await one.disconnect()
        return {
            "heard": (heard.offsets, heard.data),
            "history": [(one.offset, one.data["n"]) for one in history.publications],
            "backwards": [one.offset for one in backwards.publications],
            "present": len(present.clients),
            "stats": (stats.num_clients, stats.num_users),
            "time": type(clock.data["time"]),
            "unknown": unknown,
        }

    said = asyncio.run(talk())

    assert said == {
        "heard": ([1, 2, 3, 4, 5], [0, 1, 2, 3, 4]),
        "history": [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)],
        "backwards": [5, 4],
        "present": 1,
        "stats": (1, 1),
        "time": int,
        "unknown": 104,
    }


@contextmanager
def streaming(people: People, topic: str, begun: threading.Event) -> Iterator[None]:
    """A thousand publications by several, once both listen."""
    publishers, stop = [people.new() for _ in range(PUBLISHERS)], threading.Event()

    def publish(own: int) -> None:
        begun.wait(WITHIN_SECONDS)
        for n in range(own, MESSAGES, PUBLISHERS):
            while not stop.is_set():
                answer = publishers[own].post("/realtime/publish", json={"topic": topic, "data": {"n": n}})
                if answer.status_code not in (429, 503):
                    answer.raise_for_status()
                    break
                time.sleep(0.2)

    with ThreadPoolExecutor(PUBLISHERS) as pool:
        running = [pool.submit(publish, own) for own in range(PUBLISHERS)]
        try:
            yield
        finally:
            stop.set()
            begun.set()
        for one in running:
            one.result()


def test_a_stream_of_a_thousand_survives_cut_sockets_without_gap_or_repetition(people: People) -> None:
    topic, begun = f"demo:stream-{time.time_ns()}", threading.Event()
    person, other = people.new(), people.new()

    async def listen() -> Heard:
        heard = await listening(person.tokens["access_token"], topic, cut_every=CUT_EVERY)
        assert heard.client is not None
        subscription = heard.client.get_subscription(topic)
        assert subscription is not None
        deadline = time.monotonic() + WITHIN_SECONDS
        while len(heard.data) < MESSAGES and time.monotonic() < deadline:
            if not begun.is_set() and len((await subscription.presence(timeout=20)).clients) == 2:
                begun.set()
            await asyncio.sleep(0.05)
        await heard.client.disconnect()
        return heard

    with streaming(people, topic, begun), ThreadPoolExecutor(2) as pool:
        given = [str(MESSAGES), str(CUT_EVERY), str(WITHIN_SECONDS)]
        javascript = pool.submit(run, LISTEN, other.tokens["access_token"], topic, *given, within=WITHIN_SECONDS + 10)
        python = pool.submit(asyncio.run, listen())
        heard, said = python.result(), javascript.result()

    for offsets, data, cuts, recovered in (
        (heard.offsets, heard.data, heard.cuts, heard.recovered),
        (said["offsets"], said["data"], said["cuts"], said["recovered"]),
    ):
        assert offsets == list(range(1, MESSAGES + 1))
        assert sorted(data) == list(range(MESSAGES))
        assert cuts >= 9
        assert recovered == [True] * len(recovered)
    assert said["data"] == heard.data
