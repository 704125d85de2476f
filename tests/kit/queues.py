"""Queues for tests, and what Lambda makes of their messages."""

from typing import Any

from tessera import aws, ids


def make_queue(name: str) -> str:
    """A fresh queue; its URL comes back."""
    url: str = aws.client("sqs").create_queue(QueueName=f"{name}-{ids.new().lower()}")["QueueUrl"]
    return url


def make_fifo(name: str) -> str:
    """A fresh queue that keeps the order within each group; its URL comes back."""
    name, attributes = f"{name}-{ids.new().lower()}.fifo", {"FifoQueue": "true"}
    url: str = aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def drain(url: str) -> list[str]:
    """Every body that waits there, taken out."""
    bodies: list[str] = []
    while messages := aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            bodies.append(message["Body"])
            aws.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def batch(*bodies: str) -> dict[str, Any]:
    """The event by which Lambda brings these messages; each has its place as its id."""
    records = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": body, "attributes": {}}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}
