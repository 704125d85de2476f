"""Posts as a file: what goes out comes in again, and what others have exported comes in too."""

import io
import json
import zipfile
from typing import Any

import pytest

from functions.content.blog.actions import exporting, importing, posts
from functions.content.blog.rules import arriving, imports
from functions.content.blog.rules.arriving import Unreadable
from functions.content.blog.rules.posts import MAX_BODY_BYTES, Status
from functions.content.blog.store.imports import Import, ImportRow, imports_of
from functions.content.blog.store.objects import upload_key
from tessera.jobs import jobs_of
from tessera.problems import Unavailable
from tests.kit.apps import Caller
from tests.kit.queues import drain
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in

from .conftest import World
from .uploads import ask, bring, entry, fetched, ghost, lines, send, wordpress, zipped


def own(world: World, by: Caller) -> list[str]:
    published = world.anonymous("GET", f"/blog/posts?author={by.id}").json()["items"]
    return [one["title"] for one in [*published, *by.get("/blog/drafts").json()["items"]]]


def test_an_export_holds_ones_own_posts_of_every_state_as_markdown_and_json(
    world: World, alice: Caller, bob: Caller
) -> None:
    world.post(alice, 'A "title": here', body="---\n\n# One\n\nTwo", tags=["tea", "más"], excerpt="Short")
    world.post(alice, "Draft", status="draft")
    world.post(alice, "Later", status="scheduled", publish_at="2050-01-01T00:00:00Z")
    gone = world.post(alice, "Gone")
    assert alice.delete(f"/blog/posts/{gone['id']}").status_code == 204
    world.post(bob, "Not hers")

    with zipfile.ZipFile(io.BytesIO(fetched(world, alice))) as packed:
        index = json.loads(packed.read("blog.json"))
        texts = {one["title"]: packed.read(one["file"]).decode() for one in index["posts"]}

    states = {one["title"]: one["status"] for one in index["posts"]}
    assert states == {'A "title": here': "published", "Draft": "draft", "Later": "scheduled", "Gone": "trashed"}
    head, _, said = texts['A "title": here'].removeprefix("---\n").partition("\n---\n")
    assert said == "\n---\n\n# One\n\nTwo"
    front = dict(line.split(": ", 1) for line in head.splitlines())
    assert json.loads(front["title"]) == 'A "title": here' and json.loads(front["tags"]) == ["tea", "más"]


def test_what_was_exported_comes_in_again_with_its_slugs_and_dates(world: World, alice: Caller, bob: Caller) -> None:
    world.post(
        alice, "First", body="---\nOne\n---\n", tags=["tea"], publish_at="2019-05-06T07:08:09Z", slug="the-first"
    )
    world.post(alice, "Draft", status="draft")
    world.post(alice, "Later", status="scheduled", publish_at="2050-01-01T00:00:00Z")
    gone = world.post(alice, "Gone")
    alice.delete(f"/blog/posts/{gone['id']}")
    file = fetched(world, alice)

    job, report = bring(world, bob, file)

    assert job["state"] == "done" and job["result"]["created"] == 3 and job["result"]["skipped"] == 1
    assert [(one["title"], one["outcome"]) for one in report if one["outcome"] == "skipped"] == [("Gone", "skipped")]
    first = next(one for one in report if one["title"] == "First")
    assert first["slug"].startswith("the-first-") and first["notes"] == [
        f"Its slug was the-first and is {first['slug']} here."
    ]
    post = world.anonymous("GET", f"/blog/posts/{first['post_id']}").json()
    assert post["body"] == "---\nOne\n---\n" and post["tags"] == ["tea"]
    assert post["published_at"].startswith("2019-05-06T07:08:09") and post["author"]["username"] == "name1"
    later = next(one for one in report if one["title"] == "Later")
    assert bob.get(f"/blog/posts/{later['post_id']}").json()["status"] == "scheduled"


