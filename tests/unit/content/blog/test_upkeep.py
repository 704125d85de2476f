"""Feeds, tags and categories, what accounts tell, live news, and erasure."""

import json
from typing import Any

import feedparser  # type: ignore[import-untyped]
import pytest

from functions.content.blog.actions import shelving, upkeep
from functions.content.blog.store import comment_ends
from functions.content.blog.store.places import tag_pk
from tessera import ids
from tessera.live import LiveSettings
from tessera.seqlog import SeqLog
from tests.kit.apps import Caller
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import meanwhile
from tests.kit.races import together
from tests.kit.stores import everything_in

from .conftest import World


def feed(world: World, path: str = "/blog/feed.xml", **headers: str) -> Any:
    return world.anonymous("GET", path, headers=headers)


def tags(world: World, query: str = "") -> list[tuple[str, int]]:
    found = world.anonymous("GET", f"/blog/tags{query}").json()["items"]
    return [(one["name"], one["posts"]) for one in found]


@pytest.mark.parametrize("path", ["feed.xml", "atom.xml"])
def test_feed_validates(world: World, alice: Caller, path: str) -> None:
    world.post(alice, "Tea & <biscuits>", body="A *word*, and ]]> too.", excerpt="Short", tags=["tea"])
    world.post(alice, "Second", body="Text")

    answer = feed(world, f"/blog/{path}")
    parsed = feedparser.parse(answer.content)

    assert parsed.bozo == 0
    assert parsed.feed.title == "Blog" and parsed.feed.subtitle and parsed.feed.link.startswith("https://")
    # Feeds say where they are themselves, and when they were changed.
    selves = [link.href for link in parsed.feed.links if link.rel == "self"]
    assert selves == [f"https://app.test/blog/{path}"] and parsed.feed.updated_parsed
    assert [entry.title for entry in parsed.entries] == ["Second", "Tea &amp; &lt;biscuits&gt;"] or [
        entry.title for entry in parsed.entries
    ] == ["Second", "Tea & <biscuits>"]
    for entry in parsed.entries:
        assert entry.id.startswith("urn:uuid:") and entry.link.startswith("https://app.test/blog/by-slug/")
        assert entry.published_parsed and entry.author == "name0" and entry.content[0].value
    assert len({entry.id for entry in parsed.entries}) == 2
    assert parsed.entries[1].tags[0].term == "tea"


def test_the_json_feed_has_what_its_specification_asks_for(world: World, alice: Caller) -> None:
    world.post(alice, "One", tags=["tea"])

    answer = feed(world, "/blog/feed.json")
    found = answer.json()

    assert answer.headers["content-type"].startswith("application/feed+json")
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert found["feed_url"] == "https://app.test/blog/feed.json" and found["title"]
    item = found["items"][0]
    assert item["id"].startswith("urn:uuid:") and item["content_html"] and item["tags"] == ["tea"]
    assert item["authors"] == [{"name": "name0"}] and item["date_published"].endswith("Z")


def test_whatever_a_title_holds_a_feed_stays_well_formed(world: World, alice: Caller) -> None:
    from functions.content.blog.rules import feeds

    channel = feeds.Channel("urn:x", "T\x0b", "https://a.test/?a=1&b=2", "https://a.test", "D\ufffe", 1_000)
    item = feeds.Item(ids.new(), "https://a.test/x?y=1&z=2", "a\x00b<c>", "<p>\x1b]]></p>", 'n"', 1_000, 2_000)

    for form in ("xml", "atom"):
        parsed = feedparser.parse(feeds.document(form, channel, [item]).encode())
        assert parsed.bozo == 0 and parsed.entries[0].link == "https://a.test/x?y=1&z=2"


