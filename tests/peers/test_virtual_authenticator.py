"""Passkeys with a real browser: Chromium, its own WebAuthn and its virtual authenticator, by the DevTools protocol."""

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.sync.client import connect

from tests.kit.people import People, Person, eventually

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Page:
    """A page of the browser, and what it is told over DevTools."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._numbers = socket, itertools.count(1)

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            answer = json.loads(self._socket.recv(timeout=30))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                found: dict[str, Any] = answer["result"]
                return found

    def run(self, script: str) -> Any:
        """What the script's promise comes to."""
        found = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        parsed = f"PublicKeyCredential.parseCreationOptionsFromJSON({json.dumps(options)})"
        made: dict[str, Any] = self.run(
            f"navigator.credentials.create({{publicKey: {parsed}}}).then(found => found.toJSON())"
        )
        return made

    def refusal(self, options: dict[str, Any]) -> str:
        """The name of the error that `create` ends with."""
        parsed = f"PublicKeyCredential.parseCreationOptionsFromJSON({json.dumps(options)})"
        return str(self.run(f"navigator.credentials.create({{publicKey: {parsed}}}).then(String, error => error.name)"))

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        parsed = f"PublicKeyCredential.parseRequestOptionsFromJSON({json.dumps(options)})"
        shown: dict[str, Any] = self.run(
            f"navigator.credentials.get({{publicKey: {parsed}}}).then(found => found.toJSON())"
        )
        return shown


@pytest.fixture
def ann(people: People) -> Person:
    return people.new(name="Ann")


@pytest.fixture
def page(people: People, tmp_path: Path) -> Iterator[Page]:
    """A page of ours, under the one name for this machine that browsers make passkeys for."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("No Chromium on this machine: install it to try passkeys in a browser.")
    port = urlsplit(people.base_url).port
    address = f"http://localhost:{port}/" if port else f"{people.base_url}/"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command += [f"--user-data-dir={tmp_path}", "--remote-debugging-port=0", address]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        devtools = eventually(lambda: _port_told(tmp_path / "DevToolsActivePort"), what="DevTools")
        with connect(eventually(lambda: _socket_of(devtools, address), what="The page"), max_size=None) as socket:
            found = Page(socket)
            eventually(lambda: found.run("document.readyState") == "complete" or None, what="The loaded page")
            found.ask("WebAuthn.enable")
            found.ask("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
            yield found
    finally:
        process.terminate()
        process.wait(timeout=30)


def _port_told(file: Path) -> str | None:
    """The first of the file's two lines, once it has both: the browser makes the file before it fills it."""
    told = file.read_text().splitlines() if file.exists() else []
    return told[0] if len(told) > 1 else None


def _socket_of(devtools: str, address: str) -> str | None:
    try:
        pages = httpx.get(f"http://127.0.0.1:{devtools}/json/list", timeout=5).json()
    except httpx.TransportError:
        return None
    return next((one["webSocketDebuggerUrl"] for one in pages if one["url"].startswith(address)), None)


def test_a_browser_makes_a_passkey_and_signs_in_with_it(page: Page, ann: Person):
    asked = ann.post("/accounts/me/passkeys/options").json()
    made = ann.post(
        "/accounts/me/passkeys",
        json={"challenge_id": asked["challenge_id"], "credential": page.create(asked["publicKey"]), "name": "Chromium"},
    )
    assert made.status_code == 201, made.text
    options = ann.http.post("/accounts/login/passkey/options", json={}).json()

    shown = page.get(options["publicKey"])
    done = ann.http.post("/accounts/login/passkey", json={"challenge_id": options["challenge_id"], "credential": shown})

    assert done.status_code == 200, done.text
    assert done.json()["user"]["id"] == ann.id


def test_a_browser_shows_a_passkey_as_the_second_factor(page: Page, ann: Person):
    asked = ann.post("/accounts/me/passkeys/options").json()
    credential = page.create(asked["publicKey"])
    ann.post("/accounts/me/passkeys", json={"challenge_id": asked["challenge_id"], "credential": credential})
    pending = ann.sign_in().json()
    options = ann.http.post("/accounts/login/passkey/options", json={"mfa_token": pending["mfa_token"]}).json()

    body = {"mfa_token": pending["mfa_token"], "method": "passkey", "credential": page.get(options["publicKey"])}
    done = ann.http.post("/accounts/login/mfa", json=body)

    assert done.status_code == 200, done.text


def test_a_browser_makes_no_second_passkey_on_the_same_device(page: Page, ann: Person):
    first = ann.post("/accounts/me/passkeys/options").json()
    credential = page.create(first["publicKey"])
    ann.post("/accounts/me/passkeys", json={"challenge_id": first["challenge_id"], "credential": credential})

    again = ann.post("/accounts/me/passkeys/options").json()

    assert page.refusal(again["publicKey"]) == "InvalidStateError"
