"""Fetching: the gate, a connection, the answer, and each redirect through all of it again."""

import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin

from tessera import clock, log
from tessera.safehttp import body as bodies
from tessera.safehttp import dial
from tessera.safehttp.gate import Gate, SafeHTTPSettings, Target
from tessera.safehttp.problems import (
    AddressRefused,
    ContentTypeRefused,
    FetchFailed,
    TooManyRedirects,
    UpstreamStatus,
)
from tessera.safehttp.wire import Budget, Pace, Wire
from tessera.settings import Bindings

AGENT = "Tessera/1"
REDIRECTS = frozenset([301, 302, 303, 307, 308])
# What would tell on us, speak for somebody else, or take the connection out of our hands.
NEVER_SENT = frozenset(
    """host connection content-length transfer-encoding te trailer upgrade expect keep-alive accept-encoding
    cookie referer proxy-authorization proxy-connection""".split()
)
# The platform ends a function that is late; a problem must still get out.
SPARE_SECONDS = 0.3


@dataclass(frozen=True)
class Fetched:
    """An answer, whatever its status. `headers` are in lower case; of repeated ones, the values stand joined.

    `url` is where it came from in the end, `hops` the URLs before that. `downgraded` says that a redirect led
    from https to http, `truncated` that there was more than was asked for.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    hops: tuple[str, ...] = ()
    truncated: bool = False
    downgraded: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def require_ok(self) -> Self:
        """Raises `UpstreamStatus` for anything but success."""
        if not self.ok:
            raise UpstreamStatus(f"The other side answered {self.status}.")
        return self


@dataclass(frozen=True)
class _Asked:
    """What is the same for every hop of one fetch."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None
    accept: Sequence[str]
    max_bytes: int
    connect_seconds: float
    allow_hosts: frozenset[str]
    truncate: bool
    enough: bodies.Enough | None
    budget: Budget


