"""Comments, moderation and reactions: threads, races, who sees what, and what is counted."""

from dataclasses import replace
from typing import Any

import pytest

from functions.content.blog.actions import commenting, moderating, reacting
from functions.content.blog.actions.commenting import Said
from functions.content.blog.rules.comments import State
from functions.content.blog.rules.posts import Post
from functions.content.blog.rules.problems import AlreadySo
from functions.content.blog.store import comments as storing
from functions.content.blog.store.comments import Changed
from functions.content.blog.store.reactions import Felt
from tessera import clock, ids
from tessera.auth.principal import Principal
from tessera.problems import NotFound
from tests.kit.apps import Caller
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import failing, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in

from .conftest import World

LONG = "This is long enough to be told from a mere word of thanks."
GUEST = {"name": "Passer-by", "email": "guest@example.com"}


def shown(world: World, post: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    answer = world.anonymous("GET", f"/blog/posts/{post['id']}/comments{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def count(world: World, post: dict[str, Any]) -> int:
    return int(world.anonymous("GET", f"/blog/posts/{post['id']}").json()["comments"])


def kept(world: World, post: dict[str, Any]) -> Post:
    return world.ports.posts.get(post["id"])


def staff(user_id: str = "") -> Principal:
    user_id = user_id or ids.new()
    permissions = frozenset({"blog:read", "blog:write", "blog:moderate"})
    return Principal(kind="user", id=user_id, user_id=user_id, permissions=permissions)


def as_guest(world: World, post: dict[str, Any], wait: int = 10, **body: Any) -> Any:
    token = world.anonymous("GET", f"/blog/posts/{post['id']}").json()["comment_token"]
    world.frozen.advance(seconds=wait)
    path = f"/blog/posts/{post['id']}/comments"
    return world.anonymous("POST", path, json={"body": "A guest's word.", **GUEST, "token": token, **body})


def waiting(moderator: Caller, status: str = "pending") -> list[dict[str, Any]]:
    answer = moderator.get(f"/blog/moderation?status={status}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_thread_is_read_depth_first_whatever_the_order(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    one, two = world.comment(alice, post, "1"), world.comment(bob, post, "2")
    inner = world.comment(bob, post, "1.1", parent_id=one["id"])
    world.comment(alice, post, "2.1", parent_id=two["id"])
    world.comment(alice, post, "1.1.1", parent_id=inner["id"])

    thread, newest = shown(world, post), shown(world, post, "?sort=newest")

    assert [one["body"] for one in thread] == ["1", "1.1", "1.1.1", "2", "2.1"]
    assert [one["depth"] for one in thread] == [1, 2, 3, 1, 2]
    assert [one["reply_count"] for one in thread] == [1, 1, 0, 1, 0]
    assert [one["body"] for one in newest] == ["1.1.1", "2.1", "1.1", "2", "1"]
    assert thread[1]["parent_id"] == one["id"] and thread[0]["author"]["username"] == "name0"
    assert count(world, post) == 5


@pytest.mark.parametrize("sort", ["thread", "newest"])
def test_comments_come_in_pages(world: World, alice: Caller, sort: str) -> None:
    post = world.post(alice)
    for number in range(3):
        world.comment(alice, post, f"{number}")
    path = f"/blog/posts/{post['id']}/comments?sort={sort}&limit=2"

    first = world.anonymous("GET", path).json()
    second = world.anonymous("GET", f"{path}&cursor={first['next']}").json()

    found = [one["body"] for one in [*first["items"], *second["items"]]]
    assert found == (["0", "1", "2"] if sort == "thread" else ["2", "1", "0"])
    assert second["next"] is None


def test_below_the_sixth_level_answers_stay_there_and_say_what_they_answer(world: World, alice: Caller) -> None:
    post, above = world.post(alice), dict[str, Any]()
    for number in range(8):
        more: dict[str, Any] = {"parent_id": above["id"]} if above else {}
        above = world.comment(alice, post, f"{number}", **more)

    depths = [(one["body"], one["depth"]) for one in shown(world, post)]
    assert depths == [("0", 1), ("1", 2), ("2", 3), ("3", 4), ("4", 5), ("5", 6), ("6", 6), ("7", 6)]
    assert above["reply_to"] == shown(world, post)[6]["id"]


def test_what_is_hidden_or_of_another_post_is_not_answered(world: World, alice: Caller, moderator: Caller) -> None:
    post, other = world.post(alice), world.post(alice)
    comment = world.comment(alice, post)
    path = f"/blog/posts/{post['id']}/comments"
    moderator.post(f"/blog/comments/{comment['id']}/hide")

    elsewhere = alice.post(f"/blog/posts/{other['id']}/comments", json={"body": "x", "parent_id": comment["id"]})
    answers = [alice.post(path, json={"body": "x", "parent_id": one}) for one in (comment["id"], ids.new())]

    assert {one.json()["type"] for one in [*answers, elsewhere]} == {"/problems/parent-not-visible"}


def test_a_parent_that_is_hidden_at_the_same_moment_takes_no_answer(world: World, alice: Caller) -> None:
    post = world.post(alice)
    comment = world.comment(alice, post)

    with meanwhile("TransactWriteItems", lambda: moderating.hide(world.ports, comment["id"], hidden=True)):
        answer = alice.post(f"/blog/posts/{post['id']}/comments", json={"body": "x", "parent_id": comment["id"]})

    assert answer.status_code == 409


def test_hiding_takes_the_words_and_leaves_the_answers(world: World, alice: Caller, moderator: Caller) -> None:
    post = world.post(alice)
    comment = world.comment(alice, post, "Rude")
    world.comment(alice, post, "Answer", parent_id=comment["id"])
    path = f"/blog/comments/{comment['id']}/hide"

    assert moderator.post(path).json()["body"] == "Rude"
    assert [one["body"] for one in shown(world, post)] == [None, "Answer"]
    assert count(world, post) == 1
    assert moderator.post(path).status_code == 409
    assert moderator.post(path, json={"hidden": False}).json()["status"] == "approved"
    assert count(world, post) == 2
    assert alice.post(path).status_code == 403


def test_two_who_hide_at_once_count_it_once(world: World, alice: Caller) -> None:
    post = world.post(alice)
    comment = world.comment(alice, post)
    world.comment(alice, post)

    results = together(lambda: moderating.hide(world.ports, comment["id"], hidden=True), times=4)

    assert outcomes(results) == {"ok": 1, "already-so": 3}
    assert count(world, post) == 1


def test_what_was_answered_leaves_its_place_and_goes_with_the_last_answer(world: World, alice: Caller) -> None:
    post = world.post(alice)
    top = world.comment(alice, post, "top")
    middle = world.comment(alice, post, "middle", parent_id=top["id"])
    leaf = world.comment(alice, post, "leaf", parent_id=middle["id"])
    world.comment(alice, post, "other", parent_id=top["id"])

    for one in (middle, top):
        assert alice.delete(f"/blog/comments/{one['id']}").status_code == 204
    thread = shown(world, post)
    assert [(one["body"], one["author"] is None) for one in thread] == [
        (None, True),
        (None, True),
        ("leaf", False),
        ("other", False),
    ]
    assert alice.get(f"/blog/comments/{top['id']}").status_code == 404
    assert alice.delete(f"/blog/comments/{top['id']}").status_code == 404

    # The middle place goes with its leaf, and the top one stays for the other answer.
    alice.delete(f"/blog/comments/{leaf['id']}")
    assert [one["body"] for one in shown(world, post)] == [None, "other"]
    assert shown(world, post)[0]["reply_count"] == 1
    assert count(world, post) == 1
    assert len(shown(world, post, "?sort=newest")) == 1


def test_an_answer_at_the_moment_of_deleting_is_never_orphaned(world: World, alice: Caller) -> None:
    post = world.post(alice)
    by = staff()
    for _ in range(4):
        top = world.comment(alice, post, "top")
        together(
            lambda top=top: commenting.delete(world.ports, top["id"], user_id=by.id, moderates=True),  # type: ignore[misc]
            lambda top=top: commenting.say(world.ports, kept(world, post), Said("x", top["id"]), user_id=by.id),  # type: ignore[misc]
        )

    thread = shown(world, post)
    there = {one["id"] for one in thread}
    assert all(one["parent_id"] in there for one in thread if one["parent_id"])
    assert count(world, post) == sum(one["status"] == "approved" for one in thread)


def test_one_of_two_who_delete_the_last_answers_takes_the_empty_place_along(world: World, alice: Caller) -> None:
    post = world.post(alice)
    top = world.comment(alice, post, "top")
    leaves = [world.comment(alice, post, f"{number}", parent_id=top["id"]) for number in range(3)]
    alice.delete(f"/blog/comments/{top['id']}")

    results = together(
        *(
            lambda leaf=leaf: commenting.delete(world.ports, leaf["id"], user_id=alice.id, moderates=False)
            for leaf in leaves
        )
    )

    assert outcomes(results) == {"ok": 3}
    assert shown(world, post) == [] and count(world, post) == 0
    assert not [item for item in everything_in(world.table) if item["pk"]["S"].startswith(("C#", "CID#"))]


def test_a_comment_is_its_authors_to_change_for_a_while(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    path = f"/blog/comments/{world.comment(bob, post)['id']}"

    changed = bob.patch(path, json={"body": "**Better**"})
    assert "<strong>" in changed.json()["html"] and changed.json()["edited_at"]
    assert alice.patch(path, json={"body": "x"}).json()["type"] == "/problems/not-your-comment"
    assert alice.delete(path).status_code == 403
    world.frozen.advance(minutes=16)
    assert bob.patch(path, json={"body": "x"}).json()["type"] == "/problems/edit-window-closed"
    assert bob.delete(path).status_code == 204


def test_what_two_change_at_once_is_decided_again(world: World, alice: Caller) -> None:
    post = world.post(alice)
    comment = world.comment(alice, post)
    by = staff()

    def pin() -> None:
        moderating.pin(world.ports, comment["id"], pinned=True)

    with meanwhile("TransactWriteItems", pin):
        commenting.change(world.ports, comment["id"], "new", by=by)

    found = world.ports.comments.get(comment["id"])
    assert (found.pinned, found.body, found.version) == (True, "new", 3)
    with pytest.raises(AlreadySo):
        pin()


def test_a_guest_waits_for_a_moderator_and_needs_the_posts_token(
    world: World, alice: Caller, moderator: Caller
) -> None:
    post, other = world.post(alice), world.post(alice)
    path = f"/blog/posts/{post['id']}/comments"

    assert world.anonymous("POST", path, json={"body": "x"}).status_code == 422
    foreign = world.anonymous("GET", f"/blog/posts/{other['id']}").json()["comment_token"]
    for token in (None, "1.x", foreign, "x", "9.!!!"):
        body = {"body": "x", **GUEST, **({"token": token} if token else {})}
        assert world.anonymous("POST", path, json=body).json()["errors"][0]["pointer"] == "/token"
    assert as_guest(world, post, wait=90_000).status_code == 422

    made = as_guest(world, post)
    assert (made.status_code, made.json()["status"], made.json()["guest"]) == (201, "pending", "Passer-by")
    assert "email" not in made.json()
    assert shown(world, post) == [] and count(world, post) == 0
    assert world.anonymous("GET", f"/blog/comments/{made.json()['id']}").status_code == 404
    assert [(one["email"], one["score"]) for one in waiting(moderator)] == [("guest@example.com", 3)]

    assert moderator.post(f"/blog/comments/{made.json()['id']}/approve").json()["status"] == "approved"
    assert [one["guest"] for one in shown(world, post)] == ["Passer-by"]
    assert waiting(moderator) == [] and count(world, post) == 1


def test_bots_give_themselves_away(world: World, alice: Caller, moderator: Caller) -> None:
    post = world.post(alice)

    assert as_guest(world, post, website="http://spam").json()["status"] == "spam"
    hurried = as_guest(world, post, wait=1, body="http://a http://b http://c").json()
    assert hurried["status"] == "spam"
    assert len(waiting(moderator, "spam")) == 2


def test_policies_decide_who_is_seen_at_once(world: World, alice: Caller, bob: Caller, moderator: Caller) -> None:
    first = world.post(alice, comment_policy="first-approved")
    comment = world.comment(bob, first)
    assert comment["status"] == "pending"
    moderator.post(f"/blog/comments/{comment['id']}/approve")
    assert world.comment(bob, first)["status"] == "approved"
    assert world.comment(alice, first)["status"] == "approved"

    assert world.comment(bob, world.post(alice, comment_policy="all-moderated"))["status"] == "pending"
    closed = world.post(alice, comment_policy="closed")
    answer = bob.post(f"/blog/posts/{closed['id']}/comments", json={"body": "x"})
    assert answer.json()["type"] == "/problems/comments-closed"
    assert as_guest(world, world.post(alice, comment_policy="members")).status_code == 409


def test_the_same_words_twice_within_a_day_wait(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)

    assert world.comment(bob, post, LONG)["status"] == "approved"
    assert world.comment(bob, post, LONG.upper())["status"] == "pending"
    world.frozen.advance(days=1, seconds=1)
    assert world.comment(bob, post, LONG)["status"] == "approved"


def test_two_moderators_who_approve_at_once_show_it_once(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice, comment_policy="all-moderated")
    comment = world.comment(bob, post)

    results = together(lambda: moderating.approve(world.ports, comment["id"], by=staff()), times=5)

    assert outcomes(results) == {"ok": 1, "already-so": 4}
    assert count(world, post) == 1
    assert len(world.events("blog.comment.approved.v1")) == 1
    assert world.ports.authors.get(bob.id).approved == 1


def test_approving_and_calling_it_spam_at_once_leaves_one_of_the_two(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice, comment_policy="all-moderated")
    for _ in range(3):
        comment = world.comment(bob, post)
        results = together(
            lambda one=comment["id"]: moderating.approve(world.ports, one, by=staff()),  # type: ignore[misc]
            lambda one=comment["id"]: moderating.spam(world.ports, one, by=staff()),  # type: ignore[misc]
        )
        assert outcomes(results)["ok"] >= 1

    # What was approved first may have been hidden by the other; what is in the thread is never in a queue.
    pointers = [item for item in everything_in(world.table) if item["pk"]["S"].startswith("L#MOD#")]
    assert len(pointers) + len(shown(world, post)) == 3


def test_an_approval_meets_what_was_judged_before(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice, comment_policy="all-moderated")
    comment = world.ports.comments.get(world.comment(bob, post)["id"])
    world.ports.comments.judge(comment, State.SPAM)

    with pytest.raises(AlreadySo):
        world.ports.comments.judge(comment, State.SPAM)
    with pytest.raises(AlreadySo):
        world.ports.comments.approve(kept(world, post), comment, _approved(comment))

    assert shown(world, post) == []


def _approved(comment: Any) -> Any:
    from functions.content.blog.events import CommentApproved

    return CommentApproved(**commenting.told(comment, by="x"))


def test_a_decision_that_was_made_is_told(world: World, alice: Caller, bob: Caller, moderator: Caller) -> None:
    post = world.post(alice, comment_policy="all-moderated")
    path = f"/blog/comments/{world.comment(bob, post)['id']}"

    assert moderator.post(f"{path}/spam").json()["status"] == "spam"
    assert moderator.post(f"{path}/spam").status_code == 409
    assert moderator.post(f"{path}/hide").status_code == 409
    assert bob.get(path).json()["status"] == "spam"
    assert moderator.post(f"{path}/approve").json()["status"] == "approved"
    assert moderator.post(f"{path}/approve").status_code == 409
    assert moderator.post(f"{path}/spam").json()["status"] == "hidden"


def test_reports_bring_a_comment_before_moderators_once_each(
    world: World, alice: Caller, bob: Caller, moderator: Caller
) -> None:
    post = world.post(alice)
    path = f"/blog/comments/{world.comment(alice, post)['id']}"

    assert [bob.post(f"{path}/report").status_code for _ in range(2)] == [204, 409]
    assert moderator.post(f"{path}/report").status_code == 204
    assert [one["reports"] for one in waiting(moderator, "reported")] == [2]
    assert moderator.post(f"{path}/approve").status_code == 200
    assert waiting(moderator, "reported") == []
    moderator.post(f"{path}/hide")
    assert alice.post(f"{path}/report").status_code == 404


def test_a_report_of_what_is_hidden_at_that_moment_finds_nothing(world: World, alice: Caller) -> None:
    post = world.post(alice)
    comment = world.comment(alice, post)

    hiding = meanwhile("TransactWriteItems", lambda: moderating.hide(world.ports, comment["id"], hidden=True))
    with hiding, pytest.raises(NotFound):
        moderating.report(world.ports, comment["id"], by=staff())


def test_many_are_decided_at_once_and_each_says_how_it_went(world: World, alice: Caller, moderator: Caller) -> None:
    post = world.post(alice)
    mine = [world.comment(alice, post, f"{number}")["id"] for number in range(2)]

    def bulk(action: str, *more: str) -> list[str | None]:
        body = {"action": action, "ids": [*mine, *more]}
        answer = moderator.post("/blog/moderation/bulk", json=body)
        return [one["problem"] for one in answer.json()["items"]]

    assert bulk("hide", ids.new()) == [None, None, "not-found"]
    assert bulk("show") == [None, None]
    assert bulk("approve") == ["already-so", "already-so"]
    assert bulk("spam") == [None, None]
    assert bulk("delete") == [None, None]
    assert alice.post("/blog/moderation/bulk", json={"action": "hide", "ids": mine}).status_code == 403


def test_who_is_banned_comments_no_more_until_it_ends(world: World, alice: Caller, bob: Caller) -> None:
    moderator = world.person("moderator")
    post = world.post(alice)
    path, ban = f"/blog/posts/{post['id']}/comments", f"/blog/bans/{bob.id}"
    until = clock.rfc3339(clock.from_millis(clock.millis() + 60_000))

    assert moderator.request("PUT", ban, json={"until": until}).status_code == 200
    assert bob.post(path, json={"body": "x"}).json()["type"] == "/problems/commenting-banned"
    world.frozen.advance(seconds=61)
    assert bob.post(path, json={"body": "x"}).status_code == 201
    moderator.request("PUT", ban, json={})
    assert bob.post(path, json={"body": "x"}).status_code == 403
    assert moderator.delete(ban).status_code == 204
    assert bob.post(path, json={"body": "x"}).status_code == 201
    assert moderator.request("PUT", ban, json={"until": "2001-01-01T00:00:00Z"}).status_code == 422
    assert bob.request("PUT", ban, json={}).status_code == 403


def test_a_number_is_never_two_comments(world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    post = world.post(alice)
    drawn = iter([7, 7, 8, 9])
    monkeypatch.setattr(commenting, "new_number", lambda now: next(drawn))

    for _ in range(2):
        commenting.say(world.ports, kept(world, post), Said("x"), user_id=alice.id)

    assert {world.ports.comments.numbered(post["id"], number) is None for number in (7, 8)} == {False}


def test_a_comment_on_what_is_unpublished_at_that_moment_is_not_made(world: World, alice: Caller) -> None:
    post = world.post(alice)
    before = kept(world, post)
    alice.post(f"/blog/posts/{post['id']}/unpublish")

    with pytest.raises(NotFound):
        commenting.say(world.ports, before, Said("x"), user_id=alice.id)

    assert not [item for item in everything_in(world.table) if item["pk"]["S"].startswith("C#")]


def test_the_store_holds_versions_and_places(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    store = world.ports.comments
    old = store.get(world.comment(alice, post)["id"])
    moderating.pin(world.ports, old.id, pinned=True)
    event = _approved(old)

    for attempt in (
        lambda: store.change(old, old),
        lambda: store.show(kept(world, post), old, old),
        lambda: store.remove(kept(world, post), old, event),
    ):
        with pytest.raises(Changed):
            attempt()

    answered = store.get(old.id)
    answer = world.comment(alice, post, parent_id=old.id)
    with pytest.raises(Changed):
        store.remove(kept(world, post), answered, event)
    alone = store.get(old.id)
    alice.delete(f"/blog/comments/{answer['id']}")
    with pytest.raises(Changed):
        store.remove(kept(world, post), alone, event)
    world.comment(alice, post, parent_id=old.id)
    held = store.get(old.id)
    moderating.pin(world.ports, old.id, pinned=False)
    with pytest.raises(Changed):
        store.remove(kept(world, post), held, event)
    waits = world.post(alice, comment_policy="all-moderated")
    queued = store.get(world.comment(bob, waits)["id"])
    store.change(queued, queued)
    with pytest.raises(Changed):
        store.remove(kept(world, waits), queued, event)
    assert storing.SAME_BODY_SECONDS == 86_400


def test_two_comments_never_stand_at_one_place(world: World, alice: Caller) -> None:
    post = world.post(alice)
    comment = world.ports.comments.get(world.comment(alice, post)["id"])

    with pytest.raises(Exception, match="condition"):
        world.ports.comments.add(kept(world, post), comment, _approved(comment), digest="d")


def reactions(world: World, post: dict[str, Any], by: Caller | None = None) -> tuple[dict[str, int], str | None]:
    path = f"/blog/posts/{post['id']}"
    found = (by.get(path) if by else world.anonymous("GET", path)).json()
    return {kind: number for kind, number in found["reactions"].items() if number}, found["my_reaction"]


def test_a_reaction_takes_the_place_of_the_one_before(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    path = f"/blog/posts/{post['id']}/reactions"

    assert bob.request("PUT", f"{path}/like").json() == {"my_reaction": "like", "changed": True}
    assert bob.request("PUT", f"{path}/like").json()["changed"] is False
    assert bob.request("PUT", f"{path}/sad").json()["changed"] is True
    assert reactions(world, post, bob) == ({"sad": 1}, "sad")
    assert bob.delete(f"{path}/like").json()["changed"] is False
    assert bob.delete(f"{path}/sad").json()["changed"] is True
    assert reactions(world, post, bob) == ({}, None)
    assert bob.request("PUT", f"{path}/like").json()["changed"] is True
    assert bob.request("PUT", f"{path}/shrug").status_code == 404
    assert world.anonymous("PUT", f"{path}/like").status_code == 401
    assert world.ports.authors.get(bob.id).fav_count == 1


def test_two_hundred_likes_are_two_hundred_and_one_persons_are_one(world: World, alice: Caller) -> None:
    post = kept(world, world.post(alice))
    people = [ids.new() for _ in range(200)]
    together(*(lambda one=one: reacting.react(world.ports, post, one, "like") for one in people))
    results = together(lambda: reacting.react(world.ports, post, people[0], "like"), times=20)

    assert not any(one.value for one in results)
    assert world.ports.posts.get(post.id).reactions["like"] == 200


def test_one_person_who_likes_many_times_at_once_counts_once(world: World, alice: Caller) -> None:
    post, user_id = kept(world, world.post(alice)), ids.new()

    results = together(lambda: reacting.react(world.ports, post, user_id, "like"), times=20)

    assert sum(bool(one.value) for one in results) == 1
    assert world.ports.posts.get(post.id).reactions["like"] == 1
    assert world.ports.authors.get(user_id).fav_count == 1


def test_a_change_of_mind_at_the_same_moment_is_counted_once(world: World, alice: Caller) -> None:
    post, user_id = kept(world, world.post(alice)), ids.new()

    together(
        *(lambda kind=kind: reacting.react(world.ports, post, user_id, kind) for kind in ("like", "sad", "love", ""))
    )

    felt = world.ports.reactions.felt(post.id, user_id)
    counts = {kind: n for kind, n in world.ports.posts.get(post.id).reactions.items() if n}
    assert counts == ({felt.kind: 1} if felt.kind else {})
    assert world.ports.authors.get(user_id).fav_count == int(felt.listed)


def test_a_hot_post_counts_in_shards_and_shows_the_sum(world: World, alice: Caller, bob: Caller) -> None:
    made = world.post(alice)
    with failing("dynamodb", "TransactWriteItems", code="TransactionInProgressException", times=2):
        reacting.react(world.ports, kept(world, made), ids.new(), "like")
    hot = kept(world, made)
    assert hot.shards == 4

    for _ in range(6):
        reacting.react(world.ports, hot, ids.new(), "like")
    bob.request("PUT", f"/blog/posts/{made['id']}/reactions/love")
    comment = world.comment(bob, made)
    world.comment(bob, made)
    bob.delete(f"/blog/comments/{comment['id']}")

    assert kept(world, made).reactions["like"] == 1
    assert reactions(world, made)[0] == {"like": 7, "love": 1}
    assert count(world, made) == 1
    assert world.anonymous("GET", "/blog/posts").json()["items"][0]["reactions"]["like"] == 7
    with failing("dynamodb", "TransactWriteItems", code="TransactionInProgressException", times=2):
        reacting.react(world.ports, hot, ids.new(), "like")
    assert kept(world, made).shards == 16
    # Who has read the post before it was hot makes it no colder.
    with failing("dynamodb", "TransactWriteItems", code="TransactionInProgressException", times=2):
        reacting.react(world.ports, replace(hot, shards=0), ids.new(), "like")
    assert kept(world, made).shards == 16
    alice.post(f"/blog/posts/{made['id']}/unpublish")
    with pytest.raises(NotFound):
        reacting.react(world.ports, hot, ids.new(), "like")


def test_nobody_likes_what_is_not_published(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    seen = kept(world, post)
    alice.post(f"/blog/posts/{post['id']}/unpublish")

    assert bob.request("PUT", f"/blog/posts/{post['id']}/reactions/like").status_code == 404
    with pytest.raises(NotFound):
        reacting.react(world.ports, seen, ids.new(), "like")


def test_favourites_follow_a_post_out_of_sight_and_back(world: World, alice: Caller, bob: Caller) -> None:
    post = world.post(alice)
    bob.request("PUT", f"/blog/posts/{post['id']}/reactions/like")
    world.person().request("PUT", f"/blog/posts/{post['id']}/reactions/sad")
    world.follow()
    assert world.ports.authors.get(bob.id).fav_count == 1

    alice.post(f"/blog/posts/{post['id']}/unpublish")
    world.follow()
    assert world.ports.authors.get(bob.id).fav_count == 0
    assert world.ports.reading.pointers(f"FAV#{bob.id}", 9) == []

    alice.post(f"/blog/posts/{post['id']}/publish")
    world.follow()
    assert world.ports.authors.get(bob.id).fav_count == 1
    assert [one.id for one in world.ports.reading.pointers(f"FAV#{bob.id}", 9)] == [post["id"]]


def test_relisting_gives_way_to_a_change_of_mind(world: World, alice: Caller, bob: Caller) -> None:
    made = world.post(alice)
    bob.request("PUT", f"/blog/posts/{made['id']}/reactions/like")
    hidden = kept(world, made).__class__(**{**vars(kept(world, made)), "status": "draft"})

    with meanwhile("TransactWriteItems", lambda: reacting.react(world.ports, kept(world, made), bob.id, "sad")):
        world.ports.reactions.relist(hidden, after=None, most=9)

    assert world.ports.reactions.felt(made["id"], bob.id) == Felt("sad", False)
    assert world.ports.authors.get(bob.id).fav_count == 0


def test_what_comments_and_reactions_cost(world: World, alice: Caller) -> None:
    post = kept(world, world.post(alice))
    with CapacityMeter() as liking:
        reacting.react(world.ports, post, ids.new(), "love")
    with CapacityMeter() as commenting_:
        commenting.say(world.ports, post, Said("Well said."), user_id=alice.id)

    name = world.table.name
    assert liking.of(name).operations == ["TransactWriteItems"]
    assert liking.of(name).write_units == 6
    assert commenting_.of(name).operations == ["GetItem", "TransactWriteItems"]
    assert commenting_.of(name).write_units <= 14
