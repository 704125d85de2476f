"""Pictures of posts: whose they may be, who sees them, and what happens when one is gone."""

import re
from typing import Any

import pytest

from functions.content.blog.actions import upkeep
from functions.content.blog.rules import pictures
from functions.content.blog.rules.pictures import MAX_PICTURES
from functions.content.blog.store.pictures import picture_pk
from tessera import ids
from tessera.problems import Busy
from tessera.tables import Row
from tests.kit.apps import Caller
from tests.kit.faults import meanwhile
from tests.kit.stores import everything_in

from .conftest import World
from .uploads import bring, fetched, ghost

BASE = "https://app.test"


def shown(world: World, path: str, **headers: str) -> Any:
    return world.anonymous("GET", path, headers=headers, follow_redirects=False)


def address(post: dict[str, Any], file_id: str) -> str:
    return f"/blog/posts/{post['id']}/media/{file_id}"


def html_of(by: Caller, post: dict[str, Any]) -> str:
    found: str = by.get(f"/blog/posts/{post['id']}").json()["html"]
    return found


def placed(world: World, post_id: str) -> set[str]:
    keys = [(item["pk"]["S"], item["sk"]["S"]) for item in everything_in(world.table)]
    return {pk.removeprefix("MEDIA#") for pk, sk in keys if pk.startswith("MEDIA#") and sk == post_id}


def test_pictures_of_ones_own_are_shown_to_everybody_while_the_post_is_published(world: World, alice: Caller) -> None:
    one, cover = world.files.add(alice.id), world.files.add(alice.id, "image/webp")

    post = world.post(alice, body=f"![A](media:{one}) and [open](media:{one})", cover_media_id=cover)

    html = html_of(alice, post)
    assert f'src="{BASE}{address(post, one)}"' in html and f'href="{BASE}{address(post, one)}"' in html
    for file_id in (one, cover):
        answer = shown(world, address(post, file_id))
        assert answer.status_code == 302 and answer.headers["cache-control"] == "public, max-age=600"
        where = answer.headers["location"]
        assert "files-clean" in where and f"k/{file_id}" in where and "response-content-disposition=inline" in where
    assert f"{BASE}{address(post, one)}" in world.anonymous("GET", "/blog/feed.json").json()["items"][0]["content_html"]
    alice.post(f"/blog/posts/{post['id']}/unpublish")
    assert shown(world, address(post, one)).status_code == 404


@pytest.mark.parametrize("where", ["body", "cover"])
@pytest.mark.parametrize("what", ["unknown", "foreign", "opened", "document", "infected"])
def test_what_is_no_picture_of_ones_own_is_refused_where_it_is_written(
    world: World, alice: Caller, bob: Caller, what: str, where: str
) -> None:
    file_id = {
        "unknown": lambda: ids.new(),
        "foreign": lambda: world.files.add(bob.id),
        "opened": lambda: world.files.add(bob.id),
        "document": lambda: world.files.add(alice.id, "image/svg+xml"),
        "infected": lambda: world.files.add(alice.id, state="infected"),
    }[what]()
    if what == "opened":
        world.files.there[file_id]["viewer"] = alice.id
    fields = {"body": f"![A](media:{file_id})"} if where == "body" else {"cover_media_id": file_id}
    pointer = "/body" if where == "body" else "/cover_media_id"
    draft = world.post(alice, status="draft")

    made = alice.post("/blog/posts", json={"title": "A", "body": "Text", **fields})
    changed = alice.patch(f"/blog/posts/{draft['id']}", json=fields, headers={"if-match": "*"})

    for answer in (made, changed):
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer


def test_an_address_that_is_none_is_refused_and_one_that_is_only_spoken_of_is_text(world: World, alice: Caller) -> None:
    odd = alice.post("/blog/posts", json={"title": "A", "body": "![A](media:mine)"})
    assert odd.status_code == 422 and "media:mine" in odd.json()["errors"][0]["detail"]

    post = world.post(alice, body=f"`![A](media:{ids.new()})` and ![B](wiki:page)")

    assert world.files.asked == [] and placed(world, post["id"]) == set()


def test_an_address_of_the_blogs_own_opens_no_file_of_others(world: World, alice: Caller, bob: Caller) -> None:
    secret, post = world.files.add(bob.id), world.post(alice)
    body = {"body": f"![A]({BASE}{address(post, secret)})"}

    assert alice.patch(f"/blog/posts/{post['id']}", json=body, headers={"if-match": "*"}).is_success

    assert shown(world, address(post, secret)).status_code == 404
    hers = world.files.add(alice.id)
    assert shown(world, address(post, hers)).status_code == 404


def test_a_post_has_so_many_pictures_and_no_more(world: World, alice: Caller) -> None:
    files = [world.files.add(alice.id) for _ in range(MAX_PICTURES + 1)]
    tags = [f"tag-{number}" for number in range(20)]

    def write(count: int) -> Any:
        body = " ".join(f"![A](media:{one})" for one in files[:count])
        return alice.post("/blog/posts", json={"title": "A", "body": body, "tags": tags, "status": "published"})

    assert write(MAX_PICTURES).status_code == 201 and write(MAX_PICTURES + 1).status_code == 422
    assert world.files.asked[0] == sorted(files[:MAX_PICTURES])


def test_a_change_asks_about_what_is_new_and_forgets_what_is_gone(world: World, alice: Caller) -> None:
    one, two, cover = (world.files.add(alice.id) for _ in range(3))
    post = world.post(alice, body=f"![A](media:{one})", cover_media_id=cover)
    del world.files.there[one]
    world.files.asked.clear()

    def change(**fields: Any) -> None:
        answer = alice.patch(f"/blog/posts/{post['id']}", json=fields, headers={"if-match": "*"})
        assert answer.status_code == 200, answer.text

    change(title="Another")
    assert world.files.asked == [] and placed(world, post["id"]) == {one, cover}
    change(body=f"![A](media:{one}) ![B](media:{two})")
    assert world.files.asked == [[two]] and placed(world, post["id"]) == {one, two, cover}
    change(body=f"![B](media:{two})", cover_media_id=None)

    assert placed(world, post["id"]) == {two} and shown(world, address(post, cover)).status_code == 404
    assert shown(world, address(post, two)).status_code == 302


def test_a_picture_is_seen_once_it_was_scanned_and_not_while_its_file_is_in_the_trash(
    world: World, alice: Caller
) -> None:
    file_id = world.files.add(alice.id, state="scanning")
    post = world.post(alice, body=f"![A](media:{file_id})")
    assert shown(world, address(post, file_id)).status_code == 404

    world.files.there[file_id]["state"] = "clean"
    assert shown(world, address(post, file_id)).status_code == 302
    for gone in ({"type": "text/html"}, {"owner_id": ids.new(), "viewer": alice.id}):
        before = dict(world.files.there[file_id])
        world.files.there[file_id].update(gone)
        assert shown(world, address(post, file_id)).status_code == 404
        world.files.there[file_id] = before
    trashed = world.files.there.pop(file_id)
    world.receive("files.file.deleted.v1", file_id=file_id, forever=False)
    assert shown(world, address(post, file_id)).status_code == 404
    world.files.there[file_id] = trashed
    assert shown(world, address(post, file_id)).status_code == 302


def test_pictures_of_a_draft_are_shown_with_it_and_with_links_to_it(world: World, alice: Caller, bob: Caller) -> None:
    file_id = world.files.add(alice.id)
    draft = world.post(alice, body=f"![A](media:{file_id})", status="draft")
    own = re.findall(r'src="https://app.test([^"]+)"', html_of(alice, draft))[0]
    link = alice.post(f"/blog/posts/{draft['id']}/preview-links", json={"seconds": 60}).json()["url"]
    seen = world.anonymous("GET", link.removeprefix(BASE)).json()["html"]
    lent = re.findall(r'src="https://app.test([^"]+)"', seen)[0]

    assert "?token=" in own and "?token=" in lent
    assert shown(world, own).status_code == shown(world, lent).status_code == 302
    assert shown(world, own).headers["cache-control"] == "private, max-age=60"
    assert alice.get(address(draft, file_id), follow_redirects=False).status_code == 302
    for path in (address(draft, file_id), f"{own[:-3]}abc", own.replace(draft["id"], ids.new())):
        assert shown(world, path).status_code == 404
    assert bob.get(address(draft, file_id)).status_code == 404
    world.frozen.advance(minutes=2)
    assert (shown(world, lent).status_code, shown(world, own).status_code) == (404, 302)
    world.frozen.advance(hours=1)
    assert shown(world, own).status_code == 404
    fresh = re.findall(r'src="https://app.test([^"]+)"', html_of(alice, draft))[0]
    alice.delete(f"/blog/posts/{draft['id']}")
    assert shown(world, fresh).status_code == 404


def test_a_file_that_is_deleted_for_good_leaves_every_post_that_showed_it(world: World, alice: Caller) -> None:
    gone, kept = world.files.add(alice.id), world.files.add(alice.id)
    post = world.post(alice, body=f"![A](media:{gone}) ![B](media:{kept})", cover_media_id=gone)
    draft = world.post(alice, body=f"![A](media:{gone})", status="draft")
    before = world.anonymous("GET", f"/blog/posts/{post['id']}").json()

    for _ in range(2):
        world.receive("files.file.deleted.v1", file_id=gone, forever=True)

    after = world.anonymous("GET", f"/blog/posts/{post['id']}").json()
    assert after["cover_media_id"] is None and gone not in after["html"] and kept in after["html"]
    assert (after["body"], after["updated_at"]) == (before["body"], before["updated_at"])
    assert after["version"] == before["version"] + 1 and gone not in html_of(alice, draft)
    assert placed(world, post["id"]) == {kept} and placed(world, draft["id"]) == set()
    told = world.events("blog.post.updated.v1")
    assert [one["post_id"] for one in told] == [post["id"]]
    assert len(alice.get(f"/blog/posts/{post['id']}/revisions").json()["items"]) == 1


def test_somebody_who_writes_meanwhile_is_not_overwritten(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = world.files.add(alice.id)
    post = world.post(alice, body=f"![A](media:{gone})")

    def change() -> None:
        fields = {"body": f"Better. ![A](media:{gone})"}
        assert alice.patch(f"/blog/posts/{post['id']}", json=fields, headers={"if-match": "*"}).is_success

    with meanwhile("TransactWriteItems", change):
        upkeep.forget_picture(world.ports, gone)

    html = html_of(alice, post)
    assert "Better." in html and "src=" not in html
    monkeypatch.setattr(upkeep, "TRIES", 0)
    other = world.files.add(alice.id)
    world.post(alice, body=f"![A](media:{other})")
    with pytest.raises(Busy):
        upkeep.forget_picture(world.ports, other)


def test_a_post_that_is_purged_takes_its_places_with_it(world: World, alice: Caller) -> None:
    file_id, cover = world.files.add(alice.id), world.files.add(alice.id)
    post = world.post(alice, body=f"![A](media:{file_id})", cover_media_id=cover)
    alice.delete(f"/blog/posts/{post['id']}")
    world.frozen.advance(days=31)
    world.sweep()
    world.work()

    assert placed(world, post["id"]) == set()
    # What is heard of twice, or of what is not there any more, does no harm.
    world.table.put(Row(pk=picture_pk(file_id), sk=post["id"]))
    world.receive("files.file.deleted.v1", file_id=file_id, forever=True)
    assert placed(world, post["id"]) == set()


def test_a_text_that_an_older_gate_made_keeps_its_pictures(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, kept = world.files.add(alice.id), world.files.add(alice.id)
    post = world.post(alice, body=f"![A](media:{gone}) ![B](media:{kept})")
    world.receive("files.file.deleted.v1", file_id=gone, forever=True)
    monkeypatch.setattr("functions.content.blog.actions.reading.MARKUP_VERSION", 99)

    html = html_of(alice, post)

    assert kept in html and gone not in html


def test_files_that_do_not_answer_hold_up_only_what_has_pictures(world: World, alice: Caller) -> None:
    file_id = world.files.add(alice.id)
    post = world.post(alice, body=f"![A](media:{file_id})")
    world.files.silent = True

    assert alice.post("/blog/posts", json={"title": "A", "body": f"![A](media:{file_id})"}).status_code == 503
    assert shown(world, address(post, file_id)).status_code == 503
    assert world.post(alice, "Plain")["title"] == "Plain"


def test_an_import_leaves_out_pictures_of_others_and_says_so(world: World, alice: Caller, bob: Caller) -> None:
    file_id, cover = world.files.add(alice.id), world.files.add(alice.id)
    world.post(alice, "One", body=f"![A](media:{file_id})", cover_media_id=cover)
    file = fetched(world, alice)

    _, (own,) = bring(world, alice, file)
    _, (others,) = bring(world, bob, file)

    mine, his = (world.anonymous("GET", f"/blog/posts/{one['post_id']}").json() for one in (own, others))
    assert mine["cover_media_id"] == cover and file_id in mine["html"]
    assert his["cover_media_id"] is None and "src=" not in his["html"]
    assert [note for note in others["notes"] if note.startswith("Pictures that are left out: 2.")]
    assert placed(world, his["id"]) == set() and placed(world, mine["id"]) == {file_id, cover}


def test_an_item_whose_pictures_cannot_be_looked_for_is_refused(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tessera.markup.MAX_HTML", 10)
    _, (line,) = bring(world, alice, ghost({"title": "One", "html": f"![A](media:{ids.new()})" + "word " * 9}))

    assert line["outcome"] == "refused"


def test_only_addresses_of_the_post_are_opened() -> None:
    one, other, file_id = ids.new(), ids.new(), ids.new()
    text = f'<img src="{BASE}/blog/posts/{one}/media/{file_id}"> <img src="{BASE}/blog/posts/{other}/media/{file_id}">'

    assert pictures.opened(one, text, "t").count("?token=t") == 1
    assert pictures.shown_in(one, text) == {file_id}
