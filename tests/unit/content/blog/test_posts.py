"""Posts over HTTP: written, changed, published, deleted, read; and what happens when many do it at once."""

from dataclasses import replace
from typing import Any

import pytest

from functions.content.blog.actions import posts as actions
from functions.content.blog.actions import shelving, upkeep
from functions.content.blog.rules import posts as rules
from functions.content.blog.rules.posts import Body, Post, Status
from functions.content.blog.store.posts import Taken, Write
from functions.content.blog.store.rows import post_pk
from tessera import clock, ids
from tessera.auth.principal import Principal
from tessera.due import DueItem
from tessera.etags import StaleVersion
from tessera.idempotency import Intent
from tessera.problems import InvalidRequest, NotFound
from tests.kit.apps import Caller
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import contention
from tests.kit.races import outcomes, together
from tests.kit.stores import due_in, everything_in

from .conftest import World

WRITER = frozenset({"blog:read", "blog:write"})


def writer(user_id: str = "") -> Principal:
    user_id = user_id or ids.new()
    return Principal(kind="user", id=user_id, user_id=user_id, permissions=WRITER)


def draft(title: str = "A title", **fields: Any) -> actions.Draft:
    return actions.Draft(title=title, body="What it says.", status=Status.PUBLISHED, **fields)


def made(world: World, by: Principal, title: str = "A title", **fields: Any) -> Post:
    return actions.create(world.ports, draft(title, **fields), by=by, intent=Intent(ids.new(), ""))[0]


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()["items"]]


def test_a_draft_is_its_authors_alone_until_it_is_published(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice, "Quiet", status="draft")
    path = f"/blog/posts/{post['id']}"

    assert (alice.get(path).status_code, bob.get(path).status_code) == (200, 404)
    assert world.anonymous("GET", "/blog/by-slug/quiet").status_code == 404
    assert titles(alice.get("/blog/drafts")) == ["Quiet"]
    assert titles(bob.get("/blog/drafts")) == titles(world.anonymous("GET", "/blog/posts")) == []

    assert alice.post(f"{path}/publish").json()["status"] == "published"

    assert bob.get(path).json()["author"]["username"] == "name0"
    assert titles(alice.get("/blog/drafts")) == []
    assert titles(world.anonymous("GET", "/blog/posts")) == ["Quiet"]


def test_a_post_is_shown_as_html_with_its_headings_and_nothing_active(world: World, alice: Caller) -> None:
    post = world.post(alice, body="# One\n\n<script>alert(1)</script>\n\n*two*")

    shown = world.anonymous("GET", f"/blog/posts/{post['id']}").json()

    assert "<em>two</em>" in shown["html"] and "script" not in shown["html"]
    assert [one["text"] for one in shown["headings"]] == ["One"]
    assert shown["reactions"] == {"like": 0, "dislike": 0, "love": 0, "laugh": 0, "sad": 0}
    assert shown["my_reaction"] is None


def test_lists_filter_by_author_tag_and_category_and_page_on(world: World, alice: Caller, bob: Caller) -> None:
    admin = world.person("owner")
    assert admin.request("PUT", "/blog/categories/news", json={"name": "News"}).status_code == 200
    world.post(alice, "One", tags=["tea"])
    world.post(bob, "Two", tags=["Tea"], category="news")
    world.post(alice, "Three")

    assert titles(world.anonymous("GET", f"/blog/posts?author={alice.id}")) == ["Three", "One"]
    assert titles(world.anonymous("GET", "/blog/posts?tag=TEA")) == ["Two", "One"]
    assert titles(world.anonymous("GET", "/blog/posts?category=news")) == ["Two"]
    first = world.anonymous("GET", "/blog/posts?limit=2").json()
    assert titles(world.anonymous("GET", f"/blog/posts?limit=2&cursor={first['next']}")) == ["One"]
    assert world.anonymous("GET", "/blog/posts?tag=a&category=b").status_code == 422
    assert world.anonymous("GET", f"/blog/posts?tag=tea&cursor={first['next']}").status_code == 400
    assert world.anonymous("GET", f"/blog/posts?cursor={first['next'][:-2]}AA").status_code == 400
    for limit in ("0", "101", "abc"):
        assert world.anonymous("GET", f"/blog/posts?limit={limit}").status_code == 422