def test_ghost_posts_keep_slug_dates_and_tags_and_members_alone_stay_drafts(world: World, alice: Caller) -> None:
    names = [{"id": "t", "name": "Tea"}, {"id": "u", "name": "#hidden"}, {"id": "v", "name": "A/B"}]
    links = [{"post_id": "0", "tag_id": tag, "sort_order": place} for tag, place in (("t", 1), ("u", 0), ("v", 0))]
    file = ghost(
        {"title": "One", "slug": "uno", "custom_excerpt": "Short", "created_at": "2018-01-01T00:00:00.000Z"},
        {"title": "Paid", "slug": "paid", "visibility": "paid"},
        {"title": "About", "type": "page"},
        {"title": "Plain", "slug": "plain", "html": None, "plaintext": "Words", "status": "draft"},
        tags=names,
        posts_tags=links,
    )

    job, report = bring(world, alice, file)

    assert [one["outcome"] for one in report] == ["created", "created", "skipped", "created"]
    assert (job["state"], job["result"]["created"], job["done"]) == ("done", 3, 4)
    post = world.anonymous("GET", "/blog/by-slug/uno").json()
    assert post["tags"] == ["A B", "Tea"] and post["excerpt"] == "Short"
    assert post["published_at"].startswith("2020-01-02T03:04:05") and post["created_at"].startswith("2018-01-01")
    assert world.anonymous("GET", "/blog/by-slug/paid").status_code == 404
    assert "members" in report[1]["notes"][0] and alice.get("/blog/by-slug/plain").json()["body"] == "Words"


def test_wordpress_posts_come_with_terms_and_what_was_not_public_stays_a_draft(world: World, alice: Caller) -> None:
    admin = world.person("owner")
    admin.request("PUT", "/blog/categories/news", json={"name": "News"})
    terms = """<category domain="category" nicename="news"><![CDATA[News]]></category>
        <category domain="category" nicename="other"><![CDATA[Other]]></category>
        <category domain="post_tag" nicename="tea"><![CDATA[Tea]]></category>"""
    file = wordpress(
        entry("Open", more=terms + "<wp:comment><wp:status>spam</wp:status><title>No</title></wp:comment>"),
        entry("Locked", more="<wp:post_password>secret</wp:post_password>"),
        entry("Private", "private"),
        entry("Picture", "inherit", "attachment"),
        entry("Thrown", "trash"),
    )

    _, report = bring(world, alice, file)

    assert [one["outcome"] for one in report] == ["created", "created", "created", "skipped", "skipped"]
    post = world.anonymous("GET", "/blog/by-slug/open").json()
    assert (post["category"], post["tags"], post["excerpt"]) == ("news", ["Tea", "Other"], "In short")
    assert post["published_at"].startswith("2015-06-07T08:09:10") and "<em>it</em>" in post["html"]
    assert {alice.get(f"/blog/by-slug/{slug}").json()["status"] for slug in ("locked", "private")} == {"draft"}


def test_each_item_is_refused_for_itself_and_told_why(world: World, alice: Caller) -> None:
    file = ghost(
        {"title": "Good", "slug": "good"},
        {"title": " ", "slug": "blank"},
        {"title": "Long", "html": "x" * (MAX_BODY_BYTES + 1)},
        {"title": "Empty", "html": ""},
        {"title": "Wide " * 50},
        {"title": "Card", "custom_excerpt": "é" * 999},
        {"title": "Halves \ud800", "html": "a\ud800\u0000b", "slug": 7, "published_at": "yesterday"},
    )

    job, report = bring(world, alice, file)

    assert [one["outcome"] for one in report] == ["created", *["refused"] * 4, "created", "created"]
    assert job["state"] == "partial" and [one["item"] for one in job["errors"]] == [2, 3, 4, 5]
    assert "bytes" in report[2]["notes"][0] and "no title" in report[1]["notes"][0]


def test_a_time_to_come_is_waited_for_and_one_that_has_passed_makes_a_draft(world: World, alice: Caller) -> None:
    file = ghost(
        {"title": "Early", "published_at": "2090-01-01T00:00:00.000Z"},
        {"title": "Late", "status": "scheduled", "published_at": "2001-01-01T00:00:00.000Z"},
    )

    _, report = bring(world, alice, file)

    states = [alice.get(f"/blog/posts/{one['post_id']}").json()["status"] for one in report]
    assert states == ["scheduled", "draft"] and all(len(one["notes"]) == 1 for one in report)


