"""Mail that comes in, done as SES does it: its bytes into the bucket, a word of it to the topic of reports.

The emulator takes no mail in. What stands behind the receipt rule of `template.yaml` is as on AWS: bucket, topic, queue
and mail worker. https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

ACCOUNT, REGION = "000000000000", "eu-central-1"
# Where the receipt rule of `template.yaml` puts what comes in.
PREFIX = "outbox/inbound/"

Item = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Places:
    """Where the mail of a stack lies: the table of `outbox`, the bucket, the topic of what SES reports."""

    table: str
    bucket: str
    topic: str

    @classmethod
    def of(cls, stack: str) -> Self:
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{stack}-mail-reports"
        return cls(f"{stack}-outbox", f"{stack}-uploads-{ACCOUNT}", topic)


@dataclass(frozen=True)
class Outcome:
    """What has become of a mail that came in; who was told of it, and in which trace, if somebody was."""

    state: Literal["waiting", "received", "dropped"]
    ref: str = ""
    text: str = ""
    trace_id: str = ""


class PostOffice:
    """Looks behind the API of `outbox`, which tells nobody where its mails are answered."""

    def __init__(self, places: Places, client: Callable[[str], Any]) -> None:
        self._places, self._client = places, client

    def answered_at(self, message_id: str) -> str:
        """The address that the mail which the provider calls this asks answers to; nothing when it asks for none.

        2 requests, and 1 to S3 for a large mail.
        """
        sent = self._row(f"P#{message_id}", "-")
        body = self._row(f"M#{sent['mail_id']['S']}", "BODY") if sent else None
        if body is None:
            return ""
        text = body["content"]["S"] if "content" in body else self._object(body["stored_at"]["S"])
        return str(json.loads(text).get("reply_to") or "")

    def take_in(self, mail: bytes, *, sender: str, to: str, subject: str) -> str:
        """Hand a mail to the worker as SES would; the id that SES would give it comes back. 2 requests."""
        message_id = secrets.token_hex(20)
        key = f"{PREFIX}{message_id}"
        self._client("s3").put_object(Bucket=self._places.bucket, Key=key, Body=mail)
        where = {"bucketName": self._places.bucket, "objectKeyPrefix": PREFIX, "objectKey": key}
        action = {"type": "S3", "topicArn": self._places.topic, **where}
        told = report([to], sender=sender, subject=subject, message_id=message_id, action=action)
        self._client("sns").publish(
            TopicArn=self._places.topic, Subject="Amazon SES Email Receipt Notification", Message=json.dumps(told)
        )
        return message_id

    def became(self, message_id: str) -> Outcome:
        """1 request."""
        found = self._row(f"IN#{hashlib.sha256(message_id.lower().encode()).hexdigest()}", "-")
        if found is None:
            return Outcome("waiting")
        if "event" not in found:
            return Outcome("dropped")
        event = json.loads(found["event"]["S"])
        said, trace = event["data"], str(event["trace"])
        return Outcome("received", said["reply_token"], said["text"], trace.split("-")[1])

    def _row(self, pk: str, sk: str) -> Item | None:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found: Item | None = (
            self._client("dynamodb").get_item(TableName=self._places.table, Key=key, ConsistentRead=True).get("Item")
        )
        return found

    def _object(self, key: str) -> str:
        body: bytes = self._client("s3").get_object(Bucket=self._places.bucket, Key=key)["Body"].read()
        return body.decode()


def report(
    to: Sequence[str], *, sender: str, subject: str, message_id: str, action: dict[str, Any], at: str = ""
) -> dict[str, Any]:
    """What SES says of a mail that came in and that it has nothing against."""
    when = at or datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    passed = {"status": "PASS"}
    return {
        "notificationType": "Received",
        "mail": {
            "timestamp": when,
            "source": sender.rpartition("<")[2].rstrip(">"),
            "messageId": message_id,
            "destination": list(to),
            "commonHeaders": {"from": [sender], "to": list(to), "subject": subject},
        },
        "receipt": {
            "timestamp": when,
            "recipients": list(to),
            **{f"{name}Verdict": passed for name in ("spam", "virus", "spf", "dkim", "dmarc")},
            "action": action,
        },
    }
