"""Comments that come with the posts of a file, and go with them into one."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.content.blog.actions import exporting, importing
from functions.content.blog.rules import archive, imports, remarks
from functions.content.blog.rules.arriving import Line, Unreadable
from functions.content.blog.rules.comments import MAX_BODY, MAX_DEPTH, Comment, State
from functions.content.blog.rules.remarks import Brought, Remark, brought
from functions.content.blog.store import comment_arrivals
from functions.content.blog.store.comment_arrivals import NumberInUse, arrive
from functions.content.blog.store.comment_rows import NumberRow, number_sk, tree_pk
from functions.content.blog.store.imports import Import, ImportRow, imports_of
from tessera import ids
from tessera.live import LiveSettings
from tessera.problems import NotFound
from tessera.seqlog import SeqLog
from tessera.tables import Row
from tessera.transact import AlreadySeen, transact
from tests.kit.apps import Caller
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import meanwhile
from tests.kit.queues import drain
from tests.kit.races import together

from .conftest import World
from .uploads import ask, bring, entry, fetched, lines, remark, send, wordpress, zipped

SALT, NOW = b"7 bytes", 1_700_000_000_000
EVERY = [State.APPROVED, State.HIDDEN, State.PENDING, State.SPAM, State.DELETED]


def taken(*told: Remark, by: str = "me") -> Brought:
    return brought(told, "P1", by=by, salt=SALT, now=NOW, since=NOW - 5)


def thread(world: World, by: Caller, post_id: str) -> list[dict[str, Any]]:
    answer = by.get(f"/blog/posts/{post_id}/comments?limit=100")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def shape(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What is kept of comments from one blog to the next, each below what it answers."""
    told = {one["id"]: one["body"] for one in found}
    return [
        (
            one["body"],
            one["status"],
            one["depth"],
            told.get(one["parent_id"]),
            told.get(one["reply_to"]),
            one["reply_count"],
            one["pinned"],
            one["created_at"],
            one["edited_at"],
            one["guest"] or (one["author"] or {}).get("name") or (one["author"] or {}).get("username"),
        )
        for one in found
    ]


def waiting(by: Caller) -> list[tuple[str, str]]:
    found = []
    for status in ("pending", "spam"):
        found += [(one["body"], status) for one in by.get(f"/blog/moderation?status={status}").json()["items"]]
    return sorted(found)


def talked_about(world: World, alice: Caller, bob: Caller, moderator: Caller) -> dict[str, Any]:
    """A post with a thread of every kind of comment."""
    post = world.post(alice, "Talked about", comment_policy="open")
    top = world.comment(bob, post, "One *top*")
    below = world.comment(alice, post, "Two below", parent_id=top["id"])
    for number in range(6):
        below = world.comment(bob, post, f"Deeper {number}", parent_id=below["id"])
    gone = world.comment(bob, post, "Taken back")
    world.comment(alice, post, "Below what is gone", parent_id=gone["id"])
    assert bob.delete(f"/blog/comments/{gone['id']}").status_code == 204
    hidden = world.comment(bob, post, "Hidden")
    assert moderator.post(f"/blog/comments/{hidden['id']}/hide").is_success
    assert moderator.post(f"/blog/comments/{top['id']}/pin").is_success
    assert bob.patch(f"/blog/comments/{top['id']}", json={"body": "One *top*, changed"}).is_success
    alice.patch(f"/blog/posts/{post['id']}", json={"comment_policy": "all-moderated"}, headers={"if-match": "*"})
    world.comment(bob, post, "Waits", parent_id=top["id"])
    spam = world.comment(bob, post, "Is spam")
    assert moderator.post(f"/blog/comments/{spam['id']}/spam").is_success
    return post