def test_an_import_delivered_twice_and_cut_off_publishes_each_post_once(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "AT_ONCE", 2)
    upload_id = send(world, alice, ghost(*({"title": f"Post {number}"} for number in range(5))))
    asked = ask(alice, upload_id)
    (first,) = drain(world.queue)
    assert world.deliver(json.loads(first)) == {"batchItemFailures": []}
    # As after a crash between the posts and the note of how far it came.
    world.table.update(ImportRow, imports_of(alice.id), upload_id, ImportRow.offset.set(0), ImportRow.created.set(0))

    assert world.deliver(json.loads(first), json.loads(first)) == {"batchItemFailures": []}
    world.work()

    job = alice.get(asked.headers["location"]).json()
    assert job["state"] == "done" and job["result"]["created"] == 5
    assert sorted(own(world, alice)) == [f"Post {number}" for number in range(5)]
    assert len(world.events("blog.post.published.v1")) == 5 and len(lines(alice, upload_id)) == 5


def test_deliveries_at_the_same_moment_make_every_post_once(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, ghost(*({"title": f"Post {number}"} for number in range(4))))
    ask(alice, upload_id)
    (body,) = drain(world.queue)

    together(lambda: world.deliver(json.loads(body)), times=4)
    world.work()

    assert len(own(world, alice)) == len(world.events("blog.post.published.v1")) == 4


def test_a_delivery_leaves_an_import_alone_that_another_one_holds(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, ghost({"title": "One"}))
    ask(alice, upload_id)
    world.ports.imports.lease(alice.id, upload_id)

    world.work()
    assert own(world, alice) == []
    world.frozen.advance(seconds=61)
    ask(alice, upload_id)
    world.work()

    assert own(world, alice) == ["One"]


def test_an_upload_is_imported_once_however_often_it_is_asked_for(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, ghost({"title": "One"}))

    results = together(lambda: ask(alice, upload_id), times=4)
    world.work()
    # The limit of long work allows a few such requests at once.
    world.frozen.advance(minutes=1)
    again = ask(alice, upload_id)

    assert again.status_code == 202, again.text
    assert {one.value.json()["id"] for one in results} == {again.json()["id"]} and again.json()["state"] == "done"
    assert own(world, alice) == ["One"]
    # It is not kept longer than it is needed.
    assert world.ports.objects.get(upload_key(alice.id, upload_id)) is None


def test_of_two_imports_of_an_upload_begun_at_once_one_is_kept(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, ghost({"title": "One"}))

    def begin() -> None:
        job, keeping = world.ports.jobs.starting(alice.id, "import")
        world.ports.imports.start(Import(alice.id, upload_id, job.id, {}), keeping)

    assert outcomes(together(begin, times=8)) == {"ok": 1, "Running": 7}


def test_an_import_goes_on_where_something_did_not_answer(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = send(world, alice, ghost({"title": "One"}, {"title": "Two"}))
    asked = ask(alice, upload_id)
    (body,) = drain(world.queue)
    create = posts.create
    made: list[int] = []

    def failing(*given: Any, **more: Any) -> Any:
        if made:
            raise Unavailable("Not now.")
        made.append(1)
        return create(*given, **more)

    monkeypatch.setattr(posts, "create", failing)
    assert len(world.deliver(json.loads(body))["batchItemFailures"]) == 1
    monkeypatch.setattr(posts, "create", create)
    assert world.deliver(json.loads(body)) == {"batchItemFailures": []}

    assert alice.get(asked.headers["location"]).json()["result"]["created"] == 2
    assert sorted(own(world, alice)) == ["One", "Two"]


def test_a_cancelled_import_stops_and_a_cancelled_export_too(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, ghost({"title": "One"}))
    taken, packed = ask(alice, upload_id), alice.post("/blog/export")
    for asked in (taken, packed):
        assert alice.post(f"{asked.headers['location']}/cancel").status_code == 200

    world.work()

    assert own(world, alice) == []
    assert alice.get(f"/blog/exports/{packed.json()['id']}").status_code == 404


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"neither",
        b"{",
        b"[]",
        b"{}",
        b'{"db": [{"data": {"posts": []}}]}',
        b'{"a":' * 50_000,
        b"PK\x03\x04 and no zip",
        b"<rss/>",
        b"<rss>",
        wordpress(entry("A"), head='<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'),
        wordpress(entry("A"), head='<!DOCTYPE rss SYSTEM "file:///etc/passwd">'),
        b'<?xml version="1.0" encoding="nonsense"?><rss/>',
    ],
    ids=range(13),
)
def test_a_file_that_is_no_export_is_refused_as_a_whole(world: World, alice: Caller, file: bytes) -> None:
    answer = ask(alice, send(world, alice, file))

    assert answer.status_code == 422 and answer.json()["type"].endswith("import-unreadable"), answer.text


def test_an_archive_that_grows_too_large_or_has_too_much_in_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    index = {"format": "tessera-blog", "version": 1, "posts": [{"title": "A", "file": "a.md"}] * 3}
    monkeypatch.setattr("functions.content.blog.rules.archive.MAX_UNPACKED_BYTES", 100_000)
    with pytest.raises(Unreadable, match="Unpacked"):
        imports.read(zipped(blog_json=json.dumps(index), a_md="a" * 50_000))

    monkeypatch.setattr(arriving, "MAX_ITEMS", 2)
    monkeypatch.setattr("functions.content.blog.rules.archive.MAX_ITEMS", 2)
    for file in (
        zipped(blog_json=json.dumps(index), a_md="a"),
        zipped(**dict.fromkeys("abcdef", "")),
        ghost({}, {}, {}),
        wordpress(*[entry("A")] * 3),
    ):
        with pytest.raises(Unreadable, match="more than"):
            imports.read(file)


@pytest.mark.parametrize("index", [{}, {"format": "tessera-blog", "version": 2}, {"format": "x", "version": 1}])
def test_a_zip_of_another_format_is_refused(index: dict[str, Any]) -> None:
    with pytest.raises(Unreadable, match="format"):
        imports.read(zipped(blog_json=json.dumps(index)))
    with pytest.raises(Unreadable, match="no export"):
        imports.read(zipped(a_md="a"))


def test_an_index_may_say_anything_and_nothing_outside_the_zip_is_read() -> None:
    told: list[Any] = [{"file": "/etc/passwd", "title": "A"}, {"file": 7, "title": []}, {"tags": "x", "status": []}, 5]
    found = imports.read(zipped(blog_json=json.dumps({"format": "tessera-blog", "version": 1, "posts": told})))

    assert [one.fault for one in found] == ["It has no text.", "It has no title.", "It has no title."]
    assert found[0].status is Status.DRAFT


@pytest.mark.parametrize(
    ("told", "millis"),
    [
        ("2020-01-01T00:00:00Z", 1_577_836_800_000),
        ("2020-01-01 00:00:00", 1_577_836_800_000),
        ("2004-05-17T13:25:29.074Z", 1_084_800_329_074),
        (1_577_836_800_000, 1_577_836_800_000),
        ("1969-12-31T23:59:59Z", None),
        ("9999-01-01T00:00:00Z", None),
        (-1, None),
        (10**20, None),
        (True, None),
        ("soon", None),
        (None, None),
        (1.5, None),
    ],
)
def test_times_of_others_are_read_where_they_can_be(told: object, millis: int | None) -> None:
    assert arriving.millis_of(told) == millis


def test_what_was_not_sent_or_is_too_large_is_refused(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = alice.post("/blog/import/uploads").json()
    assert early["fields"]["key"] == f"blog/imports/{alice.id}/{early['upload_id']}" and early["max_bytes"] == 20 << 20
    assert ask(alice, early["upload_id"]).status_code == 409

    monkeypatch.setattr(importing, "MAX_FILE_BYTES", 10)
    assert ask(alice, send(world, alice, ghost({"title": "One"}))).status_code == 413
    assert alice.post("/blog/import", json={"upload_id": "x"}).status_code == 422


def test_nobody_reaches_the_files_jobs_and_reports_of_somebody_else(world: World, alice: Caller, bob: Caller) -> None:
    upload_id = send(world, alice, ghost({"title": "One"}))
    taken, packed = ask(alice, upload_id), alice.post("/blog/export")
    world.work()

    assert ask(bob, upload_id).status_code == 409
    for path in (f"/blog/imports/{upload_id}", taken.headers["location"], f"/blog/exports/{packed.json()['id']}"):
        assert alice.get(path).status_code == 200, path
        assert bob.get(path).status_code == 404, path
    assert bob.post(f"{packed.headers['location']}/cancel").status_code == 404
    assert alice.get(f"/blog/exports/{taken.json()['id']}").status_code == 404
    assert world.anonymous("POST", "/blog/export").status_code == 401


def test_only_who_may_publish_imports(world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    upload_id = send(world, alice, ghost({"title": "One"}))
    reader = world.person(scope="blog:read")
    assert reader.post("/blog/export").status_code == reader.post("/blog/import/uploads").status_code == 403

    monkeypatch.setattr(type(world.ports.settings), "everybody_publishes", False)

    assert ask(alice, upload_id).status_code == 403
    assert alice.post("/blog/export").status_code == 202


def test_a_link_to_an_export_ends_with_the_export(world: World, alice: Caller) -> None:
    world.post(alice)
    asked = alice.post("/blog/export")
    path = f"/blog/exports/{asked.json()['id']}"
    assert alice.get(path).status_code == 404
    world.work()

    found = alice.get(path).json()
    assert f"blog/exports/{alice.id}/" in found["url"] and "X-Amz-Expires=900" in found["url"]
    assert found["posts"] == 1

    world.frozen.advance(hours=19, minutes=59)
    assert "X-Amz-Expires=900" not in alice.get(path).json()["url"]
    world.frozen.advance(minutes=2)
    assert alice.get(path).status_code == 404


def test_a_large_export_goes_page_by_page_and_says_what_it_leaves_out(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    for number in range(5):
        world.post(alice, f"Post {number}")
    with zipfile.ZipFile(io.BytesIO(fetched(world, alice))) as packed:
        assert len(json.loads(packed.read("blog.json"))["posts"]) == 5

    for name, most in (("MAX_ITEMS", 3), ("MOST_BYTES", 1)):
        with monkeypatch.context() as patched:
            patched.setattr(exporting, name, most)
            asked = alice.post("/blog/export")
            world.work()
            job = alice.get(asked.headers["location"]).json()
        assert job["state"] == "partial" and job["errors"][0]["code"] == "too-many"
        assert job["result"]["posts"] == (3 if name == "MAX_ITEMS" else 2)


def test_a_post_that_changes_its_list_meanwhile_is_exported_once(world: World, alice: Caller) -> None:
    post = world.post(alice)
    asked = alice.post("/blog/export")
    (body,) = drain(world.queue)
    world.deliver(json.loads(body))
    assert alice.post(f"/blog/posts/{post['id']}/unpublish").status_code == 200

    world.work()

    assert alice.get(asked.headers["location"]).json()["result"]["posts"] == 1


def test_erasing_somebody_ends_their_jobs_and_imports_before_their_posts(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, ghost({"title": "One", "status": "draft"}))
    ask(alice, upload_id)
    alice.post("/blog/export")
    while not world.internal("/blog/internal/erase", {"owner_id": alice.id})["done"]:
        pass

    world.work()

    left = {item["pk"]["S"] for item in everything_in(world.table)}
    assert not left & {imports_of(alice.id), jobs_of(alice.id)}
    assert world.ports.posts.table.query(ImportRow, f"L#D#{alice.id}").rows == []


def test_a_report_is_paged_in_the_order_of_the_file(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, ghost(*({"title": f"Post {number}"} for number in range(3))))
    ask(alice, upload_id)
    world.work()
    path = f"/blog/imports/{upload_id}?limit=2"

    first = alice.get(path).json()
    second = alice.get(f"{path}&cursor={first['next']}").json()

    assert [one["number"] for one in [*first["items"], *second["items"]]] == [1, 2, 3] and second["next"] is None
    assert alice.get(f"{path}&cursor=AAAA").status_code == 400
