"""The outermost layer of an app: trace, cost, one log line, and an answer whatever happens."""

import time
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tessera import aws, clock, ids, log
from tessera.entry.answers import LOGGED, problem_response
from tessera.problems import Problem, Unavailable, Unexpected
from tessera.settings import Settings

_cold = True


class Edge:
    """ASGI middleware around everything else an app does."""

    def __init__(self, app: ASGIApp, *, capability: str, settings: Settings) -> None:
        self.app, self.capability, self.settings = app, capability, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = getattr(scope.get("aws.context"), "aws_request_id", "") or ids.new()
        traceparent = headers.get(b"traceparent", b"").decode("latin-1")
        with log.scope(self.capability, traceparent=traceparent, request_id=request_id) as here, aws.metered() as meter:
            _set_deadline(here, scope)
            answer = _Answer(scope, send, here, meter, self.settings)
            try:
                await self.app(answer.scope, receive, answer.send)
            except Problem as problem:
                await answer.give(problem)
            # The one place that catches everything: an exception that left a handler would end the
            # worker and give the caller a bare error of the platform's.
            except Exception as error:  # noqa: BLE001
                log.unexpected("route", error)
                await answer.give(Unavailable() if aws.is_outage(error) else Unexpected(LOGGED))
            answer.log()


class _Answer:
    """Watches the response go out, adds what every answer carries, and logs it."""

    def __init__(self, scope: Scope, send: Send, here: log.Scope, meter: aws.Meter, settings: Settings) -> None:
        self._send, self._here, self._meter, self._settings = send, here, meter, settings
        self._started = time.perf_counter()
        self._bodiless = scope["method"] == "HEAD"
        self._method = scope["method"]
        self.status = 0
        self.scope = {**scope, "method": "GET"} if self._bodiless else scope
        # Routes see a HEAD as the GET it stands for; the few that tell them apart look here.
        self.scope["state"] = {"method": scope["method"]}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._decorate(MutableHeaders(scope=message))
        elif self._bodiless:
            message = {**message, "body": b""}
        await self._send(message)

    async def give(self, problem: Problem) -> None:
        if not self.status:
            await problem_response(problem)(self.scope, _nothing, self.send)

    def _decorate(self, headers: MutableHeaders) -> None:
        headers["traceparent"] = self._here.traceparent
        headers["x-request-id"] = self._here.request_id
        headers.setdefault("x-content-type-options", "nosniff")
        headers.setdefault("cache-control", "no-store")
        if self._settings.server_timing:
            meter = self._meter
            cost = f"{meter.requests} req {meter.read_units:g} ru {meter.write_units:g} wu"
            took = (time.perf_counter() - self._started) * 1000
            headers["server-timing"] = f'db;desc="{cost}", app;dur={took:.1f}'
        call = self.scope["state"].get("call")
        for name, value in (call.answer_headers if call else {}).items():
            headers.setdefault(name, value)
        for cookie in call.answer_cookies if call else ():
            headers.append("set-cookie", cookie)

    def log(self) -> None:
        global _cold
        call = self.scope["state"].get("call")
        for tell in call.on_answer if call else ():
            tell(self.status)
        route = self.scope.get("route")
        took = round((time.perf_counter() - self._started) * 1000, 2)
        log.line(
            "request",
            tessera_red=1,
            method=self._method,
            route=getattr(route, "path_format", "unmatched"),
            status=self.status,
            duration_ms=took,
            cold_start=_cold,
            db_requests=self._meter.requests,
            db_read_units=self._meter.read_units,
            db_write_units=self._meter.write_units,
            event_ids=self._here.event_ids,
            **_metrics(self._settings.stage, self.status, took),
        )
        _cold = False


def _metrics(stage: str, status: int, took_ms: float) -> dict[str, Any]:
    """The line's own metrics in CloudWatch's embedded format: no call, no agent."""
    metrics = [
        {"Name": "requests", "Unit": "Count"},
        {"Name": "errors", "Unit": "Count"},
        {"Name": "latency", "Unit": "Milliseconds"},
    ]
    directive = {"Namespace": "Tessera", "Dimensions": [["stage", "capability"]], "Metrics": metrics}
    about = {"Timestamp": clock.millis(), "CloudWatchMetrics": [directive]}
    return {"_aws": about, "stage": stage, "requests": 1, "errors": int(status >= 500), "latency": took_ms}


def _set_deadline(here: log.Scope, scope: Scope) -> None:
    remaining = getattr(scope.get("aws.context"), "get_remaining_time_in_millis", None)
    if callable(remaining):
        here.deadline = clock.monotonic() + remaining() / 1000


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
