"""What the emulator's mail service has taken. No mail leaves this machine."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from localstack import traces


class Unreadable(Exception):
    """The emulator does not say what it has sent."""


@dataclass(frozen=True)
class Mail:
    # As the provider calls it, and the part of it that pages do.
    message_id: str
    id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    sent_ms: float

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.sent_ms / 1000, UTC)

    @property
    def reader(self) -> str:
        return next(iter(self.to), "")

    @property
    def sent_at(self) -> str:
        return self.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def summary(self) -> dict[str, Any]:
        return {"id": self.id, "to": list(self.to), "subject": self.subject, "sent_at": self.sent_at}

    def is_for(self, wanted: str) -> bool:
        return any(wanted in address.casefold() for address in self.to)

    def in_trace(self) -> traces.Mail:
        return traces.Mail(self.id, ", ".join(self.to), self.subject, self.sent_ms)


async def sent(client: aiohttp.ClientSession, endpoint: str) -> list[Mail]:
    """Every mail, newest first. Raises `Unreadable`."""
    try:
        async with client.get(f"{endpoint}/_ministack/ses/messages") as answer:
            by_account: dict[str, list[dict[str, Any]]] = json.loads(await answer.read())["messages"]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
        raise Unreadable from error
    found = [_mail(raw) for raws in by_account.values() for raw in raws]
    return sorted(found, key=lambda mail: mail.sent_ms, reverse=True)


async def one(client: aiohttp.ClientSession, endpoint: str, mail_id: str) -> Mail | None:
    """Raises `Unreadable`."""
    return next((mail for mail in await sent(client, endpoint) if mail.id == mail_id), None)


def _mail(raw: dict[str, Any]) -> Mail:
    recipients = [address for kind in ("To", "CC", "BCC") for address in raw.get(kind) or ()]
    message_id = str(raw.get("MessageId", ""))
    return Mail(
        message_id=message_id,
        id=message_id.partition("@")[0],
        sender=str(raw.get("Source") or ""),
        to=tuple(str(address) for address in recipients),
        subject=str(raw.get("Subject") or "(no subject)"),
        text=str(raw.get("BodyText") or ""),
        html=str(raw.get("BodyHtml") or ""),
        sent_ms=float(raw.get("Timestamp") or 0) * 1000,
    )
