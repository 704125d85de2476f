"""Fetching what strangers name. Every server here is a socket of this machine."""

import gzip
import ipaddress
import json
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import safehttp
from tessera.safehttp import Gate, Pace, SafeHTTP, SafeHTTPSettings, is_public
from tessera.settings import MissingSettings
from tests.kit.certificates import Secure
from tests.kit.logs import logged
from tests.kit.stand_ins import Answer, Asked, Fault, WireStandIn

PUBLIC = "93.184.216.34"

NOT_PUBLIC = """
    0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.1.2.3 10.255.255.255 100.64.0.0 100.64.0.1 100.127.255.255
    127.0.0.0 127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.255 169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
    172.16.0.0 172.16.0.1 172.31.255.255 192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.170 192.0.2.0 192.0.2.1 192.88.99.1
    192.168.0.0 192.168.0.1 192.168.255.255 198.18.0.0 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9
    224.0.0.1 239.255.255.255 240.0.0.1 250.1.2.3 255.255.255.255
    :: ::1 ::2 ::7f00:1 ::10.0.0.1 ::8.8.8.8 ::ffff:0.0.0.0 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
    ::ffff:192.168.0.1 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254
    64:ff9b:1::1 64:ff9b:1::7f00:1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1
    2001:db8::1 2001:db8:ffff::1 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:c0a8:1::1 3fff::1 3fff:fff:ffff::1 5f00::1
    fc00::1 fd00::1 fd00:ec2::254 fdff:ffff::1 fe80::1 febf::1 fec0::1 feff::1 ff00::1 ff02::1 ff05::2
    4000::1 8000::1 e000::1
""".split()
ON_THE_INTERNET = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.167.255.255
    192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2600:: 2606:4700:4700::1111 2a00:1450:4001:82b::200e
    2001:200::1 2001:4860:4860::8888 2003::1 2620:4f:8000::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8
""".split()

BAD_FORMS = [
    "",
    "example.com",
    "//example.com/",
    "http:///path",
    "http://",
    "http://:80/",
    "http://user@example.com/",
    "http://user:pass@example.com/",
    "http://@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http:\\\\example.com/",
    "http://exa mple.com/",
    "http://example.com/a b",
    "http://example.com/\n",
    "http://example.com/\x00",
    "\thttp://example.com/",
    "http://example.com:65536/",
    "http://example.com:http/",
    "http://example.com:-1/",
    "http://[::1/",
    "http://::1/",
    "http://[::1]extra/",
    "http://[fe80::1%25eth0]/",
    "http://[v1.fe]/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://017700000001/",
    "http://127.0.0.1../",
    "http://256.1.1.1/",
    "http://1.2.3.4.5/",
    "http://example.0x7f/",
    "http://example.com../",
    "http://.example.com/",
    "http://exam%70le.com/",
    "http://127.0.0.1%2f@example.com/",
    "http://-example.com/",
    "http://example-.com/",
    "http://" + "a" * 64 + ".com/",
    "http://" + "a." * 130 + "com/",
    "http://example.com/" + "a" * 2_048,
    "http://xn--a.com/",
    "http://ex\u202eample.com/",
    "http://ex\ud800ample.com/",
    "http://example.com/\ud800",
    "http://example.com/?a=\udfff",
]
BAD_SCHEMES = """
    ftp://example.com/ file:///etc/passwd gopher://example.com/ javascript:alert(1) data:text/html,x ws://example.com/
    ldap://example.com/ dict://example.com:11211/ jar:http://example.com!/ mailto:a@example.com HTTPX://example.com/
