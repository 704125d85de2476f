"""Requests by HTTP/2 (RFC 9113) to one host that our own code names: Apple's devices are reached in no other way.

The host is looked up, judged, dialled and secured by `safehttp`; the frames are those of `h2`, which loads with this
module. A connection is kept between requests and invocations. It belongs to one request while that lasts, and to the
next one afterwards: threads share nothing but the list of those that are free, so nobody waits for another one's
answer, and no frame is read by a thread that it is not for. Until it has seen a good token, Apple takes one stream at a
time on a connection anyway.
"""

import ssl
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from tessera import clock, log
from tessera.safehttp import Fetched, dial
from tessera.safehttp.client import within_deadline
from tessera.safehttp.gate import Gate
from tessera.safehttp.problems import AddressRefused, DNSFailed, FetchFailed, TLSFailed
from tessera.safehttp.wire import Budget

from ..outcomes import Failed, NotSent, Refused, Unsure
from ..wire import CONNECT_SECONDS, TOTAL_SECONDS
from .connection import Connection, Lost
from .messages import NotProcessed, Request

MAX_FREE = 8


@dataclass(frozen=True)
class Limits:
    connect_seconds: float = CONNECT_SECONDS
    total_seconds: float = TOTAL_SECONDS
    # While a function is frozen a connection may die unheard; a PING finds out before anything is entrusted to it.
    ping_after_seconds: float = 2.0
    ping_seconds: float = 1.0
    # A NAT gateway forgets a connection that was silent for 350 seconds.
    keep_seconds: float = 300.0


@cache
def trust(authority: str | None = None) -> ssl.SSLContext:
    """The system's authorities, or this one alone; TLS 1.2 and later, and nothing but HTTP/2 over it."""
    made = ssl.create_default_context(cadata=authority)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["h2"])
    return made


class HTTP2:
    """A client of one origin, for any number of threads."""

    def __init__(
        self,
        origin: str,
        gate: Gate,
        *,
        limits: Limits = Limits(),
        resolve: dial.Resolve = dial.lookup,
        trust: dial.Trust = trust,
    ) -> None:
        self._target, self._gate, self._limits = gate.target(origin), gate, limits
        self._resolve, self._trust = resolve, trust
        self._free: deque[Connection] = deque()

    def post(self, path: str, body: bytes, headers: Mapping[str, str], *, purpose: str) -> Fetched:
        """The answer, of whatever status, cut where it is too long. 1 request; 2 if nothing came of the first.

        Raises `Refused` for what is never asked, `Failed` when nothing was processed, `Unsure` when something may
        have been.
        """
        started, outcome, status = clock.monotonic(), "failed", 0
        budget = Budget(within_deadline(self._limits.total_seconds))
        try:
            found = self._post(Request(self._target.authority, path, headers, body), budget)
            outcome, status = "done", found.status
            return found
        except (NotSent, Unsure) as error:
            outcome = str(error)
            raise
        finally:
            took = round((clock.monotonic() - started) * 1000, 2)
            log.line("fetch", kind=f"notify:{purpose}", outcome=outcome, status=status, duration_ms=took)

    def _post(self, request: Request, budget: Budget) -> Fetched:
        kept = self._kept(budget)
        if kept is not None:
            with suppress(NotProcessed):
                return self._through(kept, request, budget)
        return self._through(self._dialled(budget), request, budget)

    def _kept(self, budget: Budget) -> Connection | None:
        """The one that was used last, if it still answers. If not, the others have been silent for even longer."""
        with suppress(IndexError):
            found = self._free.pop()
            if self._is_alive(found, budget):
                return found
            found.close()
            while True:
                self._free.pop().close()
        return None

    def _is_alive(self, connection: Connection, budget: Budget) -> bool:
        silent, limits = clock.monotonic() - connection.used_at, self._limits
        if silent >= limits.keep_seconds:
            return False
        try:
            if silent >= limits.ping_after_seconds:
                connection.ping(budget.part(limits.ping_seconds))
            else:
                connection.catch_up()
        except Lost:
            return False
        return not connection.is_ending

    def _dialled(self, budget: Budget) -> Connection:
        try:
            step = budget.part(self._limits.connect_seconds)
            addresses = dial.addresses_of(self._target, self._gate, self._resolve, step)
            made = dial.connect(self._target, addresses, step, reach=dial.reach, trust=self._trust)
        except AddressRefused as error:
            raise Refused(error.slug) from error
        except FetchFailed as error:
            raise Failed(error.slug if isinstance(error, DNSFailed | TLSFailed) else "not-reached") from error
        if not isinstance(made, ssl.SSLSocket) or made.selected_alpn_protocol() != "h2":
            made.close()
            raise Failed("not-http2")
        connection = Connection(made)
        try:
            connection.begin(step)
        except Lost as error:
            connection.close()
            raise Failed(str(error)) from error
        return connection

    def _through(self, connection: Connection, request: Request, budget: Budget) -> Fetched:
        try:
            return connection.ask(request, budget)
        finally:
            if connection.is_reusable and len(self._free) < MAX_FREE:
                self._free.append(connection)
            else:
                connection.close()
