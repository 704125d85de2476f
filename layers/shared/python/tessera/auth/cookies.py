"""The cookies of a browser's session: `sessions` gives them, every capability reads them.

`__Host-` makes a browser refuse such a cookie from another host, for a part of the site, or without HTTPS
(RFC 6265bis 4.1.3), so that no neighbour can plant one. Nothing of this is weaker on a laptop.
"""

import re
from dataclasses import dataclass
from typing import Literal

from tessera.auth.call import Call
from tessera.auth.problems import CredentialsAmbiguous

OURS = "__Host-tessera_"
SESSION_COOKIE = f"{OURS}sid"
ACCESS_COOKIE = f"{OURS}at"
CSRF_COOKIE = f"{OURS}csrf"
DEVICE_COOKIE = f"{OURS}dev"
MAX_COOKIE_CHARACTERS = 4_096
# Nothing that could end the value and begin an attribute or a header.
_VALUE = re.compile(r"[A-Za-z0-9._~+/=-]+")


@dataclass(frozen=True)
class Cookie:
    name: str
    same_site: Literal["Lax", "Strict"] = "Lax"
    for_scripts: bool = False

    @property
    def attributes(self) -> str:
        hidden = "" if self.for_scripts else "; HttpOnly"
        return f"; Path=/; Secure{hidden}; SameSite={self.same_site}"


SESSION, ACCESS, DEVICE = Cookie(SESSION_COOKIE), Cookie(ACCESS_COOKIE), Cookie(DEVICE_COOKIE)
CSRF = Cookie(CSRF_COOKIE, same_site="Strict", for_scripts=True)
# What belongs to one session. The device stays known after it.
OF_SESSION = (SESSION, ACCESS, CSRF)


def give(call: Call, cookie: Cookie, value: str, *, max_age: int | None = None) -> None:
    """Set a cookie with the answer, whether that is a success or a problem.

    Without `max_age`, in seconds, it lasts as long as the browser's session. Raises `ValueError` for a value that
    no browser would keep as it is.
    """
    if not _VALUE.fullmatch(value) or len(cookie.name) + 1 + len(value) > MAX_COOKIE_CHARACTERS:
        raise ValueError(f"{cookie.name} cannot hold a value like this one.")
    age = "" if max_age is None else f"; Max-Age={max(0, max_age)}"
    call.answer_cookies.append(f"{cookie.name}={value}{age}{cookie.attributes}")


def take_back(call: Call, *cookies: Cookie) -> None:
    """Have the browser drop these, and nothing given before with this answer."""
    call.answer_cookies[:] = [f"{cookie.name}=; Max-Age=0{cookie.attributes}" for cookie in cookies]


def cookie_of(call: Call, name: str) -> str:
    """The value of one of our cookies, "" when it was not sent.

    Raises `CredentialsAmbiguous` when it came twice, or is larger than any that we set.
    """
    found = [value for sent, value in _pairs(call) if sent == name]
    if len(found) > 1:
        raise CredentialsAmbiguous(f"The cookie {name} was sent twice.")
    if found and len(found[0]) > MAX_COOKIE_CHARACTERS:
        raise CredentialsAmbiguous(f"The cookie {name} is longer than any that is set here.")
    return found[0] if found else ""


def has_cookie(call: Call, name: str) -> bool:
    return any(sent == name for sent, _ in _pairs(call))


def _pairs(call: Call) -> list[tuple[str, str]]:
    # Only the white space of RFC 6265: a name that begins with any other is another name, whose prefix no browser
    # has checked.
    pairs = (pair.strip(" \t").partition("=") for value in call.all_of("cookie") for pair in value.split(";"))
    return [(name, value) for name, _, value in pairs if name.startswith(OURS)]
