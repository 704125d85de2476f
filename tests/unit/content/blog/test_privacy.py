"""What an author is told of themselves, and that what is left of them has no name."""

import json
from functools import partial

import pytest

from functions.content.blog.actions import access, importing, reacting
from functions.content.blog.app import handler
from functions.content.blog.store.places import felt_of
from tessera.problems import Busy
from tessera.transact import AlreadySeen
from tests.kit.faults import before_call, meanwhile
from tests.kit.privacy import told_then_gone
from tests.kit.queues import drain
from tests.kit.stores import everything_in

from .uploads import ask, bring, entry, ghost, remark, send, wordpress

GONE = "that they are gone, for a month"
STAYS = "what is published stays, under a name made of an id that nobody has any more"


def test_everything_of_an_author_is_told_and_then_gone(world, alice, bob):
    stays, others = world.post(alice, "Stays", tags=["bread"]), world.post(bob, "Others")
    world.post(alice, "Private", status="draft")
    trashed = world.post(alice, "Trashed")
    alice.delete(f"/blog/posts/{trashed['id']}")
    world.comment(alice, others, "Said by Alice")
    waits = world.post(bob, comment_policy="all-moderated")
    world.comment(alice, waits, "Waits")
    alice.request("PUT", f"/blog/posts/{others['id']}/reactions/like")
    alice.request("PUT", f"/blog/posts/{waits['id']}/reactions/love")
    hidden = world.post(bob, "Hidden")
    alice.request("PUT", f"/blog/posts/{hidden['id']}/reactions/like")
    assert bob.post(f"/blog/posts/{hidden['id']}/unpublish", headers={"if-match": "*"}).is_success
    world.ports.authors.follow(alice.id, bob.id)
    world.ports.authors.follow(bob.id, alice.id)
    world.ports.bans.ban(alice.id, by=bob.id, until=None, reason="Shouting")
    world.follow()

    told = told_then_gone(
        "blog",
        handler,
        world.table,
        alice.id,
        between=world.follow,
        unsaid={
            "SLUG#*|SLUG": "where a post is found, which it is told with",
            "UN#name0|UN": "whose a name is",
        },
        stays={
            "ERASED#{user}|MAIN": GONE,
            "P#*|META": STAYS,
            "P#*|REV#*": STAYS,
            "SLUG#stays|SLUG": STAYS,
            "L#A#{user}|*": STAYS,
            "L#ALL|*": STAYS,
            "L#T#bread|*": STAYS,
            "FEED#A#{user}|*": STAYS,
            "F#*|{user}": "whom others follow",
            "P#*|R#{user}": "that a reaction was taken back, for a week",
        },
    )

    assert sorted(one["title"] for one in told["post"]) == ["Private", "Stays", "Trashed"]
    assert all(one["body"] == "What it says." for one in told["post"])
    assert len(told["revision"]) >= 3
    assert sorted(one["body"] for one in told["comment"]) == ["Said by Alice", "Waits"]
    felt = {one["post_id"]: one["reaction"] for one in told["reaction"]}
    assert felt == {others["id"]: "like", waits["id"]: "love", hidden["id"]: "like"}
    assert [one["author_id"] for one in told["follow"]] == [bob.id] and told["ban"][0]["reason"] == "Shouting"
    assert told["author"][0]["username"] == "name0"
    assert world.anonymous("GET", f"/blog/posts/{stays['id']}").status_code == 200
    counts = [world.anonymous("GET", f"/blog/posts/{one['id']}").json()["reactions"] for one in (others, waits)]
    assert [(count["like"], count["love"]) for count in counts] == [(0, 0), (0, 0)]
    feeds = [world.anonymous("GET", f"/blog/{path}").text for path in ("feed.xml", "feed.xml?tag=bread")]
    assert all("Stays" in feed and "name0" not in feed for feed in feeds)


def test_a_reaction_that_changes_as_it_is_forgotten_is_looked_at_again(world, alice, bob):
    post = world.post(bob)
    alice.request("PUT", f"/blog/posts/{post['id']}/reactions/love")
    kept = world.ports.posts.find(post["id"])
    (one,) = world.ports.reading.pointers(felt_of(alice.id), 9)

    def change_their_mind():
        reacting.react(world.ports, kept, alice.id, "sad")

    with meanwhile("TransactWriteItems", change_their_mind), pytest.raises(Busy):
        world.ports.reactions.forget(one, kept, alice.id)

    assert world.ports.reactions.felt(post["id"], alice.id).kind == "sad"
    world.ports.reactions.forget(one, kept, alice.id)
    counts = world.anonymous("GET", f"/blog/posts/{post['id']}").json()["reactions"]
    assert (counts["love"], counts["sad"]) == (0, 0)


