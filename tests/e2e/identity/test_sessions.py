"""Cookies from outside: through the front door and the gateway, and in a real browser with other people's pages."""

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tessera import ids
from tests.kit.browser import Chromium, Page, pages
from tests.kit.cookies import Browser, set_cookies
from tests.kit.internal import invoke
from tests.kit.people import People, Person, eventually
from tests.kit.races import together

SID, ACCESS, CSRF, DEVICE = (f"__Host-tessera_{name}" for name in ("sid", "at", "csrf", "dev"))
NEW = "another evening in town"


@pytest.fixture
def ann(people: People) -> Person:
    """Somebody of this test's own."""
    return people.new(name="Ann")


@pytest.fixture
def browser(people: People, base_url: str) -> Callable[[], Browser]:
    return lambda: Browser(people.client(), base_url)


@pytest.fixture
def signed_in(browser: Callable[[], Browser]) -> Callable[..., Browser]:
    def make(person: Person, **more: Any) -> Browser:
        made = browser()
        answer = made.post("/sessions/login", json={"email": person.email, "password": person.password, **more})
        assert answer.status_code == 200, answer.text
        return made

    return make


def test_every_cookie_comes_through_gateway_and_door_in_a_header_of_its_own(browser, ann):
    mine = browser()

    answer = mine.post("/sessions/login", json={"email": ann.email, "password": ann.password, "remember": True})

    assert answer.status_code == 200, answer.text
    sent = set_cookies(answer)
    assert set(sent) == {SID, ACCESS, CSRF, DEVICE}
    assert all(cookie.attributes["path"] == "/" and "secure" in cookie.attributes for cookie in sent.values())
    assert "httponly" not in sent[CSRF].attributes and sent[CSRF].attributes["samesite"] == "Strict"
    assert answer.json()["user"]["id"] == ann.id


def test_the_cookies_open_this_and_other_capabilities_until_the_sign_out(signed_in, ann):
    mine = signed_in(ann)
    assert mine.get("/accounts/me").json()["email"] == ann.email
    made = mine.post("/tasks", json={"title": "Buy milk"})
    assert made.status_code == 201
    assert ann.get(made.headers["location"]).json()["title"] == "Buy milk"
    kept = dict(mine.jar)

    answer = mine.post("/sessions/logout")

    assert (answer.status_code, set(mine.jar)) == (204, {DEVICE})
    assert answer.headers["clear-site-data"] == '"cookies", "storage"'
    mine.jar.update(kept)
    assert mine.get("/sessions/current").status_code == 401
    eventually(lambda: mine.get("/tasks").status_code == 401 or None, within=15, what="the end of the session")


def test_a_wrong_password_has_the_answer_of_accounts(browser, ann):
    mine = browser()

    answer = mine.post("/sessions/login", json={"email": ann.email, "password": NEW})

    direct = ann.http.post("/accounts/login", json={"email": ann.email, "password": NEW})
    assert (answer.status_code, mine.jar) == (401, {})
    assert {**answer.json(), "trace_id": ""} == {**direct.json(), "trace_id": ""}


def test_tabs_renew_side_by_side(signed_in, people, ann, base_url):
    mine = signed_in(ann)
    tabs = [Browser(people.client(), base_url, jar=dict(mine.jar)) for _ in range(8)]

    results = together(*(lambda tab=tab: tab.post("/sessions/renew").status_code for tab in tabs))

    assert [result.value for result in results] == [204] * 8
    assert all(tab.get("/accounts/me").status_code == 200 for tab in tabs)