def test_an_update_needs_the_version_that_was_read(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    path = f"/blog/posts/{post['id']}"

    assert alice.patch(path, json={"excerpt": "x"}).status_code == 428
    assert alice.patch(path, json={"excerpt": "x"}, headers={"if-match": 'W/"v1"'}).status_code == 412
    good = alice.patch(path, json={"excerpt": "x"}, headers={"if-match": post["etag"]})
    assert (good.status_code, good.headers["etag"], good.json()["excerpt"]) == (200, '"v2"', "x")
    assert alice.patch(path, json={"excerpt": "y"}, headers={"if-match": post["etag"]}).status_code == 412
    assert bob.patch(path, json={"excerpt": "y"}, headers={"if-match": "*"}).status_code == 403
    assert alice.patch(path, json={}, headers={"if-match": "*"}).headers["etag"] == '"v2"'


def test_an_old_slug_leads_to_the_present_one_however_often_it_changed(world: World, alice: Caller) -> None:
    post = world.post(alice, "First")
    etag = post["etag"]
    for slug in ("second", "third"):
        answer = alice.patch(f"/blog/posts/{post['id']}", json={"slug": slug}, headers={"if-match": etag})
        etag = answer.headers["etag"]

    for slug in ("first", "second"):
        moved = world.served.client.get(f"/blog/by-slug/{slug}", follow_redirects=False)
        assert (moved.status_code, moved.headers["location"]) == (301, "/blog/by-slug/third")
        assert moved.json() == {"moved_to": "/blog/by-slug/third"}
    # Nobody else gets a slug that still leads somewhere, and its own post gets it back.
    assert alice.post("/blog/posts", json={"title": "x", "body": "y", "slug": "first"}).status_code == 409
    back = alice.patch(f"/blog/posts/{post['id']}", json={"slug": "first"}, headers={"if-match": etag})
    assert back.json()["slug"] == "first"


def test_a_slug_that_another_post_has_cannot_be_taken_by_an_update(world: World, alice: Caller) -> None:
    world.post(alice, "Mine")
    other = world.post(alice, "Other")

    taken = alice.patch(f"/blog/posts/{other['id']}", json={"slug": "mine"}, headers={"if-match": "*"})

    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/slug-taken")


def test_a_new_title_makes_a_new_slug_only_while_nobody_has_seen_the_post(world: World, alice: Caller) -> None:
    hidden, seen = world.post(alice, "Hidden", status="draft"), world.post(alice, "Seen")

    for post, slug in ((hidden, "another"), (seen, "seen")):
        answer = alice.patch(f"/blog/posts/{post['id']}", json={"title": "Another"}, headers={"if-match": "*"})
        assert answer.json()["slug"] == slug


def test_fifty_posts_of_one_title_get_slugs_of_their_own(world: World) -> None:
    results = together(lambda: made(world, writer(), "The same"), times=50)

    assert outcomes(results) == {"ok": 50}
    assert len({one.value.slug for one in results}) == 50


def test_one_of_fifty_gets_the_slug_that_all_ask_for(world: World) -> None:
    results = together(lambda: made(world, writer(), "x", slug="wanted"), times=50)

    assert outcomes(results) == {"ok": 1, "slug-taken": 49}


def test_two_posts_of_one_author_with_the_same_tags_at_once_both_count(world: World) -> None:
    author = writer()
    with contention(0.2, seed=7):
        results = together(lambda: made(world, author, tags=("tea", "milk")), times=4)

    assert outcomes(results) == {"ok": 4}
    assert world.ports.authors.get(author.id).post_count == 4
    assert world.ports.shelves.tag_counts(["tea", "milk"]) == {"tea": 4, "milk": 4}
    assert world.ports.shelves.total() == 4


def test_publishing_again_and_again_counts_once(world: World, alice: Caller) -> None:
    post = world.post(alice, status="draft", tags=["tea"])

    results = together(
        lambda: actions.publish(world.ports, post["id"], at=None, expect=None, by=writer(alice.id)), times=6
    )

    assert outcomes(results)["ok"] == 1
    assert world.ports.shelves.total() == 1
    assert len(world.events("blog.post.published.v1")) == 1
    assert world.ports.authors.get(alice.id).post_count == 1


def test_the_schedule_its_author_and_the_trash_at_once_leave_one_state_and_one_event(world: World) -> None:
    author = writer()
    at = clock.millis() + 60_000
    post = actions.create(
        world.ports,
        replace(draft(), status=Status.SCHEDULED, publish_at=at),
        by=author,
        intent=Intent(ids.new(), ""),
    )[0]
    item = DueItem(**due_in(world.table)[0]["data"])
    world.frozen.advance(seconds=61)

    together(
        lambda: upkeep.come_due(world.ports, item),
        lambda: actions.publish(world.ports, post.id, at=None, expect=None, by=author),
        lambda: actions.trash(world.ports, post.id, expect=None, by=author),
        times=2,
    )

    left = world.ports.posts.get(post.id)
    assert left.status in (Status.PUBLISHED, Status.TRASHED)
    assert len(world.events("blog.post.published.v1")) <= 1
    assert world.ports.shelves.total() == int(left.is_published)


def test_a_scheduled_post_is_published_when_its_time_has_come(world: World, alice: Caller) -> None:
    at = clock.rfc3339(clock.from_millis(clock.millis() + 120_000))
    post = world.post(alice, "Later", status="scheduled", publish_at=at)
    waiting = due_in(world.table)
    assert titles(alice.get("/blog/drafts")) == ["Later"]
    world.frozen.advance(seconds=121)

    assert world.deliver(*waiting, *waiting) == {"batchItemFailures": []}

    shown = world.anonymous("GET", f"/blog/posts/{post['id']}").json()
    assert (shown["status"], shown["published_at"]) == ("published", at)
    assert due_in(world.table) == []
    assert len(world.events("blog.post.published.v1")) == 1


def test_a_time_that_was_put_off_publishes_nothing_yet(world: World, alice: Caller) -> None:
    at = clock.millis() + 60_000
    post = world.post(alice, status="draft")
    path = f"/blog/posts/{post['id']}/schedule"
    for later in (at, at + 600_000):
        answer = alice.post(path, json={"publish_at": clock.rfc3339(clock.from_millis(later))})
        assert answer.status_code == 200, answer.text
        if later == at:
            waiting = due_in(world.table)
    world.frozen.advance(seconds=61)
    world.deliver(*waiting)

    assert alice.get(f"/blog/posts/{post['id']}").json()["status"] == "scheduled"
    assert alice.post(path, json={"publish_at": "2001-01-01T00:00:00Z"}).status_code == 422
    assert alice.post(path, json={}).status_code == 422


def test_states_that_do_not_fit_are_told(world: World, alice: Caller) -> None:
    post = world.post(alice)
    path = f"/blog/posts/{post['id']}"

    answers = [alice.post(f"{path}/{verb}") for verb in ("publish", "restore")]

    assert [(one.status_code, one.json()["type"]) for one in answers] == [(409, "/problems/invalid-transition")] * 2
    stale = {"if-match": '"v9"'}
    assert alice.post(f"{path}/unpublish", headers=stale).status_code == 412
    assert alice.post(f"{path}/unpublish").json()["status"] == "draft"
    later = {"publish_at": clock.rfc3339(clock.from_millis(clock.millis() + 60_000))}
    assert alice.post(f"{path}/publish", headers=stale).status_code == 412
    assert alice.post(f"{path}/schedule", json=later, headers=stale).status_code == 412
    assert alice.post(f"{path}/unpublish").status_code == 409


def test_the_trash_gives_back_what_was_published_with_its_place_and_counts(world: World, alice: Caller) -> None:
    old = world.post(alice, "Old", tags=["tea"])
    world.post(alice, "New", tags=["tea"])
    path = f"/blog/posts/{old['id']}"

    assert alice.delete(path, headers={"if-match": '"v9"'}).status_code == 412
    assert alice.delete(path).status_code == 204
    assert alice.delete(path).status_code == 404
    assert titles(world.anonymous("GET", "/blog/posts")) == ["New"]
    assert titles(alice.get("/blog/drafts?trashed=true")) == ["Old"]
    assert world.ports.shelves.tag_count("tea") == 1
    assert alice.patch(path, json={"title": "x"}, headers={"if-match": "*"}).status_code == 404

    assert alice.post(f"{path}/restore").json()["status"] == "published"

    assert titles(world.anonymous("GET", "/blog/posts")) == ["New", "Old"]
    assert world.ports.shelves.tag_count("tea") == 2
    assert world.ports.authors.get(alice.id).post_count == 2


def test_after_thirty_days_nothing_is_left_and_the_slugs_are_free(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice, "Mine", tags=["tea"])
    alice.patch(f"/blog/posts/{post['id']}", json={"slug": "renamed"}, headers={"if-match": "*"})
    world.comment(bob, post)
    alice.delete(f"/blog/posts/{post['id']}")
    waiting = due_in(world.table)
    world.frozen.advance(days=30, seconds=1)

    world.deliver(*waiting)
    world.work()

    assert alice.get(f"/blog/posts/{post['id']}").status_code == 410
    assert alice.post(f"/blog/posts/{post['id']}/restore").status_code == 410
    left = {(item["pk"]["S"], item["sk"]["S"]) for item in everything_in(world.table)}
    assert not {key for key in left if key[0].startswith(("SLUG#", "C#", "CID#", "L#X#", "L#MINE#"))}
    assert {sk for pk, sk in left if pk == post_pk(post["id"])} == {"GONE"}
    for slug in ("mine", "renamed"):
        assert bob.post("/blog/posts", json={"title": "x", "body": "y", "slug": slug}).status_code == 201


def test_a_post_that_was_taken_out_of_the_trash_is_not_purged(world: World, alice: Caller) -> None:
    post = world.post(alice)
    trashed = rules.trash(world.ports.posts.get(post["id"]), clock.millis())
    alice.delete(f"/blog/posts/{post['id']}")
    before = world.ports.posts.get(post["id"])
    alice.post(f"/blog/posts/{post['id']}/restore")

    upkeep.purge(world.ports, post["id"])
    with pytest.raises(Exception, match="condition"):
        world.ports.posts.purge(before, 100)

    assert trashed.status is Status.TRASHED
    assert world.ports.posts.get(post["id"]).is_published


def test_revisions_tell_what_was_said_and_bring_it_back(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice, "One", body="first\nline")
    path = f"/blog/posts/{post['id']}"
    alice.patch(path, json={"body": "second\nline"}, headers={"if-match": "*"})

    listed = alice.get(f"{path}/revisions?limit=1").json()
    assert [one["number"] for one in listed["items"]] == [2]
    rest = alice.get(f"{path}/revisions?limit=1&cursor={listed['next']}").json()
    assert ([one["number"] for one in rest["items"]], rest["next"]) == ([1], None)
    shown = alice.get(f"{path}/revisions/2?against=1").json()
    assert "-first" in shown["diff"] and "+second" in shown["diff"]
    assert alice.get(f"{path}/revisions/1").json()["diff"] is None
    assert alice.get(f"{path}/revisions/9").status_code == 404
    assert bob.get(f"{path}/revisions").status_code == 403

    assert alice.post(f"{path}/revisions/1/restore").status_code == 200

    assert alice.get(path).json()["body"] == "first\nline"
    assert alice.get(f"{path}/revisions").json()["items"][0]["number"] == 3


def test_fifty_revisions_are_kept_and_those_that_were_published(world: World, alice: Caller) -> None:
    post = world.post(alice, "One", body="0")
    path = f"/blog/posts/{post['id']}"
    alice.post(f"{path}/unpublish")
    by = writer(alice.id)
    for number in range(1, 54):
        actions.update(world.ports, post["id"], {"body": f"{number}"}, expect=None, by=by)
    world.work()

    kept = [one.number for one in world.ports.posts.revisions(post["id"], 100, None)]

    assert kept == [*range(54, 4, -1), 1]


def test_a_link_shows_a_draft_until_it_runs_out(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice, "Quiet", status="draft")
    path = f"/blog/posts/{post['id']}"
    assert bob.post(f"{path}/preview-links").status_code == 404
    link = alice.post(f"{path}/preview-links", json={"seconds": 60}).json()["url"].removeprefix("https://app.test")

    assert world.anonymous("GET", link).json()["title"] == "Quiet"
    other = world.post(alice, "Other", status="draft")
    for wrong in (link[:-3] + "abc", link.replace(post["id"], other["id"]), f"{path}/preview?token=1.x"):
        assert world.anonymous("GET", wrong).status_code == 404
    world.frozen.advance(seconds=61)
    assert world.anonymous("GET", link).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"title": "   "}, "/title"),
        ({"title": "\u202e"}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"body": "x" * 131_073}, "/body"),
        ({"body": "\u0000"}, "/body"),
        ({"tags": ["x" * 65]}, "/tags/0"),
        ({"tags": [f"t{number}" for number in range(21)]}, "/tags"),
        ({"tags": ["a/b"]}, "/tags/0"),
        ({"slug": "Not A Slug"}, "/slug"),
        ({"slug": "feed"}, "/slug"),
        ({"category": "nowhere"}, "/category"),
        ({"canonical_url": "javascript:alert(1)"}, "/canonical_url"),
        ({"comment_policy": "whatever"}, "/comment_policy"),
        ({"status": "scheduled"}, "/publish_at"),
        ({"color": "red"}, "/color"),
    ],
)
def test_what_no_post_may_hold_is_refused_with_its_place(
    world: World, alice: Caller, body: dict[str, Any], pointer: str
) -> None:
    answer = alice.post("/blog/posts", json={"title": "x", "body": "y", **body})

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_bodies_that_are_none_are_refused(world: World, alice: Caller) -> None:
    json_type = {"content-type": "application/json"}

    for content in (b"[]", b"{", b'{"title": "\\ud800", "body": "y"}', b'{"title": "\\u0000", "body": "y"}'):
        assert alice.post("/blog/posts", content=content, headers=json_type).status_code == 422
    large = b'{"title": "x", "body": "' + b"y" * 1_100_000 + b'"}'
    assert alice.post("/blog/posts", content=large, headers=json_type).status_code == 413


