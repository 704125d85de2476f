"""What an author is told of themselves, and that what is left of them has no name."""

import pytest

from functions.content.blog.actions import reacting
from functions.content.blog.app import handler
from functions.content.blog.store.places import felt_of
from tessera.problems import Busy
from tests.kit.faults import meanwhile
from tests.kit.privacy import told_then_gone

from .uploads import bring, ghost

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
