"""The stack's one log group, read as CloudWatch Logs would deliver it.

The emulator fires a subscription once for every line, so each request would cost a second call, and a burst of them a
process each. Locally there is therefore no subscription: `pump` hands the lines over in batches, as AWS does, in the
event that the subscription would send.
"""

import asyncio
import base64
import gzip
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# The pattern of the subscription in `template.yaml`.
PATTERN = '"tessera_red"'
PAUSE_SECONDS = 2.0
# The emulator keeps a stream for every call there ever was and looks through all of them, so a look takes longer the
# longer a stack is up. It never spends more than a twentieth of its time on that.
PAUSE_FOR_A_LOOK = 20
# Workers write side by side, so a line may turn up after a later one.
OVERLAP_MS = 15_000
PAGE, BATCH = 1000, 500

Event = dict[str, Any]


async def pump(
    stop: asyncio.Event,
    endpoint: str,
    *,
    stack: str,
    since_ms: int | None = None,
    pause_seconds: float = PAUSE_SECONDS,
) -> None:
    """Deliver the lines of requests until `stop` is set. A delivery that fails is made again.

    Only lines from now on, unless `since_ms` says otherwise: a stack that kept its state has counted the older ones.
    """
    start = int(time.time() * 1000) if since_ms is None else since_ms
    tail = Tail(client("logs", endpoint), group_of(stack), pattern=PATTERN, since_ms=start)
    functions, waiting = client("lambda", endpoint), list[Event]()
    while not stop.is_set():
        began = time.monotonic()
        took = 0.0
        # Between two stacks, or while one is deployed, there may be no group and no function.
        with suppress(ClientError, BotoCoreError, Undelivered):
            waiting += await asyncio.to_thread(tail.read)
            took = time.monotonic() - began
            while waiting:
                await asyncio.to_thread(deliver, functions, stack, waiting[:BATCH])
                del waiting[:BATCH]
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause_after(took, at_least=pause_seconds))


def pause_after(took_seconds: float, *, at_least: float = PAUSE_SECONDS) -> float:
    return max(at_least, took_seconds * PAUSE_FOR_A_LOOK)


class Undelivered(Exception):
    """The function did not count these lines."""


class Tail:
    """What has been written to a log group since the last look; everything since `since_ms` at the first one."""

    def __init__(self, logs: Any, group: str, *, pattern: str = "", since_ms: int = 0) -> None:
        self._logs, self._group, self._pattern, self._since = logs, group, pattern, since_ms
        self._latest = 0
        self._seen: dict[str, int] = {}

    def read(self) -> list[Event]:
        """The new lines in the order of their times. 1 request for each 1,000."""
        found = []
        for event in self._events():
            if event["id"] not in self._seen:
                self._seen[event["id"]] = event["timestamp"]
                found.append(event)
        self._latest = max([self._latest, *self._seen.values()])
        # What lies before the next look's start is not shown again, so it need not be remembered.
        self._seen = {key: at for key, at in self._seen.items() if at >= self._latest - OVERLAP_MS}
        return found

    def _events(self) -> Iterator[Event]:
        start = max(self._since, self._latest - OVERLAP_MS)
        while True:
            page = self._logs.filter_log_events(
                logGroupName=self._group, filterPattern=self._pattern, startTime=start, limit=PAGE
            )["events"]
            yield from map(_numbered, page)
            # The emulator has no page tokens: the next page begins where this one ended.
            if len(page) < PAGE or page[-1]["timestamp"] == start:
                return
            start = page[-1]["timestamp"]


def deliver(functions: Any, stack: str, events: list[Event]) -> None:
    """Invoke the function that counts, as CloudWatch Logs does. Raises `Undelivered`."""
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": group_of(stack),
        "logStream": "all",
        "subscriptionFilters": [f"{stack}-requests"],
        "logEvents": events,
    }
    packed = base64.b64encode(gzip.compress(json.dumps(content).encode(), mtime=0)).decode()
    payload = json.dumps({"awslogs": {"data": packed}}).encode()
    answer = functions.invoke(FunctionName=f"{stack}-health-counters", Payload=payload)
    if answer.get("FunctionError"):
        raise Undelivered(answer["Payload"].read().decode(errors="replace"))


def group_of(stack: str) -> str:
    return f"/tessera/{stack}"


def client(service: str, endpoint: str) -> Any:
    """A client of the local cloud, with credentials that work nowhere else."""
    return botocore.session.Session().create_client(
        service,
        region_name="eu-central-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=60),
    )


def _numbered(event: Event) -> Event:
    """As CloudWatch Logs delivers an event. One without an id is known by all there is of it."""
    known = event.get("eventId") or f"{event['logStreamName']}/{event['timestamp']}/{event['message']}"
    return {"id": known, "timestamp": event["timestamp"], "message": event["message"]}
