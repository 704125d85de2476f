"""Log lines in: the subscription of the one log group, on a function of its own whose lines nobody subscribes to."""

import base64
import gzip
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from tessera import log, settings
from tessera.settings import Bindings

from . import rules
from .store import Counters


def absorb(event: Mapping[str, Any], bindings: Bindings) -> int:
    """Count the requests in one delivery of CloudWatch Logs; how many there were comes back.

    Raises what the store raises: Lambda delivers it again then, and what was counted stays counted once.
    """
    packed = base64.b64decode(event["awslogs"]["data"])
    content = gzip.decompress(packed)
    delivery = json.loads(content)
    # CloudWatch Logs sends a message without lines to see whether the destination is there.
    if delivery.get("messageType") != "DATA_MESSAGE":
        return 0
    batch = rules.counted(delivery["logEvents"])
    # A delivery comes again with the same content, and no two deliveries share a line's id.
    bindings.get(Counters).add(batch, key=hashlib.sha256(content).hexdigest()[:32])
    return sum(sums.count for sums in batch.series.values())


def aggregator(environment: Mapping[str, str] = os.environ) -> Callable[[Any, Any], Any]:
    """The Lambda handler. It serves nothing else, so it loads no web framework."""
    settings.refuse_stray_endpoint(environment)
    bindings = Bindings({"CAPABILITY": "health", **environment})

    def handle(event: dict[str, Any], context: Any) -> None:
        with log.scope("health"):
            count = absorb(event, bindings)
            log.line("counted", count=count, outcome="done")

    return handle


handler = aggregator()
