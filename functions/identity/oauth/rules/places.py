"""Where a sign-in may end: exactly the origins that are allowed, and nothing that only looks like one of them."""

import re
from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit

from .problems import ReturnToNotAllowed

MAX_CHARACTERS = 2_000
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\]")
# RFC 8252 7.3: a native app listens on whatever port it was given.
_LOOPBACK = frozenset(["127.0.0.1", "[::1]"])
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port, or None for anything that two readers could read differently."""
    if len(url) > MAX_CHARACTERS or not _PRINTABLE.fullmatch(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not url.lower().startswith(f"{parts.scheme}://"):
        return None
    host, _, given = parts.netloc.partition("]:") if parts.netloc.startswith("[") else parts.netloc.partition(":")
    host = f"{host.rstrip(']')}]".lower() if parts.netloc.startswith("[") else host.lower()
    if not _HOST.fullmatch(host) or (given and not given.isdecimal()):
        return None
    return parts.scheme, host, _PORTS[parts.scheme] if port is None else port


def check_return_to(url: str, allowed: Iterable[str], *, native: bool) -> str:
    """The address as it was given. `native` also lets an app on the same machine be the end.

    Raises `ReturnToNotAllowed`.
    """
    found = origin_of(url)
    if found is None or "#" in url:
        raise ReturnToNotAllowed("It must be a plain http or https address, without user and fragment.")
    if found in {origin_of(origin) for origin in allowed}:
        return url
    if native and found[0] == "http" and found[1] in _LOOPBACK:
        return url
    raise ReturnToNotAllowed("Its origin is not one that sign-ins may end at.")


def ended(return_to: str, **values: str) -> str:
    """The end of a sign-in: what comes of it stands in the fragment, which no server and no log ever sees."""
    return f"{return_to}#{urlencode(values)}"
