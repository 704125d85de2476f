"""What the front door and the gateway refuse, whatever stands behind them."""

import os
import socket
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.kit.structured_fields import parse_list

HOSTILE = [
    "/../../_ministack/reset",
    "/..%2f..%2f_ministack/reset",
    "/%2e%2e/%2e%2e/_ministack/reset",
    "/%2E%2E%2F%2E%2E%2F_ministack/reset",
    "/..%5c..%5c_ministack/reset",
    "/..\\..\\_ministack\\reset",
    "/tasks/../_ministack/reset",
    "/tasks/%2e%2e/%5fministack/reset",
    "/_ministack/reset",
    "/%5f%6dinistack/reset",
    "/%255f%256dinistack/reset",
    "//_ministack/reset",
    "/./_ministack/reset",
]


# What stands before and behind an address there.
FORMS = {"x-forwarded-for": ("", ", 10.0.0.1"), "forwarded": ("for=", ";proto=https")}
FORMS |= dict.fromkeys(["x-real-ip", "true-client-ip"], ("", ""))


def raw_status(base_url: str, target: str, method: str = "POST") -> int:
    """The status for this exact request target: a client library would tidy it up first."""
    parts = urlsplit(base_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        request = (
            f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(request.encode("latin-1"))
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("target", HOSTILE)
def test_nothing_behind_the_api_can_be_reached_through_the_door(base_url, user, target):
    kept = user.post("/tasks", json={"title": "still here"}).json()

    assert raw_status(base_url, target) in (400, 404)

    assert user.get(f"/tasks/{kept['id']}").status_code == 200


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"])
def test_a_forged_forwarding_header_does_not_make_another_client(people, header):
    """Attempts to sign up are counted by address and one by one, and a spent one comes back only after seconds.

    Had each address a bucket of its own, every answer would tell of as many as the first.
    """

    def left(client, address):
        answer = client.post("/accounts/sign-up", json={}, headers={header: address.join(FORMS[header])})
        assert answer.status_code == 422
        (limit,) = parse_list(answer.headers["ratelimit"])
        assert limit.value == "auth:sign-up:ip"
        return limit.parameters["r"]

    with people.client() as client:
        figures = [left(client, f"203.0.113.{number}") for number in range(1, 5)]

    assert figures[-1] < figures[0]


@pytest.mark.parametrize("megabytes", [1.2, 7, 11])
def test_a_body_that_is_too_large_is_refused_as_a_problem(user, megabytes):
    body = b'{"title": "' + b"x" * int(megabytes * 1_000_000) + b'"}'

    answer = user.post("/tasks", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/nowhere", "/accounts/nothing/here", "/tasks/internal/erase", "/%00", "/tasks/%2F"])
def test_an_unknown_path_is_a_problem_document(anonymous, path):
    answer = anonymous.get(path)

    assert answer.status_code in (400, 404, 405)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/accounts/internal/users/x/roles", "/tasks/internal/erase", "/outbox/internal/erase"]
)
def test_internal_routes_do_not_exist_from_outside(anonymous, path):
    forged = {"x-tessera-internal": "true", "x-tessera-caller": "seed"}

    assert anonymous.post(path, json={"internal": True, "caller": "accounts"}, headers=forged).status_code == 404


def test_a_preflight_is_answered_by_the_gateway_without_a_function(anonymous):
    asked = {"origin": "http://elsewhere.test", "access-control-request-method": "POST"}

    answer = anonymous.options("/tasks", headers={**asked, "access-control-request-headers": "authorization"})

    assert answer.status_code in (200, 204)
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert "x-request-id" not in answer.headers


def test_only_loopback_listens(base_url):
    if urlsplit(base_url).hostname not in ("127.0.0.1", "localhost"):
        pytest.skip("This is about the local stack; BASE_URL names another.")
    ours = {urlsplit(base_url).port, urlsplit(os.environ["AWS_ENDPOINT_URL"]).port}
    owners = {
        entry.pid
        for entry in psutil.net_connections("inet")
        if entry.status == psutil.CONN_LISTEN and entry.laddr.port in ours
    }
    family = {child.pid for pid in owners for child in [psutil.Process(pid), *psutil.Process(pid).children(True)]}

    listening = {
        entry.laddr.ip
        for entry in psutil.net_connections("inet")
        if entry.status == psutil.CONN_LISTEN and entry.pid in family
    }

    assert listening == {"127.0.0.1"}


def test_a_request_is_answered_with_its_trace_and_its_cost(user):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    answer = user.get("/tasks", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})

    assert answer.headers["traceparent"].split("-")[1] == trace
    assert "db;desc=" in answer.headers["server-timing"]


def test_the_door_speaks_plain_http_one_one(base_url):
    assert httpx.get(f"{base_url}/health", timeout=30).json()["status"] == "ok"
