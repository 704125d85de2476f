"""The jar that stands in for a browser's."""

from dataclasses import dataclass, field

import httpx
import pytest

from tests.kit.cookies import Browser, SetCookie, set_cookies

GOOD = "__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax"


@dataclass
class Server:
    """Answers with these cookies, over plain HTTP, and remembers what it was sent."""

    sets: list[str]
    seen: list[httpx.Headers] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.headers)
        return httpx.Response(200, headers=[("set-cookie", text) for text in self.sets])


def browser(server: Server, **options: object) -> Browser:
    client = httpx.Client(base_url="http://127.0.0.1:8000", transport=httpx.MockTransport(server))
    return Browser(client, "http://127.0.0.1:8000", **options)  # type: ignore[arg-type]


def test_secure_cookies_are_sent_back_over_plain_http_once() -> None:
    server = Server([GOOD, "plain=2; Path=/"])
    mine = browser(server)

    mine.get("/")
    mine.get("/")

    assert server.seen[1].get_list("cookie") == ["__Host-a=1; plain=2"]


def test_a_removed_cookie_is_gone() -> None:
    server = Server([GOOD])
    mine = browser(server)
    mine.get("/")
    server.sets = ["__Host-a=; Max-Age=0; Path=/; Secure"]

    mine.get("/")

    assert mine.jar == {}


@pytest.mark.parametrize(
    "text",
    [
        "__Host-a=1; Path=/",
        "__Host-a=1; Secure",
        "__Host-a=1; Path=/sessions; Secure",
        "__Host-a=1; Path=/; Secure; Domain=app.test",
        "__Secure-a=1; Path=/",
        f"__Host-a={'1' * 4_096}; Path=/; Secure",
    ],
)
def test_a_cookie_that_no_browser_would_keep_fails_the_test_that_sets_it(text: str) -> None:
    assert SetCookie.parse(text).broken_rule()
    with pytest.raises(AssertionError, match="would not be kept"):
        browser(Server([text])).get("/")


def test_a_name_set_twice_is_a_failure() -> None:
    with pytest.raises(AssertionError):
        set_cookies(httpx.Response(200, headers=[("set-cookie", GOOD), ("set-cookie", GOOD)]))


def test_it_says_of_itself_what_a_browser_would_unless_it_is_told_not_to() -> None:
    server = Server([])

    browser(server).post("/")
    browser(server).get("/")
    browser(server, same_origin=False).post("/", headers={"Origin": "https://evil.example"})

    said = [(seen.get("sec-fetch-site"), seen.get("origin")) for seen in server.seen]
    assert said == [
        ("same-origin", "http://127.0.0.1:8000"),
        ("same-origin", None),
        (None, "https://evil.example"),
    ]


def test_tabs_share_what_is_kept() -> None:
    mine = browser(Server([GOOD]))

    mine.tab().get("/")

    assert mine.jar == {"__Host-a": "1"}
