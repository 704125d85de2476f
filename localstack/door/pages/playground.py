"""`/playground`: chat, cursors, notifications and uploads, live between two windows."""

from aiohttp import web

from localstack.door.pages import shell
from localstack.door.settings import DoorSettings

PATH = "/playground"
BODY = """<div class="title"><h1>Playground</h1>
<p class="lead">Open this page in two windows and sign in as two people. What one does, the other
sees at once.</p></div>
<section class="card wide" id="account" aria-labelledby="account-title"><h2 id="account-title">Who is here
<span id="connection" class="count" role="status">not connected</span></h2>
<div id="signed-out"><div id="demo" class="buttons"></div>
<p id="no-demo" class="empty" hidden>This stack has no demo users: <code>make run</code> makes them.</p></div>
<div id="signed-in" class="buttons" hidden><span>You are <strong id="who"></strong></span>
<button type="button" id="sign-out">Sign out</button></div>
<p id="said" role="alert"></p></section>
<div class="board" id="live" hidden>
<section class="card" aria-labelledby="chat-title"><h2 id="chat-title">Chat
<span id="chat-room" class="count"></span></h2>
<ol id="messages" aria-label="Messages" aria-live="polite" tabindex="0"></ol>
<p id="typing" class="soft" role="status"></p>
<form id="speak" class="line"><label class="unseen" for="text">Message</label>
<input id="text" name="text" maxlength="2000" placeholder="Say something" autocomplete="off" required>
<button class="primary">Send</button></form>
<p class="soft">Name somebody with the buttons beside, and their bell rings.</p></section>
<section class="card" aria-labelledby="document-title"><h2 id="document-title">Document
<span id="present" class="count"></span></h2>
<div id="paper" tabindex="0" role="application" aria-label="A shared page: move over it, or use the arrow keys"></div>
<ul id="others" class="people" aria-label="Who is here"></ul></section>
<section class="card" aria-labelledby="bell-title"><h2 id="bell-title">Notifications
<span id="unread" class="badge" hidden></span></h2>
<ul id="bell" class="rows" aria-label="Notifications"></ul><p id="bell-empty" class="empty">None yet.</p>
<div class="buttons"><button type="button" id="read-all">All read</button></div></section>
<section class="card" aria-labelledby="files-title"><h2 id="files-title">Pictures</h2>
<form id="upload" class="line"><label class="unseen" for="file">Picture</label>
<input id="file" name="file" type="file" accept="image/*" required><button class="primary">Upload</button></form>
<ul id="uploads" class="rows" aria-label="Uploads"></ul></section></div>
<noscript><p>This page is a program: it needs JavaScript.</p></noscript>"""


async def page(request: web.Request, settings: DoorSettings) -> web.StreamResponse:
    response = shell.page("Playground", BODY, at=PATH, scripts=("playground.js",))
    # Pictures go straight to the store and come from there; not every browser takes a socket for its own place.
    store, socket = settings.endpoint, f"ws://{request.host}"
    response.headers["content-security-policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; "
        f"frame-ancestors 'none'; img-src 'self' data: blob: {store}; connect-src 'self' {socket} {store}"
    )
    return response
