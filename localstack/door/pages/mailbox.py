"""`/mailbox`: the mails that the stack has sent, which never leave this machine."""

from html import escape
from typing import Any

import aiohttp
from aiohttp import web

from localstack.door.pages import shell
from localstack.door.settings import DoorSettings


async def page(request: web.Request, settings: DoorSettings, client: aiohttp.ClientSession) -> web.StreamResponse:
    async with client.get(f"{settings.endpoint}/_ministack/ses/messages") as answer:
        mails: list[dict[str, Any]] = (await answer.json()).get("messages", [])
    rows = "".join(
        f"<li>{escape(str(mail.get('Subject') or mail.get('subject') or '(no subject)'))}</li>" for mail in mails
    )
    return shell.page("Mailbox", f"<h1>Mailbox</h1><ol>{rows}</ol>" if rows else "<h1>Mailbox</h1><p>No mail yet.</p>")
