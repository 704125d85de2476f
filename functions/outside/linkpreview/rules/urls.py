"""URLs: the one spelling under which a card is kept, and links of a page made whole."""

import hashlib
import re
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

MAX_CHARACTERS = 2_048
_PORTS = {"http": 80, "https": 443}
_TRACKING = re.compile(r"utm_[^=]*|fbclid|gclid", re.IGNORECASE)
_INNER_SPACE = re.compile(r"[\t\r\n]")


def normalised(url: str) -> str:
    """The URL without what changes nothing of the page: RFC 3986 6.2, and marks of where a visitor comes from.

    The order of the query stays, because servers may read it. Of fragments only `#!` names another page.
    Raises `ValueError` for what cannot be taken apart.
    """
    parts = urlsplit(url)
    host = _host(parts)
    pairs = [pair for pair in parts.query.split("&") if pair and not _TRACKING.fullmatch(pair.partition("=")[0])]
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", "&".join(pairs), fragment))


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").removesuffix(".")
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS.get(parts.scheme.lower())) else f"{host}:{parts.port}"


def key_of(url: str, lang: str | None) -> str:
    """Under which the card of this URL in this language is kept. Raises `ValueError`."""
    return hashlib.sha256(f"{normalised(url)}\n{(lang or '').lower()}".encode()).hexdigest()


def host_of(url: str) -> str:
    return (urlsplit(url).hostname or "").removesuffix(".")


def resolved(base: str, link: str | None) -> str | None:
    """The link of a page as a whole URL of the web, or None where it is none."""
    found = _INNER_SPACE.sub("", (link or "")[: 2 * MAX_CHARACTERS].strip())
    if not found:
        return None
    try:
        whole = urljoin(base, found).replace(" ", "%20")
        parts = urlsplit(whole)
        is_web = parts.scheme in _PORTS and bool(parts.hostname) and "@" not in parts.netloc
        # Asked for here because it is read only then, and what is no port raises.
        _ = parts.port
    except ValueError:
        return None
    return whole if is_web and len(whole) <= MAX_CHARACTERS and whole.isprintable() else None
