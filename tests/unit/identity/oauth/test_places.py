"""Where a sign-in may end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.identity.oauth.rules.places import check_return_to, origin_of
from functions.identity.oauth.rules.problems import ReturnToNotAllowed
from tests.unit.identity.oauth.conftest import BASE, World

ALLOWED = ["https://app.test", "https://shop.example:8443", "http://localhost:3000"]

REFUSED = [
    "",
    "/demo/sign-in",
    "//app.test/x",
    "///app.test/x",
    "app.test",
    "https:app.test",
    "https:/app.test/",
    "https:///app.test/",
    "http://app.test/",
    "https://app.test:444/",
    "https://app.test:0443x/",
    "https://app.test.attacker.example/",
    "https://attacker.example/app.test",
    "https://attacker.example/?https://app.test/",
    "https://attacker.example#https://app.test/",
    "https://attacker.example\\@app.test/",
    "https://app.test\\.attacker.example/",
    "https:\\\\app.test/",
    "https://app.test@attacker.example/",
    "https://app.test:443@attacker.example/",
    "https://user@app.test/",
    "https://user:pass@app.test/",
    "https://@app.test/",
    "https://app.test%2eattacker.example/",
    "https://app.test%00.attacker.example/",
    "https://app.test%40attacker.example/",
    "https://xapp.test/",
    "https://app.testx/",
    "https://app.test./",
    "https://.app.test/",
    "https://app\u3002test/",
    "https://\u0430pp.test/",
    "https://app.test/\u202e",
    "https://app.test/\tx",
    "https://app.test/\nx",
    "https://app.test/ x",
    " https://app.test/",
    "https://app.test/\x00",
    "https://app.test/#code=stolen",
    "https://app.test/#",
    "https://[app.test]/",
    "https://app.test:port/",
    "https://app.test:-1/",
    "https://app.test:65536/",
    "javascript:alert(1)",
    "javascript://app.test/%0aalert(1)",
    "data:text/html,x",
    "ftp://app.test/",
    "myapp://app.test/",
    "https://shop.example/",
    "http://shop.example:8443/",
    "http://localhost/",
    "http://localhost:3001/",
    "https://localhost:3000/",
    "http://127.0.0.1.attacker.example:3000/",
    "https://127.0.0.1:3000/",
    "http://127.1:3000/",
    "http://0x7f000001:3000/",
    "http://[::ffff:127.0.0.1]:3000/",
    "http://127.0.0.2:3000/",
    "https://app.test/" + "a" * 2_000,
]
TAKEN = [
    "https://app.test",
    "https://app.test/",
    "https://APP.test/demo",
    "https://app.test:443/demo?x=1&y=@",
    "https://shop.example:8443/a/b?c=d",
    "http://localhost:3000/callback",
]


@pytest.mark.parametrize("url", REFUSED)
def test_open_redirect_table(url: str) -> None:
    for native in (False, True):
        with pytest.raises(ReturnToNotAllowed):
            check_return_to(url, ALLOWED, native=native)


@pytest.mark.parametrize("url", TAKEN)
def test_an_address_of_an_allowed_origin_is_taken_as_it_is(url: str) -> None:
    assert check_return_to(url, ALLOWED, native=False) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:51234/back", "http://[::1]:9/", "http://127.0.0.1/"])
def test_an_app_on_the_same_machine_is_an_end_for_tokens_only(url: str) -> None:
    assert check_return_to(url, ALLOWED, native=True) == url
    with pytest.raises(ReturnToNotAllowed):
        check_return_to(url, ALLOWED, native=False)


@given(st.text(max_size=40))
def test_no_text_makes_another_origin_pass(text: str) -> None:
    for url in (text, f"https://app.test{text}", f"https://{text}app.test/", f"https://{text}/app.test"):
        try:
            check_return_to(url, ALLOWED, native=False)
        except ReturnToNotAllowed:
            continue
        assert origin_of(url) == ("https", "app.test", 443)
        assert url.lower().startswith(("https://app.test/", "https://app.test?", "https://app.test:")) or (
            url.lower() == "https://app.test"
        )


@pytest.mark.parametrize("url", ["https://attacker.example/", f"{BASE}@attacker.example/", "http://app.test/", "/x"])
def test_a_start_with_such_an_end_begins_nothing(world: World, url: str) -> None:
    answer = world.browser().start(return_to=url)

    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers and world.idp.journal.maxlen and not list(world.idp.journal)


def test_the_configuration_names_further_ends(world: World) -> None:
    world.environment["RETURN_TO"] = "https://native.example, https://other.example:444"
    world.environment["WEB_ORIGINS"] = "https://pages.example"
    browser = world.browser()

    for url in ("https://native.example/cb", "https://other.example:444/", "https://pages.example/in"):
        assert browser.start(return_to=url).status_code == 200
    assert browser.start(return_to="https://other.example/").status_code == 422
    # A native app ends where it listens, and gets no cookie there.
    assert browser.start(return_to="http://127.0.0.1:40001/cb").status_code == 200
    assert browser.start(return_to="http://127.0.0.1:40001/cb", delivery="cookie").status_code == 422
