"""The service that is asked about comments: its own words, and what becomes of a comment when it says nothing."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions.content.blog.actions import teaching
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
from functions.content.blog.store import comment_ends
from functions.content.blog.store.visits import Visit, keeping
from localstack.stand_ins.akismet import ADDRESS
from localstack.stand_ins.akismet import Akismet as StandIn
from localstack.stand_ins.wire import Asked
from tessera import aws, ids, log, queues
from tessera.safehttp import Fetched, SafeHTTP, TookTooLong
from tessera.transact import transact
from tests.kit.apps import Caller
from tests.kit.faults import failing
from tests.kit.queues import drain
from tests.kit.stores import everything_in

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
    assert not deployed.verdict(comment(body=SPAM)) and web.forms == []


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

    assert not Spam(web, settings(stage="dev", providers=name)).verdict(comment(body=SPAM))  # type: ignore[arg-type]


def test_what_was_judged_wrongly_is_told_in_the_services_own_words(check: Akismet, web: Web) -> None:
    check.learn(comment(body="Fine", author="Zoë", email="zoe@example.com"), is_spam=False)
    check.learn(comment(body="Bad"), is_spam=True)

    assert web.stand_in.taught == {"Fine": False, "Bad": True}
    assert [one.path for one in web.stand_in.journal] == ["/1.1/submit-ham", "/1.1/submit-spam"]
    said = web.forms[0]
    assert (said["user_ip"], said["user_agent"], said["comment_author"]) == (HERE.ip, HERE.agent, "Zoë")


@pytest.mark.parametrize("fault", ["503", "html", "huge", "metadata"])
def test_what_was_not_thanked_for_was_not_heard(check: Akismet, web: Web, fault: str) -> None:
    web.stand_in.faults = {"submit": fault}

    with pytest.raises(CheckAway):
        check.learn(comment(), is_spam=True)


def decide(world: World, moderator: Caller, made: dict[str, Any], verb: str) -> None:
    assert moderator.post(f"/blog/comments/{made['id']}/{verb}").status_code == 200


def test_the_service_is_told_where_moderators_decide_otherwise(
    asking: World, web: Web, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    post = asking.post(alice)
    wrong, right = asking.comment(bob, post, f"{SPAM}, no"), asking.comment(bob, post, f"{SPAM}, yes")
    missed, fine = asking.comment(bob, post, "Missed"), asking.comment(bob, post, "Fine")
    waits = asking.comment(bob, asking.post(alice, comment_policy="all-moderated"), "Waits and is bad")
    web.forms.clear()

    decide(asking, moderator, wrong, "approve")
    decide(asking, moderator, missed, "spam")
    decide(asking, moderator, waits, "spam")
    decide(asking, moderator, fine, "hide")
    assert moderator.post(f"/blog/comments/{right['id']}/spam").status_code == 409
    # Nothing of it in the request.
    assert web.forms == []
    asking.work()

    assert web.stand_in.taught == {f"{SPAM}, no": False, "Missed": True, "Waits and is bad": True}
    assert web.forms[0]["comment_author"] == "name1" and web.forms[0]["user_ip"]
    assert web.forms[0]["permalink"] == f"https://app.test/blog/by-slug/{post['slug']}"


def test_it_is_told_once_and_again_when_somebody_thinks_better_of_it(
    asking: World, web: Web, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    made = asking.comment(bob, asking.post(alice, comment_policy="all-moderated"), "Odd")
    decide(asking, moderator, made, "spam")
    (body,) = drain(asking.queue)
    web.forms.clear()
    for _ in range(2):
        asking.deliver(json.loads(body))
    assert len(web.forms) == 1

    decide(asking, moderator, made, "approve")
    asking.work()

    assert len(web.forms) == 2 and web.stand_in.taught == {"Odd": False}


def test_nobody_is_told_who_was_not_asked(
    world: World, web: Web, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    post = world.post(alice)
    made = world.comment(bob, post, "Bad")

    decide(world, moderator, made, "spam")

    assert drain(world.queue) == [] and world.ports.visits.get(made["id"]) is None


def test_a_service_that_is_away_is_told_later_some_times_and_then_no_more(
    asking: World, web: Web, alice: Caller, bob: Caller, moderator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []
    monkeypatch.setattr(queues, "send", lambda url, kind, data, delay_seconds=0: waited.append(delay_seconds))
    made = asking.comment(bob, asking.post(alice), "Bad")
    web.stand_in.faults = {"submit": "503"}
    decide(asking, moderator, made, "spam")

    for tries in range(teaching.TRIES):
        teaching.teach(asking.ports, made["id"], is_spam=True, tries=tries)

    assert waited == [0, 30, 60, 120, 240, 480]
    web.stand_in.faults = {}
    teaching.teach(asking.ports, made["id"], is_spam=True, tries=1)
    assert web.stand_in.taught == {"Bad": True}


def test_a_decision_stands_though_the_queue_takes_nothing(
    asking: World, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    made = asking.comment(bob, asking.post(alice), "Bad")

    with failing("sqs", "SendMessage", code="ServiceUnavailable"):
        decide(asking, moderator, made, "spam")

    assert asking.ports.comments.get(made["id"]).state == "hidden"


def test_where_a_comment_came_from_is_forgotten_with_it(
    asking: World, web: Web, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    post = asking.post(alice)
    gone, waiting, kept, old, last = (asking.comment(bob, post, f"{text}") for text in ("A", SPAM, "B", "C", "D"))
    visits = asking.ports.visits
    assert all(visits.get(one["id"]) for one in (gone, waiting, kept, old, last))

    assert bob.delete(f"/blog/comments/{gone['id']}").status_code == 204
    assert moderator.delete(f"/blog/comments/{waiting['id']}").status_code == 204
    for one in asking.ports.reading.pointers(f"MINE#{bob.id}", 9):
        if one.id == kept["id"]:
            comment_ends.anonymise(asking.table, bob.id, one)
    assert [visits.get(one["id"]) for one in (gone, waiting, kept)] == [None] * 3
    asking.frozen.advance(days=31)
    assert visits.get(old["id"]) is None
    comment_ends.purge(asking.table, post["id"], 9)
    comment_ends.purge(asking.table, post["id"], 9)
    assert not [item for item in everything_in(asking.table) if item["pk"]["S"] == f"VISIT#{last['id']}"]

    # What is not there any more is not told of, and makes nothing anew.
    visits.taught(gone["id"], is_spam=True)
    teaching.teach(asking.ports, gone["id"], is_spam=True, tries=0)
    assert visits.get(gone["id"]) is None


def test_what_was_deleted_before_it_could_be_told_is_not_told(
    asking: World, web: Web, alice: Caller, bob: Caller
) -> None:
    made = asking.comment(bob, asking.post(alice), "Bad")
    comment_ends.purge(asking.table, made["post_id"], 9)
    transact(keeping(asking.table, made["id"], Visit("203.0.113.9", "", "", is_spam=False)))
    web.forms.clear()

    teaching.teach(asking.ports, made["id"], is_spam=True, tries=0)

    assert web.forms == []


def test_somebody_is_told_where_their_comments_came_from(asking: World, alice: Caller, bob: Caller) -> None:
    asking.comment(bob, asking.post(alice), "I see.")

    told = asking.internal("/blog/internal/export", {"owner_id": bob.id, "after": None})["items"]

    (said,) = (one for one in told if one["kind"] == "comment")
    assert said["ip"] and said["body"] == "I see."


def test_the_real_client_is_what_asks(world: World) -> None:
    assert isinstance(Spam.bind(world.bindings)._web, SafeHTTP)