def test_who_has_a_feed_is_not_sent_it_again(world: World, alice: Caller) -> None:
    world.post(alice)
    first = feed(world)
    tag, modified = first.headers["etag"], first.headers["last-modified"]

    assert first.headers["cache-control"] == "public, max-age=60, stale-while-revalidate=600"
    for headers in (
        {"if-none-match": tag},
        {"if-none-match": f'"x", W/{tag}'},
        {"if-none-match": "*"},
        {"if-modified-since": modified},
    ):
        answer = feed(world, **headers)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert feed(world, **{"if-none-match": '"x"', "if-modified-since": modified}).status_code == 200


def test_a_feed_that_was_made_costs_one_read(world: World, alice: Caller) -> None:
    world.post(alice)
    feed(world)

    with CapacityMeter() as meter:
        feed(world)

    assert meter.of(world.table.name).operations == ["GetItem"]


def test_feeds_of_all_of_a_tag_and_of_an_author_are_made_anew_when_something_changes(
    world: World, alice: Caller
) -> None:
    paths = ("/blog/feed.xml", "/blog/tags/tea/feed.json", "/blog/authors/name0/atom.xml")
    post = world.post(alice, "Before", tags=["tea"])
    assert all("Before" in feed(world, path).text for path in paths)

    alice.patch(f"/blog/posts/{post['id']}", json={"title": "After"}, headers={"if-match": "*"})
    world.follow()
    assert all("After" in feed(world, path).text for path in paths)
    alice.delete(f"/blog/posts/{post['id']}")
    world.follow()
    assert not any("After" in feed(world, path).text for path in paths)
    for path in ("/blog/tags/never/feed.xml", "/blog/authors/nobody/feed.xml"):
        assert feed(world, path).status_code == 404


def test_many_changes_make_one_new_feed(world: World) -> None:
    assert [world.ports.feeds.claim("ALL", 2) for _ in range(3)] == [True, False, False]
    results = together(lambda: world.ports.feeds.claim("A#x", 2), times=6)
    assert sum(bool(one.value) for one in results) == 1
    world.frozen.advance(minutes=1)
    assert world.ports.feeds.claim("ALL", 2)


def test_a_sitemap_lists_what_is_published(world: World, alice: Caller) -> None:
    world.post(alice, "Tee & Kuchen")
    world.post(alice, "Hidden", status="draft")

    index = feed(world, "/blog/sitemap.xml").text
    part = feed(world, "/blog/sitemap.xml?page=1").text

    assert "<loc>https://app.test/blog/sitemap.xml?page=1</loc>" in index
    assert "https://app.test/blog/by-slug/tee-kuchen" in part and "hidden" not in part
    assert feed(world, "/blog/sitemap.xml?page=6").status_code == 422


def test_tags_are_listed_while_a_post_has_them(world: World, alice: Caller) -> None:
    one = world.post(alice, tags=["Tea", "milk"])
    world.post(alice, tags=["tea"])

    assert tags(world, "?sort=popular") == [("Tea", 2), ("milk", 1)]
    assert tags(world, "?sort=name") == [("milk", 1), ("Tea", 2)]
    alice.patch(f"/blog/posts/{one['id']}", json={"tags": ["sugar"]}, headers={"if-match": "*"})
    assert tags(world) == [("sugar", 1), ("Tea", 1)]
    world.follow()
    assert not [item for item in everything_in(world.table) if item["pk"]["S"] == tag_pk("milk")]


def test_a_tag_that_comes_back_while_it_is_taken_off_stays(world: World, alice: Caller) -> None:
    post = world.post(alice, tags=["tea"])
    alice.patch(f"/blog/posts/{post['id']}", json={"tags": []}, headers={"if-match": "*"})

    with meanwhile("TransactWriteItems", lambda: world.post(alice, tags=["tea"]), key=""):
        world.ports.shelves.prune_tag("tea")

    assert tags(world) == [("tea", 1)]
    world.follow()
    assert tags(world) == [("tea", 1)]
    world.ports.shelves.prune_tag("tea")
    world.ports.shelves.prune_tag("never")
    assert tags(world) == [("tea", 1)]


def test_a_tag_is_made_once(world: World) -> None:
    together(lambda: world.ports.shelves.make_tag("tea"), times=6)

    assert [one.id for one in world.ports.shelves.newest_tags(9)] == ["tea"]


