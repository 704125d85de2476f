"""Whether a request that a cookie vouches for was made by a page of ours.

A browser sends cookies along with whatever any page makes it send, so an unsafe method asks for more:
what the browser says about where the request comes from, and, from anywhere but the same origin, a
token that only our own pages can read.

| `Sec-Fetch-Site` | Asked for besides |
| --- | --- |
| `same-origin` | nothing |
| `same-site`, or absent | an origin of ours in `Origin`, else in `Referer`; and with a session its token |
| `none`, `cross-site`, any other | refused |
"""

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from tessera.auth import jws
from tessera.auth.call import Call
from tessera.auth.cookies import CSRF_COOKIE, SESSION_COOKIE, cookie_of
from tessera.auth.mac import Mac
from tessera.auth.problems import CsrfFailed, OriginNotAllowed
from tessera.problems import UnsupportedMedia
from tessera.settings import Settings

SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS"])
TOKEN_HEADER = "x-csrf-token"
PURPOSE = "csrf"
# What an answer to a cookie must say, so that nobody else is given it.
HEADERS = {"Vary": "Cookie, Origin", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-site"}


def csrf_token(mac: Mac, session_secret: str) -> str:
    """A new token for this session: `<random>.<MAC>`. Any of them is as good as another."""
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{jws.encode(mac(PURPOSE).sign(_message(session_secret, nonce)))}"


def is_token_of(mac: Mac, session_secret: str, token: str) -> bool:
    nonce, _, tag = token.partition(".")
    try:
        return bool(session_secret) and mac(PURPOSE).verify(_message(session_secret, nonce), jws.decode(tag))
    except ValueError:
        return False


def check_csrf(call: Call) -> None:
    """Refuse an unsafe request with a session that no page of ours has made.

    Raises `CsrfFailed`, `OriginNotAllowed`, `UnsupportedMedia`.
    """
    if call.method in SAFE_METHODS:
        return
    check_origin(call)
    if _site(call) == "same-origin":
        return
    sent, kept = call.header(TOKEN_HEADER), cookie_of(call, CSRF_COOKIE)
    if not sent or not hmac.compare_digest(sent.encode(), kept.encode()):
        raise CsrfFailed(f"Send the cookie {CSRF_COOKIE} again as the header X-CSRF-Token.")
    if not is_token_of(call.bindings.get(Mac), cookie_of(call, SESSION_COOKIE), sent):
        raise CsrfFailed("The token in X-CSRF-Token is not one of this session.")


def check_origin(call: Call) -> None:
    """The part of the check that needs no session, for signing in itself.

    Raises `CsrfFailed` or `OriginNotAllowed` for another site, `UnsupportedMedia` for what a form can send.
    """
    if call.method in SAFE_METHODS:
        return
    media = call.header("content-type").partition(";")[0].strip().lower()
    if media and media != "application/json" and not media.endswith("+json"):
        raise UnsupportedMedia(f"With a cookie, send application/json; this came as {media}.")
    site = _site(call)
    if site == "same-origin":
        return
    # An old browser and a program do not say. A neighbour under the same domain is trusted by name only.
    if site not in ("", "same-site"):
        raise CsrfFailed("The request comes from another site.")
    if _origin_sent(call) not in allowed_origins(call.bindings.settings(Settings)):
        raise OriginNotAllowed("Say in Origin or Referer which page this comes from; it must be one of ours.")


def allowed_origins(settings: Settings) -> frozenset[str]:
    """Where our pages are: at the API's own address, and what `WEB_ORIGINS` names. Never any origin at all."""
    named = (origin.strip().rstrip("/") for origin in settings.web_origins.split(","))
    return frozenset(origin for origin in (*named, _origin_of(settings.public_base_url)) if origin and origin != "*")


def _site(call: Call) -> str:
    """What the browser says; said twice it is something no browser says."""
    return ",".join(call.all_of("sec-fetch-site")).strip().lower()


def _origin_sent(call: Call) -> str:
    origins = call.all_of("origin")
    if len(origins) > 1:
        return ""
    return origins[0] if origins else _origin_of(call.header("referer"))


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else ""
    except ValueError:
        return ""


def _message(session_secret: str, nonce: str) -> bytes:
    return hashlib.sha256(session_secret.encode()).digest() + nonce.encode()
