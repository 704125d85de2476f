import re

import httpx
import pytest

from functions.platform.health import triggers
from functions.platform.health.store import Checks

from .conftest import delivered, line

SAMPLE = re.compile(r'^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+)$')


def ask(app, path, **headers):
    async def asked():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers=headers)

    import asyncio

    return asyncio.run(asked())


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_liveness_reads_nothing(app_of, path):
    answer = ask(app_of(TABLE="gone", COMMIT="abc"), path)

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok" and answer.json()["commit"] == "abc"
    assert answer.headers["server-timing"].startswith('db;desc="0 req')


@pytest.mark.parametrize("path", ["/ready", "/health/ready"])
def test_readiness_tells_a_stranger_only_whether(app_of, path):
    assert ask(app_of(STAGE="prod"), path).json() == {"status": "ok", "checks": None}
    refused = ask(app_of(STAGE="prod", TABLE="gone"), path)

    assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
    assert "checks" not in refused.json()


def test_readiness_on_a_laptop_says_what_is_missing(app_of):
    assert ask(app_of(TABLE="gone"), "/ready").json()["checks"] == {"table": False, "keys": True}


def test_readiness_is_checked_at_most_once_in_five_seconds(app_of):
    app = app_of()
    asked = []

    class Counted(Checks):
        def run(self):
            asked.append(1)
            return {"table": True}

    app.state.bindings.replace(Checks, Counted({}))
    for _ in range(3):
        ask(app, "/ready")

    assert len(asked) == 1


def test_metrics_are_for_those_who_may_read_them(app_of):
    assert ask(app_of(STAGE="prod"), "/metrics").status_code == 401
    assert ask(app_of(), "/metrics").status_code == 200


def test_metrics_speak_the_format_of_prometheus(app_of, bindings, frozen):
    triggers.absorb(delivered(line(), line(duration_ms=99_999), line(status=503)), bindings)

    answer = ask(app_of(), "/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n") and "# EOF" not in answer.text
    samples = {}
    for text in answer.text.splitlines():
        if not text.startswith("#"):
            match = SAMPLE.match(text)
            assert match, text
            samples[match[1] + (match[2] or "")] = float(match[3])
    route = 'capability="tasks",method="GET",route="/tasks/{task_id}"'
    assert samples[f'http_requests_total{{{route},code="200"}}'] == 2
    assert samples[f'http_request_duration_seconds_bucket{{{route},le="0.025"}}'] == 2
    assert samples[f'http_request_duration_seconds_bucket{{{route},le="10"}}'] == 2
    assert samples[f'http_request_duration_seconds_bucket{{{route},le="+Inf"}}'] == 3
    assert samples[f"http_request_duration_seconds_count{{{route}}}"] == 3
    assert samples[f"http_request_duration_seconds_sum{{{route}}}"] == pytest.approx(100.02368)
    assert samples['http_request_errors_total{capability="tasks",kind="server"}'] == 1
    assert samples['build_info{version="0.1.0",commit=""}'] == 1


def test_metrics_speak_openmetrics_where_it_is_named(app_of, bindings, frozen):
    triggers.absorb(delivered(line()), bindings)

    answer = ask(app_of(), "/metrics", accept="application/openmetrics-text; version=1.0.0")

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    assert "# TYPE http_requests counter\n" in answer.text and "\nhttp_requests_total{" in answer.text


def test_the_status_names_every_capability_also_one_that_was_asked_nothing(app_of, bindings, frozen):
    triggers.absorb(delivered(line(), line(capability="accounts", status=500)), bindings)

    found = ask(app_of(), "/health/status").json()

    states = {one["name"]: one["status"] for one in found["capabilities"]}
    assert states == {"accounts": "down", "health": "unknown", "tasks": "ok"}
    assert found["status"] == "down"
