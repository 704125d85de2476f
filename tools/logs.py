"""`make logs`: follow the log lines of the running stack; `C=tasks` narrows to one capability."""

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError

from tools import cloud, registry
from tools.paths import RUN
from tools.say import Failure, explain
from tools.stack import running

LOOK_BACK_MS = 60_000


def main() -> int:
    cloud.leave_accounts()
    wanted = os.environ.get("C", "")
    try:
        facts = running(RUN)
        wanted = registry.named(wanted).name if wanted else ""
        for event in follow(cloud.client("logs", facts.endpoint), f"/tessera/{facts.stack}"):
            line = render(event, wanted)
            if line:
                print(line, flush=True)
    except Failure as failure:
        explain("logs", failure)
        return 1
    except LookupError as unknown:
        explain("logs", Failure(str(unknown.args[0])))
        return 1
    except BotoCoreError:
        print("\n  The local stack has stopped.")
    except KeyboardInterrupt:
        return 0
    return 0


def follow(logs: Any, group: str) -> Iterator[dict[str, Any]]:
    """Every event of the group from a minute ago on, for ever. Asks once a second."""
    since, seen = int(time.time() * 1000) - LOOK_BACK_MS, deque[tuple[str, int, str]](maxlen=10_000)
    while True:
        page = logs.filter_log_events(logGroupName=group, startTime=since, limit=1000)
        for event in page["events"]:
            # The emulator gives events no id.
            key = (event["logStreamName"], event["timestamp"], event["message"])
            if key not in seen:
                seen.append(key)
                since = max(since, event["timestamp"])
                yield event
        # A log group cannot call us, and a person reads no faster than this.
        time.sleep(1)


def render(event: dict[str, Any], wanted: str) -> str:
    """The line as a person reads it; nothing when it is the platform's or another capability's."""
    if event["message"].startswith(PLATFORM):
        return ""
    clock = time.strftime("%H:%M:%S", time.localtime(event["timestamp"] / 1000))
    try:
        fields = json.loads(event["message"])
    except ValueError:
        # Not JSON: a traceback, or a print. Whose it is cannot be told, so it is always worth showing.
        return f"{clock} {event['message'].rstrip()}"
    if not isinstance(fields, dict) or (wanted and fields.get("capability") != wanted):
        return ""
    shown = {key: value for key, value in fields.items() if key not in HIDDEN and value not in ("", None, [])}
    said = " ".join(f"{key}={value}" for key, value in shown.items())
    return f"{clock} {fields.get('capability', '-'):<14} {fields.get('message', ''):<10} {said}"


PLATFORM = ("START ", "END ", "REPORT ", "INIT_START ")
# Metrics' own bookkeeping, and what the front of the line says already.
HIDDEN = frozenset(
    ["_aws", "capability", "message", "timestamp", "level", "tessera_red", "requests", "errors", "latency"]
)

if __name__ == "__main__":
    sys.exit(main())
