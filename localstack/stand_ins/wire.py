"""One request and one answer, whoever carries them, and what every stand-in has: a journal and faults."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

JOURNAL_LENGTH = 500


@dataclass(frozen=True)
class Asked:
    """`path` is the one below the stand-in's own address."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> "Answer":
        always = {"content-type": "application/json", "cache-control": "no-store"}
        return cls(status, {**always, **headers}, json.dumps(value).encode())

    @classmethod
    def html(cls, title: str, body: str, status: int = 200) -> "Answer":
        text = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(title)}</title><link rel="stylesheet" href="/assets/tessera.css"></head>'
            f'<body><main id="main"><h1>{escape(title)}</h1>{body}</main></body></html>'
        )
        return cls(status, {"content-type": "text/html; charset=utf-8"}, text.encode())

    @classmethod
    def redirect(cls, url: str, values: Mapping[str, str] | None = None) -> "Answer":
        joint = "&" if "?" in url else "?"
        return cls(303, {"location": f"{url}{joint}{urlencode(values)}" if values else url})


class Refused(Exception):
    """An answer that ends the request at once."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class StandIn:
    """What a provider's stand-in has in common: `base` is where it is served, without a slash at the end.

    Below `/control` a test or a person looks at the journal and switches faults on; no provider has that.
    """

    def __init__(self) -> None:
        self.base = ""
        self.journal: deque[Asked] = deque(maxlen=JOURNAL_LENGTH)
        self.faults: dict[str, Any] = {}

    def answer(self, asked: Asked) -> Answer:
        try:
            if asked.path.startswith("/control"):
                return self.control(asked)
            self.journal.append(asked)
            return self.say(asked)
        except Refused as refused:
            return refused.answer

    def say(self, asked: Asked) -> Answer:
        """What the provider would answer."""
        raise NotImplementedError

    def control(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("GET", "/control/journal"):
            return Answer.json([{"method": one.method, "path": one.path} for one in self.journal])
        if (asked.method, asked.path) == ("PUT", "/control/faults"):
            self.faults = dict(asked.json() or {})
            return Answer.json(self.faults)
        return Answer.json({"error": "not_found"}, 404)

    def fault(self, name: str) -> Any:
        """The value of a fault that is switched on, or None."""
        return self.faults.get(name)


def broken(kind: str) -> Answer | None:
    """What a provider answers that is out of order in one of these ways."""
    if kind == "html":
        return Answer(200, {"content-type": "text/html"}, b"<html>maintenance</html>")
    if kind == "huge":
        return Answer(200, {"content-type": "application/json"}, b'{"padding": "' + b"x" * 600_000 + b'"}')
    if kind == "metadata":
        return Answer(302, {"location": "http://169.254.169.254/latest/meta-data/"})
    if kind == "elsewhere":
        return Answer(302, {"location": "http://other.example/token"})
    return Answer.json({"error": "server_error"}, int(kind)) if kind.isdecimal() else None
