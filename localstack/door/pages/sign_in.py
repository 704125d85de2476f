"""`/demo/sign-in`: a browser's session, seen from a page that keeps no token."""

from aiohttp import web

from localstack.door import problems
from localstack.door.pages import shell

PATH = "/demo/sign-in"
BODY = """<h1>Sign in with cookies</h1>
<p class="lead">This page holds no token: the browser keeps the session's cookies, and sends them by itself.</p>
<div class="board"><section class="card" id="account" aria-labelledby="account-title">
<h2 id="account-title">Session</h2>
<div id="signed-out" hidden><div id="demo" class="buttons" hidden><p class="soft">As a demo user:</p></div>
<form id="sign-in"><label>E-mail<input name="email" type="email" autocomplete="username" required></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<label class="tick"><input name="remember" type="checkbox"> Keep me signed in when the browser closes</label>
<div class="buttons"><button class="primary">Sign in</button></div></form>
<div id="providers" class="buttons" hidden><p class="soft">With a provider:</p></div></div>
<form id="address" hidden><label>The provider has no verified address of yours. E-mail
<input name="email" type="email" autocomplete="email" required></label>
<label>Code from the mail<input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6"></label>
<div class="buttons"><button class="primary">Go on</button></div></form>
<div id="linking" class="buttons" hidden><button type="button" id="link" class="primary">Link it</button></div>
<form id="factor" hidden><label>Code of your second factor
<input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="40" required></label>
<div class="buttons"><button class="primary">Go on</button></div></form>
<div id="signed-in" hidden><p>Signed in as <strong id="who"></strong> <span id="roles" class="soft"></span></p>
<dl class="places"><div><dt>Session</dt><dd><code id="session"></code></dd></div>
<div><dt>Assurance</dt><dd id="assurance"></dd></div>
<div><dt>Ends at</dt><dd id="ends"></dd></div>
<div><dt>Tasks</dt><dd id="tasks-count"></dd></div></dl>
<div class="buttons"><button type="button" id="renew" class="primary">Renew</button>
<button type="button" id="sign-out">Sign out</button>
<button type="button" id="sign-out-all">Sign out everywhere</button></div></div>
<p id="said" role="status"></p></section>
<section class="card" aria-labelledby="sessions-title"><h2 id="sessions-title">Where you are signed in</h2>
<ul id="sessions" class="rows"></ul><p id="none" class="empty">Nowhere.</p></section></div>
<noscript><p>This page is a program: it needs JavaScript.</p></noscript>"""


async def page(request: web.Request) -> web.StreamResponse:
    if request.path != PATH:
        return problems.problem(404, f"There is one page here: {PATH}.")
    return shell.page("Sign in", BODY, at=PATH, scripts=("sign-in.js", "sign-in-providers.js"))
