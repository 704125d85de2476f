"""A cookie vouches for a request, unless another page made the browser send it."""

from collections.abc import Callable

import pytest

from tessera import auth
from tessera.auth import csrf
from tessera.auth.call import Call
from tessera.auth.cookies import ACCESS_COOKIE, CSRF_COOKIE, SESSION_COOKIE
from tessera.auth.guards import Guard
from tessera.auth.mac import Mac
from tessera.auth.problems import CredentialsAmbiguous, CsrfFailed, OriginNotAllowed, TokenInvalid
from tessera.problems import UnsupportedMedia
from tessera.settings import Bindings, Settings
from tests.kit.tokens import Signer

MakeCall = Callable[..., Call]
OURS, NEIGHBOUR = "https://app.example.com", "https://docs.example.com"
SECRET = "the-session-of-this-browser"


def guard(permission: str) -> Guard:
    found = auth.require(permission).dependency
    assert isinstance(found, Guard)
    return found


@pytest.fixture
def sent(call: MakeCall, signer: Signer, bindings: Bindings) -> MakeCall:
    """A request with the cookies of one session; `headers` are those the browser adds."""

    def make(method: str = "POST", *, token: str | None = "own", cookies: str = "", **headers: str) -> Call:
        here = Bindings({**bindings.environment, "WEB_ORIGINS": f"{OURS},{NEIGHBOUR}"})
        mac = here.get(Mac)
        tokens = {"own": csrf.csrf_token(mac, SECRET), "other": csrf.csrf_token(mac, "another"), "forged": "a.b"}
        mine = tokens.get(token or "", "")
        jar = f"{ACCESS_COOKIE}={signer.token()}; {SESSION_COOKIE}={SECRET}; {CSRF_COOKIE}={mine}{cookies}"
        listed = [("cookie", jar), *((name.replace("_", "-"), value) for name, value in headers.items())]
        if mine:
            listed.append(("x-csrf-token", mine))
        return call(method=method, headers=tuple(listed), within=here)

    return make


def test_a_cookie_stands_for_its_user_and_says_so_to_caches(sent: MakeCall) -> None:
    asked = sent("GET", token=None)

    found = guard("tasks:read").admit(asked)

    assert found.credential == "cookie"
    assert asked.answer_headers["Vary"] == "Cookie, Origin"
    assert asked.answer_headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "token", "refused"),
    [
        ({"sec_fetch_site": "same-origin"}, None, None),
        ({"sec_fetch_site": "same-site", "origin": NEIGHBOUR}, "own", None),
        ({"origin": OURS}, "own", None),
        ({"referer": f"{OURS}/page"}, "own", None),
        ({"sec_fetch_site": "same-site", "origin": NEIGHBOUR}, None, CsrfFailed),
        ({"sec_fetch_site": "same-site", "origin": NEIGHBOUR}, "other", CsrfFailed),
        ({"sec_fetch_site": "same-site", "origin": NEIGHBOUR}, "forged", CsrfFailed),
        ({"sec_fetch_site": "same-site", "origin": "https://evil.example.com"}, "own", OriginNotAllowed),
        ({"sec_fetch_site": "cross-site", "origin": OURS}, "own", CsrfFailed),
        ({"sec_fetch_site": "none"}, "own", CsrfFailed),
        ({"origin": "null"}, "own", OriginNotAllowed),
        ({"origin": "https://evil.example"}, "own", OriginNotAllowed),
        ({"origin": OURS}, None, CsrfFailed),
        ({"referer": "https://evil.example/https://app.example.com"}, "own", OriginNotAllowed),
        ({}, "own", OriginNotAllowed),
        ({"sec_fetch_site": "same-origin", "content_type": "text/plain"}, "own", UnsupportedMedia),
    ],
)
def test_a_change_by_cookie_comes_from_a_page_of_ours(sent, method, headers, token, refused) -> None:
    asked = sent(method, token=token, **headers)

    if refused is None:
        assert guard("tasks:write").admit(asked).credential == "cookie"
    else:
        with pytest.raises(refused):
            guard("tasks:write").admit(asked)


def test_two_cookies_of_one_name_are_refused(sent: MakeCall) -> None:
    with pytest.raises(CredentialsAmbiguous):
        guard("tasks:read").admit(sent("GET", cookies=f"; {ACCESS_COOKIE}=x"))


def test_any_origin_is_never_one_of_ours() -> None:
    assert csrf.allowed_origins(Settings(web_origins="*", public_base_url="https://api.example.com/")) == {
        "https://api.example.com"
    }


def test_the_header_wins_over_the_cookie(call: MakeCall, signer: Signer) -> None:
    headers = (("cookie", f"{ACCESS_COOKIE}=nonsense"),)

    found = guard("tasks:write").admit(call(method="POST", headers=headers, token=signer.token()))

    assert found.credential == "bearer"


def test_a_cookie_without_a_token_in_it_is_refused(call: MakeCall) -> None:
    with pytest.raises(TokenInvalid):
        guard("tasks:read").admit(call(headers=(("cookie", f"{ACCESS_COOKIE}="),)))