""".split()
BAD_PLACES = [
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://intranet/",
    "http://printer.local/",
    "http://db.internal/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://app.localhost/",
    "http://nas.home.arpa/",
    "http://abcdefghij.onion/",
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fd00:ec2::254]/latest/",
    "http://[2002:7f00:1::]/",
    "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "http://\u2460\u2461\u2466.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://10.0.0.1:80/",
    "http://example.com:22/",
    "http://example.com:0/",
    "http://example.com:8080/",
    "https://example.com:6379/",
    "http://s3.amazonaws.com/",
    "https://dynamodb.eu-central-1.amazonaws.com/",
    "https://abc123.execute-api.eu-central-1.amazonaws.com/accounts/me",
    "https://lambda.cn-north-1.amazonaws.com.cn/",
    "https://abc.lambda-url.eu-central-1.on.aws/",
    "https://api.tessera.example/accounts/me",
    "https://API.tessera.example./accounts/me",
]
GOOD = {
    "http://example.com": ("example.com", 80, "/"),
    "HTTPS://Example.COM./a?b=c#d": ("example.com", 443, "/a?b=c"),
    "http://example.com:80/": ("example.com", 80, "/"),
    "https://example.com:/": ("example.com", 443, "/"),
    "http://m\u00fcnchen.example/stra\u00dfe": ("xn--mnchen-3ya.example", 80, "/stra%C3%9Fe"),
    "https://xn--mnchen-3ya.example/": ("xn--mnchen-3ya.example", 443, "/"),
    "http://fa\u00df.example/": ("xn--fa-hia.example", 80, "/"),
    "http://under_score.example/": ("under_score.example", 80, "/"),
    "http://8.8.8.8/": ("8.8.8.8", 80, "/"),
    "http://[2606:4700:4700:0::1111]/": ("2606:4700:4700::1111", 80, "/"),
    "http://example.com/a%20b?x=%C3%A4&y=[1]": ("example.com", 80, "/a%20b?x=%C3%A4&y=%5B1%5D"),
    "https://0x7f.example/": ("0x7f.example", 443, "/"),
    "https://1.2.3.example/": ("1.2.3.example", 443, "/"),
    "https://cognito-idp.eu-central-1.amazonaws.com.example/": (
        "cognito-idp.eu-central-1.amazonaws.com.example",
        443,
        "/",
    ),
}
OURS = Gate(own=frozenset(["api.tessera.example"]))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_off_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ON_THE_INTERNET)
def test_an_address_of_the_public_internet_is_not_refused(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0177.0.0.1", "fe80::1%eth0", "1.1.1.1/32", " 1.1.1.1"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_the_same_in_every_disguise(address: ipaddress.IPv4Address) -> None:
    plain = is_public(str(address))

    assert is_public(f"::ffff:{address}") == plain
    assert is_public(f"64:ff9b::{address}") == plain
    assert not is_public(f"::{address}")


@given(st.ip_addresses(v=4, network="169.254.0.0/16") | st.ip_addresses(v=6, network="fc00::/7"))
def test_nothing_link_local_or_unique_local_is_ever_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    assert not is_public(str(address))


@pytest.mark.parametrize("url", BAD_FORMS)
def test_a_url_of_no_good_form_is_refused(url: str) -> None:
    with pytest.raises((safehttp.URLInvalid, safehttp.SchemeRefused)):
        OURS.target(url)


@pytest.mark.parametrize("url", BAD_SCHEMES)
def test_a_scheme_other_than_the_webs_is_refused(url: str) -> None:
    with pytest.raises(safehttp.SchemeRefused):
        OURS.target(url)


@pytest.mark.parametrize("url", BAD_PLACES)
def test_a_url_that_leads_to_ourselves_or_inside_is_refused(url: str) -> None:
    with pytest.raises((safehttp.AddressRefused, safehttp.URLInvalid)):
        OURS.target(url)


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_has_one_spelling(url: str) -> None:
    target = OURS.target(url)

    assert (target.host, target.port, target.path) == GOOD[url]
    assert OURS.target(target.url) == target


@given(st.text(max_size=60))
def test_any_text_is_either_a_target_or_a_refusal(text: str) -> None:
    for url in (text, f"http://{text}/", f"https://example.com/{text}"):
        try:
            target = OURS.target(url)
        except safehttp.FetchFailed:
            continue
        assert target.url.isascii() and target.path.startswith("/")


def test_a_name_that_configuration_knows_may_be_at_aws_and_its_address_is_still_judged() -> None:
    name = "cognito-idp.eu-central-1.amazonaws.com"
    inside = SafeHTTP(resolve=lambda host, port: ["10.0.0.1"])

    assert OURS.target(f"https://{name}/", named=frozenset([name])).host == name
    with pytest.raises(safehttp.AddressRefused):
        inside.fetch(f"https://{name}/", allow_hosts=frozenset([name]))


def test_networks_may_be_denied_and_ports_added() -> None:
    settings = SafeHTTPSettings.load({"SAFEHTTP_DENY": "8.8.8.0/24, 2606:4700::/32", "SAFEHTTP_PORTS": "8443"})
    gate = Gate.of(settings)

    assert gate.target("https://example.com:8443/").port == 8443
    for url in ("http://8.8.8.8/", "http://[2606:4700::1]/", "http://[::ffff:8.8.8.8]/"):
        with pytest.raises(safehttp.AddressRefused):
            gate.target(url)


def test_our_own_hosts_are_those_of_the_configuration() -> None:
    gate = Gate.of(SafeHTTPSettings.load({"PUBLIC_BASE_URL": "https://api.shop.example", "ISSUER": "https://id.shop"}))

    for url in ("https://api.shop.example/accounts/me", "https://id.shop/"):
        with pytest.raises(safehttp.AddressRefused):
            gate.target(url)


@pytest.mark.parametrize("stage", ["dev", "staging", "prod", "test", ""])
def test_no_stage_that_others_reach_opens_its_own_network(stage: str) -> None:
    settings = SafeHTTPSettings(stage=stage, safehttp_allow="127.0.0.1:9000")

    with pytest.raises(MissingSettings):
        Gate.of(settings)


@pytest.mark.parametrize("variables", [{"safehttp_deny": "10.0.0.0/99"}, {"safehttp_ports": "https"}])
def test_settings_that_cannot_be_read_are_named(variables: dict[str, str]) -> None:
    with pytest.raises(MissingSettings, match="SAFEHTTP"):
        Gate.of(SafeHTTPSettings(**variables))


def test_an_opened_pair_opens_nothing_else() -> None:
    gate = Gate.of(SafeHTTPSettings(stage="local", safehttp_allow="127.0.0.1:9000, localhost:9001"))

    assert gate.target("http://127.0.0.1:9000/").is_opened
    assert gate.target("http://localhost:9001/").is_opened
    for url in ("http://127.0.0.1:9001/", "http://localhost:9000/", "http://127.0.0.2:9000/", "http://[::1]:9000/"):
        with pytest.raises(safehttp.AddressRefused):
            gate.target(url)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "8.8.8.8"])
def test_an_opened_name_may_only_be_near(address: str) -> None:
    web = SafeHTTP(Gate(opened=frozenset(["stub.example:9000"])), resolve=lambda host, port: [address])

    with pytest.raises(safehttp.AddressRefused):
        web.fetch("http://stub.example:9000/")


class Names:
    """A resolver that answers what it was told, in turn, and counts."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


