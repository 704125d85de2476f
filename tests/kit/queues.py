"""Queues for tests."""

from tessera import aws, ids


def make_queue(name: str) -> str:
    """A fresh queue; its URL comes back."""
    url: str = aws.client("sqs").create_queue(QueueName=f"{name}-{ids.new().lower()}")["QueueUrl"]
    return url


def drain(url: str) -> list[str]:
    """Every body that waits there, taken out."""
    bodies: list[str] = []
    while messages := aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            bodies.append(message["Body"])
            aws.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies
