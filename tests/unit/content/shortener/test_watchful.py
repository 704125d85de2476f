"""Harmful links, reports, and domains."""

import json

import pytest

from functions.content.shortener.config import ShortenerSettings
from functions.content.shortener.outside.threats import DEMO_KEY, NoThreats, SafeBrowsing, Threats, ThreatsAway
from localstack.stand_ins.safebrowsing import SafeBrowsing as StandIn
from localstack.stand_ins.wire import Asked
from tessera import aws, clock, ids
from tessera.safehttp import Fetched, TookTooLong
from tests.kit.races import outcomes, together

from .conftest import slug

LINKS = "/shortener/links"
URL = "https://turned-bad.example/"


def clicked(world, owner, url=URL, **fields):
    link = world.link(owner, url, **fields)
    world.follow(link["code"])
    world.count()
    return link


def recheck(world):
    from functions.content.shortener.triggers import ENTRIES
    from tessera.triggers import dispatch

    dispatch(ENTRIES, {"schedule": "recheck"}, world.bindings)
    return world.work()


def test_a_link_that_has_become_harmful_is_blocked_within_a_day(world, ann):
    bad, good = clicked(world, ann), clicked(world, ann, "https://still-good.example/")
    world.threats.known[URL] = "SOCIAL_ENGINEERING"
    world.later(hours=20)

    assert recheck(world) == 16

    program, page = world.follow(bad["code"]), world.follow(bad["code"], headers={"accept": "text/html"})
    assert slug(program) == (403, "link-harmful")
    assert page.status_code == 403 and "turned-bad" not in page.text
    assert "turned-bad" not in world.follow(f"{bad['code']}+", headers={"accept": "text/html"}).text
    assert world.follow(f"{bad['code']}+").json()["url"] is None
    assert world.follow(good["code"]).status_code == 302
    (told,) = world.events("shortener.link.blocked.v1")
    assert (told["link_id"], told["user_id"], told["reason"]) == (bad["id"], ann.id, "SOCIAL_ENGINEERING")
    assert ann.get(f"{LINKS}/{bad['id']}").json()["state"] == "blocked"


@pytest.mark.parametrize("place", ["expired_url", "rules"])
def test_every_place_a_link_leads_to_is_looked_at_again(world, ann, place):
    more = {"expired_url": URL} if place == "expired_url" else {"rules": [{"url": URL, "language": "de"}]}
    link = clicked(world, ann, "https://example.com/", **more)
    world.threats.known[URL] = "MALWARE"

    recheck(world)

    assert ann.get(f"{LINKS}/{link['id']}").json()["blocked"] == "MALWARE"


def test_what_nobody_has_clicked_for_a_week_is_left_alone(world, ann):
    link = clicked(world, ann)
    world.threats.known[URL] = "MALWARE"
    world.later(days=8)

    recheck(world)

    assert ann.get(f"{LINKS}/{link['id']}").json()["blocked"] is None


def test_a_look_that_finds_the_list_away_is_taken_again(world, ann):
    link = clicked(world, ann)
    world.threats.known[URL], world.threats.is_away = "MALWARE", True
    bodies = [json.dumps({"kind": "recheck", "data": {"shard": shard}}) for shard in range(16)]

    (again,) = world.give(bodies)
    world.threats.is_away = False

    assert world.give([again]) == []
    assert ann.get(f"{LINKS}/{link['id']}").json()["blocked"] == "MALWARE"


def test_a_blocked_domain_blocks_what_leads_there(world, ann, staff):
    link = clicked(world, ann, "https://deep.bad.example/x")

    said = staff.request("PUT", "/shortener/blocked-domains/bad.example", json={"reason": "Spam"})
    recheck(world)

    assert said.status_code == 200 and ann.get(f"{LINKS}/{link['id']}").json()["blocked"] == "Spam"
    assert [one["host"] for one in staff.get("/shortener/blocked-domains").json()["items"]] == ["bad.example"]
    assert staff.delete("/shortener/blocked-domains/bad.example").status_code == 204
    assert staff.delete("/shortener/blocked-domains/bad.example").status_code == 404
    assert world.link(ann, "https://bad.example/")["state"] == "active"


