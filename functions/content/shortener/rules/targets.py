"""What a target's text tells: its one spelling, and whether a name is made to look like another."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from tessera.safehttp.gate import PORTS, host_of
from tessera.safehttp.problems import FetchFailed

from .problems import URLRefused

MAX_CHARACTERS = 4_096
_UNWANTED = re.compile(r"[\x00-\x20\x7f-\x9f\\\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")
_ENCODED_CONTROL = re.compile(r"%(?:0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
# What may stand as it is behind the host (RFC 3986 3.3 to 3.5); anything else goes out percent-encoded.
_KEPT = "%/:@!$&'()*+,;=~-._?"
# Ports on which pages are served; others are where scanners and internal tools look.
ALLOWED_PORTS = frozenset([80, 443, 8080, 8443])
# Whoever follows a link to one of these does not learn here where it ends.
SHORTENERS = frozenset(
    """adf.ly bit.do bit.ly bitly.com buff.ly clck.ru cutt.ly dlvr.it dub.sh fb.me goo.gl goo.su is.gd j.mp kutt.it
    lnkd.in ow.ly po.st qr.ae rb.gy rebrand.ly s.id short.io shorturl.at soo.gd t.co t.ly t2m.io tiny.cc tiny.one
    tinyurl.com trib.al u.to urlz.fr v.gd wp.me x.co yourls.org""".split()
)
# Cyrillic and Greek letters that nobody tells from Latin ones.
_LOOKALIKES = frozenset("аеорсухіјѕԁһԛԝ" + "ӏпгкмтвнзьч" + "οαυνκρτιγ")
# Scripts that are written together in one language (UTS 39 5.2, "highly restrictive").
_TOGETHER = (
    frozenset(["LATIN", "CJK", "HIRAGANA", "KATAKANA"]),
    frozenset(["LATIN", "CJK", "BOPOMOFO"]),
    frozenset(["LATIN", "CJK", "HANGUL"]),
)


@dataclass(frozen=True)
class Target:
    """A URL in its one spelling. `origin` is all of it that a connection would be made by."""

    url: str
    origin: str
    host: str


def target_of(text: str, pointer: str = "/url") -> Target:
    """The URL as it is kept, in ASCII throughout. Raises `URLRefused`."""

    def refuse(reason: str, detail: str) -> URLRefused:
        return URLRefused(reason, detail, pointer)

    if len(text) > MAX_CHARACTERS:
        raise refuse("form", f"A URL has at most {MAX_CHARACTERS:,} characters.")
    if _UNWANTED.search(text) or _ENCODED_CONTROL.search(text):
        raise refuse("form", "A URL holds no spaces, control characters or backslashes, also not encoded ones.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise refuse("form", "The host or the port cannot be read.") from None
    if parts.scheme not in PORTS:
        raise refuse("scheme", "A link leads to http:// or https://.")
    if "@" in parts.netloc or not parts.hostname:
        raise refuse("form", "A URL names a host, and neither user nor password.")
    try:
        host = host_of(parts.netloc, parts.hostname)
    except FetchFailed as failed:
        raise refuse("form", failed.detail) from None
    if is_confusable(shown_host(host)):
        raise refuse("confusable", "The name of the host mixes scripts, or looks like another one.")
    if port is not None and port not in ALLOWED_PORTS:
        raise refuse("port", "A link leads to a port on which pages are served.")
    authority = f"[{host}]" if ":" in host else host
    if port is not None and port != PORTS[parts.scheme]:
        authority = f"{authority}:{port}"
    origin = f"{parts.scheme}://{authority}"
    rest = quote(parts.path or "/", safe=_KEPT)
    rest += f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    rest += f"#{quote(parts.fragment, safe=_KEPT)}" if parts.fragment else ""
    if len(origin + rest) > MAX_CHARACTERS:
        raise refuse("form", f"A URL has at most {MAX_CHARACTERS:,} characters once it is encoded.")
    return Target(origin + rest, f"{origin}/", host)


def shown_host(host: str) -> str:
    """The name as a browser would show it; what cannot be decoded stays as it is."""
    if "xn--" not in host:
        return host
    labels = []
    for label in host.split("."):
        try:
            labels.append(label[4:].encode().decode("punycode") if label.startswith("xn--") else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


def is_confusable(name: str) -> bool:
    """Whether a label mixes scripts that no language mixes, or is a foreign word made of look-alikes."""
    return any(_mixes(label) or _imitates(label) for label in name.split("."))


def is_shortener(host: str) -> bool:
    return any(parent in SHORTENERS for parent in suffixes(host, 3))


def suffixes(host: str, most: int) -> list[str]:
    """The host and its parents that still have a dot, the longest first: `a.b.c` gives `a.b.c` and `b.c`."""
    labels = host.split(".")
    found = [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
    return found[-most:]


def _mixes(label: str) -> bool:
    scripts = {_script(letter) for letter in label if letter.isalpha()}
    return len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER)


def _imitates(label: str) -> bool:
    letters = [letter for letter in label if letter.isalpha()]
    return bool(letters) and not label.isascii() and all(letter in _LOOKALIKES for letter in letters)


def _script(letter: str) -> str:
    return re.split("[ -]", unicodedata.name(letter, "UNKNOWN"))[0]
