"""`/mailbox`: the mails that the stack has sent, which never leave this machine."""

import re
from dataclasses import asdict
from html import escape

import aiohttp
from aiohttp import web

from localstack.door import problems
from localstack.door.pages import answers, mails, shell
from localstack.door.pages.mails import Mail
from localstack.door.settings import DoorSettings
from localstack.post_office import Outcome, PostOffice

SHOWN = 200
# A mail brings styles of its own, and nothing else of it may act: no script, no form, no request to anywhere.
HTML_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_LINK = re.compile(r"https?://[^\s<>\"']+")
_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)


async def page(
    request: web.Request, settings: DoorSettings, client: aiohttp.ClientSession, office: PostOffice
) -> web.StreamResponse:
    parts = request.path.strip("/").split("/")[1:]
    try:
        if not parts:
            return _list(request, await mails.sent(client, settings.endpoint))
        mail = await mails.one(client, settings.endpoint, parts[0])
    except mails.Unreadable:
        return problems.problem(503, "The local cloud does not say what it has sent.", headers={"retry-after": "1"})
    if mail is None or parts[1:] not in ([], ["html"]):
        return problems.problem(404, "There is no such mail. A stack that starts anew begins with an empty mailbox.")
    if parts[1:]:
        return _html(mail)
    address, outcome = await answers.about(request, mail, office)
    return _one(request, mail, address, settings.reply_domain, outcome=outcome)


def rows(found: list[Mail]) -> str:
    """The mails as items of a list, also for the home page."""
    return "".join(
        f'<li><a class="row" href="/mailbox/{escape(mail.id)}"><strong>{escape(mail.subject)}</strong>'
        f'<span class="soft">{escape(", ".join(mail.to))}</span>{shell.instant(mail.sent_ms)}</a></li>'
        for mail in found
    )


def _list(request: web.Request, found: list[Mail]) -> web.Response:
    wanted = request.query.get("to", "").strip()
    shown = [mail for mail in found if mail.is_for(wanted.casefold())][:SHOWN]
    if shell.wants_json(request):
        return web.json_response({"mails": [mail.summary for mail in shown]})
    told = "No mail to such an address." if wanted else "No mail yet. Sign up at the home page, and one will come."
    items = f'<ul class="rows">{rows(shown)}</ul>' if shown else f'<p class="empty">{told}</p>'
    count = f"{len(shown)} of {len(found)}" if len(shown) < len(found) else f"{len(found)}"
    body = (
        "<h1>Mailbox</h1><p class=lead>What the stack has sent. Nothing of it leaves this machine.</p>"
        '<form class="search" role="search"><label for="to">Address</label>'
        f'<input id="to" name="to" type="search" value="{escape(wanted)}" placeholder="user@example.com">'
        "<button>Search</button></form>"
        f'<section class="card" id="mails" data-live="5"><h2>Mails <span class="count">{count}</span></h2>{items}'
        "</section>"
    )
    return shell.page("Mailbox", body, at="/mailbox", scripts=("live.js",))


def _one(request: web.Request, mail: Mail, address: str, domain: str, *, outcome: Outcome | None) -> web.Response:
    if shell.wants_json(request):
        said = {"from": mail.sender, "text": mail.text, "html": mail.html, "reply_to": address or None}
        answer = {"answer": asdict(outcome)} if outcome else {}
        return web.json_response({**mail.summary, **said, **answer})
    # The sandbox stands here and in the policy of what is framed: either alone would do.
    framed = (
        f'<iframe class="mail" title="The mail as HTML" src="/mailbox/{escape(mail.id)}/html" '
        'sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>'
    )
    as_html = f'<section class="card"><h2>HTML</h2>{framed}</section>' if mail.html else ""
    as_text = f'<section class="card"><h2>Text</h2><pre class="mail">{_linked(mail.text)}</pre></section>'
    body = (
        f'<p><a href="/mailbox">All mails</a></p><h1>{escape(mail.subject)}</h1><dl class="facts">'
        f"<div><dt>From</dt><dd>{escape(mail.sender)}</dd></div>"
        f"<div><dt>To</dt><dd>{escape(', '.join(mail.to))}</dd></div>"
        f"<div><dt>Sent</dt><dd>{shell.instant(mail.sent_ms)}</dd></div></dl>"
        f'<div class="halves">{as_html}{as_text}</div>{answers.section(mail, address, domain, outcome)}'
    )
    shown = shell.page(mail.subject, body, at="/mailbox", scripts=("live.js",))
    # Under `no-referrer` a browser names no origin with a form, by which the older ones are told from other sites.
    shown.headers["referrer-policy"] = "same-origin"
    return shown


def _html(mail: Mail) -> web.Response:
    """The mail itself. Its links open beside the mailbox, not in its frame."""
    base = '<base target="_blank">'
    at = _HEAD.search(mail.html)
    text = mail.html[: at.end()] + base + mail.html[at.end() :] if at else base + mail.html
    return web.Response(
        text=text, content_type="text/html", charset="utf-8", headers={"content-security-policy": HTML_POLICY}
    )


def _linked(text: str) -> str:
    """The text as markup, its addresses as links."""
    parts, end = [], 0
    for match in _LINK.finditer(text):
        url = match[0].rstrip(".,;:!?)")
        parts += [escape(text[end : match.start()]), f'<a href="{escape(url)}">{escape(url)}</a>']
        end = match.start() + len(url)
    return "".join(parts) + escape(text[end:])
