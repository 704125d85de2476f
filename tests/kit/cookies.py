"""A browser's cookies for an HTTP client that would drop them: `Secure` ones over plain HTTP, `__Host-` ones anywhere.

    browser = Browser(httpx.Client(base_url="http://127.0.0.1:8000"), "http://127.0.0.1:8000")
    browser.post("/sessions/login", json={…})
    browser.get("/tasks")

It keeps what a browser would keep, so a cookie that breaks the rules of its prefix fails the test that sets it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

SAFE = frozenset(["GET", "HEAD", "OPTIONS"])
CSRF = "__Host-tessera_csrf"


class Client(Protocol):
    cookies: httpx.Cookies

    def request(self, method: str, url: str, **options: Any) -> Any: ...


@dataclass(frozen=True)
class SetCookie:
    """One `Set-Cookie` as it was sent. `attributes` are in lower case, those without a value hold ""."""

    name: str
    value: str
    attributes: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> "SetCookie":
        pair, *rest = (part.strip() for part in text.split(";"))
        name, _, value = pair.partition("=")
        named = (part.partition("=") for part in rest)
        return cls(name, value, {key.lower(): given for key, _, given in named})

    @property
    def is_removed(self) -> bool:
        return self.attributes.get("max-age") == "0"

    def broken_rule(self) -> str:
        """Why a browser would not keep it (RFC 6265bis 4.1.3); "" when it would."""
        if "secure" not in self.attributes and self.name.startswith(("__Host-", "__Secure-")):
            return "its prefix asks for Secure"
        if self.name.startswith("__Host-") and ("domain" in self.attributes or self.attributes.get("path") != "/"):
            return "its prefix asks for Path=/ and no Domain"
        too_large = len(self.name) + len(self.value) > 4_096
        return "it is larger than 4,096 bytes" if too_large else ""


def set_cookies(answer: Any) -> dict[str, SetCookie]:
    """Every cookie that an answer sets, by name. A name set twice is a failure."""
    found = [SetCookie.parse(text) for text in answer.headers.get_list("set-cookie")]
    assert len({cookie.name for cookie in found}) == len(found), found
    return {cookie.name: cookie for cookie in found}


@dataclass
class Browser:
    """A client with one origin and a jar.

    `same_origin=False` leaves out what only a browser says of itself, no `origin` the other half of it.
    """

    client: Client
    origin: str
    same_origin: bool = True
    jar: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, **options: Any) -> Any:
        given = {name.lower(): value for name, value in (options.pop("headers", None) or {}).items()}
        headers = {**self._said(method), **given}
        if self.jar:
            headers.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items()))
        # Its own jar obeys Secure, and would send a second copy of what it does keep.
        self.client.cookies.clear()
        answer = self.client.request(method, path, headers=headers, **options)
        self._keep(answer)
        return answer

    def get(self, path: str, **options: Any) -> Any:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.request("DELETE", path, **options)

    def patch(self, path: str, **options: Any) -> Any:
        return self.request("PATCH", path, **options)

    def tab(self, client: Client | None = None) -> "Browser":
        """Another tab: the same cookies, and requests of its own."""
        return Browser(client or self.client, self.origin, self.same_origin, self.jar)

    @property
    def csrf(self) -> dict[str, str]:
        """The header that a page of another origin sends."""
        return {"x-csrf-token": self.jar[CSRF]}

    def _said(self, method: str) -> dict[str, str]:
        said = {} if method in SAFE or not self.origin else {"origin": self.origin}
        return {**said, "sec-fetch-site": "same-origin"} if self.same_origin else said

    def _keep(self, answer: Any) -> None:
        for cookie in set_cookies(answer).values():
            assert not cookie.broken_rule(), f"{cookie.name} would not be kept: {cookie.broken_rule()}."
            if cookie.is_removed:
                self.jar.pop(cookie.name, None)
            else:
                self.jar[cookie.name] = cookie.value
