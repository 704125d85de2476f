"""What a mail says, as it is kept: never with a secret in clear, put into words when it is sent."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from .letters import Attachment, Letter
from .rules import Mail
from .templates import render


@dataclass(frozen=True)
class Content:
    """Words of its own, or a template with its data; `sealed` holds the data that is secret."""

    text: str | None = None
    html: str | None = None
    template: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    sealed: str | None = None
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()

    def dump(self) -> str:
        given = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(given, ensure_ascii=False, separators=(",", ":"), default=str)

    @classmethod
    def load(cls, text: str) -> "Content":
        found = json.loads(text)
        found["attachments"] = tuple(map(_attachment, found.get("attachments", ())))
        return cls(**found)


@dataclass(frozen=True)
class Draft:
    """A mail that is asked for."""

    sender: str
    to: tuple[str, ...]
    subject: str
    content: Content
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    category: str = "transactional"
    on_unknown: str = "resend"
    send_at: datetime | None = None


def letter_of(
    mail: Mail,
    content: Content,
    data: Mapping[str, object],
    *,
    sender_name: str,
    held: frozenset[str] = frozenset(),
    headers: Mapping[str, str] | None = None,
) -> Letter:
    """The letter of this attempt, without the recipients that are held. Raises what `render` raises."""
    subject, text, html = mail.subject, content.text, content.html
    if content.template is not None:
        words = render(content.template, data, sender=sender_name)
        subject, text, html = words.subject, words.text, words.html
    return Letter(
        mail_id=mail.id,
        attempt=mail.attempt,
        category=mail.category,
        sender=mail.sender,
        sender_name=sender_name,
        to=[address for address in mail.to if address not in held],
        cc=[address for address in mail.cc if address not in held],
        bcc=[address for address in mail.bcc if address not in held],
        subject=subject,
        text=text,
        html=html,
        written_at=mail.created_at,
        reply_to=content.reply_to,
        headers={**content.headers, **(headers or {})},
        tags=content.tags,
        attachments=content.attachments,
    )


def _attachment(kept: dict[str, Any]) -> Attachment:
    stored_at = kept.pop("stored_at", None)
    return Attachment(**kept, stored_at=tuple(stored_at) if stored_at else None)
