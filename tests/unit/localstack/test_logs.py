import asyncio
import base64
import gzip
import json

from localstack import logs


class Group:
    """A log group as the emulator shows it: oldest first, no ids, no page tokens."""

    def __init__(self):
        self.events = []

    def write(self, at, message, stream="a"):
        self.events.append({"logStreamName": stream, "timestamp": at, "message": message})

    def filter_log_events(self, *, logGroupName, filterPattern, startTime, limit):
        wanted = filterPattern.strip('"')
        found = [event for event in self.events if event["timestamp"] >= startTime and wanted in event["message"]]
        return {"events": sorted(found, key=lambda event: event["timestamp"])[:limit]}


def messages(events):
    return [event["message"] for event in events]


def test_every_line_is_seen_once_also_one_that_turns_up_late():
    group = Group()
    tail = logs.Tail(group, "/tessera/test")
    group.write(1_000_000, "first")
    group.write(1_000_500, "second")
    assert messages(tail.read()) == ["first", "second"]

    group.write(1_000_200, "late", stream="b")
    group.write(1_000_500, "second", stream="b")

    assert messages(tail.read()) == ["late", "second"]
    assert tail.read() == []


def test_more_lines_than_a_page_holds_are_all_read():
    group = Group()
    for number in range(2500):
        group.write(1_000_000 + number, f"line {number}")

    assert len(logs.Tail(group, "/tessera/test").read()) == 2500


def test_what_was_written_before_the_start_is_left_alone():
    group = Group()
    group.write(1, "before")
    group.write(5, "after")

    assert messages(logs.Tail(group, "g", since_ms=5).read()) == ["after"]


def test_only_lines_of_the_pattern_are_read():
    group = Group()
    group.write(1, '{"tessera_red":1}')
    group.write(2, "START")

    assert messages(logs.Tail(group, "g", pattern=logs.PATTERN).read()) == ['{"tessera_red":1}']


def test_looks_that_take_long_are_taken_less_often():
    assert [logs.pause_after(took) for took in (0.01, 0.1, 0.5)] == [2.0, 2.0, 10.0]


class Functions:
    """A function that fails once, then takes what it is given."""

    def __init__(self):
        self.given, self.failing = [], 1

    def invoke(self, *, FunctionName, Payload):
        assert FunctionName == "tessera-health-counters"
        packed = json.loads(Payload)["awslogs"]["data"]
        content = json.loads(gzip.decompress(base64.b64decode(packed)))
        if self.failing:
            self.failing -= 1
            return {"FunctionError": "Unhandled", "Payload": _Body(b"busy")}
        self.given += [event["message"] for event in content["logEvents"]]
        return {}


class _Body:
    def __init__(self, content):
        self.read = lambda: content


def test_a_delivery_that_fails_is_made_again_and_nothing_is_lost(monkeypatch):
    group, functions = Group(), Functions()
    monkeypatch.setattr(logs, "client", lambda service, endpoint: {"logs": group, "lambda": functions}[service])
    for number in range(1200):
        group.write(number, f'{{"tessera_red":1,"n":{number}}}')

    async def run():
        stop = asyncio.Event()
        pumping = asyncio.create_task(logs.pump(stop, "", stack="tessera", since_ms=0, pause_seconds=0.01))
        async with asyncio.timeout(10):
            while len(functions.given) < 1200:
                await asyncio.sleep(0)
        stop.set()
        await pumping

    asyncio.run(run())
    assert len(functions.given) == len(set(functions.given)) == 1200
