"""Slugs, links and who inherits: decisions without anything behind them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.identity.organisations.rules.organisation import (
    Member,
    OwnersOnly,
    RoleTooLow,
    check_reach,
    check_role,
    next_owner,
    own,
)
from functions.identity.organisations.rules.slugs import PATTERN, RESERVED, check_slug, skeleton
from functions.identity.organisations.rules.tokens import Link, parse
from tessera import ids
from tessera.problems import InvalidRequest

SLUGS = st.from_regex(PATTERN, fullmatch=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "paypa1"),
        ("google", "g00gle"),
        ("modern", "modem"),
        ("web", "vveb"),
        ("stripe", "5tripe"),
        ("zen", "2en"),
        ("acme-inc", "acmeinc"),
        ("a-c-m-e", "acme"),
    ],
)
def test_slugs_that_look_alike_are_one_claim(one, other):
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("mail", "mall"), ("clock", "dock"), ("clean", "dean"), ("a1", "a7")])
def test_words_that_differ_are_two(one, other):
    assert skeleton(one) != skeleton(other)


@given(SLUGS)
def test_a_skeleton_is_its_own_skeleton_and_holds_no_hyphen(slug):
    folded = skeleton(slug)

    assert "-" not in folded and not set(folded) & set("0125")
    assert folded


@pytest.mark.parametrize("slug", ["admin", "adm-in", "supp0rt", "te55era", "organisations"])
def test_a_reserved_word_is_nobodys_however_it_is_written(slug):
    with pytest.raises(InvalidRequest):
        check_slug(slug)


def test_reserved_words_are_kept_folded():
    assert {skeleton(word) for word in RESERVED} == RESERVED


@given(st.binary(min_size=16, max_size=48), st.integers(1, 99))
def test_a_link_is_read_as_it_was_written(code, number):
    link = Link(ids.new(), ids.new(), number)

    assert parse(link.text(code)) == (link, code)


@given(st.text(max_size=200))
def test_any_other_text_is_no_link(text):
    assert parse(text) is None


def test_the_admin_who_has_been_there_longest_inherits():
    start = datetime(2030, 1, 1, tzinfo=UTC)
    people = [
        Member("o", name, role, start + timedelta(days=day), 1)
        for name, role, day in (
            ("owner", "owner", 0),
            ("old-member", "member", 1),
            ("admin-b", "admin", 3),
            ("admin-a", "admin", 2),
        )
    ]

    heir = next_owner(people, "owner")

    assert heir is not None and heir.user_id == "admin-a"
    assert next_owner(people[:2], "owner") is None
    assert next_owner([Member("o", "owner", "admin", start, 1)], "owner") is None


@pytest.mark.parametrize("mine", ["admin", "member", "viewer", "clerk"])
def test_only_an_owner_reaches_an_owner(mine):
    check_reach("owner", "owner", "owner")
    check_reach(mine, "admin", "member")
    with pytest.raises(OwnersOnly):
        check_reach(mine, "member", "owner")


def test_a_role_that_is_too_low_is_told_what_is_asked_for():
    with pytest.raises(RoleTooLow, match="admin and owner; you are viewer"):
        check_role("viewer", frozenset(["owner", "admin"]))
    check_role("viewer", frozenset())


def test_a_role_of_ones_own_is_none_of_the_four():
    assert [own(role) for role in ("owner", "admin", "member", "viewer", "clerk", None)] == [False] * 4 + [True, False]
