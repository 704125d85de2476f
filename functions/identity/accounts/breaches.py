"""Passwords that were found in breaches elsewhere, asked for without giving the password away.

The range API of Have I Been Pwned is told the first five characters of a hash and answers with every ending it
knows (k-anonymity): https://haveibeenpwned.com/API/v3#PwnedPasswords. It is off unless it is configured, and a
password is taken when it does not answer: somebody else's outage must keep nobody from signing up.
"""

import hashlib
from typing import Protocol, Self

from tessera import log
from tessera.settings import Bindings

from .config import AccountSettings

PREFIX_CHARACTERS = 5
# The answer has some 900 lines, padded ones included.
MAX_BYTES = 200_000
CONNECT_SECONDS, TOTAL_SECONDS = 0.5, 1.0


class NoAnswer(Exception):
    """The list could not be asked."""


class Fetch(Protocol):
    def __call__(self, url: str, headers: dict[str, str]) -> str:
        """The text at this URL. Raises `NoAnswer`."""
        ...


class Breaches:
    """The list of one app; without a URL it holds nothing and asks nobody."""

    def __init__(self, url: str = "", fetch: Fetch | None = None) -> None:
        self._url, self._fetch = url, fetch

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AccountSettings)
        return cls(settings.breach_list_url if settings.breach_list == "hibp" else "", _safely(bindings))

    @property
    def is_on(self) -> bool:
        return bool(self._url) and self._fetch is not None

    def hold(self, password: str) -> bool:
        """Whether this password is in a known breach. At most 1 request to the outside."""
        if not self._url or self._fetch is None:
            return False
        # SHA-1 is what the list is sorted by; nothing of ours is protected by it.
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        prefix, ending = digest[:PREFIX_CHARACTERS], digest[PREFIX_CHARACTERS:]
        try:
            # With padding every answer is about as long, so that its length does not tell the prefix.
            text = self._fetch(f"{self._url.rstrip('/')}/{prefix}", {"Add-Padding": "true"})
        except NoAnswer as error:
            log.line("breach list", outcome="no answer", cause=str(error))
            return False
        return any(line.partition(":")[0].strip() == ending for line in text.splitlines() if not _is_padding(line))


def _is_padding(line: str) -> bool:
    return line.partition(":")[2].strip() == "0"


def _safely(bindings: Bindings) -> Fetch:
    def fetch(url: str, headers: dict[str, str]) -> str:
        # Loaded here: only where the list is on.
        from tessera.safehttp import FetchFailed, SafeHTTP

        try:
            found = bindings.get(SafeHTTP).fetch(
                url,
                purpose="breach-list",
                headers=headers,
                accept=("text/plain",),
                max_bytes=MAX_BYTES,
                connect_seconds=CONNECT_SECONDS,
                total_seconds=TOTAL_SECONDS,
                redirects=0,
            )
            return found.require_ok().body.decode("ascii", "replace")
        except FetchFailed as error:
            raise NoAnswer(error.slug) from error

    return fetch
