"""The local cloud's worker processes, to be killed, and its queues, to be looked into."""

import os
import random
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import psutil

from tools import cloud

_MADE_FOR = re.compile(r"/ministack-lambda-(.+)-[^-/]+/code$")


@dataclass
class Workers:
    """The processes in which functions run: among the emulator's children and theirs."""

    emulator: int
    killed: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(20260101))

    def kill_one(self, function: str = "") -> bool:
        """End one of them at once, whatever it is doing: of this function, or any. False when there is none."""
        running = ((one, _function_of(one)) for one in psutil.Process(self.emulator).children(recursive=True))
        found = [one for one, name in running if name and (not function or name == function)]
        if not found:
            return False
        try:
            self.chance.choice(found).kill()
        except psutil.NoSuchProcess:
            return False
        self.killed += 1
        return True


def _function_of(worker: psutil.Process) -> str:
    """By the folder that the emulator has made for it; nothing for what is no worker."""
    try:
        found = _MADE_FOR.search(worker.cwd())
    except psutil.Error:
        return ""
    return found[1] if found else ""


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