def test_a_change_by_cookie_comes_from_a_page_of_ours(signed_in, ann):
    mine = signed_in(ann)

    for headers, slug in (
        ({"sec-fetch-site": "cross-site"}, "csrf-failed"),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:1"}, "origin-not-allowed"),
        ({"sec-fetch-site": "", "origin": "null"}, "origin-not-allowed"),
        ({"sec-fetch-site": ""}, "csrf-failed"),
    ):
        refused = mine.post("/tasks", json={"title": "x"}, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (403, f"/problems/{slug}"), headers

    by_token = {"sec-fetch-site": "", **mine.csrf}
    assert mine.post("/tasks", json={"title": "x"}, headers=by_token).status_code == 201


def test_a_cookie_sent_twice_reaches_us_twice(signed_in, ann):
    mine = signed_in(ann)
    sent = f"{SID}={mine.jar[SID]}; {SID}={'A' * 43}"

    answer = mine.get("/sessions/current", headers={"cookie": sent})

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/credentials-ambiguous")


def test_sessions_of_browsers_are_listed_here_and_beside_those_with_tokens(signed_in, ann):
    mine, other = signed_in(ann, device_name="a blue phone"), signed_in(ann)

    items = mine.get("/sessions").json()["items"]
    assert [item["device_name"] for item in items] == [None, "a blue phone"]
    assert [item["current"] for item in items] == [False, True]
    assert {item["id"] for item in items} < {item["id"] for item in ann.get("/accounts/me/sessions").json()["items"]}

    assert mine.delete(f"/sessions/{items[0]['id']}").status_code == 204
    assert (other.get("/sessions/current").status_code, mine.get("/sessions/current").status_code) == (401, 200)


def test_another_proof_is_fresh_and_moves_the_session_to_another_cookie(signed_in, ann):
    mine = signed_in(ann)
    old = dict(mine.jar)

    answer = mine.post("/sessions/reauthenticate", json={"password": ann.password})

    assert answer.status_code == 200, answer.text
    assert mine.jar[SID] != old[SID] and mine.get("/accounts/me").status_code == 200
    mine.jar.update(old)
    assert mine.post("/sessions/renew").json()["type"] == "/problems/session-replaced"


def test_the_eleventh_browser_takes_the_place_of_the_first(signed_in, ann):
    first = signed_in(ann)
    others = [signed_in(ann) for _ in range(10)]

    assert first.get("/sessions/current").status_code == 401
    assert [other.get("/sessions/current").status_code for other in others] == [200] * 10
    assert len(others[0].get("/sessions").json()["items"]) == 10


def test_lock_kills_cookie_under_15s(signed_in, ann):
    mine = signed_in(ann)
    assert mine.get("/tasks").status_code == 200

    status, _ = invoke("admin", "POST", f"/accounts/internal/users/{ann.id}/lock", {"reason": "a test"})
    assert status == 200
    locked_at = time.monotonic()

    eventually(lambda: mine.get("/tasks").status_code == 401 or None, within=15, what="the end of the cookie")
    assert time.monotonic() - locked_at < 15
    eventually(
        lambda: mine.get("/sessions/current").status_code == 401 or None, within=20, what="the end of the session"
    )
    assert mine.post("/sessions/renew").status_code == 401
    assert set(mine.jar) == {DEVICE}


def test_a_new_password_ends_the_sessions_of_browsers(signed_in, ann):
    mine = signed_in(ann)

    changed = ann.post("/accounts/me/password", json={"current": ann.password, "new": NEW})

    assert changed.status_code == 200
    eventually(
        lambda: mine.get("/sessions/current").status_code == 401 or None, within=20, what="the end of the session"
    )
    ann.password = NEW
    assert signed_in(ann).get("/sessions/current").status_code == 200


@pytest.mark.parametrize("path", ["revoke-sessions", "reset-mfa"])
def test_what_ends_every_sign_in_ends_the_sessions_of_browsers(signed_in, ann, path):
    mine = signed_in(ann)

    assert invoke("admin", "POST", f"/accounts/internal/users/{ann.id}/{path}", {})[0] < 300

    assert mine.post("/sessions/renew").status_code == 401
    assert mine.get("/sessions/current").status_code == 401
    assert signed_in(ann).post("/sessions/renew").status_code == 204


def test_a_sign_in_at_a_provider_becomes_a_session_once(browser, ann):
    verifier = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    proof = {"user_id": ann.id, "amr": ["fed"], "aal": 1, "auth_time": int(time.time())}
    asked = {**proof, "session_id": ids.new(), "verifier_challenge": challenge}
    status, found = invoke("oauth", "POST", "/sessions/internal/exchange-code", asked)
    assert status == 200

    body = {"code": found["code"], "exchange_verifier": verifier}
    first, second = (browser().post("/sessions/exchange", json=body) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 400)
    assert first.json()["user"]["email"] == ann.email


def test_internal_routes_are_not_there_from_outside(signed_in, ann):
    mine = signed_in(ann)

    for path in ("of", "end", "exchange-code", "provider-session/end", "erase"):
        assert mine.post(f"/sessions/internal/{path}", json={"user_id": ann.id}).status_code == 404


@pytest.fixture
def demo(base_url: str) -> str:
    return f"{base_url}/demo/sign-in"


def enter(page: Page, person: Person, *, remember: bool = False) -> None:
    """Sign in by the form, as a person would."""
    given = json.dumps([person.email, person.password, remember])
    page.until("document.querySelector('#signed-out:not([hidden])') && !document.querySelector('button[disabled]')")
    page.run(
        f"""(([email, password, remember]) => {{
          const form = document.querySelector('#sign-in');
          [form.email.value, form.password.value, form.remember.checked] = [email, password, remember];
          form.requestSubmit();
        }})({given})"""
    )
    page.until(
        f"!document.querySelector('#signed-in').hidden && document.querySelector('#who').textContent === {given}[0]"
    )
    page.until("document.querySelector('#tasks-count').textContent")


def press(page: Page, button: str) -> None:
    page.until("!document.querySelector('button[disabled]')")
    page.run(f"document.querySelector({json.dumps(button)}).click()")


def status_of(page: Page, path: str, method: str = "GET") -> int:
    return int(page.run(f"fetch({json.dumps(path)}, {{method: {json.dumps(method)}}}).then((answer) => answer.status)"))


@pytest.fixture
def page(chromium: Chromium, demo: str, ann: Person, base_url: str) -> Iterator[Page]:
    """The demo page, ann signed in on it."""
    tab = chromium.open(demo)
    enter(tab, ann)
    yield tab
    tab.goto(demo)
    status_of(tab, "/sessions/logout", "POST")


def test_a_person_signs_in_renews_looks_at_their_sessions_and_signs_out(page, ann, base_url):
    kept = page.cookies(base_url)
    assert {SID, ACCESS, CSRF, DEVICE} <= set(kept)
    assert kept[SID]["httpOnly"] and kept[SID]["secure"] and kept[SID]["session"]
    assert not kept[DEVICE]["session"]
    # All that a script of the page can take away is what is worth nothing elsewhere.
    assert page.run("document.cookie").partition("=")[0] == CSRF and SID not in page.run("document.cookie")
    assert page.run("JSON.stringify([localStorage.length, sessionStorage.length])") == "[0,0]"
    assert page.run("document.querySelectorAll('#sessions > li').length") == 1

    press(page, "#renew")
    page.until("document.querySelector('#said').textContent === 'Renewed.'")
    assert page.cookies(base_url)[ACCESS]["value"] != kept[ACCESS]["value"]
    assert page.cookies(base_url)[SID]["value"] == kept[SID]["value"]

    press(page, "#sign-out")
    page.until("!document.querySelector('#signed-out').hidden")
    assert not {SID, ACCESS, CSRF} & set(page.cookies(base_url))
    assert status_of(page, "/sessions/current") == 401


def test_two_tabs_share_a_session_renew_at_once_and_end_together(page, chromium, demo, ann, base_url):
    other = chromium.open(demo)
    other.until(f"document.querySelector('#who').textContent === {json.dumps(ann.email)}")
    ten = (
        "Promise.all(Array.from({length: 10}, () => fetch('/sessions/renew', {method: 'POST'}).then((a) => a.status)))"
    )

    assert page.run(f"{ten}.then((found) => [...new Set(found)])") == [204]
    assert other.run(f"{ten}.then((found) => [...new Set(found)])") == [204]
    assert (status_of(page, "/sessions"), status_of(other, "/sessions")) == (200, 200)

    press(page, "#sign-out")
    page.until("!document.querySelector('#signed-out').hidden")
    press(other, "#renew")
    other.until("!document.querySelector('#signed-out').hidden")


def test_a_new_proof_in_one_tab_leaves_the_other_one_signed_in(page, chromium, demo, ann, base_url):
    other = chromium.open(demo)
    other.until(f"document.querySelector('#who').textContent === {json.dumps(ann.email)}")
    body = json.dumps(json.dumps({"password": ann.password}))
    script = (
        "fetch('/sessions/reauthenticate', {method: 'POST', headers: {'content-type': 'application/json'}, "
        f"body: {body}}}).then((answer) => answer.status)"
    )

    assert page.run(script) == 200

    press(other, "#renew")
    other.until("document.querySelector('#said').textContent === 'Renewed.'")
    assert (status_of(page, "/sessions/current"), status_of(other, "/sessions/current")) == (200, 200)


ATTACKS = {
    "a form": """<form id=f method=post enctype=text/plain action="{target}"><input name='{{"a":"' value='b"}}'></form>
<script>f.submit()</script>""",
    "a form in a hidden frame": """<iframe name=hidden style="display:none"></iframe>
<form id=f method=post target=hidden action="{target}"></form><script>f.submit()</script>""",
    "a simple fetch": """<script>fetch("{target}", {{method: "POST", mode: "no-cors", credentials: "include",
headers: {{"content-type": "text/plain"}}, body: "{{}}"}}).finally(() => document.title = "done")</script>""",
    "a fetch with JSON and a stolen token": """<script>fetch("{target}", {{method: "POST", credentials: "include",
headers: {{"content-type": "application/json", "x-csrf-token": document.cookie.split("=").pop()}}, body: "{{}}"}})
.then((answer) => document.title = "let in " + answer.status, () => document.title = "done")</script>""",
}


# Another port is the same site, so that the cookies go along; another host is another site.
HOSTS = pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["another port", "another host"])


