"""Slugs, states, paths of comments, suspicion, and the facade's own words: pure decisions."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.content.blog.rules import comments, conduit, feeds, posts, spam
from functions.content.blog.rules.comments import MAX_DEPTH, Comment, State, path_below
from functions.content.blog.rules.conduit import ConduitError
from functions.content.blog.rules.posts import CommentPolicy, Post, Status
from functions.content.blog.rules.problems import CommentsClosed, InvalidTransition
from functions.content.blog.rules.slugs import MAX_SLUG, RESERVED, another, is_slug, slug_of
from tessera import ids
from tessera.problems import InvalidRequest

POST = Post(id="P", author_id="A", title="T", slug="t", created_at=1_000, updated_at=1_000)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("Ünïcode ßtraße", "unicode-sstrasse"),
        ("日本語のタイトル", "日本語のタイトル"),
        ("Привет, мир", "привет-мир"),
        ("हिन्दी लेख", "हिन्दी-लेख"),
        ("ＦＵＬＬ ｗｉｄｔｈ", "full-width"),
        ("  ...  ", "post"),
        ("", "post"),
        ("Feed", "feed-post"),
        ("Tags", "tags-post"),
        ("a--b__c", "a-b-c"),
    ],
)
def test_a_slug_says_what_the_title_says(title: str, slug: str) -> None:
    assert slug_of(title) == slug


@given(st.text(max_size=200))
def test_whatever_the_title_a_slug_is_short_free_of_reserved_words_and_its_own_slug(title: str) -> None:
    slug = slug_of(title)

    assert 1 <= len(slug) <= MAX_SLUG + len("-post")
    assert slug not in RESERVED and "/" not in slug and " " not in slug
    assert is_slug(slug) or len(slug) > MAX_SLUG or slug.endswith("-post")


def test_another_slug_keeps_its_beginning_and_its_length() -> None:
    assert another("hello").startswith("hello-") and len(another("hello")) == len("hello") + 6
    assert len(another("a" * MAX_SLUG)) == MAX_SLUG
    assert len({another("x") for _ in range(50)}) == 50


def test_a_post_goes_only_from_states_that_allow_it() -> None:
    published = posts.publish(POST, 2_000)
    assert (published.status, published.published_at) == (Status.PUBLISHED, 2_000)
    with pytest.raises(InvalidTransition):
        posts.publish(published, 3)
    with pytest.raises(InvalidTransition):
        posts.schedule(published, 9_000, 3)
    with pytest.raises(InvalidTransition):
        posts.unpublish(POST)
    with pytest.raises(InvalidTransition):
        posts.restore(POST, 3)
    with pytest.raises(InvalidTransition):
        posts.trash(posts.trash(POST, 3), 4)


def test_the_first_time_of_publishing_stays() -> None:
    again = posts.publish(posts.unpublish(posts.publish(POST, 2_000)), 9_000)

    assert again.published_at == 2_000
    assert posts.publish(POST, 9_000, 1_500).published_at == 1_500
    with pytest.raises(InvalidRequest):
        posts.publish(POST, 9_000, 9_001)


def test_a_time_that_is_over_is_no_schedule() -> None:
    assert posts.schedule(POST, 5_000, 4_000).due_at == 5_000
    for at in (None, 3_999, 4_000):
        with pytest.raises(InvalidRequest):
            posts.schedule(POST, at, 4_000)


def test_what_is_restored_is_as_it_was_unless_its_time_has_passed() -> None:
    published, waiting = posts.publish(POST, 2_000), posts.schedule(POST, 5_000, 2_000)

    assert posts.restore(posts.trash(published, 3_000), 4_000) == published
    assert posts.restore(posts.trash(waiting, 3_000), 4_000) == waiting
    late = posts.restore(posts.trash(waiting, 3_000), 5_000)
    assert (late.status, late.publish_at, late.due_at) == (Status.DRAFT, None, None)


def test_the_trash_is_emptied_after_thirty_days() -> None:
    assert posts.trash(POST, 1_000).due_at == 1_000 + 30 * 86_400_000


def test_every_change_moves_the_time_on() -> None:
    assert posts.touched(POST, 1_000).updated_at == 1_001
    assert posts.touched(POST, 2_000).updated_at == 2_000


def test_tags_are_one_in_every_spelling() -> None:
    assert posts.distinct(["Tea", "tea", "TEA", "milk"]) == ("Tea", "milk")


def test_a_title_is_on_one_line_and_turns_nothing_around() -> None:
    assert posts.plain_title(" a\u202eb \u2066 c ") == "ab c"


def test_answers_stand_below_what_they_answer_and_never_too_deep() -> None:
    path, moved = path_below("", "A")
    assert (path, moved) == ("A", False)
    for number in range(2, MAX_DEPTH + 1):
        path, moved = path_below(path, f"B{number}")
        assert (path.count("/") + 1, moved) == (number, False)
    deeper, moved = path_below(path, "C")
    assert deeper.rpartition("/")[0] == path.rpartition("/")[0] and moved
    assert comments.ancestors("A/B/C") == ["A/B", "A"]


def depth_first(parents: dict[str, str]) -> list[str]:
    """The reference: each comment, then what answers it, in the order in which they were written."""

    def walk(parent: str) -> list[str]:
        mine = sorted(one for one, above in parents.items() if above == parent)
        return [name for one in mine for name in [one, *walk(one)]]

    return walk("")


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30), st.randoms())
def test_thread_order_property(choices: list[int], chance: Any) -> None:
    parents: dict[str, str] = {}
    paths: dict[str, str] = {}
    for number, choice in enumerate(choices):
        name = ids.at(1_000_000 + number, b"\x00" * 10)
        above = sorted(paths)[choice - 1] if 0 < choice <= len(paths) else ""
        paths[name], moved = path_below(paths.get(above, ""), name)
        parents[name] = paths[name].rpartition("/")[0].rpartition("/")[2] if moved else above
    inserted = list(paths.values())
    chance.shuffle(inserted)

    assert [path.rpartition("/")[2] for path in sorted(inserted)] == depth_first(parents)


def test_a_number_is_an_integer_that_every_parser_holds() -> None:
    latest = 3_700_000_000_000  # The year 2087.
    assert comments.new_number(latest) < 2**53
    assert comments.new_number(1_800_000_000_001) > comments.new_number(1_800_000_000_000)


def test_a_comment_can_be_changed_for_a_quarter_of_an_hour() -> None:
    comment = Comment("C", "P", "C", 1, State.APPROVED, 1_000, "b", "b")

    assert comments.is_editable(comment, 1_000 + 900_000)
    assert not comments.is_editable(comment, 1_001 + 900_000)


def judged(policy: CommentPolicy, points: int = 0, **of: bool) -> State:
    given: dict[str, bool] = {"is_guest": False, "is_first": False, "moderates": False, **of}
    return spam.judged(policy, points, **given)


def test_who_is_seen_at_once_depends_on_the_policy() -> None:
    assert judged(CommentPolicy.OPEN) is State.APPROVED
    assert judged(CommentPolicy.OPEN, is_guest=True) is State.PENDING
    assert judged(CommentPolicy.FIRST_APPROVED, is_first=True) is State.PENDING
    assert judged(CommentPolicy.FIRST_APPROVED) is State.APPROVED
    assert judged(CommentPolicy.ALL_MODERATED) is State.PENDING
    assert judged(CommentPolicy.ALL_MODERATED, moderates=True) is State.APPROVED
    assert judged(CommentPolicy.MEMBERS, is_first=True) is State.APPROVED
    for policy, guest in ((CommentPolicy.CLOSED, False), (CommentPolicy.MEMBERS, True)):
        with pytest.raises(CommentsClosed):
            judged(policy, is_guest=guest)


def test_suspicion_adds_up() -> None:
    banned = ["casino"]
    plain = spam.Signs("A kind word.")

    assert spam.score(plain, banned) == 0
    assert spam.score(replace(plain, body="http://a http://b"), banned) == 0
    assert spam.score(replace(plain, body="http://a http://b https://c [d](e)"), banned) == 4
    assert spam.score(replace(plain, body="The best CASINO"), banned) == 3
    assert spam.score(replace(plain, is_copy=True), banned) >= spam.WAITS_FROM
    assert spam.score(replace(plain, trapped=True), banned) >= spam.SPAM_FROM
    assert judged(CommentPolicy.OPEN, spam.SPAM_FROM) is State.SPAM
    assert judged(CommentPolicy.OPEN, spam.WAITS_FROM) is State.PENDING


def test_the_same_words_are_a_copy_however_they_are_spaced() -> None:
    assert spam.digest_of("Buy  THIS\nnow") == spam.digest_of("buy this now")
    assert not spam.may_be_copy("Thank you!") and spam.may_be_copy("x" * 40)


@pytest.mark.parametrize(
    ("raw", "errors"),
    [
        (b"", {"body": "is invalid"}),
        (b"{", {"body": "is invalid"}),
        (b"[]", {"body": "is invalid"}),
        (b"{}", {"user": "can't be blank"}),
        (b'{"user": null}', {"user": "can't be blank"}),
        (b'{"user": 5}', {"user": "is invalid"}),
        (b"\xff", {"body": "is invalid"}),
    ],
)
def test_a_body_without_its_wrapper_is_refused_in_the_contracts_words(raw: bytes, errors: dict[str, str]) -> None:
    with pytest.raises(ConduitError) as refused:
        conduit.wrapped(raw, "user")

    assert (refused.value.status, refused.value.errors) == (422, errors)


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({}, {"username": "can't be blank", "email": "can't be blank", "password": "can't be blank"}),
        ({"username": "a b", "email": "e", "password": "p"}, {"username": "is invalid"}),
        ({"username": 5, "email": "e", "password": "p"}, {"username": "is invalid"}),
        ({"username": "a", "email": "e", "password": "p" * 1_001}, {"password": "is too long"}),
        ({"username": "a", "email": "\x00", "password": "p"}, {"email": "is invalid"}),
    ],
)
def test_a_new_user_is_refused_field_by_field(given: dict[str, Any], errors: dict[str, str]) -> None:
    with pytest.raises(ConduitError) as refused:
        conduit.new_user(given)

    assert refused.value.errors == errors


def test_nothing_is_changed_that_is_not_named_and_empty_clears_what_may_be_empty() -> None:
    assert conduit.changed_user({}) == ({}, {})
    assert conduit.changed_user({"bio": "", "image": None}) == ({}, {"bio": None, "image": None})
    assert conduit.changed_article({"tagList": []}) == {"tags": ()}
    for user in ({"email": None}, {"username": ""}, {"password": None}):
        with pytest.raises(ConduitError):
            conduit.changed_user(user)
    for article in ({"tagList": None}, {"title": " "}, {"body": 7}):
        with pytest.raises(ConduitError):
            conduit.changed_article(article)


@pytest.mark.parametrize("tag", ["", " a", "a#b", "a/b", "a?b", "x" * 65, 5, None, "a\nb", "a,b"])
def test_what_is_no_tag_is_refused(tag: object) -> None:
    assert not conduit.is_tag(tag)


def test_a_window_is_clamped_and_must_be_numbers() -> None:
    assert conduit.window([], []) == (20, 0)
    assert conduit.window(["500"], ["7"]) == (100, 7)
    for limit, offset in ((["0"], []), (["x"], []), (["-1"], []), ([], ["x"]), ([], ["5001"]), (["1.5"], [])):
        with pytest.raises(ConduitError):
            conduit.window(limit, offset)


def test_a_feed_holds_no_more_than_fits() -> None:
    item = feeds.Item(ids.new(), "https://a.test/b", "t", "x" * 100_000, "n", 1, 1)

    assert len(feeds.fitting([item] * 9)) == 2
    assert len(feeds.fitting([replace(item, html="x" * 900_000)] * 2)) == 1
    assert len(feeds.fitting([replace(item, html="")] * 99)) == feeds.MAX_ITEMS


def test_the_id_of_a_post_in_feeds_is_its_own_as_a_uuid() -> None:
    assert feeds.urn("00000000000000000000000001") == "urn:uuid:00000000-0000-0000-0000-000000000001"
