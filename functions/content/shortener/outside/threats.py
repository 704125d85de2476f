"""Who knows which URLs are harmful: a port, and Google's Safe Browsing Lookup API v4 behind it.

https://developers.google.com/safe-browsing/v4/lookup-api: up to 500 URLs a request; an empty answer means that none of
them is on a list. The key is `{"safe_browsing": {"key": …}}` in the secret of providers; without one nothing is asked.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol, Self
from urllib.parse import quote, urlsplit

from tessera import log
from tessera.providers import Providers, SecretUnread
from tessera.safehttp import FetchFailed, SafeHTTP
from tessera.settings import Bindings

from ..config import ShortenerSettings

API = "https://safebrowsing.googleapis.com"
# Opens nothing but the stand-in of the local cloud.
DEMO_KEY = "a-key-of-no-worth"
AT_ONCE = 500
SECONDS = 3.0
KINDS = ("MALWARE", "SOCIAL_ENGINEERING", "UNWANTED_SOFTWARE", "POTENTIALLY_HARMFUL_APPLICATION")


class ThreatsAway(Exception):
    """The list cannot be asked now."""


class ThreatList(Protocol):
    def find(self, urls: Sequence[str]) -> Mapping[str, str]:
        """Those of these URLs that are harmful, and as what. Raises `ThreatsAway`."""
        ...


class NoThreats:
    """Where no list was set up."""

    def find(self, urls: Sequence[str]) -> Mapping[str, str]:
        return {}


class SafeBrowsing:
    def __init__(self, web: SafeHTTP, base: str, key: str) -> None:
        self._web, self._base, self._key = web, base.rstrip("/"), key

    def find(self, urls: Sequence[str]) -> Mapping[str, str]:
        """1 request for each 500."""
        found: dict[str, str] = {}
        for start in range(0, len(urls), AT_ONCE):
            found |= self._ask(urls[start : start + AT_ONCE])
        return found

    def _ask(self, urls: Sequence[str]) -> Mapping[str, str]:
        asked = {
            "client": {"clientId": "tessera", "clientVersion": "1"},
            "threatInfo": {
                "threatTypes": list(KINDS),
                "platformTypes": ["ANY_PLATFORM"],
                "threatEntryTypes": ["URL"],
                "threatEntries": [{"url": url} for url in urls],
            },
        }
        try:
            answer = self._web.fetch(
                f"{self._base}/v4/threatMatches:find?key={quote(self._key)}",
                purpose="threats",
                method="POST",
                headers={"content-type": "application/json"},
                body=json.dumps(asked).encode(),
                total_seconds=SECONDS,
                redirects=0,
                allow_hosts=frozenset([urlsplit(self._base).hostname or ""]),
            ).require_ok()
            matches = json.loads(answer.body).get("matches", [])
            return {str(match["threat"]["url"]): str(match["threatType"]) for match in matches}
        except (FetchFailed, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ThreatsAway(type(error).__name__) from error


class Threats:
    """The list of one app. It is set up on first use, because a secret must be read for that."""

    def __init__(self, web: SafeHTTP, settings: ShortenerSettings) -> None:
        self._web, self._settings = web, settings
        self._providers = Providers(settings.providers)
        self._lock = threading.Lock()
        self._list: ThreatList | None = None

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(SafeHTTP), bindings.settings(ShortenerSettings))

    def find(self, urls: Sequence[str]) -> Mapping[str, str]:
        with self._lock:
            self._list = self._list or self._set_up()
        return self._list.find(urls)

    def _set_up(self) -> ThreatList:
        settings = self._settings
        if settings.is_local and settings.stand_ins:
            return SafeBrowsing(self._web, f"{settings.stand_ins.rstrip('/')}/safebrowsing", DEMO_KEY)
        try:
            key = str(self._providers.of("safe_browsing").get("key") or "")
        except SecretUnread as error:
            raise ThreatsAway(str(error)) from error
        return SafeBrowsing(self._web, API, key) if key else NoThreats()


def away(error: ThreatsAway) -> None:
    """Links are made all the same; those that are clicked are looked at again within a day."""
    log.line("threats", outcome="away", cause=str(error))
