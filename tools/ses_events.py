"""What SES reports of a mail, in its real shapes, and a command that posts one to the queue of reports.

The emulator keeps the event destinations of a configuration set without publishing to them, and its
notifications carry no tags, so that reports are made here:

    python -m tools.ses_events bounce --mail 01J… --to ann@example.com --queue "$QUEUE_URL"

Shapes: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
"""

import argparse
import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from localstack import post_office
from tessera import aws, clock

Shape = Literal["event", "notification", "eventbridge", "sns"]
REPORTS = ("send", "delivery", "bounce", "soft-bounce", "suppressed", "complaint", "reject", "delay")
_DETAIL_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
    "DeliveryDelay": "Email Delivery Delayed",
}


def event(
    kind: str,
    *,
    mail_id: str,
    attempt: int = 1,
    message_id: str = "",
    to: Sequence[str] = ("ann@example.com",),
    feedback_id: str = "0100017c-feedback-000000",
    shape: Shape = "event",
    at: str = "",
) -> dict[str, Any]:
    """One report. A `notification` is the older shape, which carries no tags."""
    when = at or clock.rfc3339(clock.now())
    mail = {
        "timestamp": when,
        "source": "Tessera <hello@tessera.test>",
        "sourceArn": "arn:aws:ses:eu-central-1:123456789012:identity/hello@tessera.test",
        "sendingAccountId": "123456789012",
        "messageId": message_id or f"provider-{mail_id}-{attempt}",
        "destination": list(to),
        "headersTruncated": False,
        "commonHeaders": {"from": ["Tessera <hello@tessera.test>"], "to": list(to), "subject": "News"},
    }
    named, about = _about(kind, to, when, feedback_id)
    if shape == "notification":
        return {"notificationType": named, "mail": mail, **about}
    tags = {
        "ses:configuration-set": ["tessera-mail"],
        "ses:source-ip": ["192.0.2.1"],
        "mail_id": [mail_id],
        "attempt": [str(attempt)],
    }
    made = {"eventType": named, "mail": {**mail, "tags": tags}, **about}
    if shape == "eventbridge":
        return {
            "version": "0",
            "id": "12345678-1234-1234-1234-123456789012",
            "detail-type": _DETAIL_TYPES[named],
            "source": "aws.ses",
            "account": "123456789012",
            "time": when,
            "region": "eu-central-1",
            "resources": ["arn:aws:ses:eu-central-1:123456789012:configuration-set/tessera-mail"],
            "detail": made,
        }
    if shape == "sns":
        return {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:eu-central-1:123456789012:tessera-mail-reports",
            "Message": json.dumps(made),
            "Timestamp": when,
        }
    return made


def received(to: str, raw: bytes, *, sender: str = "Ann <ann@example.com>", **changes: Any) -> dict[str, Any]:
    """A mail that came in, its bytes along with it. `changes` are of the receipt: verdicts, or where the bytes are."""
    action = {"type": "SNS", "topicArn": "arn:aws:sns:eu-central-1:123456789012:tessera-mail-reports"}
    made = post_office.report(
        [to],
        sender=sender,
        subject="Re: News",
        message_id=hashlib.sha256(raw + to.encode()).hexdigest()[:40],
        action={**action, "encoding": "BASE64"},
        at=clock.rfc3339(clock.now()),
    )
    made["receipt"] |= changes
    return {**made, "content": base64.b64encode(raw).decode()}


def _about(kind: str, to: Sequence[str], when: str, feedback_id: str) -> tuple[str, dict[str, Any]]:
    if kind in ("bounce", "soft-bounce", "suppressed"):
        types = {
            "bounce": ("Permanent", "General", "smtp; 550 5.1.1 user unknown"),
            "soft-bounce": ("Transient", "MailboxFull", "smtp; 452 4.2.2 over quota"),
            "suppressed": ("Permanent", "Suppressed", "Amazon SES has suppressed sending to this address"),
        }
        bounce_type, sub_type, said = types[kind]
        bounced = [
            {"emailAddress": address, "action": "failed", "status": "5.1.1", "diagnosticCode": said} for address in to
        ]
        bounce = {
            "bounceType": bounce_type,
            "bounceSubType": sub_type,
            "bouncedRecipients": bounced,
            "timestamp": when,
            "feedbackId": feedback_id,
            "reportingMTA": "dsn; a8-70.smtp-out.amazonses.com",
        }
        return "Bounce", {"bounce": bounce}
    if kind == "complaint":
        complaint = {
            "complainedRecipients": [{"emailAddress": address} for address in to],
            "timestamp": when,
            "feedbackId": feedback_id,
            "complaintFeedbackType": "abuse",
            "arrivalDate": when,
        }
        return "Complaint", {"complaint": complaint}
    if kind == "delivery":
        delivery = {
            "timestamp": when,
            "processingTimeMillis": 546,
            "recipients": list(to),
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "a8-70.smtp-out.amazonses.com",
        }
        return "Delivery", {"delivery": delivery}
    if kind == "delay":
        delay = {
            "delayType": "MailboxFull",
            "delayedRecipients": [{"emailAddress": address, "status": "4.2.2"} for address in to],
            "timestamp": when,
        }
        return "DeliveryDelay", {"deliveryDelay": delay}
    return ("Reject", {"reject": {"reason": "Bad content"}}) if kind == "reject" else ("Send", {"send": {}})


def main() -> None:
    parser = argparse.ArgumentParser(description="Report to the mail worker what SES would report.")
    parser.add_argument("kind", choices=(*REPORTS, "received"))
    parser.add_argument("--mail", default="", help="the mail's id")
    parser.add_argument("--text", default="Thank you.", help="what an answer says (`received`), to the address of --to")
    parser.add_argument("--attempt", type=int, default=1)
    parser.add_argument("--to", nargs="+", default=["ann@example.com"])
    parser.add_argument("--shape", choices=["event", "eventbridge", "sns", "notification"], default="event")
    parser.add_argument("--message-id", default="", help="the provider's id, which an older notification needs")
    parser.add_argument("--queue", required=True, help="the URL of the queue of reports")
    asked = parser.parse_args()
    if asked.kind == "received":
        mail = f"From: ann@example.com\r\nTo: {asked.to[0]}\r\nSubject: Re: News\r\n\r\n{asked.text}\r\n"
        answer = received(asked.to[0], mail.encode())
        aws.client("sqs").send_message(QueueUrl=asked.queue, MessageBody=json.dumps(answer))
        return
    made = event(
        asked.kind,
        mail_id=asked.mail,
        attempt=asked.attempt,
        message_id=asked.message_id,
        to=asked.to,
        shape=asked.shape,
    )
    aws.client("sqs").send_message(QueueUrl=asked.queue, MessageBody=json.dumps(made))


if __name__ == "__main__":
    main()
