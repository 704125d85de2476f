"""`/traces` and `/traces/{id}`: what has been asked, and the life of one request."""

import asyncio
import time
from collections.abc import Sequence
from html import escape
from typing import Any

import aiohttp
from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from localstack import traces
from localstack.door import problems
from localstack.door.pages import mails, shell
from localstack.door.settings import DoorSettings
from localstack.traces import Request, Step, Trace

KINDS = {"request": "request", "relayed": "relay", "message": "queue", "mail": "mail"}


class Unreadable(Exception):
    """The emulator does not show its logs."""


async def page(request: web.Request, settings: DoorSettings, client: aiohttp.ClientSession) -> web.StreamResponse:
    wanted = request.path.removeprefix("/traces").strip("/")
    if wanted and not traces.TRACE_ID.fullmatch(wanted):
        return problems.problem(404, "A trace id has 32 lower-case hexadecimal digits, as `traceparent` shows it.")
    try:
        if not wanted:
            return _list(request, await recent(settings))
        return _one(request, await _trace(settings, client, wanted))
    except Unreadable:
        return problems.problem(503, "The local cloud does not show its logs.", headers={"retry-after": "1"})


async def recent(settings: DoorSettings) -> list[Request]:
    """Raises `Unreadable`."""
    try:
        return await asyncio.to_thread(traces.recent, settings.endpoint, settings.stack, now_ms=time.time() * 1000)
    except (BotoCoreError, ClientError) as error:
        raise Unreadable from error


def rows(found: Sequence[Request]) -> str:
    """The requests as items of a list, also for the home page."""
    return "".join(
        f'<li><a class="row request" href="/traces/{escape(one.trace_id)}">{_status(one.step)}'
        f"<code>{escape(one.step.name)}</code>"
        f'<span class="soft">{shell.duration(one.step.took_ms)}</span>{shell.instant(one.step.ended_ms)}</a></li>'
        for one in found
    )


async def _trace(settings: DoorSettings, client: aiohttp.ClientSession, trace_id: str) -> Trace:
    try:
        sent = [mail.in_trace() for mail in await mails.sent(client, settings.endpoint)]
    except mails.Unreadable:
        sent = []
    try:
        return await asyncio.to_thread(traces.one, settings.endpoint, settings.stack, trace_id, sent)
    except (BotoCoreError, ClientError) as error:
        raise Unreadable from error


def _list(request: web.Request, found: list[Request]) -> web.Response:
    if shell.wants_json(request):
        requests = [{"trace_id": one.trace_id, **_step(one.step, one.step.began_ms)} for one in found]
        return web.json_response({"requests": requests})
    items = f'<ul class="rows">{rows(found)}</ul>' if found else '<p class="empty">No request yet.</p>'
    body = (
        '<h1>Traces</h1><p class="lead">The latest requests. Every answer names its trace in <code>traceparent</code>;'
        " health checks are left out.</p>"
        f'<section class="card" id="requests" data-live="5"><h2>Requests</h2>{items}</section>'
    )
    return shell.page("Traces", body, at="/traces", scripts=("live.js",))


def _one(request: web.Request, trace: Trace) -> web.Response:
    if not trace.steps:
        return problems.problem(404, "The logs say nothing of this trace. A function logs when its work is over.")
    if shell.wants_json(request):
        return web.json_response(_document(trace))
    first = trace.steps[0]
    reads, writes = sum(step.read_units for step in trace.steps), sum(step.write_units for step in trace.steps)
    figures = [
        ("Began", shell.instant(trace.began_ms)),
        ("From first to last", shell.duration(trace.took_ms)),
        ("Steps", str(len(trace.steps))),
        ("Table calls", str(sum(step.db_requests for step in trace.steps))),
        ("Units", f"{reads:g} read, {writes:g} write"),
    ]
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures)
    steps = "".join(_shown(step, trace) for step in trace.steps)
    body = (
        f'<p><a href="/traces">All traces</a></p><h1><code>{escape(first.name)}</code></h1>'
        f'<p class="soft"><code>{escape(trace.id)}</code></p>'
        f'<div id="trace" data-live="2"><dl class="facts">{facts}</dl>'
        f'<section class="card"><h2>Timeline</h2><ol class="timeline">{steps}</ol></section></div>'
    )
    return shell.page("Trace", body, at="/traces", scripts=("live.js",))


def _document(trace: Trace) -> dict[str, Any]:
    steps = [_step(step, trace.began_ms) for step in trace.steps]
    return {"trace_id": trace.id, "duration_ms": round(trace.took_ms, 2), "steps": steps}


def _step(step: Step, began_ms: float) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "name": step.name,
        "capability": step.capability,
        "depth": step.depth,
        "offset_ms": round(step.began_ms - began_ms, 2),
        "duration_ms": round(step.took_ms, 2),
        "outcome": step.outcome,
        "attempts": step.attempts,
        "cold_start": step.cold_start,
        "db_requests": step.db_requests,
        "db_read_units": step.read_units,
        "db_write_units": step.write_units,
        **({"mail_id": step.mail_id} if step.mail_id else {}),
    }


def _shown(step: Step, trace: Trace) -> str:
    # A position is an attribute of SVG, because a style attribute would be refused by the page's own policy.
    scale = 1000 / (trace.took_ms or 1)
    left, width = (step.began_ms - trace.began_ms) * scale, max(step.took_ms * scale, 4)
    kind = KINDS.get(step.kind, "other")
    bar = (
        '<svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="1000" height="8"/><rect class="{kind}" x="{min(left, 996):.1f}" '
        f'width="{min(width, 1000 - min(left, 996)):.1f}" height="8"/></svg>'
    )
    name = f"<code>{escape(step.name)}</code>"
    if step.mail_id:
        name = f'<a href="/mailbox/{escape(step.mail_id)}">{escape(step.name)}</a>'
    return (
        f'<li class="step deep-{min(step.depth, 6)}"><div class="what"><span class="kind {kind}">{kind}</span>{name}'
        f'{_status(step)}</div><div class="how soft">{_said(step, trace)}</div>{bar}</li>'
    )


def _said(step: Step, trace: Trace) -> str:
    after = step.began_ms - trace.began_ms
    said = [f"after {shell.duration(after)}"] if after > 0 else []
    if step.kind == "relayed":
        said.append(f"on the bus {shell.duration(step.took_ms)} after it was written")
    elif step.kind != "mail":
        said += [escape(step.capability), f"took {shell.duration(step.took_ms)}"]
    if step.db_requests:
        calls = "table call" if step.db_requests == 1 else "table calls"
        said.append(f"{step.db_requests} {calls}, {step.read_units:g} read and {step.write_units:g} write units")
    if step.cold_start:
        said.append("cold start")
    if step.attempts > 1:
        said.append(f"attempt {step.attempts}")
    return " · ".join(said)


def _status(step: Step) -> str:
    mood = "bad" if step.is_failure else "warn" if step.outcome.startswith("4") else "good"
    return f'<span class="status {mood}">{escape(step.outcome or "?")}</span>'
