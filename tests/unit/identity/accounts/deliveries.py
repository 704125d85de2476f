"""Brings to `accounts` what would reach it other than by HTTP: due items, as the sweeper finds them, and its jobs."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from functions.identity.accounts import triggers
from tessera import aws, ids, queues
from tessera.due import DueItem
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.clocks import FakeClock
from tests.kit.queues import drain
from tests.kit.stores import everything_in

MAX_ROUNDS = 400


@dataclass
class Deliveries:
    table: Table
    queue: str
    bindings: Bindings
    clock: FakeClock

    def due(self) -> list[DueItem]:
        """Every item whose time has come, as the sweeper would send it."""
        now = self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        waiting = [item for item in everything_in(self.table) if "due_pk" in item]
        found = [DueItem(*(item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk"))) for item in waiting]
        return [item for item in found if item.due_sk.partition("#")[0] <= now]

    def sweep(self) -> int:
        """Give what is due, and work off what that leaves in the queue. How many items were due."""
        found = self.due()
        self.give(*(queues.message("due", asdict(item)) for item in found))
        self.work()
        return len(found)

    def work(self) -> int:
        """Work off the queue, and what the work itself puts there. How many messages there were."""
        worked = 0
        with aws.intercepted(_at_once):
            while bodies := drain(self.queue):
                self.give(*bodies)
                worked += len(bodies)
                assert worked < MAX_ROUNDS, "The work never ends."
        return worked

    def give(self, *bodies: str) -> None:
        """Deliver these messages; one that fails is a failure of the test."""
        if bodies:
            records = [_record(body) for body in bodies]
            answer: Any = dispatch(triggers.ENTRIES, {"Records": records}, self.bindings)
            assert answer == {"batchItemFailures": []}, json.dumps(answer)


def _at_once(service: str, operation: str, parameters: dict[str, Any]) -> None:
    """A message that is to wait comes at once: the queue counts real seconds, and the test's time stands still."""
    if (service, operation) == ("sqs", "SendMessage"):
        parameters["DelaySeconds"] = 0


def _record(body: str) -> dict[str, Any]:
    return {"eventSource": "aws:sqs", "messageId": ids.new(), "body": body, "attributes": {}}
