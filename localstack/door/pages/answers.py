"""Answers to mails, as a part of the mailbox: somebody writes one, and it comes in as it would from outside."""

import asyncio
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from localstack.door import problems
from localstack.door.pages import mails, shell
from localstack.door.pages.mails import Mail
from localstack.door.settings import DoorSettings
from localstack.post_office import Outcome, PostOffice

# `outbox` keeps no more of an answer than so many characters.
LONGEST, LARGEST_BODY = 16_000, 100_000
FORM = "application/x-www-form-urlencoded"
NOT_ANSWERING = "The local cloud does not take mail in right now."
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_MESSAGE_ID = re.compile(r"[0-9a-f]{40}")
# What no line of a text holds: a mail with these would be another one to whoever reads it.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Refused(Exception):
    """The status and the reason."""


async def post(
    request: web.Request, settings: DoorSettings, client: aiohttp.ClientSession, office: PostOffice
) -> web.StreamResponse:
    """`POST /mailbox/<id>/answers`: let this answer come in, and lead to where is shown what becomes of it."""
    parts = request.path.strip("/").split("/")[1:]
    try:
        to, text = await _written(request, settings.reply_domain)
        mail = await mails.one(client, settings.endpoint, parts[0]) if parts[1:] == ["answers"] else None
        if mail is None:
            return problems.problem(404, "There is no such mail, or nothing here to be posted to.")
        letter = _letter(mail, to, text)
        taken = {"sender": str(letter["From"]), "to": to, "subject": str(letter["Subject"])}
        message_id = await asyncio.to_thread(office.take_in, letter.as_bytes(), **taken)
    except Refused as refused:
        status, reason = refused.args
        return problems.problem(status, reason)
    except (mails.Unreadable, ClientError, BotoCoreError):
        return problems.problem(503, NOT_ANSWERING, headers={"retry-after": "1"})
    headers = {"location": f"/mailbox/{mail.id}?answer={message_id}#answer"}
    if shell.wants_json(request):
        return web.json_response({"message_id": message_id, "to": to}, status=202, headers=headers)
    return web.Response(status=303, headers=headers)


async def about(request: web.Request, mail: Mail, office: PostOffice) -> tuple[str, Outcome | None]:
    """Where the mail is answered, and what has become of the answer that the query names. 2 or 3 requests."""
    asked = request.query.get("answer", "")
    try:
        address = await asyncio.to_thread(office.answered_at, mail.message_id)
        outcome = await asyncio.to_thread(office.became, asked) if _MESSAGE_ID.fullmatch(asked) else None
    except (ClientError, BotoCoreError):
        return "", None
    return address, outcome


def section(mail: Mail, address: str, domain: str, outcome: Outcome | None) -> str:
    """The form, or why there is none, below what became of the last answer."""
    return f'<section class="card answer"><h2>Answer</h2>{_shown(outcome)}{_form(mail, address, domain)}</section>'


def _form(mail: Mail, address: str, domain: str) -> str:
    if not address:
        return '<p class="empty">Nobody waits for an answer: this mail names no address for one.</p>'
    if not _is_ours(address, domain):
        return f'<p class="empty">Answers go to {escape(address)}, which is not on this machine.</p>'
    return (
        f'<form method="post" action="/mailbox/{escape(mail.id)}/answers">'
        f'<label>To<input name="to" type="email" value="{escape(address)}" maxlength="254" required></label>'
        f'<label>Your answer<textarea name="text" rows="4" maxlength="{LONGEST}" required></textarea></label>'
        '<div class="buttons"><button class="primary">Send</button></div></form>'
        f'<p class="soft">It comes in from {escape(mail.reader)}, with the mail that it answers below. The address '
        "says, signed, what an answer belongs to: change a character of it, and the answer is dropped.</p>"
    )


def _shown(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    if outcome.state == "waiting":
        # Only this part renews itself: what somebody types below it stays.
        return '<p id="answer" role="status" data-live="1">On its way to the mail worker.</p>'
    if outcome.state == "dropped":
        return (
            '<p id="answer" role="status"><span class="status warn">dropped</span> It was counted and told to nobody. '
            "Its address does not carry our signature, or no words of a person were found in it.</p>"
        )
    return (
        '<div id="answer" role="status"><p><span class="status good">received</span> Told as '
        f"<code>outbox.mail.received.v1</code>, for <code>{escape(outcome.ref)}</code>. "
        f'<a href="/traces/{escape(outcome.trace_id)}">Its trace</a></p>'
        f'<blockquote class="mail">{escape(outcome.text)}</blockquote></div>'
    )


async def _written(request: web.Request, domain: str) -> tuple[str, str]:
    """To whom, and what. Raises `Refused`."""
    if not _is_own_page(request):
        raise Refused(403, "This comes from a page of another site.")
    if request.content_type != FORM:
        raise Refused(415, f"Send a form, as {FORM}.")
    try:
        body = await request.clone(client_max_size=LARGEST_BODY).read()
        fields = parse_qs(body.decode(), max_num_fields=10)
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, f"An answer may have up to {LONGEST:,} characters.") from None
    except ValueError:
        raise Refused(422, "This is not a form in UTF-8, or one with too many fields.") from None
    to, text = fields.get("to", [""])[0].strip(), fields.get("text", [""])[0].replace("\r\n", "\n").strip()
    if not _is_ours(to, domain):
        raise Refused(422, f"`to` must be an address at {domain}: no other mail comes in here.")
    if not text or len(text) > LONGEST or _CONTROL.search(text):
        raise Refused(422, f"`text` must be 1 to {LONGEST:,} characters without control characters.")
    return to, text


def _is_own_page(request: web.Request) -> bool:
    """Whether a page of ours has sent it, or a program. Browsers say who has; the older ones name the origin alone."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin is None or origin == f"http://{request.headers.get('host', '')}"


def _is_ours(address: str, domain: str) -> bool:
    local, _, host = address.rpartition("@")
    return bool(domain) and host.lower() == domain and _LOCAL_PART.fullmatch(local) is not None


def _letter(mail: Mail, to: str, text: str) -> EmailMessage:
    """As a mail program writes it: the answer above what it answers."""
    subject = " ".join(mail.subject.split())
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = mail.reader, to
    message["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    message["In-Reply-To"] = f"<{mail.message_id}>"
    message["Date"] = format_datetime(datetime.now(UTC))
    quoted = "\n".join(f"> {line}".rstrip() for line in mail.text.splitlines())
    message.set_content(f"{text}\n\nOn {mail.moment:%d %b %Y}, {mail.sender} wrote:\n{quoted}\n")
    return message