def test_exports_and_imports_are_told_and_then_gone(world, alice):
    assert alice.post("/blog/export").status_code == 202
    bring(world, alice, ghost({"title": "One", "slug": "one"}))

    told = told_then_gone(
        "blog",
        handler,
        world.table,
        alice.id,
        between=world.follow,
        unsaid={"UN#name0|UN": "whose a name is"},
        stays={
            "ERASED#{user}|MAIN": GONE,
            "P#*|META": STAYS,
            "P#*|REV#*": STAYS,
            "SLUG#one|SLUG": STAYS,
            "L#A#{user}|*": STAYS,
            "L#ALL|*": STAYS,
            "FEED#A#{user}|*": STAYS,
        },
    )

    assert sorted(one["work"] for one in told["job"]) == ["export", "import"]
    assert [(one["created"], one["refused"]) for one in told["import"]] == [(1, 0)]
    assert [(one["title"], one["outcome"]) for one in told["imported"]] == [("One", "created")]


def erase(world, user_id):
    while not world.internal("/blog/internal/erase", {"owner_id": user_id})["done"]:
        pass


def left_of(world, user_id):
    """The keys of what names somebody, but that they are gone, events on their way, and feeds that are made anew."""
    told = {item["pk"]["S"] for item in everything_in(world.table) if user_id in json.dumps(item, default=str)}
    return {key for key in told if not key.startswith(("ERASED#", "OUT#", f"FEED#A#{user_id}"))}


def test_whenever_somebody_is_erased_beside_their_import_nothing_is_left(world, monkeypatch):
    monkeypatch.setattr(importing, "ARRIVING_AT_ONCE", 1)
    said = remark(1, "Said") + remark(2, "Below", 1)
    file = wordpress(entry("One", "draft", more=said), entry("Two", "private"), entry("", "draft"))
    _, body = begun(world, file)
    with before_call(0, lambda: None) as calls:
        world.deliver(body)
        world.work()
    for place, call in enumerate(calls, start=1):
        user_id, body = begun(world, file)

        with before_call(place, partial(erase, world, user_id)):
            world.deliver(body)
            world.work()

        assert left_of(world, user_id) == set(), f"Erased before call {place}, {call}"
    assert calls.count("TransactWriteItems") >= 5


def begun(world, file):
    """Somebody whose import has begun, and the message that goes on with it."""
    user = world.person()
    ask(user, send(world, user, file))
    (body,) = drain(world.queue)
    return user.id, json.loads(body)


def test_nothing_begins_for_somebody_who_is_gone(world, alice):
    upload_id = send(world, alice, ghost({"title": "One"}))
    erase(world, alice.id)

    assert ask(alice, upload_id).status_code == alice.post("/blog/export").status_code == 410
    assert drain(world.queue) == [] or world.work() is None
    assert left_of(world, alice.id) == set()
    world.frozen.advance(days=31)
    assert alice.post("/blog/export").status_code == 202


def test_a_name_that_is_told_late_is_not_kept_anew(world, alice):
    world.post(alice)
    author = world.ports.authors.get(alice.id)
    known = world.ports.accounts.find(alice.id)

    with meanwhile("TransactWriteItems", lambda: erase(world, alice.id)):
        found = access.take_over(world.ports, author, known)

    assert not found.is_known and world.ports.authors.named("name0") is None


def test_a_worker_that_was_too_slow_does_not_let_others_in(world, alice):
    upload_id = send(world, alice, ghost({"title": "One"}))
    ask(alice, upload_id)
    slow = world.ports.imports.lease(alice.id, upload_id)
    world.frozen.advance(seconds=61)
    held = world.ports.imports.lease(alice.id, upload_id)

    world.ports.imports.release(slow)
    with pytest.raises(AlreadySeen):
        world.ports.imports.lease(alice.id, upload_id)
    world.ports.imports.release(held)

    assert world.ports.imports.lease(alice.id, upload_id).offset == 0