def test_a_tag_is_renamed_merged_and_leads_to_the_other(world: World, alice: Caller) -> None:
    admin = world.person("owner")
    world.post(alice, "One", tags=["js", "web"])
    world.post(alice, "Two", tags=["javascript"])

    assert admin.patch("/blog/tags/web", json={"name": "WEB"}).json() == {"name": "WEB", "posts": 1}
    assert admin.patch("/blog/tags/js", json={"name": "javascript"}).status_code == 200
    world.work()
    world.follow()

    assert sorted(tags(world)) == [("WEB", 1), ("javascript", 2)]
    assert world.post(alice, "Three", tags=["JS"])["tags"] == ["javascript"]
    assert admin.patch("/blog/tags/js", json={"name": "x"}).status_code == 404
    assert admin.patch("/blog/tags/web", json={"name": "js"}).status_code == 422
    assert admin.patch("/blog/tags/none", json={"name": "x"}).status_code == 404
    assert alice.patch("/blog/tags/web", json={"name": "x"}).status_code == 403


def test_categories_have_two_levels_an_order_and_no_orphans(world: World) -> None:
    admin = world.person("owner")

    def put(slug: str, **fields: Any) -> int:
        status: int = admin.request("PUT", f"/blog/categories/{slug}", json={"name": slug, **fields}).status_code
        return status

    assert [put("food", order=2), put("tech", order=1), put("tea", parent="food", order=3)] == [200, 200, 200]
    assert [one["slug"] for one in world.anonymous("GET", "/blog/categories").json()["items"]] == [
        "tech",
        "food",
        "tea",
    ]
    assert put("green", parent="tea") == put("food", parent="tech") == put("x", parent="none") == 422
    assert put("tech", parent="tech") == 422
    assert admin.delete("/blog/categories/food").status_code == 409
    assert admin.delete("/blog/categories/tea").status_code == 204
    assert admin.delete("/blog/categories/tea").status_code == 404


def test_a_category_goes_only_while_no_post_is_in_it(world: World, alice: Caller) -> None:
    admin = world.person("owner")
    admin.request("PUT", "/blog/categories/news", json={"name": "News"})
    post = world.post(alice, category="news")
    assert admin.delete("/blog/categories/news").status_code == 409
    alice.post(f"/blog/posts/{post['id']}/unpublish")

    assert admin.delete("/blog/categories/news").status_code == 204


def test_the_archive_counts_months(world: World, alice: Caller) -> None:
    for at in ("2024-05-03T00:00:00Z", "2024-05-04T00:00:00Z", "2025-01-01T00:00:00Z"):
        last = world.post(alice, publish_at=at)
    alice.delete(f"/blog/posts/{last['id']}")

    assert world.anonymous("GET", "/blog/archive").json()["items"] == [{"month": "2024-05", "posts": 2}]


def test_a_new_name_is_taken_over_and_older_news_is_not(world: World, alice: Caller) -> None:
    post = world.post(alice)
    world.accounts.people[alice.id].update(username="renamed", name="Alice")

    assert world.receive("accounts.user.updated.v1", user_id=alice.id) == {"batchItemFailures": []}

    shown = world.anonymous("GET", f"/blog/posts/{post['id']}").json()["author"]
    assert (shown["username"], shown["name"]) == ("renamed", "Alice")
    world.accounts.people[alice.id].update(username="older")
    upkeep.know_again(world.ports, alice.id, "2001-01-01T00:00:00.000Z")
    assert world.ports.authors.get(alice.id).username == "renamed"
    world.receive("accounts.user.updated.v1", user_id=ids.new())
    assert world.accounts.asked[-1] == f"GET /users/{alice.id}"


def test_tokens_of_a_locked_account_open_the_facade_no_more(world: World) -> None:
    member = world.member()
    world.accounts.people[member.id]["is_active"] = False

    world.receive("accounts.user.locked.v1", user_id=member.id)

    assert member.request("GET", "/user").status_code == 401


