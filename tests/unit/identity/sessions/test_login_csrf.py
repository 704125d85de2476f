"""What signs in must come from a page of ours: nobody signs a victim in as somebody else."""

import pytest

from functions.identity.sessions.app import app as sessions
from tessera.entry.guard import guard_of
from tests.kit.cookies import Browser

ATTACKER, NEIGHBOUR = "https://evil.example", "https://docs.app.test"


@pytest.fixture
def plain(browser):
    """A client that says nothing of itself but what the test says."""
    made = browser()
    return Browser(made.client, "", same_origin=False)


@pytest.mark.parametrize(
    "path", ["/sessions/login", "/sessions/login/mfa", "/sessions/login/passkey", "/sessions/exchange"]
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site", "origin": ATTACKER}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "https://app.test"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "same-site", "origin": NEIGHBOUR}, 403),
        ({"origin": ATTACKER}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://app.test.evil.example"}, 403),
        ({"origin": "http://app.test"}, 403),
        ({"origin": "https://app.test:8443"}, 403),
        ({"referer": "https://evil.example/?https://app.test/"}, 403),
        ({}, 403),
        ({"origin": "", "referer": ""}, 403),
        ({"sec-fetch-site": "same-origin", "content-type": "text/plain"}, 415),
        ({"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}, 415),
        ({"sec-fetch-site": "same-origin", "content-type": "multipart/form-data; boundary=x"}, 415),
        ({"sec-fetch-site": "same-origin"}, 422),
        ({"origin": "https://app.test"}, 422),
        ({"referer": "https://app.test/sign-in"}, 422),
    ],
    ids=lambda value: ",".join(f"{n}={v}" for n, v in value.items()) or "nothing" if isinstance(value, dict) else None,
)
@pytest.mark.asvs("7.6.2")
def test_login_csrf(plain, accounts, path, headers, status):
    answer = plain.post(path, content=b"{}", headers={"content-type": "application/json", **headers})

    assert answer.status_code == status, answer.text
    assert accounts.calls == []
    assert plain.jar == {}


def test_a_neighbour_may_sign_in_where_the_deployment_names_it(plain, accounts, ann, served, bindings):
    from tessera.auth.internal import Internal
    from tessera.settings import Bindings

    named = Bindings({**bindings.environment, "WEB_ORIGINS": NEIGHBOUR})
    named.replace(Internal, Internal("sessions", named, accounts))
    sessions.state.bindings = named
    headers = {"sec-fetch-site": "same-site", "origin": NEIGHBOUR}

    answer = plain.post("/sessions/login", json={"email": ann.email, "password": ann.password}, headers=headers)

    assert answer.status_code == 200
    assert plain.post("/sessions/renew", headers=headers).status_code == 403
    assert plain.post("/sessions/renew", headers={**headers, **plain.csrf}).status_code == 204


def test_a_refused_page_uses_up_nobodys_attempts(plain, accounts, ann):
    for _ in range(40):
        plain.post("/sessions/login", json={}, headers={"sec-fetch-site": "cross-site"})

    answer = plain.post(
        "/sessions/login",
        json={"email": ann.email, "password": ann.password},
        headers={"sec-fetch-site": "same-origin"},
    )

    assert answer.status_code == 200


def test_signing_in_over_and_over_is_limited_by_address(plain, accounts):
    headers = {"sec-fetch-site": "same-origin"}

    answers = [
        plain.post("/sessions/login", json={"email": "a@b.c", "password": "x"}, headers=headers) for _ in range(40)
    ]

    assert {answer.status_code for answer in answers} == {401, 429}


def test_every_route_says_who_may_ask():
    said = {
        f"{method} {route.path}": guard_of(route).describe()
        for route in sessions.router.routes
        for method in sorted(route.methods)
        if "/internal/" not in route.path
    }

    page, cookie = "public, from a page of ours", "session cookie"
    person = "require accounts:self, kinds user"
    assert said == {
        "POST /sessions/login": page,
        "POST /sessions/login/mfa": page,
        "POST /sessions/login/passkey": page,
        "POST /sessions/exchange": page,
        "GET /sessions/current": cookie,
        "POST /sessions/renew": cookie,
        "POST /sessions/reauthenticate": cookie,
        "POST /sessions/logout": cookie,
        "POST /sessions/logout-all": cookie,
        "GET /sessions": person,
        "DELETE /sessions/{session_id:ulid}": person,
        "GET /sessions/health": "public, unlimited",
        "GET /sessions/ready": "public, unlimited",
    }


def test_malformed_json_without_a_page_or_a_cookie_is_refused_before_it_is_read(plain, served):
    for path, status in (("/sessions/login", 403), ("/sessions/reauthenticate", 401)):
        answer = plain.post(path, content=b"{", headers={"content-type": "application/json"})
        assert answer.status_code == status


@pytest.mark.parametrize("path", ["/sessions", "/sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_malformed_json_without_credentials_is_401(plain, served, path):
    method = "GET" if path == "/sessions" else "DELETE"

    answer = plain.request(method, path, content=b"{", headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/credentials-missing")
