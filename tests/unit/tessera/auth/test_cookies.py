"""A cookie vouches for a request, unless another page made the browser send it."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import auth
from tessera.auth import cookies, csrf
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

    here = Bindings({**bindings.environment, "WEB_ORIGINS": f"{OURS},{NEIGHBOUR}"})
    mac = here.get(Mac)

    def make(method: str = "POST", *, token: str | None = "own", cookies: str = "", **headers: str) -> Call:
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


SITES = {
    "absent": {},
    "same-origin": {"sec_fetch_site": "same-origin"},
    "same-site": {"sec_fetch_site": "same-site"},
    "none": {"sec_fetch_site": "none"},
    "cross-site": {"sec_fetch_site": "cross-site"},
    "made up": {"sec_fetch_site": "Same_Origin"},
}
ORIGINS = {
    "no origin": {},
    "own": {"origin": OURS},
    "named": {"origin": NEIGHBOUR},
    "by referer": {"referer": f"{NEIGHBOUR}/page?a=b"},
    "foreign": {"origin": "https://evil.example"},
    "foreign referer": {"referer": f"https://evil.example/{OURS}/"},
    "foreign, own referer": {"origin": "https://evil.example", "referer": f"{OURS}/"},
    "null": {"origin": "null"},
    "other port": {"origin": f"{OURS}:8443"},
    "plain http": {"origin": OURS.replace("https", "http")},
}
TOKENS = {"no token": None, "own token": "own", "other's token": "other", "forged token": "forged"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LISTED = frozenset(["own", "named", "by referer"])


def expected(site: str, origin: str, token: str, method: str) -> type[Exception] | None:
    """The rules once more, in the words of the specification and not in those of the code."""
    if method == "GET" or site == "same-origin":
        return None
    if site in ("none", "cross-site", "made up"):
        return CsrfFailed
    if origin not in LISTED:
        return OriginNotAllowed
    return None if token == "own token" else CsrfFailed


@pytest.mark.parametrize(("site", "token", "method"), list(itertools.product(SITES, TOKENS, METHODS)))
def test_csrf_matrix(sent, site, token, method) -> None:
    outcomes = {}
    for origin, said in ORIGINS.items():
        asked = sent(method, token=TOKENS[token], **SITES[site], **said)
        try:
            guard("tasks:write").admit(asked)
            outcomes[origin] = None
        except (CsrfFailed, OriginNotAllowed) as refused:
            outcomes[origin] = type(refused)

    assert outcomes == {origin: expected(site, origin, token, method) for origin in ORIGINS}


@pytest.mark.parametrize(
    ("media", "is_taken"),
    [
        ("", True),
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/merge-patch+json", True),
        ("text/plain", False),
        ("text/plain; application/json", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/jsonp", False),
    ],
)
def test_what_a_form_can_send_needs_no_preflight_and_is_refused(sent, media, is_taken) -> None:
    asked = sent(sec_fetch_site="same-origin", **({"content_type": media} if media else {}))

    if is_taken:
        assert guard("tasks:write").admit(asked).credential == "cookie"
    else:
        with pytest.raises(UnsupportedMedia):
            guard("tasks:write").admit(asked)


def test_what_a_browser_says_twice_it_has_not_said(sent) -> None:
    asked = sent(sec_fetch_site="same-origin")
    twice = Call(**{**vars(asked), "headers": (*asked.headers, ("sec-fetch-site", "same-origin"))})

    with pytest.raises(CsrfFailed):
        guard("tasks:write").admit(twice)


def test_a_token_is_good_for_its_session_alone_and_never_for_none(bindings: Bindings) -> None:
    mac = bindings.get(Mac)
    token = csrf.csrf_token(mac, SECRET)

    assert csrf.is_token_of(mac, SECRET, token)
    assert csrf.csrf_token(mac, SECRET) != token
    assert not csrf.is_token_of(mac, "another", token)
    assert not csrf.is_token_of(mac, "", csrf.csrf_token(mac, ""))
    nonce, _, tag = token.partition(".")
    for changed in (f"x{token}", f"{nonce}.{tag[:-1]}", f"{nonce}.{tag}=", nonce, "", ".", f"{nonce[1:]}.{tag}"):
        assert not csrf.is_token_of(mac, SECRET, changed)


@given(text=st.text(max_size=60))
def test_any_text_is_answered_as_no_token_and_never_as_an_error(text: str) -> None:
    class Never:
        def __call__(self, purpose: str) -> "Never":
            return self

        def verify(self, message: bytes, signature: bytes) -> bool:
            return False

    assert not csrf.is_token_of(Never(), SECRET, text)


@pytest.mark.parametrize(
    "value", ["", "a b", "a;b", "a,b", 'a"b', "a\r\nSet-Cookie: x=y", "ä", "a" * 4_096], ids=lambda value: value[:12]
)
def test_a_value_that_could_end_its_cookie_is_never_set(call: MakeCall, value: str) -> None:
    asked = call()

    with pytest.raises(ValueError, match="cannot hold"):
        cookies.give(asked, cookies.ACCESS, value)
    assert asked.answer_cookies == []


def test_cookies_are_taken_back_with_the_attributes_they_were_given_with(call: MakeCall) -> None:
    asked = call()
    cookies.give(asked, cookies.ACCESS, "a.b.c", max_age=600)

    cookies.take_back(asked, *cookies.OF_SESSION)

    assert asked.answer_cookies == [
        "__Host-tessera_sid=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
        "__Host-tessera_at=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
        "__Host-tessera_csrf=; Max-Age=0; Path=/; Secure; SameSite=Strict",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "\u00a0__Host-tessera_at",
        "\u0085__Host-tessera_at",
        "\u001f__Host-tessera_at",
        "__host-tessera_at",
        "$__Host-tessera_at",
    ],
    ids=ascii,
)
def test_only_the_exact_name_counts_whatever_stands_before_it(call: MakeCall, signer: Signer, name: str) -> None:
    asked = call(headers=(("cookie", f"{name}={signer.token()}"),))

    assert not cookies.has_cookie(asked, ACCESS_COOKIE)
    assert cookies.cookie_of(asked, ACCESS_COOKIE) == ""


def test_a_comma_in_somebody_elses_cookie_plants_none_of_ours(call: MakeCall) -> None:
    asked = call(headers=(("cookie", f"theirs=1, {ACCESS_COOKIE}=planted"),))

    assert cookies.cookie_of(asked, ACCESS_COOKIE) == ""


def test_cookies_in_several_headers_are_all_seen(call: MakeCall) -> None:
    asked = call(headers=(("cookie", "a=1"), ("cookie", f"{ACCESS_COOKIE}=x"), ("cookie", f"b=2; {ACCESS_COOKIE}=y")))

    with pytest.raises(CredentialsAmbiguous):
        cookies.cookie_of(asked, ACCESS_COOKIE)


def test_a_cookie_larger_than_four_kilobytes_is_refused(call: MakeCall) -> None:
    with pytest.raises(CredentialsAmbiguous):
        guard("tasks:read").admit(call(headers=(("cookie", f"{ACCESS_COOKIE}={'a' * 4_097}"),)))


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