def test_a_thread_comes_in_again_as_it_went_out(world: World, alice: Caller, bob: Caller, moderator: Caller) -> None:
    post = talked_about(world, alice, bob, moderator)
    # Who moderates may see all of it, and so may their export.
    writer = world.served.signed_in(alice.id, roles=["user", "moderator"])
    file = fetched(world, writer)
    before, waited = thread(world, moderator, post["id"]), waiting(moderator)

    job, (line,) = bring(world, moderator, file)

    assert job["state"] == "done" and line["comments"] == job["result"]["comments"] == len(before) + len(waited) == 13
    after = thread(world, moderator, line["post_id"])
    assert shape(after) == shape(before) and max(one["depth"] for one in after) == MAX_DEPTH
    assert waiting(moderator) == sorted(waited * 2)
    shown = world.anonymous("GET", f"/blog/posts/{line['post_id']}").json()
    assert shown["comments"] == world.anonymous("GET", f"/blog/posts/{post['id']}").json()["comments"] == 9
    assert "<em>top</em>" in after[0]["html"]
    # Out and in once more, it is still the same.
    other = world.served.signed_in(ids.new(), roles=["user", "moderator"])
    _, (again,) = bring(world, other, fetched(world, moderator))
    assert shape(thread(world, moderator, again["post_id"])) == shape(before)


def test_what_is_brought_can_be_answered_decided_and_taken_away(
    world: World, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    file = wordpress(entry("Open", more=remark(1, "Top") + remark(2, "Below", 1) + remark(3, "Waits", 1, "0")))
    _, (line,) = bring(world, alice, file)
    top, below = thread(world, moderator, line["post_id"])
    (waits,) = moderator.get("/blog/moderation").json()["items"]

    assert moderator.post(f"/blog/comments/{waits['id']}/approve").status_code == 200
    world.comment(bob, {"id": line["post_id"]}, "Said now", parent_id=below["id"])
    assert moderator.delete(f"/blog/comments/{top['id']}").status_code == 204

    now = [(one["body"], one["depth"], one["reply_count"]) for one in thread(world, bob, line["post_id"])]
    assert now == [(None, 1, 2), ("Below", 2, 1), ("Said now", 3, 0), ("Waits", 2, 0)]
    assert world.anonymous("GET", f"/blog/posts/{line['post_id']}").json()["comments"] == 3
    newest = bob.get(f"/blog/posts/{line['post_id']}/comments?sort=newest").json()["items"]
    assert [one["body"] for one in newest] == ["Said now", "Waits", "Below"]


def test_comments_of_wordpress_keep_names_dates_threads_and_what_was_decided(
    world: World, alice: Caller, moderator: Caller
) -> None:
    said = [
        remark(1, "First <b>bold</b>"),
        remark(2, "An answer", 1),
        remark(3, "Waits", 0, "0"),
        remark(4, "Buy", 0, "spam"),
        remark(5, "Thrown", 0, "trash"),
        remark(6, "Below what was thrown", 5),
        remark(7, "Ping", more="<wp:comment_type>pingback</wp:comment_type>"),
        remark(8, " "),
        remark(9, "x" * (MAX_BODY + 1), 2),
        remark(10, "Below what is too long", 9),
        remark(11, "Below what waits", 3),
        remark(12, "Odd", approved="maybe"),
    ]
    closed = "<wp:comment_status>closed</wp:comment_status>"

    job, (line,) = bring(world, alice, wordpress(entry("Open", more="".join(said) + closed)))

    found = thread(world, alice, line["post_id"])
    assert [(one["guest"], one["depth"]) for one in found] == [
        *[("Gil 1", 1), ("Gil 2", 2), ("Gil 10", 3)],
        *[("Gil 6", 1), ("Gil 11", 1)],
    ]
    assert (found[0]["created_at"].startswith("2015-07-01T10:00:00") and "<strong>bold" in found[0]["html"]) or (
        "bold" in found[0]["html"]
    )
    assert "email" not in found[0] and "203.0.113" not in json.dumps(found)
    assert waiting(moderator) == [("Buy", "spam"), ("Waits", "pending")]
    assert moderator.get("/blog/moderation").json()["items"][0]["email"] == "gil3@example.com"
    assert job["result"]["comments"] == line["comments"] == 7
    left = [one for one in line["notes"] if one.startswith("Comments that are left out: 1.")]
    assert len(left) == 5
    shown = world.anonymous("GET", f"/blog/posts/{line['post_id']}").json()
    assert (shown["comments"], shown["comment_policy"]) == (5, "closed")


def test_pictures_and_writers_of_elsewhere_are_told_of(world: World, alice: Caller) -> None:
    dc = '<dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/">zoe</dc:creator>'
    meta = "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>{}</wp:meta_value></wp:postmeta>"
    picture = "<wp:post_id>7</wp:post_id><wp:attachment_url>https://old.test/a (1).png</wp:attachment_url>"
    good = picture.replace(" (1)", "").replace(">7<", ">8<")
    file = wordpress(
        entry("One", more=dc + meta.format(8)),
        entry("Two", more=meta.format(7)),
        entry("Picture", "inherit", "attachment", picture),
        entry("Other", "inherit", "attachment", good),
    )

    _, report = bring(world, alice, file)

    first, second = (world.anonymous("GET", f"/blog/by-slug/{slug}").json() for slug in ("one", "two"))
    assert (
        first["body"].startswith("![](<https://old.test/a.png>)\n\n")
        and 'src="https://old.test/a.png"' in first["html"]
    )
    assert not second["body"].startswith("!") and "left out" in report[1]["notes"][0]
    assert report[0]["notes"] == [
        "Its picture stands before its text, and lies where it lay.",
        "It was written by zoe.",
    ]


def test_an_export_shows_what_its_owner_may_see_and_no_more(
    world: World, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    talked_about(world, alice, bob, moderator)
    mine = world.comment(alice, world.post(alice, "Other", comment_policy="all-moderated"), "Mine waits")

    def comments(by: Caller) -> list[dict[str, Any]]:
        with zipfile.ZipFile(io.BytesIO(fetched(world, by))) as packed:
            index = json.loads(packed.read("blog.json"))["posts"]
            return [one for post in index for one in json.loads(packed.read(post["comments"]))["comments"]]

    seen = comments(alice)

    assert {one["status"] for one in seen if one.get("author_id") != alice.id} == {"approved", "deleted"}
    assert not {"Hidden", "Waits", "Is spam", "Taken back"} & {one.get("body") for one in seen}
    assert mine["body"] in {one.get("body") for one in seen}
    assert not any("email" in one for one in seen)


def test_nobody_is_made_to_have_said_something(world: World, alice: Caller, bob: Caller) -> None:
    told = {"id": "1", "status": "approved", "author": "Bob", "body": "I never", "created_at": "2020-01-01T00:00:00Z"}
    index = {"format": "tessera-blog", "version": 1, "posts": [{"title": "A", "file": "a.md", "comments": "c.json"}]}
    said = [{**told, "author_id": bob.id}, {**told, "id": "2", "author_id": alice.id, "email": "a@b.test"}]
    packed = zipped(blog_json=json.dumps(index), a_md="Text", c_json=json.dumps({"comments": said}))

    _, (line,) = bring(world, alice, packed)

    forged, own = thread(world, alice, line["post_id"])
    assert (forged["author"], forged["guest"]) == (None, "Bob")
    assert own["author"]["id"] == alice.id and own["guest"] is None
    assert [one.id for one in world.ports.reading.pointers(f"MINE#{alice.id}", 9)] == [own["id"]]
    assert world.ports.comments.get(own["id"]).email is None


def test_many_comments_come_in_parts_however_often_a_delivery_is_cut_off(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ARRIVING_AT_ONCE", 3)
    monkeypatch.setattr(importing, "SECONDS", -1)
    said = "".join(remark(number, f"Said {number}", number - 1 if number % 4 else 0) for number in range(1, 11))
    upload_id = send(world, alice, wordpress(entry("One", more=said), entry("Two", more=remark(1, "Last"))))
    ask(alice, upload_id)
    steps = 0
    while bodies := drain(world.queue):
        steps += 1
        for body in bodies * 2:
            world.deliver(json.loads(body))

    first, second = lines(alice, upload_id)
    found = thread(world, alice, first["post_id"])

    assert [one["body"] for one in found] == [f"Said {number}" for number in range(1, 11)]
    assert [one["depth"] for one in found] == [1, 2, 3, 1, 2, 3, 4, 1, 2, 3]
    assert [one["body"] for one in thread(world, alice, second["post_id"])] == ["Last"]
    assert steps >= 3 and len(world.events("blog.post.published.v1")) == 2
    assert world.events("blog.comment.created.v1") == []


def test_deliveries_at_the_same_moment_bring_every_comment_once(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ARRIVING_AT_ONCE", 2)
    # As if every lease had run out at once.
    monkeypatch.setattr("functions.content.blog.store.imports.LEASE_MS", -1)
    said = "".join(remark(number, f"Said {number}") for number in range(1, 9))
    upload_id = send(world, alice, wordpress(entry("One", more=said)))
    asked = ask(alice, upload_id)
    (body,) = drain(world.queue)

    together(lambda: world.deliver(json.loads(body)), times=4)
    world.deliver(json.loads(body))
    world.work()

    (line,) = lines(alice, upload_id)
    assert len(thread(world, alice, line["post_id"])) == 8
    assert world.anonymous("GET", f"/blog/posts/{line['post_id']}").json()["comments"] == 8
    result = alice.get(asked.headers["location"]).json()["result"]
    assert (result["created"], result["comments"]) == (1, 8)


def test_an_import_goes_on_only_from_where_it_is(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, wordpress(entry("One"), entry("Two")))
    ask(alice, upload_id)
    made = world.ports.imports.lease(alice.id, upload_id)
    line = Line(1, "One", "created")
    inside, settled = made.settled(line, comments_follow=True), made.settled(line)

    def go_on(before: Import, after: Import) -> None:
        transact(*world.ports.imports.advancing(before, after))

    for elsewhere in (replace(made, offset=1), replace(made, inside=1), replace(made, upload_id=ids.new())):
        with pytest.raises(AlreadySeen):
            go_on(elsewhere, replace(elsewhere, offset=2))
    go_on(made, inside)
    with pytest.raises(AlreadySeen):
        go_on(made, settled)
    go_on(inside, inside.followed(3, more=False))

    found = world.ports.imports.get(alice.id, upload_id)
    assert found is not None and (found.offset, found.inside, found.created, found.comments) == (1, 0, 1, 3)


def test_comments_of_a_post_that_is_gone_are_left_and_the_rest_goes_on(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SECONDS", -1)
    upload_id = send(world, alice, wordpress(entry("One", more=remark(1, "Lost")), entry("Two")))
    asked = ask(alice, upload_id)
    (body,) = drain(world.queue)
    world.deliver(json.loads(body))
    (line,) = lines(alice, upload_id)
    post = world.ports.posts.get(line["post_id"])
    assert world.ports.posts.purge(post, 100)

    world.work()

    job = alice.get(asked.headers["location"]).json()
    assert (job["state"], job["result"]["created"], job["result"]["comments"]) == ("done", 2, 0)


def test_a_draft_has_its_comments_too(world: World, alice: Caller) -> None:
    _, (line,) = bring(world, alice, wordpress(entry("Private", "private", more=remark(1, "Kept"))))

    assert [one["body"] for one in thread(world, alice, line["post_id"])] == ["Kept"]


def test_a_part_of_comments_is_one_request(world: World, alice: Caller) -> None:
    post = world.ports.posts.get(world.post(alice)["id"])
    some = taken(*(Remark(str(number), said="x") for number in range(20))).comments
    some = tuple(replace(one, post_id=post.id) for one in some)

    with CapacityMeter() as meter:
        arrive(world.table, post.id, some)

    cost = meter.of(world.table.name)
    assert cost.operations == ["TransactWriteItems"] and world.ports.posts.get(post.id).comments == 20


def test_a_number_that_another_has_is_not_taken(world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    post = world.ports.posts.get(world.post(alice)["id"])
    (one,) = taken(Remark("1", said="x")).comments
    world.table.put(NumberRow(pk=tree_pk(post.id), sk=number_sk(one.number), id="other", path="other"))

    with pytest.raises(NumberInUse):
        arrive(world.table, post.id, [replace(one, post_id=post.id)])
    with pytest.raises(NotFound):
        arrive(world.table, ids.new(), [one])

    assert world.ports.posts.get(post.id).comments == 0


def test_an_import_draws_another_number_and_gives_up_for_now_after_many(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [2]

    def refusing(*given: Any) -> None:
        if refusals[0]:
            refusals[0] -= 1
            raise NumberInUse()
        comment_arrivals.arrive(*given)

    monkeypatch.setattr(importing, "arrive", refusing)
    _, (line,) = bring(world, alice, wordpress(entry("One", more=remark(1, "Kept"))))
    assert len(thread(world, alice, line["post_id"])) == 1

    refusals[0] = 100
    upload_id = send(world, alice, wordpress(entry("Two", more=remark(1, "Kept"))))
    ask(alice, upload_id)
    (body,) = drain(world.queue)
    assert len(world.deliver(json.loads(body))["batchItemFailures"]) == 1
    refusals[0] = 0
    world.deliver(json.loads(body))
    assert len(thread(world, alice, lines(alice, upload_id)[0]["post_id"])) == 1


def test_a_comment_that_cannot_be_laid_out_is_shown_as_it_was_written(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tessera.markup.MAX_HTML", 100)
    _, (line,) = bring(world, alice, wordpress(entry("One", more=remark(1, "<b>" + "word " * 50))))

    (found,) = thread(world, alice, line["post_id"])

    assert found["html"].startswith("<p>&lt;b&gt;word")


def test_an_import_of_before_comments_goes_on(world: World, alice: Caller) -> None:
    upload_id = send(world, alice, wordpress(entry("One"), entry("Two")))
    asked = ask(alice, upload_id)
    world.table.update(
        ImportRow, imports_of(alice.id), upload_id, ImportRow.inside.remove(), ImportRow.comments.remove()
    )

    world.work()

    assert alice.get(asked.headers["location"]).json()["result"]["created"] == 2


def test_exports_and_imports_tell_how_far_they_have_come(world: World, alice: Caller) -> None:
    realtime = type(world.table)(world.bindings.settings(LiveSettings).realtime)
    world.post(alice)
    for asked in (alice.post("/blog/export"), ask(alice, send(world, alice, wordpress(entry("One"), entry("Two"))))):
        job_id = asked.json()["id"]
        world.work()

        told = [json.loads(row.data) for row in SeqLog(realtime).read(f"job:{job_id}", 0, 99)]

        assert told[-1]["state"] == "done" and told[-1]["job_id"] == job_id
        assert {one["kind"] for one in told} == {f"blog.{asked.json()['kind']}"}
        grants = [row.sk for row in realtime.query(Row, f"GRANT#job:{job_id}").rows]
        assert grants == [alice.id]


def test_news_tell_of_an_import_that_was_cancelled_or_has_failed(world: World, alice: Caller) -> None:
    log = SeqLog(type(world.table)(world.bindings.settings(LiveSettings).realtime))
    cancelled, failed = (ask(alice, send(world, alice, wordpress(entry("One")))) for _ in range(2))
    first, second = drain(world.queue)
    upload = json.loads(second)["data"]["upload_id"]
    world.ports.objects.put(f"blog/imports/{alice.id}/{upload}", b"no file")
    world.deliver(json.loads(second))

    with meanwhile("TransactWriteItems", lambda: alice.post(f"{cancelled.headers['location']}/cancel")):
        world.deliver(json.loads(first))

    ends = [json.loads(log.read(f"job:{one.json()['id']}", 0, 9)[-1].data)["state"] for one in (cancelled, failed)]
    assert ends == ["cancelled", "failed"]


def test_an_export_with_more_comments_than_a_file_may_hold_says_so(
    world: World, alice: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MAX_REMARKS", 2)
    post = world.post(alice)
    for number in range(3):
        world.comment(bob, post, f"Said {number}")

    asked = alice.post("/blog/export")
    world.work()

    job = alice.get(asked.headers["location"]).json()
    assert (job["state"], job["result"]["comments"]) == ("partial", 2)


def test_a_part_of_an_export_ends_where_it_is_large_enough(
    world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PART_BYTES", 1)
    for number in range(3):
        world.post(alice, f"Post {number}")
    world.post(alice, "Draft", status="draft")

    with zipfile.ZipFile(io.BytesIO(fetched(world, alice))) as packed:
        assert len(json.loads(packed.read("blog.json"))["posts"]) == 4


@pytest.mark.parametrize("kind", ["zip", "wordpress"])
def test_more_comments_than_one_import_takes_are_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remarks, "MAX_REMARKS", 2)
    posts = [{"title": "A", "file": "a.md", "comments": "c.json"}] * 2
    index = {"format": "tessera-blog", "version": 1, "posts": posts}
    told = json.dumps({"comments": [{"body": "x", "status": "approved"}] * 2})
    file = zipped(blog_json=json.dumps(index), a_md="a", c_json=told)

    with pytest.raises(Unreadable, match="comments"):
        imports.read(file if kind == "zip" else wordpress(entry("A", more="".join(remark(n, "x") for n in (1, 2, 3)))))


def test_comments_may_say_anything() -> None:
    odd: list[Any] = [
        5,
        {},
        {"id": 7, "parent_id": [], "status": [], "body": 4},
        {"status": "approved", "body": "\ud800x"},
    ]
    posts = [{"title": "A", "file": "a.md", "comments": "c.json"}, {"title": "B", "file": "a.md", "comments": 7}]
    index = {"format": "tessera-blog", "version": 1, "posts": posts}
    file = zipped(blog_json=json.dumps(index), a_md="a", c_json=json.dumps({"comments": odd}))

    first, second = imports.read(file)

    assert [bool(one.fault) for one in first.remarks] == [True, True, False] and second.remarks == ()
    assert taken(*first.remarks).comments[0].body == "?x"


def test_who_stands_below_oneself_and_names_of_many_make_no_circle() -> None:
    found = taken(
        Remark("a", ("b",), "1"), Remark("b", ("a",), "2"), Remark("b", ("b",), "3"), Remark("", ("",), "4")
    ).comments

    assert [(one.body, one.depth) for one in found] == [("1", 1), ("2", 2), ("3", 3), ("4", 1)]


def test_what_has_no_date_has_that_of_its_post_and_none_is_later_than_now() -> None:
    found = taken(Remark("a", said="1"), Remark("b", said="2", at=NOW + 9), Remark("c", said="3", at=0)).comments

    assert [one.created_at for one in found] == [NOW - 5, NOW, 0]
    assert found[2].number == 0


said_by: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    state=st.sampled_from(EVERY),
    # How many places before it in the file what it answers stands; 0 for none.
    answers=st.integers(0, 6),
    at=st.integers(1_000_000_000_000, NOW + 10),
    fault=st.sampled_from(["", "", "", "They say nothing."]),
)


@given(st.lists(said_by, max_size=40))
def test_brought_comments_are_a_thread_as_one_that_was_written_here(told: list[dict[str, Any]]) -> None:
    made = [
        Remark(
            str(place),
            (str(place - one["answers"]),) if 0 < one["answers"] <= place else (),
            "" if one["state"] is State.DELETED else f"Said {place}",
            one["state"],
            at=one["at"],
            fault=one["fault"],
        )
        for place, one in enumerate(told)
    ]

    found = taken(*made).comments

    by_id = {one.id: one for one in found}
    assert len(by_id) == len(found) and len({one.number for one in found}) == len(found)
    for one in found:
        above = by_id.get(one.parent_id or "")
        assert (above is not None) == (one.depth > 1) and one.depth <= MAX_DEPTH
        assert above is None or (above.path == one.above and above.state.is_in_thread)
        assert one.reply_to is None or one.reply_to in by_id
        answers = sum(other.parent_id == one.id and other.state.is_in_thread for other in found)
        assert one.replies == answers and (one.state is not State.DELETED or answers)
    dated = sorted(found, key=lambda one: one.number)
    assert [one.created_at for one in dated] == sorted(one.created_at for one in found)
    kept = {one.body for one in found if one.body}
    assert kept == {one.said for one in made if one.said and not one.fault}
    # Out into a file and in again, the thread is the same.
    again = _again(found)
    threads = [[_whole(one, these) for one in _read(these) if one.state.is_in_thread] for these in (found, again)]
    assert threads[0] == threads[1]
    # What waits is in no order but that of time.
    waits = [sorted(map(repr, (_whole(one, these) for one in _read(these)))) for these in (found, again)]
    assert waits[0] == waits[1]


def _again(found: tuple[Comment, ...]) -> tuple[Comment, ...]:
    # As an export has them: in the order they are read.
    told = [archive.comment_of(one, None, whole=True) for one in _read(found)]
    return brought([archive._remark(one) for one in told], "P2", by="me", salt=b"others!", now=NOW, since=0).comments


def _read(found: tuple[Comment, ...]) -> list[Comment]:
    return sorted(found, key=lambda one: (not one.state.is_in_thread, one.path))


def _whole(one: Comment, among: tuple[Comment, ...]) -> tuple[Any, ...]:
    said = {other.id: other.body for other in among}
    above = (said.get(one.parent_id or ""), said.get(one.reply_to or ""))
    return (one.body, one.state, one.depth, *above, one.replies, one.created_at, one.pinned, one.edited_at)
