"""Where links may lead."""

import pytest

from functions.content.shortener.rules.targets import is_confusable, suffixes, target_of

from .conftest import slug

LINKS = "/shortener/links"

REFUSED = [
    # Schemes
    ("javascript:alert(1)", "scheme"),
    ("JaVaScRiPt:alert(1)", "scheme"),
    ("data:text/html,<b>x</b>", "scheme"),
    ("vbscript:msgbox", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("ftp://example.com/a", "scheme"),
    ("mailto:ann@example.com", "scheme"),
    ("blob:https://example.com/1", "scheme"),
    ("about:blank", "scheme"),
    ("//example.com/a", "scheme"),
    ("example.com/a", "scheme"),
    ("ws://example.com", "scheme"),
    ("view-source:https://example.com", "scheme"),
    # Forms
    ("http:evil.example", "form"),
    ("http:/evil.example", "form"),
    ("https://", "form"),
    ("https:///path", "form"),
    ("https://a@b.example", "form"),
    ("https://user:secret@example.com/", "form"),
    ("https://example.com@evil.example/", "form"),
    ("https://example.com\\@evil.example", "form"),
    ("https://exa mple.com/", "form"),
    ("https://example.com/a b", "form"),
    (" https://example.com/", "form"),
    ("https://example.com/\r\nSet-Cookie: a=b", "form"),
    ("https://example.com/%0d%0aSet-Cookie:%20a=b", "form"),
    ("https://example.com/%0A", "form"),
    ("https://example.com/%00", "form"),
    ("https://example.com/a\tb", "form"),
    ("https://example.com/\u202egpj.exe", "form"),
    ("https://exam\u200bple.com/", "form"),
    ("https://[::1", "form"),
    ("https://[::1%25eth0]/", "form"),
    ("https://example.com:99999/", "form"),
    ("https://example.com:port/", "form"),
    ("https://-bad-.example/", "form"),
    ("https://ex..ample.com/", "form"),
    # Addresses
    ("http://127.0.0.1/", "address"),
    ("http://localhost/", "address"),
    ("http://localhost:8080/", "address"),
    ("http://10.1.2.3/admin", "address"),
    ("http://192.168.0.1/", "address"),
    ("http://172.16.5.4/", "address"),
    ("http://169.254.169.254/latest/meta-data/", "address"),
    ("http://[::1]/", "address"),
    ("http://[::ffff:127.0.0.1]/", "address"),
    ("http://[fd00::1]/", "address"),
    ("http://0.0.0.0/", "address"),
    ("http://2130706433/", "form"),
    ("http://0x7f000001/", "form"),
    ("http://0177.0.0.1/", "form"),
    ("http://127.1/", "form"),
    ("https://intranet/", "address"),
    ("https://printer.local/", "address"),
    ("https://db.internal/", "address"),
    ("https://hidden.onion/", "address"),
    ("https://rebound.example/", "address"),
    # Names and ports
    ("https://example.com:22/", "port"),
    ("https://example.com:6379/", "port"),
    ("https://app.test/s/abc", "own-domain"),
    ("https://APP.test./shortener", "own-domain"),
    ("https://bit.ly/3abc", "chain"),
    ("https://www.tinyurl.com/x", "chain"),
    ("https://t.co/abc", "chain"),
    ("https://\u0440\u0430ypal.com/", "confusable"),
    ("https://xn--pypal-4ve.com/", "confusable"),
    ("https://\u0430\u0440\u0440\u04cf\u0435.com/", "confusable"),
    ("https://blocked.example/", "blocked-domain"),
    ("https://deep.below.blocked.example/x", "blocked-domain"),
    ("https://harmful.example/", "threat"),
]


@pytest.fixture
def hostile(world):
    world.addresses["rebound.example"] = ["93.184.216.34", "127.0.0.1"]
    world.ports.domains.block("blocked.example", "Spam", "a test")
    world.threats.known["https://harmful.example/"] = "MALWARE"
    return world


def test_refused_targets(hostile):
    """Sixty and more that nothing may lead to, each with its reason, wherever a link names them."""
    assert len(REFUSED) >= 60
    wrong = []
    for number, (url, reason) in enumerate(REFUSED):
        if number % 20 == 0:
            person = hostile.person()
        answer = person.post(LINKS, json={"url": url})
        said = (answer.status_code, answer.json().get("reason"))
        if said != (422, reason):
            wrong.append((url, reason, said))

    assert wrong == []


@pytest.mark.parametrize("place", ["expired_url", "rules", "patch"])
def test_every_place_of_a_link_is_judged(hostile, ann, place):
    url = "https://harmful.example/"
    if place == "patch":
        made = hostile.link(ann)
        answer = ann.patch(f"{LINKS}/{made['id']}", json={"url": url}, headers={"If-Match": '"v1"'})
        pointer = "/url"
    else:
        rules = {"rules": [{"url": "https://ok.example", "language": "de"}, {"url": url, "country": "DE"}]}
        fields = rules if place == "rules" else {"expired_url": url}
        answer = ann.post(LINKS, json={"url": "https://example.com", **fields})
        pointer = "/rules/1/url" if place == "rules" else "/expired_url"

    assert slug(answer) == (422, "url-refused")
    assert (answer.json()["reason"], answer.json()["errors"][0]["pointer"]) == ("threat", pointer)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://EXAMPLE.com", "https://example.com/"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        (
            "https://b\u00fccher.example/stra\u00dfe?q=\u00e4#\u00fc",
            "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%A4#%C3%BC",
        ),
        ("https://\u0445\u0430\u0431\u0440.example/", "https://xn--80ac9br.example/"),
        ("https://\u6771\u4eac\u30bf\u30ef\u30fc.example/", None),
        ("https://example.com/a%20b?x=1&y=%E2%82%AC", "https://example.com/a%20b?x=1&y=%E2%82%AC"),
        ("https://93.184.216.34/x", "https://93.184.216.34/x"),
        ("https://[2606:2800:220:1:248:1893:25c8:1946]/", "https://[2606:2800:220:1:248:1893:25c8:1946]/"),
        ("https://bucket.s3.amazonaws.com/a", "https://bucket.s3.amazonaws.com/a"),
        ("https://notbit.ly/x", "https://notbit.ly/x"),
        ("https://example.com./", "https://example.com/"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_good_is_kept_in_one_spelling_of_ascii(world, ann, url, kept):
    made = world.link(ann, url)

    assert made["url"].isascii()
    assert kept is None or made["url"] == kept


def test_a_name_without_an_address_is_let_pass(world, ann):
    world.addresses["not-yet.example"] = []

    assert world.link(ann, "https://not-yet.example/")["url"] == "https://not-yet.example/"


def test_a_list_of_threats_that_is_away_stops_nobody(hostile, ann):
    hostile.threats.is_away = True

    assert hostile.link(ann, "https://harmful.example/")["state"] == "active"


def test_a_domain_that_people_make_links_under_is_no_target(world, ann):
    ann.post("/shortener/domains", json={"host": "go.example.com"})
    ann.post("/shortener/domains/go.example.com/verify")

    answer = ann.post(LINKS, json={"url": "https://go.example.com/s/abc"})

    assert (answer.status_code, answer.json()["reason"]) == (422, "own-domain")


class TestChains:
    @pytest.fixture
    def variables(self):
        return {"SHORT_CHAINS": "on"}

    def test_other_shorteners_are_let_pass_where_the_stack_says_so(self, world, ann):
        assert world.link(ann, "https://bit.ly/3abc")["url"] == "https://bit.ly/3abc"


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "b\u00fccher.de",
        "\u0445\u0430\u0431\u0440.com",
        "\u6771\u4eac.jp",
        "\u03b1\u03b8\u03ae\u03bd\u03b1.gr",
    ],
)
def test_honest_names_of_any_script_pass(name):
    assert not is_confusable(name)


@pytest.mark.parametrize(
    "name", ["p\u0430ypal.com", "\u0441\u0430\u0440\u0435.com", "goog\u04cfe.com", "\u03bf\u03c1.com"]
)
def test_names_made_to_look_like_others_do_not(name):
    assert is_confusable(name)


def test_parents_of_a_name_are_looked_at_with_it():
    assert suffixes("a.b.c.d.example.com", 4) == [
        "b.c.d.example.com",
        "c.d.example.com",
        "d.example.com",
        "example.com",
    ]
    assert suffixes("example.com", 4) == ["example.com"]


def test_the_longest_url_is_one_character_from_too_long():
    room = 4_096 - len("https://example.com/")
    assert len(target_of("https://example.com/" + "x" * room).url) == 4_096
