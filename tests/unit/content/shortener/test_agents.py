"""What headers tell of who follows a link."""

import pytest

from functions.content.shortener.rules.agents import visitor_of, wants_privacy

WINDOWS_EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0"
MAC_SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15"
LINUX_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36"
GALAXY_TAB = (
    "Mozilla/5.0 (Linux; Android 13; SM-X900) AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121.0 Safari/537.36"
)
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/126.0 Mobile/15E148 Safari/604.1"
CHROMEBOOK = "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
OPERA = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/125.0 Safari/537.36 OPR/111.0"


@pytest.mark.parametrize(
    ("agent", "device", "browser", "system"),
    [
        (WINDOWS_EDGE, "desktop", "Edge", "Windows"),
        (MAC_SAFARI, "desktop", "Safari", "macOS"),
        (LINUX_FIREFOX, "desktop", "Firefox", "Linux"),
        (PIXEL, "mobile", "Chrome", "Android"),
        (GALAXY_TAB, "tablet", "Samsung Internet", "Android"),
        (IPAD, "tablet", "Chrome", "iOS"),
        (CHROMEBOOK, "desktop", "Chrome", "ChromeOS"),
        (OPERA, "desktop", "Opera", "Windows"),
    ],
    ids=lambda value: value[-20:],
)
def test_browsers_are_told_apart(agent, device, browser, system):
    found = visitor_of({"user-agent": agent}, "GET", None)

    assert (found.device, found.browser, found.os, found.is_bot) == (device, browser, system, False)


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "curl/8.5.0",
        "python-requests/2.32",
        "Googlebot/2.1 (+http://www.google.com/bot.html)",
        "facebookexternalhit/1.1",
        "WhatsApp/2.24",
        "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "Mozilla/5.0 HeadlessChrome/126.0",
        "Go-http-client/2.0",
        "Mozilla/5.0 (compatible; YandexBot/3.0)",
    ],
)
def test_programs_are_known_as_such(agent):
    assert visitor_of({"user-agent": agent}, "GET", None).is_bot


def test_a_head_and_a_prefetch_are_no_visits():
    assert visitor_of({"user-agent": PIXEL}, "HEAD", None).is_bot
    for header in ("purpose", "sec-purpose", "x-moz"):
        assert visitor_of({"user-agent": PIXEL, header: "prefetch"}, "GET", None).is_bot


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("https://news.example.com/a?b=secret", "news.example.com"),
        ("android-app://com.example.mail/", "com.example.mail"),
        ("", None),
        ("https://[broken", None),
        ("about:blank", None),
        (f"https://{'x' * 61}.example/", None),
        ("https://ev\u0430l.example/", None),
    ],
)
def test_of_where_somebody_came_from_the_host_alone_is_kept(header, host):
    assert visitor_of({"user-agent": PIXEL, "referer": header}, "GET", None).referrer == host


@pytest.mark.parametrize(
    ("header", "language"),
    [("de-AT,de;q=0.9", "de"), ("EN", "en"), ("*", None), ("", None), ("xx-very-long", "xx"), ("<script>", None)],
)
def test_of_languages_the_first_is_taken(header, language):
    assert visitor_of({"user-agent": PIXEL, "accept-language": header}, "GET", None).language == language


@pytest.mark.parametrize(("said", "country"), [("DE", "DE"), ("de", None), ("DEU", None), (None, None)])
def test_a_country_has_two_capitals(said, country):
    assert visitor_of({"user-agent": PIXEL}, "GET", said).country == country


def test_privacy_is_asked_for_by_either_header():
    assert wants_privacy({"dnt": "1"}) and wants_privacy({"sec-gpc": "1"}) and not wants_privacy({"dnt": "0"})