class SafeHTTP:
    """The client of one app."""

    def __init__(
        self,
        gate: Gate = Gate(),
        *,
        resolve: dial.Resolve = dial.lookup,
        reach: dial.Reach = dial.reach,
        trust: dial.Trust = dial.trust,
        pace: Pace = Pace(),
    ) -> None:
        self.gate, self._resolve, self._reach, self._trust, self._pace = gate, resolve, reach, trust, pace

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Gate.of(bindings.settings(SafeHTTPSettings)))

    def check(self, url: str, *, seconds: float = 5.0, named: frozenset[str] = frozenset()) -> None:
        """Whether a URL could be fetched, its addresses included, without fetching it. Raises a `FetchFailed`.

        `named` are hosts that may be at AWS or ourselves, where it is not we who will go there.
        """
        target = self.gate.target(url, named=named)
        dial.addresses_of(target, self.gate, self._resolve, Budget(seconds))

    def fetch(
        self,
        url: str,
        *,
        purpose: str = "",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        accept: Sequence[str] = (),
        max_bytes: int = 1_000_000,
        connect_seconds: float = 2.0,
        total_seconds: float = 10.0,
        redirects: int = 5,
        same_origin: bool = False,
        allow_hosts: frozenset[str] = frozenset(),
        truncate: bool = False,
        enough: bodies.Enough | None = None,
    ) -> Fetched:
        """The answer at this URL, of whatever status. Raises a `FetchFailed` that says what was in the way.

        `accept` are media types, `image/*` among them; a success of another kind is refused. `redirects=0` gives
        a redirect back as the answer; with `same_origin` one that leads elsewhere is refused. `allow_hosts` are
        names from configuration that may be at AWS or ourselves. An `Authorization` of the caller's goes to the
        first origin only. With `truncate` a longer body is cut at `max_bytes` instead of refused, and with `enough`
        as soon as that says so of what has come. `purpose` is for the log, where no address may stand.
        """
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if not NEVER_SENT.isdisjoint(sent):
            raise ValueError(f"Never sent: {', '.join(sorted(NEVER_SENT & sent.keys()))}.")
        started = clock.monotonic()
        budget = Budget(within_deadline(total_seconds))
        asked = _Asked(method, sent, body, accept, max_bytes, connect_seconds, allow_hosts, truncate, enough, budget)
        outcome, status = "failed", 0
        try:
            found = self._follow(url, asked, redirects, same_origin=same_origin)
            outcome, status = "done", found.status
            return found
        except FetchFailed as failed:
            outcome = failed.slug
            raise
        finally:
            took = round((clock.monotonic() - started) * 1000, 2)
            log.line("fetch", kind=purpose, outcome=outcome, status=status, duration_ms=took)

    def _follow(self, url: str, asked: _Asked, redirects: int, *, same_origin: bool) -> Fetched:
        first = target = self.gate.target(url, named=asked.allow_hosts)
        hops: list[str] = []
        downgraded, method, body, headers = False, asked.method, asked.body, dict(asked.headers)
        while True:
            found = self._once(target, asked, method, headers, body)
            where = found.headers.get("location", "")
            if found.status not in REDIRECTS or not where or redirects == 0:
                return Fetched(
                    found.status, found.headers, found.body, target.url, tuple(hops), found.truncated, downgraded
                )
            hops.append(target.url)
            if len(hops) > redirects:
                raise TooManyRedirects(f"At most {redirects} redirects are followed.")
            after = self.gate.target(_joined(target.url, where), named=asked.allow_hosts)
            if same_origin and after.origin != first.origin:
                raise AddressRefused("The redirect leads to another host.")
            downgraded = downgraded or (target.scheme, after.scheme) == ("https", "http")
            if after.origin != target.origin:
                headers.pop("authorization", None)
            # RFC 9110 15.4: only 307 and 308 keep a method that is not safe.
            if found.status not in (307, 308) and method not in ("GET", "HEAD"):
                method, body = "GET", None
                headers.pop("content-type", None)
            target = after

    def _once(self, target: Target, asked: _Asked, method: str, headers: dict[str, str], body: bytes | None) -> Fetched:
        addresses = dial.addresses_of(target, self.gate, self._resolve, asked.budget)
        step = asked.budget.part(asked.connect_seconds)
        connection = dial.connect(target, addresses, step, reach=self._reach, trust=self._trust)
        try:
            wire = Wire(connection, asked.budget, self._pace)
            answer = _exchange(wire, target, method, {**_usual(asked.accept), **headers}, body)
            # Of a redirect only its direction is wanted.
            if answer.status in REDIRECTS:
                return Fetched(answer.status, _headers(answer), b"", target.url)
            made = Fetched(answer.status, _headers(answer), b"", target.url)
            if made.ok and asked.accept and not _is_accepted(made.media_type, asked.accept):
                raise ContentTypeRefused("What came is of another kind than was asked for.")
            content, truncated = bodies.read(answer, asked.max_bytes, truncate=asked.truncate, enough=asked.enough)
            return Fetched(answer.status, made.headers, content, target.url, truncated=truncated)
        finally:
            connection.close()


# With nothing opened, for whoever has no app to bind one to. It holds no state.
fetch = SafeHTTP().fetch


def _exchange(
    wire: Wire, target: Target, method: str, headers: Mapping[str, str], body: bytes | None
) -> http.client.HTTPResponse:
    """One request and the head of its answer. Raises `FetchFailed`, `TooLarge`, `TookTooLong`."""
    connection = http.client.HTTPConnection(target.host, target.port)
    # It writes to what it takes for its socket and would open no other one.
    connection.auto_open = 0
    connection.sock = wire
    try:
        connection.putrequest(method, target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"host": target.authority, **headers, "connection": "close"}.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
    except (http.client.HTTPException, OSError) as error:
        raise FetchFailed("What came is not HTTP.") from error
    wire.in_header = False
    return answer


def _usual(accept: Sequence[str]) -> dict[str, str]:
    return {"user-agent": AGENT, "accept": ", ".join(accept) or "*/*", "accept-encoding": bodies.ENCODINGS}


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in answer.getheaders():
        found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
    return found


def _is_accepted(media_type: str, accept: Sequence[str]) -> bool:
    """An answer that does not say what it is may be anything; whoever asked looks for themselves."""
    kind = media_type.partition("/")[0]
    return not media_type or bool({media_type, f"{kind}/*", "*/*"} & {entry.partition(";")[0] for entry in accept})


def _joined(base: str, where: str) -> str:
    try:
        # `http.client` reads headers as Latin-1; where a server writes more than ASCII, it writes UTF-8.
        return urljoin(base, where.strip().encode("latin-1").decode("utf-8"))
    except ValueError:
        return where


def within_deadline(seconds: float) -> float:
    deadline = log.current().deadline
    return seconds if deadline is None else min(seconds, deadline - clock.monotonic() - SPARE_SECONDS)
