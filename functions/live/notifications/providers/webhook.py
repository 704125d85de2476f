"""A person's own addresses, each one text: `https://…`, `slack://T/B/secret`, `discord://id/token`, `ntfy://host/topic`."""

import base64
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tessera import clock
from tessera.auth.mac import Mac

from .outcomes import Gone, Message, Target
from .wire import Wire, judged

MAX_ADDRESSES, MAX_CHARACTERS = 5, 500
_SLACK = re.compile(r"slack://([A-Z0-9]{3,20})/([A-Z0-9]{3,20})/([A-Za-z0-9]{10,60})", re.ASCII)
_DISCORD = re.compile(r"discord://([0-9]{10,25})/([A-Za-z0-9_-]{20,100})", re.ASCII)
_NTFY = re.compile(r"ntfy://([a-z0-9.-]+(?::[0-9]{1,5})?)/([A-Za-z0-9_-]{1,64})", re.ASCII)
LONGEST = {"discord": 2_000}


@dataclass(frozen=True)
class Place:
    """Where an address leads, and in which format it is spoken to."""

    kind: str
    url: str
    topic: str = ""


def place_of(address: str) -> Place:
    """Raises `ValueError` for what is none of the four."""
    if address.startswith("https://"):
        return Place("json", address)
    if found := _SLACK.fullmatch(address):
        return Place("slack", f"https://hooks.slack.com/services/{found[1]}/{found[2]}/{found[3]}")
    if found := _DISCORD.fullmatch(address):
        return Place("discord", f"https://discord.com/api/webhooks/{found[1]}/{found[2]}?wait=true")
    if found := _NTFY.fullmatch(address):
        return Place("ntfy", f"https://{found[1]}", found[2])
    raise ValueError("An address begins with https://, slack://, discord:// or ntfy://.")


class Webhook:
    def __init__(self, wire: Wire, mac: Mac) -> None:
        self._wire, self._mac = wire, mac

    def send(self, message: Message, target: Target) -> str:
        place = place_of(target.address) if not target.kind else Place(target.kind, target.address)
        body = json.dumps(body_of(message, place), ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        if place.kind == "json":
            headers |= self._signed(message.id, body, target.keys.get("owner", ""))
        found = self._wire.post(place.url, body, headers, purpose=f"webhook-{place.kind}")
        if found.ok:
            return ""
        if found.status == 410:
            raise Gone("webhook-gone")
        raise judged(found, f"webhook-{found.status}")

    def secret_of(self, owner: str) -> str:
        """What the owner of an address checks our signatures with: the same each time, and nobody else's."""
        return f"whsec_{base64.b64encode(self._key(owner)).decode()}"

    def _signed(self, message_id: str, body: bytes, owner: str) -> dict[str, str]:
        """The three headers of the Standard Webhooks specification."""
        at = str(clock.millis() // 1000)
        signed = hmac.digest(self._key(owner), f"{message_id}.{at}.".encode() + body, "sha256")
        return {
            "webhook-id": message_id,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }

    def _key(self, owner: str) -> bytes:
        return self._mac("webhooks").sign(owner.encode())[1:]


def body_of(message: Message, place: Place) -> dict[str, Any]:
    words = message.words
    if place.kind == "slack":
        text = f"*{_slack(words.title)}*" + (f"\n{_slack(words.body)}" if words.body else "")
        return {"text": text + (f"\n<{quote(words.link, safe=':/?#&=%')}>" if words.link.startswith("http") else "")}
    if place.kind == "discord":
        text = f"**{words.title}**" + (f"\n{words.body}" if words.body else "")
        # Nobody is to be called by what somebody else has written.
        return {"content": text[: LONGEST["discord"]], "allowed_mentions": {"parse": []}}
    if place.kind == "ntfy":
        made: dict[str, Any] = {"topic": place.topic, "title": words.title, "message": words.body or words.title}
        made["priority"] = 4 if message.is_urgent else 3
        return {**made, "click": words.link} if words.link.startswith("http") else made
    return {
        "type": message.type,
        "timestamp": clock.rfc3339(message.created_at),
        "data": {
            "id": message.id,
            "title": words.title,
            "body": words.body,
            "link": words.link,
            "count": message.count,
        },
    }


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
