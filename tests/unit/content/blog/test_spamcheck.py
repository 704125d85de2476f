"""The service that is asked about comments: its own words, and what becomes of a comment when it says nothing."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions.content.blog.config import BlogSettings
from functions.content.blog.spamcheck import (
    DEMO_KEY,
    Akismet,
    CheckAway,
    Checked,
    NoCheck,
    Spam,
    Visitor,
)
from localstack.stand_ins.akismet import ADDRESS
from localstack.stand_ins.akismet import Akismet as StandIn
from localstack.stand_ins.wire import Asked
from tessera import aws, ids, log
from tessera.safehttp import Fetched, SafeHTTP, TookTooLong
from tests.kit.apps import Caller

from .conftest import World

HERE = Visitor("203.0.113.9", "Browser/1", "https://app.test/")
SPAM = "Buy guaranteed-spam now"


class Web:
    """The outside world, which is the stand-in alone."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in, self.late = stand_in, False
        self.forms: list[dict[str, str]] = []
        self.given: dict[str, Any] = {}

    def fetch(self, url: str, *, method: str = "GET", headers: Mapping[str, str], body: bytes, **given: Any) -> Fetched:
        if self.late:
            raise TookTooLong("on order")
        self.given = given
        asked = Asked(method, url.removeprefix("https://check.example"), {}, dict(headers), body)
        self.forms.append(asked.form)
        found = self.stand_in.answer(asked)
        return Fetched(found.status, dict(found.headers), found.body, url)


@pytest.fixture
def web() -> Web:
    return Web(StandIn(DEMO_KEY))


@pytest.fixture
def check(web: Web) -> Akismet:
    return Akismet(web, "https://check.example/", DEMO_KEY, "https://app.test")  # type: ignore[arg-type]


@pytest.fixture
def asking(world: World, web: Web) -> World:
    """The blog with a service set up."""
    told = settings(stage="local", stand_ins="https://check.example")
    web.stand_in = Below(DEMO_KEY)
    world.bindings.replace(Spam, Spam(web, told))  # type: ignore[arg-type]
    return world


class Below(StandIn):
    """As the front door serves it, below a name."""

    def answer(self, asked: Asked) -> Any:
        path = asked.path.removeprefix("/akismet")
        return super().answer(Asked(asked.method, path, asked.query, asked.headers, asked.body))


def settings(**found: Any) -> BlogSettings:
    return BlogSettings(
        table="t", authfeed="a", ratelimit="r", mac_keys="m", public_base_url="https://app.test", **found
    )


def comment(**fields: Any) -> Checked:
    return Checked(**{"body": "I see.", "permalink": "https://app.test/x", "visitor": HERE, **fields})


def queued(world: World, by: Caller, status: str = "spam") -> list[str]:
    found = by.get(f"/blog/moderation?status={status}").json()["items"]
    return [one["body"] for one in found]


def test_the_service_is_asked_in_its_own_words(check: Akismet, web: Web) -> None:
    assert check.is_spam(comment(body=SPAM)) and check.is_spam(comment(email=ADDRESS))
    assert not check.is_spam(comment(author="Zoë", is_answer=True))

    said = web.forms[-1]
    assert said["blog"] == "https://app.test" and said["user_ip"] == HERE.ip and said["comment_type"] == "reply"
    assert said["comment_author"] == "Zoë" and "comment_author_email" not in said
    assert web.given["allow_hosts"] == frozenset(["check.example"]) and web.given["redirects"] == 0
    assert web.given["total_seconds"] <= 2


@pytest.mark.parametrize("fault", ["503", "html", "huge", "metadata"])
def test_whatever_it_says_wrong_it_is_away(check: Akismet, web: Web, fault: str) -> None:
    web.stand_in.faults = {"check": fault}

    with pytest.raises(CheckAway):
        check.is_spam(comment(body=SPAM))


def test_a_key_that_is_not_taken_is_no_judgement(web: Web) -> None:
    with pytest.raises(CheckAway, match="NotUnderstood"):
        Akismet(web, "https://check.example", "wrong", "https://app.test").is_spam(comment())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "path", "kind", "form"),
    [
        ("GET", "/1.1/comment-check", "application/x-www-form-urlencoded", ""),
        ("POST", "/1.1/other", "application/x-www-form-urlencoded", ""),
        ("POST", "/1.1/comment-check", "application/json", "{}"),
        ("POST", "/1.1/comment-check", "application/x-www-form-urlencoded", "api_key=wrong&blog=b&user_ip=1"),
        ("POST", "/1.1/comment-check", "application/x-www-form-urlencoded", f"api_key={DEMO_KEY}&user_ip=1"),
        ("POST", "/1.1/comment-check", "application/x-www-form-urlencoded", f"api_key={DEMO_KEY}&blog=b"),
        (
            "POST",
            "/1.1/comment-check",
            "application/x-www-form-urlencoded",
            f"api_key={DEMO_KEY}&blog=b&user_ip=1&comment_type=x",
        ),
    ],
)
def test_the_stand_in_is_as_strict_as_the_service(method: str, path: str, kind: str, form: str) -> None:
    answer = StandIn(DEMO_KEY).answer(Asked(method, path, {}, {"content-type": kind}, form.encode()))

    assert answer.status == 404 or (answer.body == b"invalid" and answer.headers["x-akismet-debug-help"])


def test_the_words_of_the_stand_in_can_be_set() -> None:
    stand_in = StandIn(DEMO_KEY)
    stand_in.answer(Asked("PUT", "/control/words", {}, {}, b'["tea"]'))
    form = f"api_key={DEMO_KEY}&blog=b&user_ip=1&comment_content=Tea+here".encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}

    assert stand_in.answer(Asked("POST", "/1.1/comment-check", {}, kind, form)).body == b"true"
    assert stand_in.answer(Asked("GET", "/control/journal", {}, {})).status == 200


def test_what_the_service_takes_for_spam_is_seen_by_moderators_alone(
    asking: World, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    post = asking.post(alice)

    assert asking.comment(bob, post, SPAM)["status"] == "spam"
    assert asking.comment(bob, post, "I see.")["status"] == "approved"

    assert queued(asking, moderator) == [SPAM]


def test_members_addresses_stay_here_and_those_of_guests_go_along(
    asking: World, web: Web, alice: Caller, bob: Caller
) -> None:
    post = asking.post(alice)
    asking.comment(bob, post)
    token = asking.anonymous("GET", f"/blog/posts/{post['id']}").json()["comment_token"]
    asking.frozen.advance(seconds=30)
    guest = {"body": "Hello", "name": "Gil", "email": "gil@example.com", "token": token}
    made = asking.anonymous("POST", f"/blog/posts/{post['id']}/comments", json=guest)
    assert made.status_code == 201, made.text

    member, stranger = web.forms
    assert member["comment_author"] == "name1" and "comment_author_email" not in member
    assert (stranger["comment_author"], stranger["comment_author_email"]) == ("Gil", "gil@example.com")
    assert member["permalink"].startswith("https://app.test/blog/by-slug/") and member["user_ip"]


def test_nobody_is_asked_about_moderators_and_about_what_is_spam_already(
    asking: World, web: Web, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    post = asking.post(alice)

    assert asking.comment(moderator, post, SPAM)["status"] == "approved"
    assert asking.comment(bob, post, "casino viagra payday-loan")["status"] == "spam"

    assert web.forms == []


@pytest.mark.parametrize("fault", ["late", "503", "html"])
def test_a_comment_is_taken_when_the_service_is_away_and_the_log_says_so(
    asking: World, web: Web, alice: Caller, bob: Caller, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(log, "line", lambda name, **fields: lines.append({"name": name, **fields}))
    web.late, web.stand_in.faults = fault == "late", {"check": fault}

    made = asking.comment(bob, asking.post(alice), SPAM)

    assert made["status"] == "approved"
    assert [one["outcome"] for one in lines if one["name"] == "spam-check"] == ["away"]


def test_comments_of_the_facade_are_asked_about_too(asking: World, web: Web) -> None:
    member = asking.member()
    slug = asking.member().article()["slug"]

    answer = member.request("POST", f"/articles/{slug}/comments", json={"comment": {"body": "I see."}})

    assert answer.status_code == 201 and len(web.forms) == 1


def test_a_laptop_asks_the_stand_in_and_nobody_is_asked_without_a_key(web: Web) -> None:
    local = Spam(web, settings(stage="local", stand_ins="https://check.example"))  # type: ignore[arg-type]
    deployed = Spam(web, settings(stage="dev", stand_ins="https://check.example"))  # type: ignore[arg-type]

    assert isinstance(local._set_up(), Akismet) and isinstance(deployed._set_up(), NoCheck)
    assert not deployed.suspects(comment(body=SPAM)) and web.forms == []


@pytest.mark.parametrize(
    ("told", "base"),
    [
        ({"akismet": {"key": "k1"}}, "https://rest.akismet.com"),
        ({"akismet": {"key": "k1", "base": "https://spam.example/"}}, "https://spam.example"),
        ({"akismet": {}}, None),
        ({"twilio": {}}, None),
    ],
)
def test_the_key_comes_from_the_secret_of_providers(cloud: None, web: Web, told: Any, base: str | None) -> None:
    name = f"providers-{ids.new()}"
    aws.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(told))

    found = Spam(web, settings(stage="dev", providers=name))._set_up()  # type: ignore[arg-type]

    assert (found._base, found._key) == (base, "k1") if isinstance(found, Akismet) else base is None


@pytest.mark.parametrize("text", ["[]", "no json", '{"akismet": "k1"}', None])
def test_a_secret_that_cannot_be_read_keeps_nobody_from_commenting(cloud: None, web: Web, text: str | None) -> None:
    name = f"providers-{ids.new()}"
    if text is not None:
        aws.client("secretsmanager").create_secret(Name=name, SecretString=text)

    assert not Spam(web, settings(stage="dev", providers=name)).suspects(comment(body=SPAM))  # type: ignore[arg-type]


def test_the_real_client_is_what_asks(world: World) -> None:
    assert isinstance(Spam.bind(world.bindings)._web, SafeHTTP)