def test_a_block_is_told_once_however_often_it_is_done(world, ann):
    link = clicked(world, ann)
    world.threats.known[URL] = "MALWARE"
    from functions.content.shortener.actions import watchful

    shard = _shard(world, link)
    results = together(lambda: watchful.recheck(world.ports, shard), times=4)

    assert sum(one.value for one in results) == 1
    assert world.ports.links.at("-", link["code"]).version == 2


def test_of_two_who_have_read_a_link_one_blocks_it(world, ann):
    link = world.link(ann)
    found = world.ports.links.at("-", link["code"])
    from functions.content.shortener.events import LinkBlocked

    told = LinkBlocked(link_id=found.id, owner_id=ann.id, domain="-", code=found.code, user_id=ann.id, reason="First")

    assert [world.ports.links.block(found, reason, told) for reason in ("First", "Second")] == [True, False]
    assert world.ports.links.at("-", link["code"]).blocked == "First"


def test_a_link_that_was_deleted_meanwhile_is_not_blocked(world, ann):
    link = clicked(world, ann)
    found = world.ports.links.at("-", link["code"])
    ann.delete(f"{LINKS}/{link['id']}")
    from functions.content.shortener.events import LinkBlocked

    told = LinkBlocked(link_id=found.id, owner_id=ann.id, domain="-", code=found.code, user_id=ann.id, reason="MALWARE")
    assert world.ports.links.block(found, "MALWARE", told) is False
    assert world.link(world.person(), "https://example.com/")["state"] == "active"


def test_the_owner_cannot_lift_a_block_and_staff_can(world, ann, staff):
    link = world.link(ann)
    blocked = staff.post("/shortener/blocks", json={"code": link["code"], "reason": "A scam"})

    assert blocked.json() == {"link_id": link["id"], "blocked": "A scam"}
    change = ann.patch(f"{LINKS}/{link['id']}", json={"url": "https://e.example/"}, headers={"If-Match": "*"})
    assert slug(change) == (409, "link-blocked")
    assert slug(world.follow(link["code"])) == (403, "link-harmful")
    again = staff.post("/shortener/blocks", json={"code": link["code"], "block": False})
    assert again.json()["blocked"] is None and world.follow(link["code"]).status_code == 302
    assert staff.post("/shortener/blocks", json={"code": link["code"], "block": False}).status_code == 200
    assert world.ports.links.at("-", link["code"]).version == 3
    assert staff.post("/shortener/blocks", json={"code": "nothere"}).status_code == 404


def test_anybody_may_report_a_link_and_staff_decide(world, ann, staff):
    link, other = world.link(ann), world.link(ann, "https://example.com/other")
    client = world.served.client
    client.post("/shortener/reports", json={"code": link["code"].upper(), "reason": "Phishing"})
    world.later(seconds=1)
    thanked = world.follow(
        f"{other['code']}+", method="POST", content="reason=Too+loud", headers={"accept": "text/html"}
    )
    second, first = staff.get("/shortener/reports").json()["items"]

    assert thanked.status_code == 200 and (second["reason"], first["code"]) == ("Too loud", link["code"])
    done = staff.post(f"/shortener/reports/{first['id']}/verdict", json={"verdict": "block"}).json()
    left = staff.post(f"/shortener/reports/{second['id']}/verdict", json={"verdict": "dismiss"}).json()
    assert (done["outcome"], left["outcome"]) == ("blocked", "dismissed")
    assert ann.get(f"{LINKS}/{link['id']}").json()["blocked"] == "Phishing"
    assert ann.get(f"{LINKS}/{other['id']}").json()["blocked"] is None
    assert staff.post(f"/shortener/reports/{ids.new()}/verdict", json={"verdict": "dismiss"}).status_code == 404


def test_a_report_needs_a_link_and_a_reason(world, ann):
    link, client = world.link(ann), world.served.client

    assert client.post("/shortener/reports", json={"code": "nothere", "reason": "Spam"}).status_code == 404
    assert client.post("/shortener/reports", json={"code": link["code"]}).status_code == 422
    assert world.follow(f"{link['code']}+", method="POST", content="reason=+").status_code == 422


