"""`/demo/limits`: a limit that falls while it is hammered, and recovers."""

from aiohttp import web

from localstack.door.pages import shell

PATH = "/demo/limits"
BODY = """<h1>Limits</h1>
<p class="lead">This page asks <code>POST /ratelimit/check</code> as often as you say. Two limits fall: the one that
it asks about, and its own, which every request has and which the <code>RateLimit</code> header tells.</p>
<div class="board"><section class="card" aria-labelledby="ask-title"><h2 id="ask-title">What is asked</h2>
<form id="ask"><div class="pair">
<label>Requests<input name="limit" type="number" min="1" max="100000" value="120" required></label>
<label>in seconds<input name="period_s" type="number" min="1" max="86400" value="60" required></label></div>
<div class="pair"><label>Burst<input name="burst" type="number" min="1" max="100000" value="20" required></label>
<label>Asked each second<input name="rate" type="number" min="1" max="50" value="20" required></label></div>
<label>API key<input name="key" autocomplete="off" spellcheck="false" placeholder="tsk_live_…" required></label>
<div class="buttons"><button class="primary" id="start">Start</button>
<button type="button" id="stop" disabled>Stop</button></div></form>
<p id="said" role="status"></p></section>
<section class="card" aria-labelledby="left-title"><h2 id="left-title">What is left</h2>
<dl class="limits"><div><dt>Asked about</dt><dd><meter id="asked" min="0" value="0"></meter>
<span id="asked-said" class="soft">not asked yet</span></dd></div>
<div><dt>The caller's own</dt><dd><meter id="own" min="0" value="0"></meter>
<span id="own-said" class="soft">not asked yet</span></dd></div></dl>
<svg id="chart" viewBox="0 0 300 80" preserveAspectRatio="none" role="img" aria-label="What was left, over time">
<polyline id="asked-line" class="asked"></polyline><polyline id="own-line" class="own"></polyline></svg>
<p class="soft"><span class="asked">Asked about</span>, <span class="own">the caller's own</span>; a minute across.</p>
</section><section class="card wide" aria-labelledby="answers-title">
<h2 id="answers-title">Answers <span id="count" class="count"></span></h2>
<div class="scroll"><table><thead><tr><th>Time<th>Status<th>Allowed<th>Left<th>Come back<th>RateLimit</tr></thead>
<tbody id="answers"></tbody></table></div><p id="none" class="empty">None yet.</p></section></div>
<noscript><p>This page is a program: it needs JavaScript.</p></noscript>"""


async def page(request: web.Request) -> web.StreamResponse:
    return shell.page("Limits", BODY, at=PATH, scripts=("limits.js",))
