"""Signing in with providers, through the front door and with its stand-ins."""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit.browser import Chromium, Page
from tests.kit.people import Mailbox, People, Person, eventually

CLIENT_ID, CLIENT_SECRET = "tessera-local", "a-secret-of-no-worth"


@pytest.fixture(scope="module")
def stand_ins(base_url: str) -> str:
    found = f"{base_url}/stand-ins"
    if httpx.get(f"{found}/idp/.well-known/openid-configuration").status_code != 200:
        pytest.skip("This stack has no stand-ins of providers: only a local one has.")
    return found


class Browser:
    """It keeps its cookies by itself: no HTTP library sends a Secure cookie back over plain HTTP."""

    def __init__(self, people: People) -> None:
        self.http, self.base = people.client(), people.base_url
        self.verifier = secrets.token_urlsafe(32)
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = dict(given.pop("headers", {}))
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.http.request(method, path, headers=headers, follow_redirects=False, **given)
        for header in answer.headers.get_list("set-cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def begin(self, provider: str, **more: Any) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        headers = more.pop("headers", {})
        sent = {"return_to": f"{self.base}/demo/sign-in", "exchange_challenge": challenge, **more}
        answer = self.request("POST", f"/oauth/{provider}/start", json=sent, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["authorization_url"])

    def sign_in(self, provider: str, person: str, **more: Any) -> dict[str, str]:
        chosen = httpx.post(self.begin(provider, **more), data={"as": person}, follow_redirects=False)
        if chosen.status_code == 200:
            fields = [part.split('" value="') for part in chosen.text.split('<input type="hidden" name="')[1:]]
            posted = {name: value.partition('"')[0].replace("&quot;", '"') for name, value in fields}
            return self._ended(self.request("POST", f"/oauth/{provider}/callback", data=posted))
        return self._ended(self.request("GET", chosen.headers["location"].removeprefix(self.base)))

    def _ended(self, answer: httpx.Response) -> dict[str, str]:
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).fragment))

    def exchange(self, code: str, path: str = "/oauth/exchange") -> httpx.Response:
        return self.request("POST", path, json={"code": code, "exchange_verifier": self.verifier})

    def gain(self, provider: str, person: str, **more: Any) -> dict[str, Any]:
        answer = self.exchange(self.sign_in(provider, person, **more)["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def browser(people: People) -> Browser:
    return Browser(people)


def somebody(stand_ins: str, provider: str = "idp", **values: Any) -> str:
    """Somebody new who has an account at a provider: how they are known there."""
    name = f"person-{secrets.token_hex(6)}"
    told = {"sub": name, "number": secrets.randbelow(10**9), "name": "Ada Lovelace", "email": f"{name}@idp.example"}
    assert httpx.put(f"{stand_ins}/{provider}/control/people", json={**told, **values}).status_code == 201
    return name


def bearer(gained: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {gained['access_token']}"}


def test_the_demo_offers_its_providers(anonymous: httpx.Client, stand_ins: str) -> None:
    listed = {one["id"]: one["name"] for one in anonymous.get("/oauth/providers").json()["items"]}

    assert listed.items() >= {"local-idp": "Local IdP", "github-stub": "GitHub (stub)"}.items()


@pytest.mark.parametrize(("provider", "at"), [("local-idp", "idp"), ("github-stub", "github")])
def test_a_newcomer_gets_tokens_that_are_good_everywhere(
    browser: Browser, stand_ins: str, provider: str, at: str
) -> None:
    person = somebody(stand_ins, at)

    gained = browser.gain(provider, person)

    me = browser.http.get("/accounts/me", headers=bearer(gained)).json()
    assert me["email"] == f"{person}@idp.example" == gained["user"]["email"]
    assert browser.http.post("/tasks", json={"title": "First"}, headers=bearer(gained)).status_code == 201
    again = browser.gain(provider, person)
    assert again["user"]["id"] == me["id"]
    (identity,) = browser.http.get("/oauth/identities", headers=bearer(again)).json()["items"]
    assert identity["provider"] == provider
    gone = browser.http.delete(f"/oauth/identities/{identity['id']}", headers=bearer(again))
    assert gone.json()["type"] == "/problems/last-sign-in-method"


def test_a_browser_gets_a_session_with_cookies(browser: Browser, stand_ins: str) -> None:
    person = somebody(stand_ins)
    ended = browser.sign_in("local-idp", person, delivery="cookie")

    answer = browser.request(
        "POST",
        "/sessions/exchange",
        json={"code": ended["code"], "exchange_verifier": browser.verifier},
        headers={"origin": browser.base, "sec-fetch-site": "same-origin"},
    )

    assert answer.status_code == 200, answer.text
    assert browser.request("GET", "/sessions/current").json()["user"]["email"] == f"{person}@idp.example"


def test_what_came_to_another_browser_is_refused(people: People, browser: Browser, stand_ins: str) -> None:
    url = browser.begin("local-idp")
    callback = httpx.post(url, data={"as": somebody(stand_ins)}, follow_redirects=False).headers["location"]
    path = callback.removeprefix(browser.base)

    stranger = Browser(people).request("GET", path)

    assert (stranger.status_code, stranger.json()["type"]) == (400, "/problems/state-invalid")
    assert browser.request("GET", path).status_code == 303
    assert browser.request("GET", path).status_code == 400


def test_an_account_with_the_same_address_is_linked_only_by_its_owner(
    people: People, browser: Browser, stand_ins: str
) -> None:
    owner, other = people.new(), people.pooled(3)
    person = somebody(stand_ins, email=owner.email)

    asked = browser.gain("local-idp", person)

    assert asked["status"] == "link_required"
    ticket = {"link_ticket": asked["link_ticket"]}
    other.tokens = other.sign_in().json()
    assert other.post("/oauth/link/confirm", json=ticket).status_code == 403
    assert owner.post("/oauth/link/confirm", json=ticket).status_code == 201
    assert browser.gain("local-idp", person)["user"]["id"] == owner.id
    (identity,) = owner.get("/oauth/identities").json()["items"]
    assert owner.delete(f"/oauth/identities/{identity['id']}").status_code == 204


def test_a_pending_sign_up_of_somebody_else_is_worth_nothing_afterwards(
    people: People, browser: Browser, mailbox: Mailbox, stand_ins: str
) -> None:
    """An attacker signs up with the victim's address; the victim then comes with a provider."""
    person = somebody(stand_ins)
    email, attacker = f"{person}@idp.example", people.client()
    asked = attacker.post("/accounts/sign-up", json={"email": email, "password": "the attacker knows it"}).json()
    # Before the next mail to this address, which has no code.
    code = mailbox.latest(email).code

    gained = browser.gain("local-idp", person)

    assert gained["status"] == "ok"
    verified = attacker.post("/accounts/sign-up/verify", json={"sign_up_id": asked["sign_up_id"], "code": code})
    assert verified.status_code in (400, 410)
    login = attacker.post("/accounts/login", json={"email": email, "password": "the attacker knows it"})
    assert login.status_code == 401


def test_an_address_is_shown_by_a_code_where_the_provider_has_none(
    browser: Browser, mailbox: Mailbox, stand_ins: str
) -> None:
    person = somebody(stand_ins, verified=False)
    asked = browser.gain("local-idp", person)
    assert asked["status"] == "email_required"
    email = f"{person}@example.com"

    sent = browser.http.post("/oauth/email", json={"ticket": asked["ticket"], "email": email})
    code = mailbox.latest(email).code
    gained = browser.http.post("/oauth/email/confirm", json={"ticket": asked["ticket"], "code": code})

    assert sent.status_code == 202 and gained.json()["user"]["email"] == email, gained.text


def test_somebody_adds_a_provider_to_their_account(people: People, browser: Browser, stand_ins: str) -> None:
    owner, person = people.new(), somebody(stand_ins, "github")
    headers = {"authorization": f"Bearer {owner.tokens['access_token']}"}

    ended = browser.sign_in("github-stub", person, mode="link", headers=headers)

    assert ended["status"] == "linked"
    assert browser.exchange(ended["code"]).json()["provider"] == "github-stub"
    assert browser.gain("github-stub", person)["user"]["id"] == owner.id


@pytest.mark.parametrize("answer", ["", "nobody"])
def test_who_refuses_at_the_provider_is_told_so(browser: Browser, stand_ins: str, answer: str) -> None:
    assert browser.sign_in("local-idp", answer) == {"error": "provider-denied"}


@pytest.fixture
def admin(people: People) -> Person:
    found = people.with_role("admin")
    found.tokens = found.sign_in().raise_for_status().json()
    return found


@pytest.fixture
def provider(admin: Person, stand_ins: str, base_url: str) -> Iterator[tuple[str, str]]:
    """A provider that staff have set up, and the id it has at the stand-in; it is switched off in the end."""
    name = f"shop-{secrets.token_hex(4)}"
    client = {"id": name, "secret": "s3cret+/", "redirect_uris": [f"{base_url}/oauth/{name}/callback"]}
    assert httpx.put(f"{stand_ins}/idp/control/clients", json=client).status_code == 201
    body = {
        "name": "Shop",
        "kind": "oidc",
        "client_id": name,
        "client_secret": "s3cret+/",
        "issuer": f"{stand_ins}/idp",
        "store_tokens": True,
        "backchannel_logout": True,
    }
    made = admin.put(f"/oauth/admin/providers/{name}", json=body)
    assert made.status_code == 200, made.text
    yield name, json.dumps(made.json())
    off = admin.put(
        f"/oauth/admin/providers/{name}", json={**body, "enabled": False}, headers={"if-match": made.headers["etag"]}
    )
    assert off.status_code == 200, off.text


def test_staff_set_a_provider_up_and_its_secret_is_never_seen_again(
    admin: Person, user: Person, browser: Browser, stand_ins: str, provider: tuple[str, str]
) -> None:
    name, shown = provider
    path = f"/oauth/admin/providers/{name}"

    assert "s3cret" not in shown + admin.get(path).text + admin.get("/oauth/admin/providers").text
    assert admin.get(path).json()["has_secret"] is True
    assert admin.post(f"{path}/test").json()["ok"] is True
    assert user.get(path).status_code == 403
    assert browser.gain(name, somebody(stand_ins))["status"] == "ok"


def test_a_logout_at_the_provider_ends_the_session_here(
    browser: Browser, stand_ins: str, provider: tuple[str, str]
) -> None:
    name, _ = provider
    person = somebody(stand_ins)
    gained, other = browser.gain(name, person), browser.gain(name, somebody(stand_ins))
    told = {"client_id": name, "claims": {"sub": person}}
    token = httpx.post(f"{stand_ins}/idp/control/logout-token", json=told).json()

    assert browser.http.post(f"/oauth/{name}/backchannel-logout", data=token).status_code == 200

    def refused() -> bool | None:
        return browser.http.get("/accounts/me", headers=bearer(gained)).status_code == 401 or None

    assert eventually(refused, within=20, what="The end of the session")
    refresh = {"refresh_token": gained["refresh_token"]}
    assert browser.http.post("/accounts/token/refresh", json=refresh).status_code == 401
    assert browser.http.get("/accounts/me", headers=bearer(other)).status_code == 200
    assert browser.http.post(f"/oauth/{name}/backchannel-logout", data=token).status_code == 400


def test_tokens_go_back_to_the_provider_after_unlinking(
    people: People, browser: Browser, stand_ins: str, provider: tuple[str, str]
) -> None:
    name, _ = provider
    owner = people.new()
    headers = {"authorization": f"Bearer {owner.tokens['access_token']}"}
    ended = browser.sign_in(name, somebody(stand_ins), mode="link", headers=headers)
    identity = browser.exchange(ended["code"]).json()["identity_id"]

    def revocations() -> int:
        journal = httpx.get(f"{stand_ins}/idp/control/journal").json()
        return sum(entry["path"] == "/revoke" for entry in journal)

    before = revocations()
    assert owner.delete(f"/oauth/identities/{identity}").status_code == 204

    assert eventually(lambda: revocations() > before or None, what="The revocation")


def test_facebook_and_apple_by_their_own_wires(admin: Person, browser: Browser, stand_ins: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert httpx.put(f"{stand_ins}/apple/control/key", content=public).status_code == 200
    apple = {"kind": "apple", "issuer": f"{stand_ins}/apple", "team_id": "LOCALTEAM1", "key_id": "LOCALKEY01"}
    graph = f"{stand_ins}/facebook/v23.0"
    addresses = {
        "authorization": f"{graph}/dialog/oauth",
        "token": f"{graph}/oauth/access_token",
        "userinfo": f"{graph}/me",
        "revocation": f"{graph}/me/permissions",
    }
    facebook = {"kind": "facebook", "endpoints": addresses, "client_secret": CLIENT_SECRET}
    for name, body in (("apple-stub", {**apple, "client_secret": pem}), ("facebook-stub", facebook)):
        path = f"/oauth/admin/providers/{name}"
        known = admin.get(path)
        version = {"if-match": known.headers["etag"]} if known.status_code == 200 else {}
        answer = admin.put(path, json={"name": name, "client_id": CLIENT_ID, **body}, headers=version)
        assert answer.status_code == 200, answer.text

    apple_person, facebook_person = somebody(stand_ins, "apple"), somebody(stand_ins, "facebook")

    assert browser.gain("apple-stub", apple_person)["user"]["email"] == f"{apple_person}@idp.example"
    assert browser.gain("facebook-stub", facebook_person)["status"] == "email_required"


def test_internal_routes_are_not_there_for_anybody_outside(user: Person) -> None:
    assert user.post("/oauth/internal/erase", json={"owner_id": user.id}).status_code == 404
    assert user.get(f"/oauth/internal/identities?user_id={user.id}").status_code == 404


@pytest.mark.parametrize(
    "return_to", ["https://attacker.example/", "http://127.0.0.1.attacker.example/", "//attacker.example"]
)
def test_a_sign_in_ends_nowhere_else(anonymous: httpx.Client, return_to: str) -> None:
    sent = {"return_to": return_to, "exchange_challenge": "A" * 43}

    answer = anonymous.post("/oauth/local-idp/start", json=sent)

    assert answer.status_code == 422 and "set-cookie" not in answer.headers


@pytest.fixture
def page(chromium: Chromium, base_url: str, stand_ins: str) -> Iterator[Page]:
    """The demo page, with nobody signed in."""
    found = chromium.open(f"{base_url}/demo/sign-in")
    found.until("document.querySelector('#providers button') !== null")
    yield found
    found.goto(f"{base_url}/demo/sign-in")
    found.run("fetch('/sessions/logout', {method: 'POST'})")


def press(page: Page, text: str, inside: str = "body") -> None:
    """The button with this text, once it is there and may be pressed."""
    buttons = f"[...document.querySelectorAll('{inside} button:not([disabled])')]"
    wanted = f"{buttons}.find((one) => one.textContent.startsWith({json.dumps(text)}))"
    page.until(f"{wanted} !== undefined")
    page.run(f"{wanted}.click()")


def choose(page: Page, button: str, person: str) -> None:
    """Press the provider's button, and say there who one is."""
    press(page, button, "#providers")
    page.until(f"document.querySelector('button[value=\"{person}\"]') !== null")
    page.run(f"document.querySelector('button[value=\"{person}\"]').click()")


SIGNED_IN = "document.querySelector('#signed-in:not([hidden])') && document.querySelector('#who').textContent"


@pytest.mark.parametrize(("button", "at"), [("Local IdP", "idp"), ("GitHub (stub)", "github")])
def test_a_button_of_the_demo_signs_a_person_in(page: Page, stand_ins: str, button: str, at: str) -> None:
    person = somebody(stand_ins, at)

    choose(page, button, person)

    assert page.until(SIGNED_IN) == f"{person}@idp.example"
    cookie = page.cookies(page.run("location.href"))["__Host-tessera_otx"]
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Lax"
    # The code is out of the address, so that a reload does not try it again.
    assert page.run("location.hash") == ""


def test_a_refusal_at_the_provider_is_told_on_the_page(page: Page, stand_ins: str) -> None:
    choose(page, "Local IdP", "")

    assert "provider-denied" in page.until("document.querySelector('#said')?.textContent")


def test_an_address_is_asked_for_on_the_page(page: Page, stand_ins: str, mailbox: Mailbox) -> None:
    person = somebody(stand_ins, verified=False)
    email = f"{person}@example.com"
    choose(page, "Local IdP", person)
    page.until("document.querySelector('#address:not([hidden])') !== null")

    page.run(f"document.querySelector('#address').email.value = {json.dumps(email)}")
    press(page, "Go on", "#address")
    code = mailbox.latest(email).code
    page.run(f"document.querySelector('#address').code.value = {json.dumps(code)}")
    press(page, "Go on", "#address")

    assert page.until(SIGNED_IN) == email
