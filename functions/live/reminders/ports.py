"""Everything the actions stand on, bound once for an app."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from tessera import aws, clock, queues
from tessera.due import DueItem
from tessera.live import Live, LiveSettings
from tessera.safehttp import SafeHTTP
from tessera.settings import Bindings

from .store import CalendarStore, Marks, RemindersSettings, ReminderStore, SecretStore

_BATCH = 10


class FireQueue:
    """The capability's own queue, on which a message waits until what it names is due."""

    def __init__(self, url: str) -> None:
        self.url = url

    def send(self, items: Iterable[DueItem]) -> int:
        """Send these, 10 a request, each to come when it is due, and return how many. Raises `ClientError`."""
        bodies = [(queues.message("due", asdict(item)), self._delay(item)) for item in items]
        for start in range(0, len(bodies), _BATCH):
            entries = [
                {"Id": str(number), "MessageBody": body, "DelaySeconds": delay}
                for number, (body, delay) in enumerate(bodies[start : start + _BATCH])
            ]
            answer = aws.client("sqs").send_message_batch(QueueUrl=self.url, Entries=entries)
            if answer.get("Failed"):
                failed = answer["Failed"][0]
                error = {"Error": {"Code": failed["Code"], "Message": failed.get("Message", "")}}
                raise aws.ClientError(error, "SendMessageBatch")
        return len(bodies)

    def again(self, kind: str, data: dict[str, Any]) -> None:
        """A job for ourselves. 1 request."""
        queues.send(self.url, kind, data)

    @staticmethod
    def _delay(item: DueItem) -> int:
        # Rounded up: a message that comes before its time would have to be sent again.
        left = math.ceil((item.due - clock.now()).total_seconds())
        return min(max(left, 0), queues.MAX_DELAY_SECONDS)


@dataclass(frozen=True)
class Ports:
    reminders: ReminderStore
    calendar: CalendarStore
    secrets: SecretStore
    marks: Marks
    queue: FireQueue
    web: SafeHTTP
    live: Live | None
    stack: str = ""

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            reminders=bindings.get(ReminderStore),
            calendar=bindings.get(CalendarStore),
            secrets=bindings.get(SecretStore),
            marks=bindings.get(Marks),
            queue=FireQueue(bindings.settings(RemindersSettings).queue),
            web=bindings.get(SafeHTTP),
            # Nobody looks on where no table for it is named, as in some tests.
            live=bindings.get(Live) if bindings.settings(LiveSettings).realtime else None,
            stack=bindings.settings(RemindersSettings).stack,
        )
