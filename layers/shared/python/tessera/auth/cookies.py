"""The cookies that `sessions` sets, as every other capability reads them."""

from tessera.auth.call import Call
from tessera.auth.problems import CredentialsAmbiguous

# `__Host-` makes a browser refuse the cookie from another host, or without HTTPS (RFC 6265bis 4.1.3).
SESSION_COOKIE = "__Host-tessera_sid"
ACCESS_COOKIE = "__Host-tessera_at"
CSRF_COOKIE = "__Host-tessera_csrf"
DEVICE_COOKIE = "__Host-tessera_dev"
OURS = "__Host-tessera_"
MAX_COOKIE_CHARACTERS = 4_096


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
    pairs = (pair.strip().partition("=") for value in call.all_of("cookie") for pair in value.split(";"))
    return [(name, value) for name, _, value in pairs if name.startswith(OURS)]