def test_a_card_stays_small_enough_for_lists(world: World, alice: Caller) -> None:
    fat = {"title": "x", "body": "y", "excerpt": "語" * 1_000, "tags": [f"{'語' * 60}{n}" for n in range(20)]}

    answer = alice.post("/blog/posts", json=fat)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/tags")


def test_the_same_key_makes_one_post(world: World, alice: Caller) -> None:
    body, headers = {"title": "x", "body": "y"}, {"idempotency-key": ids.new()}

    first, again = (alice.post("/blog/posts", json=body, headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replay"] == "true"
    other = alice.post("/blog/posts", json={**body, "title": "z"}, headers=headers)
    assert other.json()["type"] == "/problems/idempotency-mismatch"
    alice.delete(f"/blog/posts/{first.json()['id']}")
    assert alice.post("/blog/posts", json=body, headers=headers).status_code == 410


def test_only_who_may_write_writes_and_only_authors_publish_where_it_is_not_open(world: World, alice: Caller) -> None:
    reader = world.person(scope="blog:read")
    assert reader.post("/blog/posts", json={"title": "x", "body": "y"}).status_code == 403
    assert world.anonymous("POST", "/blog/posts", json={"title": "x", "body": "y"}).status_code == 401
    closed = world.ports.settings.model_copy(update={"blog_open": "off"})
    ports = replace(world.ports, settings=closed)

    with pytest.raises(Exception, match="blog:publish"):
        actions.create(ports, draft(), by=writer(), intent=Intent(ids.new(), ""))

    author = replace(writer(), permissions=WRITER | {"blog:publish"})
    assert actions.create(ports, draft(), by=author, intent=Intent(ids.new(), ""))[0].is_published


def test_a_draft_of_another_is_not_there_even_for_changes(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice, status="draft")
    path = f"/blog/posts/{post['id']}"

    answers = [bob.post(f"{path}/publish"), bob.delete(path), bob.patch(path, json={}, headers={"if-match": "*"})]

    assert [one.status_code for one in answers] == [404, 404, 404]


def test_who_manages_the_blog_may_change_what_others_wrote(world: World, alice: Caller) -> None:
    post = world.post(alice)
    admin = world.person("admin")

    answer = admin.patch(f"/blog/posts/{post['id']}", json={"title": "Better"}, headers={"if-match": "*"})

    assert answer.json()["title"] == "Better"


def test_events_carry_what_search_keeps_and_what_it_drops(world: World, alice: Caller) -> None:
    post = world.post(alice, "Hello", body="# Head\n\nSome words", tags=["tea"])
    path = f"/blog/posts/{post['id']}"
    published = world.events("blog.post.published.v1")[0]
    alice.patch(path, json={"tags": ["milk"]}, headers={"if-match": "*"})
    updated = world.events("blog.post.updated.v1")[0]
    alice.post(f"{path}/unpublish")

    doc = published["search_doc"]
    assert (doc["title"], doc["headings"], doc["tags"], doc["acl"]) == ("Hello", ["Head"], ["tea"], "public")
    assert "Some words" in doc["body"] and doc["url"] == "https://app.test/blog/by-slug/hello"
    assert (published["seq"], updated["seq"], updated["tags_left"]) == (1, 2, ["tea"])
    assert world.events("blog.post.unpublished.v1")[0]["search_doc"] == {"id": post["id"], "seq": 3, "deleted": True}


def test_nobody_hears_of_drafts(world: World, alice: Caller) -> None:
    post = world.post(alice, status="draft")
    alice.patch(f"/blog/posts/{post['id']}", json={"title": "x"}, headers={"if-match": "*"})
    alice.delete(f"/blog/posts/{post['id']}")

    assert not [item for item in everything_in(world.table) if "event" in item]


def test_a_card_is_not_burdened_with_its_event(world: World, alice: Caller) -> None:
    post = world.post(alice, body="word " * 9_000)

    card = next(item for item in everything_in(world.table) if item["sk"]["S"] == "META" and "title" in item)

    assert card["id"]["S"] == post["id"] and "event" not in card


def test_what_an_older_gate_let_through_is_rendered_anew_on_read(world: World, alice: Caller) -> None:
    post = world.post(alice, body="*new*")
    store, body = world.ports.posts, Body("*new*", "<blink>old</blink>", words=1, markup_version=0)
    seen = world.ports.posts.get(post["id"])
    store.save(Write(seen, replace(rules.touched(seen, 1), rev=2), alice.id, body, body.source))

    assert "<em>new</em>" in world.anonymous("GET", f"/blog/posts/{post['id']}").json()["html"]

    kept = store.whole(post["id"])[1]
    assert (kept.markup_version, "<em>" in kept.html) == (1, True)


def test_rendering_anew_never_overwrites_what_was_written_meanwhile(world: World, alice: Caller) -> None:
    post = world.post(alice, body="*new*")
    store = world.ports.posts
    now = store.whole(post["id"])[1]
    for stale in (replace(now, markup_version=0), replace(now, rev=0)):
        store.rerender(post["id"], stale, Body("wrong", "wrong"))

    assert store.whole(post["id"])[1].source == "*new*"


def test_a_category_that_went_meanwhile_refuses_to_be_published_in(world: World, alice: Caller) -> None:
    admin = world.person("owner")
    admin.request("PUT", "/blog/categories/news", json={"name": "News"})
    post = world.post(alice, status="draft", category="news")
    assert admin.delete("/blog/categories/news").status_code == 204

    answer = alice.post(f"/blog/posts/{post['id']}/publish")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/category")


def test_a_slug_is_taken_at_the_moment_it_is_written(world: World, alice: Caller) -> None:
    post, other = world.post(alice, "One"), world.post(alice, "Two")
    before = world.ports.posts.get(post["id"])
    after = replace(rules.touched(before, 1), slug="two", rev=2)

    with pytest.raises(Taken):
        world.ports.posts.save(Write(before, after, alice.id, source="x"))

    assert world.ports.posts.get(other["id"]).slug == "two"


def test_a_write_on_an_old_version_changes_nothing(world: World, alice: Caller) -> None:
    post = world.post(alice)
    before = world.ports.posts.get(post["id"])
    alice.patch(f"/blog/posts/{post['id']}", json={"title": "Newer"}, headers={"if-match": "*"})

    with pytest.raises(StaleVersion):
        world.ports.posts.save(Write(before, replace(before, title="Older"), alice.id))


def test_what_publishing_and_reading_cost(world: World) -> None:
    author = writer()
    world.ports.shelves.settle(("a", "b", "c"))
    world.accounts.add(author.id, "somebody")
    post = made(world, author, "Warm up")
    with CapacityMeter() as publishing:
        made(world, author, "Measured", tags=("a", "b", "c"))
    with CapacityMeter() as listing:
        world.ports.reading.cards("ALL", Status.PUBLISHED, limit=20, after=None)
    with CapacityMeter() as opening:
        lock = world.ports.posts.slug(post.slug)
        assert lock is not None
        world.ports.posts.open(lock.post_id, lock.author_id, None)

    name = world.table.name
    assert publishing.of(name).operations == ["GetItem", "BatchGetItem", "TransactWriteItems"]
    assert publishing.of(name).write_units == pytest.approx(30, rel=0.1)
    assert listing.of(name).requests == 2
    assert opening.of(name).requests == 2 and opening.of(name).read_units <= 2.5


def test_a_page_costs_the_same_however_many_posts_there_are(world: World) -> None:
    def cost() -> tuple[float, int]:
        with CapacityMeter() as meter:
            world.ports.reading.cards("ALL", Status.PUBLISHED, limit=10, after=None)
        return meter.of(world.table.name).read_units, meter.of(world.table.name).requests

    for number in range(12):
        made(world, writer(), f"Number {number:03d}")
    few = cost()
    for number in range(30):
        made(world, writer(), f"Number {100 + number}")

    assert cost() == few


def test_moving_a_category_that_is_used_takes_its_posts_along(world: World, alice: Caller) -> None:
    admin = world.person("owner")
    for slug in ("old", "new"):
        admin.request("PUT", f"/blog/categories/{slug}", json={"name": slug})
    world.post(alice, "One", category="old")

    assert admin.delete("/blog/categories/old").json()["type"] == "/problems/category-in-use"
    assert admin.delete("/blog/categories/old?move_to=nowhere").status_code == 422
    assert admin.delete("/blog/categories/old?move_to=new").status_code == 202
    world.work()

    assert titles(world.anonymous("GET", "/blog/posts?category=new")) == ["One"]
    assert [one["slug"] for one in world.anonymous("GET", "/blog/categories").json()["items"]] == ["new"]
    with pytest.raises(NotFound):
        shelving.delete_category(world.ports, "old", None)
    with pytest.raises(InvalidRequest):
        shelving.delete_category(world.ports, "new", "new")
