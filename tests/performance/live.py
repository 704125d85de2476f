"""What is live, measured: a publication's way to one, a hundred and a thousand sockets; ten thousand people told of
something; appends; reminders; rooms exported; thumbnails.

The sockets and those who are told are on a stack of their own; the rest runs in one process against the local cloud.
What each costs in requests and units is asserted by the unit tests of each capability, and is the same here.
"""

import asyncio
import contextlib
import itertools
import json
import os
import secrets
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import aiohttp

from functions.files.media.rules.kinds import Kind
from functions.files.media.rules.outputs import Format, Spec, normal, text_of
from functions.files.media.sandbox import Task, run
from functions.live.reminders.app import app as reminders
from functions.live.reminders.ports import Ports
from functions.live.reminders.store.rows import row_of
from functions.live.reminders.triggers import ENTRIES
from tessera import clock, ids
from tessera.seqlog import Entry, LogContended, SeqLog
from tessera.triggers import dispatch
from tests.kit.apps import serving
from tests.kit.clocks import FakeClock
from tests.kit.people import People
from tests.kit.queues import make_queue
from tests.kit.scenes import encoded, scene
from tests.kit.stores import make_table
from tests.performance import expanding, exporting, memory
from tests.performance.filling import put_all
from tests.performance.latency import local_cloud, quietly
from tools import ports
from tools.stack import LocalStack

LISTENERS = (1, 100, 1_000)
PUBLICATIONS, OPENED_AT_ONCE, FROM_ONE = 20, 20, 10
ARRIVES_WITHIN_SECONDS = 60.0
APPENDS, WRITERS = 400, (1, 8)
REMINDERS, FIRED, BATCH = 10_000, 500, 10
IMAGES, PIXELS = 100, (4_000, 3_000)
OUTPUTS = tuple(Spec(side, side, Format.JPEG) for side in (160, 480, 1_280))


def report(folder: Path) -> str:
    lines = itertools.chain(_on_a_stack(folder / "live"), _in_process(folder))
    return "\n".join(f"  {name:<44} {said}" for name, said in lines)


def _on_a_stack(folder: Path) -> Iterator[tuple[str, str]]:
    with (
        LocalStack(folder, door_port=ports.any_free(), quiet=True) as stack,
        patch.dict(os.environ, stack.facts.for_tests()),
    ):
        yield "memory, when it is ready", memory.when_ready(stack)
        yield from _sockets(stack)
        yield f"{expanding.PEOPLE:,} people told of something", str(expanding.told(stack))


def _sockets(stack: LocalStack) -> Iterator[tuple[str, str]]:
    publisher = People(stack.facts.base_url, stack.facts.endpoint).admin()
    for count in LISTENERS:
        topic = f"notice:{secrets.token_hex(6)}"

        def publish(sent: float, topic: str = topic) -> None:
            publisher.post("/realtime/publish", json={"topic": topic, "data": {"sent": sent}}).raise_for_status()

        took = asyncio.run(_delivered(stack.facts.socket_url, topic, count, publish))
        centiles = statistics.quantiles(took, n=20)
        said = f"p50 {centiles[9] * 1000:,.0f} ms, p95 {centiles[18] * 1000:,.0f} ms of {len(took):,} deliveries"
        yield f"from the request to {count:,} socket(s)", said


