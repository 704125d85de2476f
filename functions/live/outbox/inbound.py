"""Mail that came in, as SES tells of it, and the words of it that somebody wrote.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from email.utils import parseaddr
from typing import Any

from .letters import text_of

MAX_CHARACTERS = 16_000
RECEIVED = "Received"
# Where a reader's program begins to repeat the mail that is answered.
_QUOTED = re.compile(r"^(?:On .{1,200} wrote:|-{2,} ?Original Message ?-{2,}|_{20,}|From: .+)$", re.IGNORECASE)
_SIGNATURE = "-- "
# What a mail may be wrong in, so that no words are found in it.
_UNREADABLE = (LookupError, ValueError, AttributeError)


@dataclass(frozen=True)
class Arrived:
    """One mail: to whom, where its bytes are, and what SES thinks of it."""

    message_id: str
    recipients: tuple[str, ...]
    sender: str
    subject: str
    # Neither a virus nor spam, and from somebody who can be answered.
    is_welcome: bool
    # The domain of the sender says that it is theirs (DMARC).
    is_authentic: bool
    stored_at: tuple[str, str] | None
    content: bytes


@dataclass(frozen=True)
class Words:
    text: str
    # A program answered: an absence note, a loop.
    is_automatic: bool


def arrived(event: dict[str, Any]) -> Arrived:
    """Raises `LookupError` when it is no report of a mail that came in."""
    mail, receipt = event["mail"], event["receipt"]
    action, headers = receipt["action"], mail.get("commonHeaders", {})
    source = str(mail.get("source") or "")
    verdicts = {name: str(receipt.get(f"{name}Verdict", {}).get("status", "")) for name in ("spam", "virus", "dmarc")}
    stored = (str(action["bucketName"]), str(action["objectKey"])) if action["type"] == "S3" else None
    return Arrived(
        message_id=str(mail["messageId"]),
        recipients=tuple(map(str, receipt["recipients"])),
        sender=parseaddr((headers.get("from") or [source])[0])[1],
        subject=" ".join(str(headers.get("subject") or "").split())[:200],
        is_welcome="FAIL" not in (verdicts["spam"], verdicts["virus"]) and source not in ("", "<>"),
        is_authentic=verdicts["dmarc"] == "PASS",
        stored_at=stored,
        content=b"" if stored else _content(str(event["content"]), str(action.get("encoding", ""))),
    )


def words(raw: bytes) -> Words:
    """What somebody wrote, without the mail they answered and without their signature."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw)
        automatic = str(message.get("Auto-Submitted", "no")).lower() != "no" or "X-Auto-Response-Suppress" in message
        body = message.get_body(("plain", "html"))
        text = str(body.get_content()) if body is not None else ""
        is_html = body is not None and body.get_content_subtype() == "html"
    except _UNREADABLE:
        return Words("", False)
    return Words("\n".join(_own(text_of(text) if is_html else text)).strip()[:MAX_CHARACTERS], automatic)


def _own(text: str) -> Iterator[str]:
    for line in text.replace("\x00", "").splitlines():
        if line == _SIGNATURE or _QUOTED.match(line.strip()):
            return
        if not line.startswith(">"):
            yield line.rstrip()


def _content(text: str, encoding: str) -> bytes:
    return base64.b64decode(text) if encoding.upper() == "BASE64" else text.encode()