class Reached:
    """Notes where a connection would have gone, and makes none, or one to a stand-in."""

    def __init__(self, instead: tuple[str, int] | None = None) -> None:
        self.addresses: list[str] = []
        self._instead = instead

    def __call__(self, address: tuple[str, int], seconds: float) -> socket.socket:
        self.addresses.append(address[0])
        if self._instead is None:
            raise ConnectionRefusedError
        return socket.create_connection(self._instead, timeout=seconds)


def test_a_name_that_changes_its_address_is_looked_up_once_and_never_reached_inside() -> None:
    names, reached = Names([PUBLIC], ["127.0.0.1"]), Reached()
    web = SafeHTTP(resolve=names, reach=reached)

    with pytest.raises(safehttp.FetchFailed):
        web.fetch("http://rebind.example/")

    assert names.asked == 1
    assert reached.addresses == [PUBLIC]


@pytest.mark.parametrize("answers", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"], ["fe80::1%eth0"]])
def test_one_forbidden_address_among_good_ones_refuses_the_name(answers: list[str]) -> None:
    reached = Reached()
    web = SafeHTTP(resolve=Names(answers), reach=reached)

    with pytest.raises(safehttp.AddressRefused) as refused:
        web.fetch("http://mixed.example/")

    assert reached.addresses == []
    assert not any(address in str(refused.value.document()) for address in answers)


def test_a_connection_that_ends_up_elsewhere_is_given_up(site: "Site") -> None:
    web = SafeHTTP(resolve=Names([PUBLIC]), reach=Reached(instead=("127.0.0.1", site.port)))

    with pytest.raises(safehttp.AddressRefused):
        web.fetch("http://example.com/")

    assert site.journal == []


def test_every_address_is_tried_before_giving_up() -> None:
    reached = Reached()

    with pytest.raises(safehttp.FetchFailed):
        SafeHTTP(resolve=Names([PUBLIC, "2606:4700::1"]), reach=reached).fetch("http://example.com/")

    assert reached.addresses == [PUBLIC, "2606:4700::1"]


def test_a_name_without_an_address_and_a_resolver_that_hangs_are_told_apart() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise socket.gaierror

    stop = threading.Event()

    def hangs(host: str, port: int) -> list[str]:
        stop.wait(10)
        return [PUBLIC]

    with pytest.raises(safehttp.DNSFailed):
        SafeHTTP(resolve=fails).fetch("http://example.com/")
    with pytest.raises(safehttp.DNSFailed):
        SafeHTTP(resolve=lambda host, port: []).fetch("http://example.com/")
    with pytest.raises(safehttp.TookTooLong):
        SafeHTTP(resolve=hangs).fetch("http://example.com/", total_seconds=0.2)
    stop.set()


def test_a_url_can_be_checked_without_being_fetched() -> None:
    reached = Reached()

    SafeHTTP(resolve=Names([PUBLIC]), reach=reached).check("https://example.com/")

    with pytest.raises(safehttp.AddressRefused):
        SafeHTTP(resolve=Names(["192.168.1.1"]), reach=reached).check("https://example.com/")
    assert reached.addresses == []


class Site(WireStandIn):
    """Pages by path."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Answer] = {}

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def answer(self, asked: Asked) -> Answer:
        return self.pages.get(asked.path, Answer(200, {"content-type": "text/plain"}, b"hello"))


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as stand_in:
        yield stand_in


def opened(*ports: int, **given: object) -> SafeHTTP:
    return SafeHTTP(Gate(opened=frozenset(f"127.0.0.1:{port}" for port in ports)), **given)  # type: ignore[arg-type]


@pytest.fixture
def web(site: Site) -> SafeHTTP:
    return opened(site.port)


def test_an_answer_comes_whole_with_what_it_says_of_itself(web: SafeHTTP, site: Site) -> None:
    found = web.fetch(f"{site.url}/page?q=1#part", headers={"If-None-Match": '"v1"'}, accept=("text/*",))

    assert (found.status, found.body, found.media_type, found.ok) == (200, b"hello", "text/plain", True)
    assert found.url == f"{site.url}/page?q=1" and found.hops == () and not found.truncated
    (asked,) = site.journal
    assert (asked.method, asked.path, asked.query) == ("GET", "/page", {"q": "1"})
    assert asked.headers["host"] == f"127.0.0.1:{site.port}"
    assert asked.headers["if-none-match"] == '"v1"' and asked.headers["accept"] == "text/*"
    assert asked.headers["connection"] == "close"
    assert not {"cookie", "authorization", "referer", "x-forwarded-for"} & asked.headers.keys()


def test_a_body_is_posted(web: SafeHTTP, site: Site) -> None:
    web.fetch(site.url, method="POST", body=b"a=1", headers={"content-type": "application/x-www-form-urlencoded"})

    assert (site.journal[0].method, site.journal[0].body) == ("POST", b"a=1")


def test_a_head_request_has_no_body(web: SafeHTTP, site: Site) -> None:
    assert web.fetch(site.url, method="HEAD").body == b""


@pytest.mark.parametrize("name", ["Cookie", "Referer", "Host", "Content-Length", "Transfer-Encoding", "Connection"])
def test_headers_that_tell_on_us_are_a_defect_of_the_caller(web: SafeHTTP, site: Site, name: str) -> None:
    with pytest.raises(ValueError, match="Never sent"):
        web.fetch(site.url, headers={name: "1"})


def test_a_proxy_of_the_environment_is_not_asked(web: SafeHTTP, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    assert web.fetch(site.url).ok


@pytest.mark.parametrize("status", [304, 400, 404, 500, 503])
def test_a_status_is_an_answer_until_success_is_required(web: SafeHTTP, site: Site, status: int) -> None:
    site.next(Fault.status(status, **{"retry-after": "7"}))

    found = web.fetch(site.url)

    assert (found.status, found.headers["retry-after"]) == (status, "7")
    with pytest.raises(safehttp.UpstreamStatus, match=str(status)):
        found.require_ok()


def test_an_answer_of_another_kind_is_refused_and_one_that_does_not_say_is_not(web: SafeHTTP, site: Site) -> None:
    site.pages = {
        "/html": Answer(200, {"content-type": "text/html; charset=utf-8"}, b"x"),
        "/image": Answer(200, {"content-type": "image/png"}, b"x"),
        "/silent": Answer(200, {}, b"x"),
        "/missing": Answer(404, {"content-type": "text/html"}, b"x"),
    }

    for path in ("/image", "/silent", "/missing"):
        assert web.fetch(site.url + path, accept=("image/*", "text/plain")).body == b"x"
    with pytest.raises(safehttp.ContentTypeRefused):
        web.fetch(f"{site.url}/html", accept=("image/*", "text/plain"))


def redirect(where: str, status: int = 302) -> Answer:
    return Answer(status, {"location": where})


INSIDE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://2130706433/",
    "http://127.0.0.1:9/",
    "http://localhost/",
    "https://10.0.0.1/",
    "file:///etc/passwd",
    "//127.0.0.2/x",
    "http://user:pass@example.com/",
    "http://[fd00:ec2::254]/",
    "http://0/",
    "gopher://127.0.0.1:6379/_FLUSHALL",
]


@pytest.mark.parametrize("where", INSIDE)
def test_a_redirect_passes_the_same_gate(web: SafeHTTP, site: Site, where: str) -> None:
    site.pages["/"] = redirect(where)

    with pytest.raises((safehttp.AddressRefused, safehttp.URLInvalid, safehttp.SchemeRefused)):
        web.fetch(f"{site.url}/")

    assert len(site.journal) == 1


def test_a_redirect_to_a_name_is_looked_up_anew(site: Site) -> None:
    site.pages["/"] = redirect("http://other.example/")
    names, reached = Names(["10.0.0.8"]), Reached(instead=("127.0.0.1", site.port))

    with pytest.raises(safehttp.AddressRefused):
        opened(site.port, resolve=names, reach=reached).fetch(f"{site.url}/")

    assert (names.asked, reached.addresses) == (1, ["127.0.0.1"])


def test_redirects_are_followed_up_to_their_number(web: SafeHTTP, site: Site) -> None:
    for step in range(5):
        site.pages[f"/{step}"] = redirect(f"/{step + 1}", (301, 302, 303, 307, 308)[step])

    found = web.fetch(f"{site.url}/0")

    assert (found.url, found.body) == (f"{site.url}/5", b"hello")
    assert found.hops == tuple(f"{site.url}/{step}" for step in range(5))
    with pytest.raises(safehttp.TooManyRedirects):
        web.fetch(f"{site.url}/0", redirects=4)


def test_a_loop_of_redirects_ends(web: SafeHTTP, site: Site) -> None:
    site.pages = {f"/{step}": redirect(f"/{(step + 1) % 10}") for step in range(10)}

    with pytest.raises(safehttp.TooManyRedirects):
        web.fetch(f"{site.url}/0")

    assert len(site.journal) == 6


def test_a_redirect_may_be_asked_back_as_the_answer(web: SafeHTTP, site: Site) -> None:
    site.pages["/"] = redirect("http://169.254.169.254/")

    assert web.fetch(f"{site.url}/", redirects=0).headers["location"] == "http://169.254.169.254/"


def test_a_redirect_to_another_origin_may_be_refused_and_takes_no_credential_along(site: Site) -> None:
    with Site() as other:
        site.pages = {"/out": redirect(other.url), "/in": redirect("/end"), "/back": redirect(f"{other.url}/back")}
        other.pages["/back"] = redirect(f"{site.url}/end")
        web = opened(site.port, other.port)
        secret = {"Authorization": "Bearer secret"}

        web.fetch(f"{site.url}/in", headers=secret, same_origin=True)
        web.fetch(f"{site.url}/back", headers=secret)
        with pytest.raises(safehttp.AddressRefused):
            web.fetch(f"{site.url}/out", same_origin=True)

        assert ["authorization" in asked.headers for asked in site.journal] == [True, True, True, False, False]
        assert ["authorization" in asked.headers for asked in other.journal] == [False]


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_only_two_kinds_of_redirect_keep_a_post(web: SafeHTTP, site: Site, status: int, method: str) -> None:
    site.pages["/"] = redirect("/end", status)

    web.fetch(f"{site.url}/", method="POST", body=b"x", headers={"content-type": "text/plain"})

    last = site.journal[-1]
    assert (last.method, last.body) == (method, b"x" if method == "POST" else b"")
    assert ("content-type" in last.headers) == (method == "POST")


@pytest.mark.parametrize("size", [0, 1, 999, 1_000])
def test_a_body_within_its_limit_comes_whole(web: SafeHTTP, site: Site, size: int) -> None:
    site.pages["/"] = Answer(200, {}, b"x" * size)

    assert web.fetch(f"{site.url}/", max_bytes=1_000).body == b"x" * size


def test_a_body_over_its_limit_is_refused_or_cut(web: SafeHTTP, site: Site) -> None:
    site.pages["/"] = Answer(200, {}, b"x" * 1_001)

    with pytest.raises(safehttp.TooLarge):
        web.fetch(f"{site.url}/", max_bytes=1_000)
    found = web.fetch(f"{site.url}/", max_bytes=1_000, truncate=True)
    assert (found.body, found.truncated) == (b"x" * 1_000, True)


def test_no_more_is_read_than_is_enough(web: SafeHTTP, site: Site) -> None:
    site.pages["/"] = Answer(200, {}, b"x" * 500_000)

    found = web.fetch(f"{site.url}/", enough=lambda made: len(made) >= 1_000)

    assert 1_000 <= len(found.body) < 100_000 and found.truncated


def packed(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.compress(body)
    if encoding == "deflate":
        return zlib.compress(body)
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return bare.compress(body) + bare.flush()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "bare deflate"])
def test_a_packed_body_is_unpacked(web: SafeHTTP, site: Site, encoding: str) -> None:
    text = b"".join(str(number).encode() for number in range(30_000))
    site.pages["/"] = Answer(200, {"content-encoding": encoding.split()[-1]}, packed(text, encoding))

    assert web.fetch(f"{site.url}/").body == text
    assert web.fetch(f"{site.url}/", max_bytes=1_000, truncate=True).body == text[:1_000]
    assert "gzip" in site.journal[0].headers["accept-encoding"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "gzip, gzip"},
        {"content-encoding": "br"},
        {"content-encoding": "gzip"},
        {"content-encoding": "deflate"},
        {"content-encoding": "x-unknown"},
    ],
)
def test_what_cannot_be_unpacked_is_refused(web: SafeHTTP, site: Site, headers: dict[str, str]) -> None:
    site.pages["/"] = Answer(200, headers, b"not packed at all")

    with pytest.raises(safehttp.FetchFailed):
        web.fetch(f"{site.url}/")


def test_a_packed_body_that_ends_early_is_refused(web: SafeHTTP, site: Site) -> None:
    site.pages["/"] = Answer(200, {"content-encoding": "gzip"}, gzip.compress(b"whole" * 100)[:-12])

    with pytest.raises(safehttp.FetchFailed):
        web.fetch(f"{site.url}/")


def test_a_bomb_of_ten_gigabytes_is_stopped_early(web: SafeHTTP, site: Site) -> None:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    megabyte = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the packer has forgotten what came before, so the same bytes may follow again.
    bomb = gzip.compress(b"")[:10] + megabyte * 10_000
    site.pages["/"] = Answer(200, {"content-encoding": "gzip"}, bomb)

    tracemalloc.start()
    try:
        with pytest.raises(safehttp.TooLarge):
            web.fetch(f"{site.url}/", max_bytes=len(bomb), total_seconds=20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(bomb) > 9_000_000
    assert peak < 64 * 2**20


def test_a_body_may_unpack_to_four_times_its_limit_and_no_more(web: SafeHTTP, site: Site) -> None:
    text = b"\n".join(b"line %06d of a list that goes on and on" % number for number in range(3_000))
    site.pages["/"] = Answer(200, {"content-encoding": "gzip"}, gzip.compress(text))
    limit = len(text) // 4

    assert web.fetch(f"{site.url}/", max_bytes=limit + 1).body == text
    with pytest.raises(safehttp.TooLarge):
        web.fetch(f"{site.url}/", max_bytes=limit - 1)


class Raw:
    """A server that says what no server should: bytes as they are."""

    def __init__(self, talk: Callable[[socket.socket, threading.Event], None]) -> None:
        self._talk, self._over = talk, threading.Event()

    def __enter__(self) -> "Raw":
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        # Closing alone would not wake a thread that waits for a connection.
        with closing(socket.create_connection(("127.0.0.1", self.port))):
            self._thread.join(5)
        self._server.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            connection, _ = self._server.accept()
            with connection:
                if self._over.is_set():
                    return
                try:
                    connection.recv(65_536)
                    self._talk(connection, self._over)
                except OSError:
                    continue


def says(*parts: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        for part in parts:
            connection.sendall(part)

    return talk


def drips(head: bytes, part: bytes, every: float) -> Callable[[socket.socket, threading.Event], None]:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        while not over.wait(every):
            connection.sendall(part)

    return talk


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"", b""),
        (b"", b"H"),
        (OK, b"x"),
        (OK + b"content-length: 99999\r\n\r\n", b"x"),
        (OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (OK + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "status", "header", "body", "chunks", "trailers", "endless 100"],
)
def test_whatever_drips_ends_at_the_deadline(head: bytes, part: bytes) -> None:
    with Raw(drips(head, part, 0.02)) as server:
        started = time.monotonic()
        with pytest.raises((safehttp.TookTooLong, safehttp.TooLarge)):
            opened(server.port).fetch(server.url, total_seconds=0.6)

        assert time.monotonic() - started < 0.6 + 0.5


def test_an_answer_below_the_floor_is_given_up_before_its_deadline() -> None:
    pace = Pace(drip_after_seconds=0.3, floor_bytes_per_second=1_024)
    with Raw(drips(OK + b"content-length: 99999\r\n\r\n", b"x", 0.02)) as server:
        started = time.monotonic()
        with pytest.raises(safehttp.TookTooLong):
            opened(server.port, pace=pace).fetch(server.url, total_seconds=20)

        assert time.monotonic() - started < 5


def test_the_first_byte_has_a_limit_of_its_own() -> None:
    with Raw(drips(b"", b"", 0.02)) as server:
        started = time.monotonic()
        with pytest.raises(safehttp.TookTooLong):
            opened(server.port, pace=Pace(first_byte_seconds=0.2)).fetch(server.url, total_seconds=20)

        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "talk",
    [
        says(OK + b"x: " + b"y" * 70_000 + b"\r\n\r\n"),
        says(OK + b"".join(b"x%d: y\r\n" % number for number in range(5_000)) + b"\r\n"),
        says(b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000),
    ],
    ids=["one long header", "many headers", "many interim answers"],
)
def test_a_header_block_has_a_limit(talk: Callable[[socket.socket, threading.Event], None]) -> None:
    with Raw(talk) as server, pytest.raises(safehttp.FetchFailed):
        opened(server.port).fetch(server.url)


@pytest.mark.parametrize(
    "talk",
    [
        says(),
        says(b"SSH-2.0-OpenSSH_9.6\r\n"),
        says(b"HTTP/1.1 abc OK\r\n\r\n"),
        says(b"<html>"),
        says(OK + b"content-length: 100\r\n\r\nshort"),
        says(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n"),
        says(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nabc"),
        says(OK + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"),
        says(OK + b"transfer-encoding: chunked\r\n\r\n-1\r\nabc"),
        says(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n-1\r\nabc"),
        says(OK + b"content-length: -5\r\ncontent-encoding: gzip\r\n\r\nxxxxx"),
    ],
)
def test_what_is_not_http_is_told_as_such(talk: Callable[[socket.socket, threading.Event], None]) -> None:
    with Raw(talk) as server, pytest.raises(safehttp.FetchFailed) as failed:
        opened(server.port).fetch(server.url)

    assert failed.value.status in (502, 504)


def test_chunks_are_put_together_and_counted() -> None:
    chunks = b"".join(b"4\r\nabcd\r\n" for _ in range(300)) + b"0\r\n\r\n"
    with Raw(says(OK + b"transfer-encoding: chunked\r\n\r\n", chunks)) as server:
        assert opened(server.port).fetch(server.url).body == b"abcd" * 300
        with pytest.raises(safehttp.TooLarge):
            opened(server.port).fetch(server.url, max_bytes=1_000)


def test_a_chunk_of_less_than_nothing_does_not_open_the_limit() -> None:
    sent: list[int] = []

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(OK + b"transfer-encoding: chunked\r\n\r\n-1\r\n")
        for _ in range(500):
            sent.append(connection.send(b"x" * 100_000))

    with Raw(talk) as server, pytest.raises(safehttp.FetchFailed):
        opened(server.port).fetch(server.url, max_bytes=1_000)

    assert sum(sent) < 20_000_000


def test_a_redirect_written_in_utf_8_is_understood() -> None:
    with Site() as site:
        where = f"location: {site.url}/stra\u00dfe\r\n\r\n".encode()
        with Raw(says(b"HTTP/1.1 302 Found\r\n" + where)) as server:
            found = opened(server.port, site.port).fetch(server.url)

    assert found.url.endswith("/stra%C3%9Fe")


def test_a_port_where_nobody_listens_is_told_without_its_address() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(safehttp.FetchFailed) as failed:
        opened(port).fetch(f"http://127.0.0.1:{port}/")

    assert "127.0.0.1" not in str(failed.value.document())


@pytest.fixture
def secured(tmp_path: Path) -> Iterator["Secured"]:
    with Secured(Secure("shop.example"), tmp_path) as server:
        yield server


class Secured(Site):
    """Pages behind TLS."""

    def __init__(self, secure: Secure, folder: Path) -> None:
        super().__init__()
        self.trust, self._context = secure.trust, secure.server(folder)

    def __enter__(self) -> "Secured":
        super().__enter__()
        self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True)
        return self


def through_tls(port: int, trust: Callable[[], ssl.SSLContext]) -> SafeHTTP:
    names = ("shop.example", "other.example")
    gate = Gate(opened=frozenset(f"{name}:{port}" for name in names))
    return SafeHTTP(gate, resolve=lambda host, port: ["127.0.0.1"], trust=trust)


def test_the_certificate_is_that_of_the_name_though_the_address_is_dialled(secured: Secured) -> None:
    web = through_tls(secured.port, secured.trust)

    assert web.fetch(f"https://shop.example:{secured.port}/").body == b"hello"
    with pytest.raises(safehttp.TLSFailed):
        web.fetch(f"https://other.example:{secured.port}/")


def test_an_authority_that_nobody_trusts_is_refused(secured: Secured) -> None:
    with pytest.raises(safehttp.TLSFailed):
        through_tls(secured.port, ssl.create_default_context).fetch(f"https://shop.example:{secured.port}/")


def test_a_server_without_tls_is_refused(site: Site) -> None:
    with pytest.raises(safehttp.TLSFailed):
        through_tls(site.port, ssl.create_default_context).fetch(f"https://shop.example:{site.port}/")


def test_a_redirect_from_https_to_http_is_followed_and_flagged(secured: Secured, site: Site) -> None:
    gate = Gate(opened=frozenset([f"shop.example:{secured.port}", f"127.0.0.1:{site.port}"]))
    web = SafeHTTP(gate, resolve=lambda host, port: ["127.0.0.1"], trust=secured.trust)
    secured.pages["/down"], site.pages["/up"] = (
        redirect(f"{site.url}/"),
        redirect(f"https://shop.example:{secured.port}/"),
    )

    down, up = web.fetch(f"https://shop.example:{secured.port}/down"), web.fetch(f"{site.url}/up")

    assert (down.body, down.downgraded) == (b"hello", True)
    assert (up.body, up.downgraded) == (b"hello", False)


@pytest.mark.asvs("16.2.5")
def test_nothing_of_a_url_gets_into_the_log(web: SafeHTTP, site: Site) -> None:
    with logged() as written:
        web.fetch(f"{site.url}/reset?token=very-secret", purpose="test")

    (line,) = map(json.loads, written().splitlines())
    assert (line["message"], line["kind"], line["outcome"]) == ("fetch", "test", "done")
    assert "very-secret" not in written() and "/reset" not in written() and "127.0.0.1" not in written()
