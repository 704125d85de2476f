"""Messages to a capability's own queue, and bringing dead letters back."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tessera import aws, log
from tessera.batches import MOST_ENTRIES, batches

MAX_DELAY_SECONDS = 900


def message(kind: str, data: dict[str, Any]) -> str:
    """The body of a message, carrying the trace of the work that sends it."""
    return json.dumps({"kind": kind, "data": data, "trace": log.current().traceparent}, ensure_ascii=False)


def send(queue_url: str, kind: str, data: dict[str, Any], *, delay_seconds: int = 0) -> None:
    """Send one message. 1 request."""
    aws.client("sqs").send_message(
        QueueUrl=queue_url, MessageBody=message(kind, data), DelaySeconds=min(delay_seconds, MAX_DELAY_SECONDS)
    )


def send_bodies(queue_url: str, bodies: Iterable[str]) -> int:
    """Send these bodies, up to 10 a request, and return how many. Raises `ClientError` when one is not taken."""
    sent = 0
    for batch in batches(bodies, str):
        entries = [{"Id": str(position), "MessageBody": body} for position, body in enumerate(batch)]
        answer = aws.client("sqs").send_message_batch(QueueUrl=queue_url, Entries=entries)
        if answer.get("Failed"):
            failed = answer["Failed"][0]
            error = {"Error": {"Code": failed["Code"], "Message": failed.get("Message", "")}}
            raise aws.ClientError(error, "SendMessageBatch")
        sent += len(batch)
    return sent


def dead_letters(queue_url: str, *, at_most: int) -> Iterator[dict[str, Any]]:
    """Receive up to this many dead letters; each comes back later unless it is deleted."""
    seen = 0
    while seen < at_most:
        answer = aws.client("sqs").receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(MOST_ENTRIES, at_most - seen),
            VisibilityTimeout=120,
            WaitTimeSeconds=0,
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if not messages:
            return
        seen += len(messages)
        yield from messages


def redrive(dead_url: str, queue_url: str, *, at_most: int = 100) -> int:
    """Give dead letters another try, with their original attributes; return how many.

    Each is sent before it is deleted: a crash in between delivers it twice, which consumers expect,
    and never loses it.
    """
    moved = 0
    for letter in dead_letters(dead_url, at_most=at_most):
        attributes = {"MessageAttributes": letter["MessageAttributes"]} if letter.get("MessageAttributes") else {}
        aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody=letter["Body"], **attributes)
        aws.fault_point("redrive.sent")
        aws.client("sqs").delete_message(QueueUrl=dead_url, ReceiptHandle=letter["ReceiptHandle"])
        moved += 1
    return moved