def test_accounts_that_do_not_answer_keep_nobody_from_writing(world: World, alice: Caller) -> None:
    world.accounts.silent = True

    post = world.post(alice)

    shown = world.anonymous("GET", f"/blog/posts/{post['id']}").json()
    assert shown["author"]["username"] == f"user-{alice.id[-10:].lower()}"


def test_who_listens_hears_of_comments_once_and_never_of_what_waits(
    world: World, alice: Caller, moderator: Caller
) -> None:
    post = world.post(alice, comment_policy="all-moderated")
    comment = world.comment(world.person(), post)
    world.follow()
    log = SeqLog(type(world.table)(world.bindings.settings(LiveSettings).realtime))
    assert log.read(f"post:{post['id']}", 0, 9) == []

    moderator.post(f"/blog/comments/{comment['id']}/approve")
    world.follow()
    world.delivered.clear()
    world.follow()

    told = [json.loads(row.data) for row in log.read(f"post:{post['id']}", 0, 9)]
    assert told == [{"type": "approved", "comment_id": comment["id"]}]


def test_an_account_that_is_erased_leaves_posts_without_a_name_and_nothing_private(
    world: World, alice: Caller, bob: Caller
) -> None:
    post, other = world.post(alice, "Stays"), world.post(bob, "Others")
    draft = world.post(alice, "Private", status="draft")
    trashed = world.post(alice, "Trashed")
    alice.delete(f"/blog/posts/{trashed['id']}")
    world.comment(alice, other, "Said by Alice")
    waits = world.post(bob, comment_policy="all-moderated")
    world.comment(alice, waits, "Waits")
    alice.request("PUT", f"/blog/posts/{other['id']}/reactions/like")
    world.ports.authors.follow(alice.id, bob.id)

    for _ in range(20):
        answer = world.internal("/blog/internal/erase", {"owner_id": alice.id})
        if answer["done"]:
            break

    assert answer["done"] and world.events("privacy.data.erased.v1")[-1]["owner_id"] == alice.id
    shown = world.anonymous("GET", f"/blog/posts/{post['id']}").json()
    assert shown["author"]["username"].startswith("user-") and shown["author"]["name"] is None
    comments = world.anonymous("GET", f"/blog/posts/{other['id']}/comments").json()["items"]
    assert [(one["body"], one["author"]) for one in comments] == [("Said by Alice", None)]
    assert world.anonymous("GET", f"/blog/posts/{other['id']}").json()["reactions"]["like"] == 0
    left = json.dumps(everything_in(world.table), default=str)
    assert "name0" not in left
    assert all(world.ports.posts.find(one["id"]) is None for one in (draft, trashed))
    keys = [item["pk"]["S"] for item in everything_in(world.table)]
    assert not [key for key in keys if alice.id in key and key.startswith(("AU#", "F#", "L#D", "L#X", "L#FAV"))]
    assert world.internal("/blog/internal/erase", {"owner_id": alice.id}, caller="tasks")["status"] in (403, 404)


def test_anonymising_touches_only_ones_own(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    comment = world.comment(bob, post)
    mine = world.ports.reading.pointers(f"MINE#{bob.id}", 9)[0]

    comment_ends.anonymise(world.table, alice.id, mine)

    assert world.ports.comments.get(comment["id"]).author_id == bob.id


def test_shelves_move_on_though_a_post_is_in_the_way(world: World, alice: Caller) -> None:
    admin = world.person("owner")
    for slug in ("old", "new"):
        admin.request("PUT", f"/blog/categories/{slug}", json={"name": slug})
    post = world.post(alice, category="old")

    def change() -> None:
        alice.patch(f"/blog/posts/{post['id']}", json={"title": "x"}, headers={"if-match": "*"})

    with meanwhile("TransactWriteItems", change):
        shelving.move_some(world.ports, "C#old", "category", "old", "new")
    world.work()

    assert world.ports.posts.get(post["id"]).category == "new"
    assert world.ports.shelves.category("old") is None
