"""People for end-to-end tests: signed up through the public API, with the code from the mail they got."""

import base64
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from tests.kit import contract
from tests.kit.internal import invoke

T = TypeVar("T")

# Only who waits in vain waits so long, and a machine may be busy with other things.
WITHIN_SECONDS = 90.0
# A person may read ten times a second for long.
EVERY_SECONDS = 0.1
LONGEST_TEST_SECONDS = 300
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_LINK = re.compile(r"https?://[^\s\"<>]+#[^\s\"<>]+")


def eventually(look: Callable[[], T | None], *, within: float = WITHIN_SECONDS, what: str = "it") -> T:
    """What `look` finds, as soon as it finds something. Raises `AssertionError` when it never does."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"{what} did not come within {within:g} s"
        time.sleep(EVERY_SECONDS)


def until(
    read: Callable[[], T], holds: Callable[[T], object], *, within: float = WITHIN_SECONDS, every: float = EVERY_SECONDS
) -> T:
    """What `read` returns, as soon as it holds. Raises `AssertionError` with what was read last when it never does."""
    deadline = time.monotonic() + within
    while not holds(found := read()):
        assert time.monotonic() < deadline, f"Still {found} after {within:g} s"
        time.sleep(every)
    return found


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer; who meets a limit waits as long as the limit says, as any client would."""
    while (answer := ask()).status_code == 429:
        time.sleep(int(answer.headers["retry-after"]))
    return answer


@dataclass(frozen=True)
class Mail:
    subject: str
    text: str
    sent_at: float

    @property
    def code(self) -> str:
        return str(_CODE.findall(self.text)[0])

    @property
    def link(self) -> str:
        return str(_LINK.findall(self.text)[0])

    @property
    def token(self) -> str:
        """What stands behind the `=` of the link's fragment."""
        return self.link.partition("#")[2].partition("=")[2]


class Mailbox:
    """What the emulator's mail service has sent; see `localstack/sent_mail.py`."""

    def __init__(self, emulator_url: str) -> None:
        self._http = httpx.Client(base_url=emulator_url, timeout=10)

    def all(self, email: str) -> list[Mail]:
        """Every mail to this address, oldest first."""
        found = self._http.get("/_tessera/mails", params={"to": email}).raise_for_status().json()["messages"]
        return [Mail(entry["Subject"], entry["BodyText"], float(entry["Timestamp"])) for entry in found]

    def latest(self, email: str, *, after: int = 0, subject: str = "", within: float = WITHIN_SECONDS) -> Mail:
        """The newest mail to this address, once there are more than `after` (with this in the subject)."""

        def look() -> Mail | None:
            mails = [mail for mail in self.all(email) if subject.lower() in mail.subject.lower()]
            return mails[-1] if len(mails) > after else None

        return eventually(look, within=within, what=f"A mail {subject!r} to {email}")


@dataclass
class Person:
    """Somebody signed in: `person.get("/tasks")` is asked in their name."""

    email: str
    password: str
    user: dict[str, Any]
    tokens: dict[str, Any]
    http: httpx.Client = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.user["id"])

    @property
    def seconds_left(self) -> float:
        """How long the access token is good for, as it says itself."""
        claims = self.tokens["access_token"].split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=="))["exp"]) - time.time()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens['access_token']}", **(options.pop("headers", None) or {})}
        return self.http.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def refresh(self) -> httpx.Response:
        """Take the next pair of tokens; a refusal leaves the old one."""
        answer = self.http.post("/accounts/token/refresh", json={"refresh_token": self.tokens["refresh_token"]})
        if answer.is_success:
            self.tokens = {**self.tokens, **answer.json()}
        return answer

    def sign_in(self, password: str = "", **options: Any) -> httpx.Response:
        """Another session of the same person; its tokens are in the answer."""
        body = {"email": self.email, "password": password or self.password, **options}
        return self.http.post("/accounts/login", json=body)


class People:
    """Makes people, and keeps a pool of them for tests that only need somebody."""

    def __init__(self, base_url: str, emulator_url: str) -> None:
        self.base_url, self.mailbox = base_url, Mailbox(emulator_url)
        self._document = contract.Document.load()
        self._pool: dict[tuple[str, int], Person] = {}
        self._by_role: dict[str, Person] = {}

    def client(self) -> httpx.Client:
        """A client of nobody's, with a loopback address of its own where the system lends one.

        Limits count by address, and a test must not use up those of another.
        """
        is_local = urlsplit(self.base_url).hostname in ("127.0.0.1", "localhost") and sys.platform == "linux"
        address = f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(255)}.{secrets.randbelow(254) + 1}"
        transport = httpx.HTTPTransport(local_address=address) if is_local else None
        hooks = contract.hooks(self._document)
        return httpx.Client(base_url=self.base_url, transport=transport, timeout=30, event_hooks=hooks)

    def new(self, *, email: str = "", password: str = "", **profile: Any) -> Person:
        """Somebody new: signed up, confirmed by the code from their mail, signed in."""
        email = email or f"person-{secrets.token_hex(6)}@example.com"
        password = password or f"kite-{secrets.token_urlsafe(12)}"
        http = self.client()
        asked = http.post("/accounts/sign-up", json={"email": email, "password": password, **profile})
        assert asked.status_code == 202, asked.text
        code = self.mailbox.latest(email).code
        sent = {"sign_up_id": asked.json()["sign_up_id"], "code": code, "device_name": "test"}
        made = http.post("/accounts/sign-up/verify", json=sent)
        assert made.status_code == 201, made.text
        tokens = made.json()
        return Person(email, password, tokens.pop("user"), tokens, http)

    def with_role(self, role: str) -> Person:
        """Somebody with this role, signed in with it: named by E2E_USERS, or made by a direct invocation.

        No route of the API grants a first role, so on a local stack the internal route does.
        """
        if role not in self._by_role:
            self._by_role[role] = self._named(role) or self._promoted(role)
        person = self._by_role[role]
        if person.get("/accounts/me").status_code == 401:
            person.tokens = person.sign_in().raise_for_status().json()
        return person

    def admin(self) -> Person:
        return self.with_role("admin")

    def _named(self, role: str) -> Person | None:
        users = json.loads(os.environ.get("E2E_USERS") or '{"users": []}')["users"]
        found = next((user for user in users if user["role"] == role), None)
        if found is None:
            return None
        http = self.client()
        given = {"email": found["email"], "password": found["password"]}
        tokens = http.post("/accounts/login", json=given).raise_for_status().json()
        return Person(found["email"], found["password"], tokens.get("user", {}), tokens, http)

    def _promoted(self, role: str) -> Person:
        person = self.new()
        path = f"/accounts/internal/users/{person.id}/roles"
        status, said = invoke("seed", "POST", path, {"roles": [role]})
        assert status < 300, said
        person.tokens = person.sign_in().raise_for_status().json()
        return person

    def pooled(self, number: int = 0, *, of: str = "") -> Person:
        """The same person each time this number of a group is asked for, with a token that is good for some minutes.

        For tests that leave the account itself alone; their data must be told apart by other means.
        """
        if (of, number) not in self._pool:
            self._pool[of, number] = self.new()
        person = self._pool[of, number]
        if person.seconds_left < LONGEST_TEST_SECONDS or person.get("/accounts/me").status_code == 401:
            person.refresh()
        return person
