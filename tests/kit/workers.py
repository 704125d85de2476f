"""The local cloud's worker processes, to be killed, and its queues, to be looked into."""

import os
import random
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import psutil

from tools import cloud


@dataclass
class Workers:
    """The processes in which functions run: the emulator's children."""

    emulator: int
    killed: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(20260101))

    def kill_one(self, function: str = "") -> bool:
        """End one of them at once, whatever it is doing: of this function, or any. False when there is none."""
        found = psutil.Process(self.emulator).children(recursive=True)
        if function:
            found = [one for one in found if _function_of(one) == function]
        if not found:
            return False
        try:
            self.chance.choice(found).kill()
        except psutil.NoSuchProcess:
            return False
        self.killed += 1
        return True


def _function_of(worker: psutil.Process) -> str:
    try:
        return str(worker.environ().get("AWS_LAMBDA_FUNCTION_NAME", ""))
    except psutil.Error:
        return ""


@cache
def client(service: str) -> Any:
    return cloud.client(service, os.environ["AWS_ENDPOINT_URL"])


def sqs() -> Any:
    return client("sqs")


def queue_urls() -> list[str]:
    """The queues that functions read; what is dead lies in others."""
    return [url for url in sqs().list_queues().get("QueueUrls", []) if not url.endswith("-dead")]


def redrive(stack: str, capability: str, queue: str) -> int:
    """Bring a capability's dead letters back, as `docs/runbooks/dead-letters.md` says; how many there were."""
    dead, alive = (
        sqs().get_queue_url(QueueName=f"{stack}-{name}")["QueueUrl"] for name in (f"{capability}-dead", queue)
    )
    letters = sqs().receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages", [])
    for letter in letters:
        sqs().send_message(QueueUrl=alive, MessageBody=letter["Body"])
        sqs().delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
    return len(letters)
