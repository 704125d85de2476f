"""`/`: what is running here."""

import asyncio
from html import escape

import aiohttp
from aiohttp import web

from localstack.door.pages import mailbox, mails, shell, traces
from localstack.door.settings import DoorSettings

SHOWN = 5
# First segments that are no capability's name, so nothing answers at `/{segment}/health`.
OUTSIDE = frozenset(["docs", "metrics", "openapi.json", "openapi.yaml", "problems", "ready", "s", ".well-known"])

SIGN_IN = """<section class="card" id="account" aria-labelledby="account-title"><h2 id="account-title">Sign in</h2>
<div id="signed-out"><div id="demo" class="buttons" hidden><p class="soft">As a demo user:</p></div>
<form id="sign-in"><label>E-mail<input name="email" type="email" autocomplete="username" required></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<div class="buttons"><button class="primary">Sign in</button><button type="button" id="sign-up">Sign up</button>
<button type="button" id="forgot" class="quiet">Forgotten?</button></div></form></div>
<form id="code" hidden><label>Code from the <a href="/mailbox">mail</a>
<input name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6" required></label>
<div class="buttons"><button class="primary">Confirm</button></div></form>
<form id="link" hidden><p id="link-said"></p><label>Password
<input name="password" type="password" autocomplete="new-password" required></label>
<div class="buttons"><button class="primary">Go on</button></div></form>
<div id="signed-in" hidden><p>Signed in as <strong id="who"></strong> <span id="roles" class="soft"></span></p>
<ul id="tasks" class="rows" aria-label="Tasks"></ul>
<div class="buttons"><button type="button" id="copy" class="primary">Copy token</button>
<button type="button" id="sign-out">Sign out</button></div></div>
<p id="said" role="status"></p></section>"""

SEARCH = """<search class="card wide" aria-labelledby="search-title"><h2 id="search-title">Search
<span id="found" class="count" role="status"></span></h2>
<form id="search" class="line"><label class="unseen" for="query">Search posts, tasks, messages and files</label>
<input id="query" name="q" type="search" maxlength="256" placeholder="Posts, tasks, messages, files"
 list="suggested" autocomplete="off" required><datalist id="suggested"></datalist>
<button class="primary">Search</button></form><p id="corrected" class="soft" hidden></p>
<ol id="hits" class="rows" aria-label="What was found"></ol></search>"""


async def page(request: web.Request, settings: DoorSettings, client: aiohttp.ClientSession) -> web.StreamResponse:
    sent, asked = await asyncio.gather(_mails(settings, client), _requests(settings))
    host = request.headers.get("host", f"127.0.0.1:{settings.port}")
    body = (
        '<div class="title"><h1>Tessera runs on this machine</h1>'
        f'<p class="lead">Stack <code>{escape(settings.stack)}</code>. Everything here is local: '
        "no account, no cost, nothing leaves.</p></div>"
        f"{SEARCH if 'search' in settings.capabilities else ''}"
        f'<div class="board"><div>{_running(host, settings)}{SIGN_IN}</div><div>{_capabilities(settings)}'
        f'<section class="card" id="mails" data-live="5"><h2>Last mails <a href="/mailbox">all</a></h2>{sent}</section>'
        '</div><section class="card wide" id="requests" data-live="5">'
        f'<h2>Recent requests <a href="/traces">all</a></h2>{asked}</section></div>'
    )
    return shell.page("Home", body, at="/", scripts=("home.js", "search.js", "live.js"))


def _running(host: str, settings: DoorSettings) -> str:
    places = [
        ("API", f"<code>http://{escape(host)}</code>"),
        ("Reference", '<a href="/docs"><code>/docs</code></a>'),
        ("Mailbox", '<a href="/mailbox"><code>/mailbox</code></a>'),
        ("Traces", '<a href="/traces"><code>/traces</code></a>'),
        ("To-do", '<a href="/todo"><code>/todo</code></a>'),
        ("Playground", '<a href="/playground"><code>/playground</code></a>'),
        ("Cookies", '<a href="/demo/sign-in"><code>/demo/sign-in</code></a>'),
        ("Limits", '<a href="/demo/limits"><code>/demo/limits</code></a>'),
        ("WebSocket", f"<code>ws://{escape(host)}/live</code>"),
        ("Emulator", f"<code>{escape(settings.endpoint)}</code>"),
    ]
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in places)
    return f'<section class="card"><h2>What is running</h2><dl class="places">{rows}</dl></section>'


def _capabilities(settings: DoorSettings) -> str:
    items = "".join(
        f'<li data-capability="{escape(name)}"><span class="dot" aria-hidden="true"></span>'
        f'<a href="/docs#/{escape(name)}"><code>/{escape(name)}</code></a>'
        '<span class="soft state">not asked yet</span></li>'
        for name in sorted(settings.capabilities - OUTSIDE)
    )
    return f'<section class="card"><h2>Capabilities</h2><ul id="capabilities" class="rows">{items}</ul></section>'


async def _mails(settings: DoorSettings, client: aiohttp.ClientSession) -> str:
    try:
        found = await mails.sent(client, settings.endpoint)
    except mails.Unreadable:
        return '<p class="empty">The local cloud does not answer.</p>'
    return f'<ul class="rows">{mailbox.rows(found[:SHOWN])}</ul>' if found else '<p class="empty">No mail yet.</p>'


async def _requests(settings: DoorSettings) -> str:
    try:
        found = await traces.recent(settings)
    except traces.Unreadable:
        return '<p class="empty">The local cloud does not answer.</p>'
    return f'<ul class="rows">{traces.rows(found[:SHOWN])}</ul>' if found else '<p class="empty">No request yet.</p>'
