"""What SES says of a mail it took, in each of the shapes it says it in.

Three shapes reach the queue: event publishing (`eventType`), the older identity notifications
(`notificationType`, without tags), both wrapped by SNS unless raw delivery is on, and EventBridge's
envelope around the first. https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tessera import clock, ids

from .addresses import digest, normalised
from .letters import MAIL_HEADER

Kind = Literal["sent", "delivered", "hard_bounce", "soft_bounce", "complaint", "rejected", "delayed"]

# What each kind says of the mail's state; a soft bounce and a delay only go into its history.
STATES: dict[str, str] = {
    "sent": "sent",
    "delivered": "delivered",
    "hard_bounce": "bounced",
    "rejected": "bounced",
    "complaint": "complained",
}


class Unreadable(Exception):
    """This is none of the shapes. A person should look at it."""


@dataclass(frozen=True)
class Receipt:
    """One thing said of one mail, of one recipient where it names one."""

    message_id: str
    kind: Kind
    at: datetime
    recipient: str = ""
    mail_id: str = ""
    attempt: int = 0
    feedback_id: str = ""
    detail: str = ""

    @property
    def key(self) -> str:
        """The same for every delivery of the same news, in whichever shape it comes."""
        parts = [self.message_id, self.kind, self.recipient, self.feedback_id]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def read(event: dict[str, Any]) -> list[Receipt]:
    """Every receipt in this event; none when it is of a kind that says nothing of delivery."""
    kind, mail = event.get("eventType") or event.get("notificationType"), event.get("mail")
    if not isinstance(kind, str) or not isinstance(mail, dict) or not mail.get("messageId"):
        raise Unreadable("The message is no event of SES.")
    mail_id, attempt = _ours(mail)
    return [
        Receipt(
            message_id=mail["messageId"],
            kind=found,
            at=clock.parse(at),
            recipient=_known(recipient),
            mail_id=mail_id,
            attempt=attempt,
            feedback_id=feedback,
            detail=detail[:300],
        )
        for found, at, recipient, feedback, detail in _told(kind, event, mail)
    ]


def unwrapped(body: str) -> dict[str, Any]:
    """What SES says, out of whichever envelope. Raises `Unreadable`."""
    try:
        found = json.loads(body)
        if isinstance(found, dict) and found.get("Type") == "Notification":
            found = json.loads(found["Message"])
    except (ValueError, KeyError, TypeError):
        raise Unreadable("The message is not JSON.") from None
    if isinstance(found, dict) and isinstance(found.get("detail"), dict):
        found = found["detail"]
    if not isinstance(found, dict):
        raise Unreadable("The message is no object.")
    return found


Told = tuple[Kind, str, str, str, str]


def _told(kind: str, event: dict[str, Any], mail: dict[str, Any]) -> Iterator[Told]:
    if kind == "Bounce":
        yield from _bounces(event["bounce"])
    elif kind == "Complaint":
        about = event["complaint"]
        for recipient in about["complainedRecipients"]:
            detail = str(about.get("complaintFeedbackType") or "")
            yield "complaint", about["timestamp"], recipient["emailAddress"], str(about.get("feedbackId", "")), detail
    elif kind == "Delivery":
        for address in event["delivery"]["recipients"]:
            yield "delivered", event["delivery"]["timestamp"], address, "", event["delivery"].get("smtpResponse", "")
    elif kind == "Send":
        yield "sent", mail["timestamp"], "", "", ""
    elif kind == "Reject":
        yield "rejected", mail["timestamp"], "", "", event["reject"].get("reason", "")
    elif kind == "DeliveryDelay":
        about = event["deliveryDelay"]
        for recipient in about["delayedRecipients"]:
            # Each delay is news of its own, and they carry no id.
            yield "delayed", about["timestamp"], recipient["emailAddress"], about["timestamp"], about["delayType"]


def _bounces(about: dict[str, Any]) -> Iterator[Told]:
    # `Suppressed` and its kin say that SES itself no longer sends there, whatever type they come with.
    is_hard = about["bounceType"] == "Permanent" or "Suppress" in about.get("bounceSubType", "")
    for recipient in about["bouncedRecipients"]:
        detail = f"{about.get('bounceSubType', '')} {recipient.get('diagnosticCode', '')}".strip()
        kind: Kind = "hard_bounce" if is_hard else "soft_bounce"
        yield kind, about["timestamp"], recipient["emailAddress"], str(about.get("feedbackId", "")), detail


def _ours(mail: dict[str, Any]) -> tuple[str, int]:
    """Our id and attempt: from the tags, else from our header where the headers came along."""
    tags = mail.get("tags") or {}
    mail_id, attempt = str(next(iter(tags.get("mail_id", [])), "")), str(next(iter(tags.get("attempt", [])), ""))
    if not mail_id:
        lines = [entry for entry in mail.get("headers") or [] if entry["name"].lower() == MAIL_HEADER.lower()]
        mail_id, _, attempt = str(lines[0]["value"]).partition("/") if lines else ("", "", "")
    if not ids.is_ulid(mail_id) or not attempt.isdecimal():
        return "", 0
    return mail_id, int(attempt)


def _known(address: str) -> str:
    """The hash of the recipient, who may come as `Ann <ann@example.com>`."""
    if not address:
        return ""
    bare = address.rpartition("<")[2].rstrip("> ").strip()
    try:
        return digest(normalised(bare))
    except ValueError:
        return digest(bare)