def test_an_address_reports_only_so_often(world, ann):
    link = world.link(ann)

    said = [world.follow(f"{link['code']}+", method="POST", content="reason=Spam").status_code for _ in range(7)]

    assert said.count(200) == 5 and said[-1] == 429


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/shortener/reports"),
        ("POST", "/shortener/blocks"),
        ("GET", "/shortener/blocked-domains"),
        ("PUT", "/shortener/blocked-domains/bad.example"),
        ("DELETE", "/shortener/blocked-domains/bad.example"),
    ],
)
def test_what_staff_do_is_for_staff(world, ann, method, path):
    assert slug(ann.request(method, path, json={"reason": "x", "code": "abc"})) == (403, "insufficient-scope")


def test_a_domain_is_shown_to_be_ones_own_by_a_record(world, ann):
    made = ann.post("/shortener/domains", json={"host": "go.example.com"})
    again = ann.post("/shortener/domains", json={"host": "go.example.com"})

    assert made.status_code == 201 and made.json() == again.json()
    assert made.json()["record"]["name"] == "_tessera-links.go.example.com" and made.json()["verified_at"] is None
    early = ann.post(LINKS, json={"url": "https://example.com", "domain": "go.example.com"})
    assert slug(early) == (403, "domain-forbidden")
    assert ann.post("/shortener/domains/go.example.com/verify").json()["verified_at"]
    assert world.link(ann, domain="go.example.com")["domain"] == "go.example.com"
    assert ann.post("/shortener/domains", json={"host": "go.example.com"}).json()["verified_at"]
    assert [one["host"] for one in ann.get("/shortener/domains").json()["items"]] == ["go.example.com"]


def test_a_domain_without_its_record_stays_unproven(world, ann):
    ann.post("/shortener/domains", json={"host": "unproven.example.com"})
    ann.post("/shortener/domains", json={"host": "unreachable.example.com"})

    assert slug(ann.post("/shortener/domains/unproven.example.com/verify")) == (409, "domain-unproven")
    assert slug(ann.post("/shortener/domains/unreachable.example.com/verify")) == (503, "unavailable")
    assert ann.post("/shortener/domains/other.example.com/verify").status_code == 404


def test_two_who_show_one_domain_at_once_do_not_both_get_it(world):
    people = [world.person() for _ in range(4)]
    for person in people:
        person.post("/shortener/domains", json={"host": "go.example.com"})

    results = together(*[lambda one=one: one.post("/shortener/domains/go.example.com/verify") for one in people])

    assert sorted(one.value.status_code for one in results) == [200, 409, 409, 409]
    late = world.person().post("/shortener/domains", json={"host": "go.example.com"})
    assert slug(late) == (409, "domain-taken")


def test_a_domain_that_is_proven_again_is_ones_own_still(world, ann):
    ann.post("/shortener/domains", json={"host": "go.example.com"})
    row = world.ports.domains.domain(ann.id, "go.example.com")
    world.ports.domains.prove(row)

    assert outcomes(together(lambda: world.ports.domains.prove(row), times=2)) == {"ok": 2}


def test_a_domain_that_is_given_up_is_free_for_another(world, ann):
    ann.post("/shortener/domains", json={"host": "go.example.com"})
    ann.post("/shortener/domains/go.example.com/verify")
    link = world.link(ann, domain="go.example.com")
    row = world.ports.domains.domain(ann.id, "go.example.com")

    assert ann.delete("/shortener/domains/go.example.com").status_code == 204
    assert ann.delete("/shortener/domains/go.example.com").status_code == 404
    assert world.follow(link["code"], headers={"host": "go.example.com"}).status_code == 302
    assert slug(ann.post(LINKS, json={"url": "https://e.example/", "domain": "go.example.com"})) == (
        403,
        "domain-forbidden",
    )
    assert outcomes(together(lambda: world.ports.domains.prove(row))) == {"not-found": 1}
    bob = world.person()
    assert bob.post("/shortener/domains", json={"host": "go.example.com"}).status_code == 201


def test_our_own_name_is_nobodys_domain_and_there_are_twenty_at_most(world, ann):
    assert slug(ann.post("/shortener/domains", json={"host": "app.test"})) == (422, "invalid-request")
    for number in range(20):
        assert ann.post("/shortener/domains", json={"host": f"d{number}.example.com"}).status_code == 201
    world.later(minutes=1)
    assert slug(ann.post("/shortener/domains", json={"host": "more.example.com"})) == (409, "too-many-domains")
    assert ann.post("/shortener/domains", json={"host": "d0.example.com"}).status_code == 201


