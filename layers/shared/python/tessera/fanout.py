"""Pokes to the workers that deliver what a topic's log holds: they carry no data, only that there is some.

One message group for each topic and shard, so that one worker at a time delivers it. Two ids of the
same poke are equal, so that whoever pokes second costs nothing.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Self

from tessera import aws, queues
from tessera.settings import Bindings, Settings


class FanoutSettings(Settings):
    # Separated by commas. A queue delivers its groups one after another locally, side by side on AWS.
    fanout_queues: str = ""
    ephemeral_queue: str = ""


class Fanout:
    def __init__(self, queue_urls: Sequence[str], ephemeral_url: str) -> None:
        self._urls, self._ephemeral_url = list(queue_urls), ephemeral_url

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(FanoutSettings)
        return cls([url for url in settings.fanout_queues.split(",") if url], settings.ephemeral_queue)

    def poke(self, topic: str, offset: int, shards: int) -> None:
        """Say that there is something up to this offset. 1 request per shard; none where nobody listens."""
        for shard in range(shards):
            self.send("poke", topic, shard, {"offset": offset}, once=str(offset))

    def send(self, kind: str, topic: str, shard: int, data: dict[str, Any], *, once: str) -> None:
        """Give the worker of this topic and shard something to do, after all it was given before. 1 request.

        What has the same `once` within five minutes is the same message.
        """
        group = f"{topic}#{shard}"
        aws.client("sqs").send_message(
            QueueUrl=self._urls[_number(group) % len(self._urls)],
            MessageBody=queues.message(kind, {"topic": topic, "shard": shard, **data}),
            MessageGroupId=_digest(group),
            MessageDeduplicationId=_digest(f"{kind}#{group}#{once}"),
        )

    def tell(self, topic: str, data: Any, info: dict[str, Any] | None = None) -> None:
        """Deliver this without keeping it: it may be lost or overtaken. 1 request."""
        queues.send(self._ephemeral_url, "ephemeral", {"topic": topic, "data": data, "info": info})


def shard_of(connection: str, shards: int) -> int:
    """The shard that delivers to this connection."""
    return _number(connection) % max(shards, 1)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