async def _delivered(url: str, topic: str, count: int, publish: Callable[[float], None]) -> list[float]:
    """How long each of the publications took to each listener, in seconds; one is sent when the last has arrived."""
    took: list[float] = []
    arrived = asyncio.Condition()
    turns = asyncio.Semaphore(OPENED_AT_ONCE)

    async def opened(http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        async with turns:
            socket = await http.ws_connect(url, max_msg_size=0)
            for command in ({"id": 1, "connect": {}}, {"id": 2, "subscribe": {"channel": topic}}):
                await socket.send_str(json.dumps(command))
                reply = json.loads(await socket.receive_str(timeout=ARRIVES_WITHIN_SECONDS))
                assert "error" not in reply, reply
            return socket

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            for line in str(message.data).splitlines():
                data = json.loads(line).get("push", {}).get("pub", {}).get("data")
                if data:
                    took.append(time.time() - data["sent"])
                    async with arrived:
                        arrived.notify_all()

    async with contextlib.AsyncExitStack() as open_until_the_end:
        clients = [await open_until_the_end.enter_async_context(_elsewhere(n)) for n in range(-(-count // FROM_ONE))]
        sockets = await asyncio.gather(*(opened(clients[number // FROM_ONE]) for number in range(count)))
        listeners = [asyncio.create_task(listen(socket)) for socket in sockets]
        for number in range(1, PUBLICATIONS + 2):
            await asyncio.to_thread(publish, time.time())
            async with asyncio.timeout(ARRIVES_WITHIN_SECONDS), arrived:
                await arrived.wait_for(lambda wanted=number * count: len(took) >= wanted)  # type: ignore[misc]
        for one in listeners:
            one.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    # The first started the workers.
    return took[count:]


def _elsewhere(number: int) -> aiohttp.ClientSession:
    """A client with a loopback address of its own, since so many sockets of one address would be refused."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, local_addr=(f"127.9.{number}.1", 0)))


def _in_process(folder: Path) -> Iterator[tuple[str, str]]:
    with local_cloud(folder):
        for writers in WRITERS:
            yield f"appends to one topic, {writers} writer(s)", f"{_append_rate(writers):,.0f} a second"
        yield from _reminders()
        yield from exporting.exported()
    yield _thumbnails()


def _append_rate(writers: int) -> float:
    log, numbers = SeqLog(make_table("Realtime")), itertools.count()
    lock, began = threading.Lock(), time.perf_counter()

    def append_some(_: int) -> None:
        while True:
            with lock:
                number = next(numbers)
            if number >= APPENDS:
                return
            appended = False
            while not appended:
                # Whoever meets too many others is told to come again, and does.
                with contextlib.suppress(LogContended):
                    log.append("demo:bench", [Entry({"n": number}, {}, None)])
                    appended = True

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(append_some, range(writers)))
    return APPENDS / (time.perf_counter() - began)


def _reminders() -> Iterator[tuple[str, str]]:
    """Ten thousand due in one minute: what reading that minute takes, and how many one worker fires a second."""
    realtime = make_table("Realtime").name
    given = {"QUEUE": make_queue("reminders"), "REALTIME": realtime, "WEBHOOK_KEY": "unused"}
    fake = FakeClock()
    with clock.using(fake), serving(reminders, "Reminders", **given) as served:
        minute = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=2)
        body = {"title": "Tea", "schedule": {"at": clock.rfc3339(minute)}, "action": {"notify": {}}}
        made = quietly(lambda asked, _: served.person().post("/reminders", json=asked), body)
        assert made.status_code == 201, made.text
        hub = reminders.state.bindings.get(Ports)
        one = hub.reminders.find(made.json()["id"])
        put_all(served.table, [row_of(replace(one, id=ids.new())) for _ in range(REMINDERS - 1)])
        began = time.perf_counter()
        waiting = list(hub.marks.waiting(minute))
        read = time.perf_counter() - began
        assert len(waiting) == REMINDERS
        yield f"a minute with {REMINDERS:,} reminders, read", f"{read:.1f} s"
        fake.set(minute)
        some = [json.dumps({"kind": "due", "data": asdict(item)}) for item in waiting[:FIRED]]
        began = time.perf_counter()
        for start in range(0, FIRED, BATCH):
            records = [
                {"messageId": str(number), "eventSource": "aws:sqs", "body": text}
                for number, text in enumerate(some[start : start + BATCH])
            ]
            quietly(lambda event, _: dispatch(ENTRIES, event, reminders.state.bindings), {"Records": records})
        rate = FIRED / (time.perf_counter() - began)
        yield "reminders fired by one worker", f"{rate:,.0f} a second; {REMINDERS / rate / 60:.1f} of them for a minute"


def _thumbnails() -> tuple[str, str]:
    """As a worker makes them: one process for each picture."""
    body, wanted = encoded(scene(*PIXELS), "JPEG", quality=90), text_of(normal(spec) for spec in OUTPUTS)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "picture.jpg"
        path.write_bytes(body)
        began = time.perf_counter()
        for _ in range(IMAGES):
            said = list(run(Task(path=path, into=Path(place), kind=Kind.IMAGE, specs=wanted)))
            assert sum("output" in line for line in said) == len(OUTPUTS), said
        took = time.perf_counter() - began
    return f"{IMAGES} pictures of 12 MP to {len(OUTPUTS)} outputs, one worker", f"{took:.1f} s"