class Web:
    """The stand-in behind the client's face."""

    def __init__(self, stand_in):
        self.stand_in, self.asked = stand_in, []

    def fetch(self, url, *, method="GET", headers=None, body=b"", allow_hosts=frozenset(), **_):
        path, _, query = url.removeprefix("https://list.example").partition("?")
        self.asked.append((url, allow_hosts))
        found = self.stand_in.answer(Asked(method, path, dict([query.split("=")]), dict(headers or {}), body))
        return Fetched(found.status, dict(found.headers), found.body, url)


@pytest.fixture
def browsing():
    stand_in = StandIn(DEMO_KEY)
    web = Web(stand_in)
    return SafeBrowsing(web, "https://list.example/", DEMO_KEY), stand_in, web


def test_the_list_is_asked_in_its_own_words(browsing):
    threats, _, web = browsing

    found = threats.find(["https://malware.example/", "https://fine.example/", "https://phishing.example/x"])

    assert found == {"https://malware.example/": "MALWARE", "https://phishing.example/x": "SOCIAL_ENGINEERING"}
    assert threats.find(["https://fine.example/"]) == {} and threats.find([]) == {}
    assert web.asked[0][1] == frozenset(["list.example"])


def test_more_than_five_hundred_are_asked_in_parts(browsing):
    threats, stand_in, web = browsing
    stand_in.threats["https://e.example/700"] = "MALWARE"

    assert threats.find([f"https://e.example/{n}" for n in range(801)]) == {"https://e.example/700": "MALWARE"}
    assert len(web.asked) == 2


@pytest.mark.parametrize("fault", ["503", "html", "400"])
def test_whatever_the_list_says_wrong_it_is_away(browsing, fault):
    threats, stand_in, _ = browsing
    stand_in.faults = {"find": fault}

    with pytest.raises(ThreatsAway):
        threats.find(["https://e.example/"])


def test_a_list_that_does_not_answer_is_away(browsing, monkeypatch):
    threats, _, web = browsing

    def late(*_, **__):
        raise TookTooLong("on order")

    monkeypatch.setattr(web, "fetch", late)
    with pytest.raises(ThreatsAway):
        threats.find(["https://e.example/"])


@pytest.mark.parametrize(
    ("key", "body"), [("wrong", b"{}"), (DEMO_KEY, b"{}"), (DEMO_KEY, b"["), (DEMO_KEY, b'{"threatInfo": 1}')]
)
def test_the_stand_in_is_as_strict_as_the_list(key, body):
    answer = StandIn(DEMO_KEY).answer(Asked("POST", "/v4/threatMatches:find", {"key": key}, {}, body))

    assert answer.status == 400 and json.loads(answer.body)["error"]["status"] == "INVALID_ARGUMENT"


def settings(**found):
    return ShortenerSettings(table="t", **found)


def test_a_laptop_asks_the_stand_in_and_nobody_else_does(browsing):
    local = Threats(browsing[2], settings(stage="local", stand_ins="https://list.example"))
    deployed = Threats(browsing[2], settings(stage="dev", stand_ins="https://list.example"))

    assert isinstance(local._set_up(), SafeBrowsing)
    assert isinstance(deployed._set_up(), NoThreats) and deployed.find(["https://malware.example/"]) == {}


def test_the_key_comes_from_the_secret_of_providers(world):
    name = f"providers-{ids.new()}"
    aws.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps({"safe_browsing": {"key": "k1"}}))
    other = f"providers-{ids.new()}"
    aws.client("secretsmanager").create_secret(Name=other, SecretString=json.dumps({"twilio": {}}))

    found = Threats(None, settings(stage="dev", providers=name))._set_up()
    none = Threats(None, settings(stage="dev", providers=other))._set_up()

    assert isinstance(found, SafeBrowsing) and found._key == "k1" and isinstance(none, NoThreats)
    with pytest.raises(ThreatsAway):
        Threats(None, settings(stage="dev", providers="nothing")).find(["https://e.example/"])


def test_the_day_of_a_click_is_noted_once_for_a_process(world, ann):
    link = clicked(world, ann)
    world.follow(link["code"])
    world.count()

    assert list(world.ports.watch.clicked_since([f"{clock.now():%Y%m%d}"] * 2, _shard(world, link))) == [
        ("-", link["code"])
    ]


def _shard(world, link):
    from functions.content.shortener.store.watch import shard_of

    return shard_of(link["id"])