@HOSTS
@pytest.mark.parametrize("attack", ATTACKS)
def test_another_page_cannot_end_the_session(page, chromium, base_url, demo, host, attack):
    target = f"{base_url}/sessions/logout"
    with pages({"/": f"<!doctype html><title>attack</title><body>{ATTACKS[attack].format(target=target)}"}) as port:
        evil = chromium.open(f"http://{host}:{port}/")
        if "form" in attack:
            assert evil.answered("/sessions/logout") == (415 if host == "127.0.0.1" else 401)
        else:
            evil.until("document.title !== 'attack'")
            assert evil.run("document.title") == "done"

    assert status_of(page, "/sessions/current") == 200
    assert SID in page.cookies(base_url)


@HOSTS
def test_another_page_signs_nobody_in_as_somebody_else(page, chromium, base_url, people, ann, host):
    stranger = people.pooled()
    # A form whose one field, sent as text, is a JSON document.
    name = json.dumps({"email": stranger.email, "password": stranger.password, "device_name": "x"})[:-2]
    field = f"""<input name='{name}' value='"}}'>"""
    form = f'<form id=f method=post enctype=text/plain action="{base_url}/sessions/login">{field}</form>'
    before = page.cookies(base_url)[SID]["value"]
    with pages({"/": f"<!doctype html><body>{form}<script>f.submit()</script>"}) as port:
        evil = chromium.open(f"http://{host}:{port}/")
        assert evil.answered("/sessions/login") == 415

    assert page.cookies(base_url)[SID]["value"] == before
    assert page.run("fetch('/sessions/current').then((a) => a.json()).then((found) => found.user.email)") == ann.email


def test_the_page_is_shown_in_nobodys_frame_and_a_frame_of_another_site_has_no_cookies(page, chromium, base_url, demo):
    framed = f'<!doctype html><body><iframe src="{demo}"></iframe><iframe src="{base_url}/sessions/current"></iframe>'
    with pages({"/": framed}) as port:
        evil = chromium.open(f"http://localhost:{port}/")
        assert evil.answered("/sessions/current") == 401
        eventually(
            lambda: (evil.chromium.listen(), evil.refused("/demo/sign-in"))[1] or None, what="the refusal of the frame"
        )

    assert status_of(page, "/sessions/current") == 200


def test_a_page_of_another_origin_reads_nothing_of_the_session(page, chromium, base_url):
    with pages({"/": "<!doctype html><title>other</title>"}) as port:
        for host in ("127.0.0.1", "localhost"):
            evil = chromium.open(f"http://{host}:{port}/")
            found = evil.run(
                f"fetch('{base_url}/sessions/current', {{credentials: 'include'}})"
                ".then((answer) => answer.text(), () => 'refused')"
            )
            assert found == "refused"
