"""The one spelling of a URL, how long a card is good for, and texts made plain."""

import pytest

from functions.outside.linkpreview.rules import lifetimes, texts, urls


@pytest.mark.parametrize(
    ("url", "spelling"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:80/", "http://example.com/"),
        ("http://example.com:8080/", "http://example.com:8080/"),
        ("https://example.com./", "https://example.com/"),
        ("https://example.com/a#part", "https://example.com/a"),
        ("https://example.com/a#!/page", "https://example.com/a#!/page"),
        ("https://example.com/?utm_source=x&b=2&a=1&fbclid=y&gclid=z", "https://example.com/?b=2&a=1"),
        ("https://example.com/?UTM_Medium=x", "https://example.com/"),
        ("https://example.com/Path?Q=A", "https://example.com/Path?Q=A"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]/"),
    ],
)
def test_a_url_has_one_spelling(url, spelling):
    assert urls.normalised(url) == spelling
    assert urls.normalised(spelling) == spelling


def test_the_key_tells_languages_and_pages_apart_and_nothing_else():
    same = {urls.key_of("https://a.example/?utm_source=x", "de"), urls.key_of("HTTPS://A.example:443/", "DE")}

    assert len(same) == 1
    assert same.isdisjoint({urls.key_of("https://a.example/", None), urls.key_of("https://a.example/b", "de")})


@pytest.mark.parametrize("link", ["", " ", "mailto:a@b.example", "ftp://a/b", "//", "http://", "x" * 5_000, "/\u202e"])
def test_a_link_that_is_none_is_none(link):
    assert urls.resolved("https://a.example/", link) is None or link == "//"


def test_line_ends_in_a_link_do_not_hide_its_scheme():
    assert urls.resolved("https://a.example/", "java\nscript:alert(1)") is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", lifetimes.DAY),
        ("public", lifetimes.DAY),
        ("max-age=3600", 3_600),
        ("public, MAX-AGE = 3600", 3_600),
        ("max-age=0", 600),
        ("max-age=99999999", 7 * lifetimes.DAY),
        ("s-max-age=5", lifetimes.DAY),
        ("no-store", 600),
        ("max-age=3600, no-cache", 600),
    ],
)
def test_a_card_is_good_for_as_long_as_its_page_says_within_limits(header, seconds):
    assert lifetimes.of_page(header) == seconds


def test_a_wall_is_forgotten_soon():
    assert lifetimes.of_page("max-age=86400", is_wall=True) == 600


@pytest.mark.parametrize(
    ("status", "seconds"), [(None, 600), (404, 3_600), (410, 3_600), (429, 600), (408, 600), (500, 600), (503, 600)]
)
def test_a_failure_is_kept_for_a_while(status, seconds):
    assert lifetimes.of_failure(status) == seconds


@pytest.mark.parametrize("text", ["-5", "5.5", "999999", "", "a", "٣", None])
def test_what_is_no_length_is_none(text):
    assert texts.number(text) is None
