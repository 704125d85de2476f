"""Requests to providers: only through the safe client, short, small, never on to another place."""

import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from tessera.safehttp import Fetched, SafeHTTP
from tessera.safehttp.gate import Gate
from tessera.safehttp.problems import (
    AddressRefused,
    DNSFailed,
    FetchFailed,
    SchemeRefused,
    TLSFailed,
    TookTooLong,
    URLInvalid,
)
from tessera.settings import Bindings

from .outcomes import Failed, Refused, Unsure

CONNECT_SECONDS, TOTAL_SECONDS, MAX_BYTES = 3.0, 8.0, 64_000
LONGEST_PAUSE = 21_600
# What `safehttp` says of a host that no connection could be made to: nothing was sent.
NOT_REACHED = "The host does not answer."


class Wire:
    def __init__(self, web: SafeHTTP, *, total_seconds: float = TOTAL_SECONDS) -> None:
        self._web, self._total_seconds = web, total_seconds

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(SafeHTTP))

    @property
    def gate(self) -> Gate:
        return self._web.gate

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        purpose: str,
        ours: bool = False,
        method: str = "POST",
    ) -> Fetched:
        """The answer, of whatever status. 1 request. `ours` is a host that configuration names.

        Raises `Refused` for what is never asked, `Failed` when nothing was sent, `Unsure` when something may have been.
        """
        host = urlsplit(url).hostname or ""
        try:
            return self._web.fetch(
                url,
                purpose=f"notify:{purpose}",
                method=method,
                headers=headers,
                body=body,
                max_bytes=MAX_BYTES,
                connect_seconds=CONNECT_SECONDS,
                total_seconds=self._total_seconds,
                # A message must not follow a redirect to where nobody agreed to.
                redirects=0,
                allow_hosts=frozenset([host]) if ours else frozenset(),
                truncate=True,
            )
        except (URLInvalid, SchemeRefused, AddressRefused) as error:
            raise Refused(error.slug) from error
        except (DNSFailed, TLSFailed) as error:
            raise Failed(error.slug) from error
        except FetchFailed as error:
            if error.detail == NOT_REACHED:
                raise Failed("not-reached") from error
            raise Unsure("timeout" if isinstance(error, TookTooLong) else error.slug) from error

    def check(self, url: str) -> None:
        """Whether a URL may be sent to at all, by its text. Raises a `FetchFailed`."""
        target = self._web.gate.target(url)
        if target.scheme != "https" and not target.is_opened:
            raise SchemeRefused("Only https is sent to.")


def json_of(found: Fetched) -> Mapping[str, Any]:
    """What an answer says; empty for one that is not an object."""
    try:
        said = json.loads(found.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def pause_of(found: Fetched) -> int:
    """How long the provider asks to be left alone; dates are not read."""
    said = found.headers.get("retry-after", "")
    return min(int(said), LONGEST_PAUSE) if said.isdecimal() else 0


def judged(found: Fetched, reason: str) -> Failed | Refused:
    """What a status means that nothing more is known of."""
    if found.status == 429 or found.status >= 500 or found.status == 408:
        return Failed(reason, pause_of(found))
    return Refused(reason)
