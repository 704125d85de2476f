"""The mails that went to one address.

The emulator tells of every mail it has sent at once, which is megabytes after some thousand of them. Who waits for one
mail asks every few moments, and gets no more than theirs from here.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import parseaddr
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from ministack.services import ses

PATH = "/_tessera/mails"

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


def told_by_address(application: Application) -> Application:
    """The same application, which also answers `GET /_tessera/mails?to=ann@example.com`."""

    async def answered(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        (address,) = parse_qs(scope["query_string"].decode()).get("to", [""])
        body = json.dumps({"messages": mails_to(address)}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answered


def mails_to(address: str) -> list[dict[str, Any]]:
    """What was sent to this address, oldest first."""
    wanted = address.lower()
    every = (entry for (*_, key), sent in ses._sent_emails.to_dict().items() if key == "entries" for entry in sent)
    found = [entry for entry in every if any(_is(to.lower(), wanted) for to in entry.get("To", []))]
    return [
        {
            "Subject": entry.get("RenderedSubject") or entry.get("Subject", ""),
            "BodyText": entry.get("RenderedBodyText") or entry.get("BodyText", ""),
            "Timestamp": entry["Timestamp"],
        }
        for entry in sorted(found, key=lambda entry: float(entry["Timestamp"]))
    ]


def _is(to: str, wanted: str) -> bool:
    # Most are somebody else's, and to take an address apart is dear.
    return wanted in to and parseaddr(to)[1] == wanted
