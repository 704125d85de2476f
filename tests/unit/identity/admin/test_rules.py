"""Who may act on whom, and which roles may be given."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.identity.admin.rules import (
    NotYourself,
    RankTooLow,
    Standing,
    WouldEscalate,
    check_grant,
    check_impersonation,
    check_permissions,
    check_reach,
    masked,
    rank,
)
from tessera.auth.roles import held_by, known, matrix

ROLES = ["user", "author", "support", "moderator", "admin", "owner"]
BUILT_IN = {role: held_by(role) for role in matrix()["roles"]}
DEFINITIONS = {
    **BUILT_IN,
    "author": frozenset(["blog:write", "blog:publish"]),
    "librarian": frozenset(["library:manage"]),
}

# Row: who acts. Column: on whom, in the order of ROLES.
REACH = {
    "user": "------",
    "author": "+-----",
    "support": "++----",
    "moderator": "++----",
    "admin": "++++--",
    "owner": "++++++",
}
READING = {
    "user": "------",
    "author": "+-----",
    "support": "++----",
    "moderator": "++----",
    "admin": "++----",
    "owner": "+++++-",
}
WRITING = {**READING, "owner": "++----"}


def standing(role: str, *, user_id: str = "me") -> Standing:
    return Standing(user_id, frozenset({"user", role}), DEFINITIONS.get(role, frozenset()) | BUILT_IN["user"])


def cells(table: dict[str, str]):
    return [
        pytest.param(actor, target, table[actor][column] == "+", id=f"{actor} on {target}")
        for actor, (column, target) in itertools.product(ROLES, enumerate(ROLES))
    ]


def refused(do, *problems) -> bool:
    try:
        do()
    except problems:
        return True
    return False


@pytest.mark.parametrize(("actor", "target", "may"), cells(REACH))
def test_rank_rules(actor, target, may):
    act = lambda: check_reach(standing(actor), standing(target, user_id="them"))  # noqa: E731

    assert refused(act, RankTooLow) is not may


@pytest.mark.parametrize("write", [False, True], ids=["reading", "writing"])
@pytest.mark.parametrize("actor", ROLES)
@pytest.mark.parametrize("target", ROLES)
def test_who_may_act_in_whose_place(actor, target, write):
    table = WRITING if write else READING
    act = lambda: check_impersonation(standing(actor), standing(target, user_id="them"), write=write)  # noqa: E731

    assert refused(act, RankTooLow) is (table[actor][ROLES.index(target)] == "-")


@pytest.mark.parametrize("role", ROLES)
def test_nobody_acts_on_themselves(role):
    with pytest.raises(NotYourself):
        check_reach(standing(role), standing(role))
    with pytest.raises(NotYourself):
        check_impersonation(standing(role), standing(role), write=False)


GRANTS = {
    "user": [],
    "support": [],
    "moderator": [],
    "admin": ["author", "support", "moderator"],
    "owner": ["author", "librarian", "support", "moderator", "admin", "owner"],
}


@pytest.mark.parametrize("actor", GRANTS)
@pytest.mark.parametrize("role", ["author", "librarian", "support", "moderator", "admin", "owner"])
def test_a_role_is_given_by_those_who_hold_what_it_gives(actor, role):
    give = lambda: check_grant(standing(actor), {"user"}, {"user", role}, DEFINITIONS)  # noqa: E731

    assert refused(give, WouldEscalate) is (role not in GRANTS[actor])


@pytest.mark.parametrize("role", ["admin", "owner", "librarian"])
def test_taking_a_role_needs_as_much_as_giving_it(role):
    with pytest.raises(WouldEscalate):
        check_grant(standing("admin"), {"user", role}, {"user"}, DEFINITIONS)


def test_roles_that_stay_need_nothing():
    assert check_grant(standing("user"), {"user", "owner"}, {"user", "owner"}, DEFINITIONS) == frozenset()


def test_a_grant_names_what_is_missing():
    with pytest.raises(WouldEscalate, match="library:manage"):
        check_grant(standing("admin"), {"user"}, {"user", "librarian"}, DEFINITIONS)


def test_whoever_may_give_roles_by_a_role_defined_here_gives_none_like_it():
    helper = Standing("me", frozenset(["user", "role-giver"]), BUILT_IN["user"] | {"admin:roles", "blog:publish"})

    with pytest.raises(WouldEscalate):
        check_grant(helper, {"user"}, {"user", "role-giver"}, {**DEFINITIONS, "role-giver": frozenset(["admin:roles"])})
    with pytest.raises(WouldEscalate):
        check_grant(helper, {"user"}, {"user", "author"}, DEFINITIONS)


@given(st.sets(st.sampled_from(sorted(known())), max_size=8), st.sets(st.sampled_from(sorted(known())), max_size=8))
def test_permissions_are_given_only_as_far_as_they_are_held(held, given_):
    actor = Standing("me", frozenset(["user"]), frozenset(held))

    assert refused(lambda: check_permissions(actor, given_, what="It"), WouldEscalate) is not (given_ <= held)


def test_a_wildcard_covers_what_it_names_and_is_no_permission_to_give_it():
    reader = Standing("me", frozenset(["admin"]), frozenset(["*:read"]))

    check_permissions(reader, ["blog:read"], what="It")
    check_permissions(reader, ["*:read"], what="It")
    with pytest.raises(WouldEscalate):
        check_permissions(Standing("me", frozenset(), known()), ["*:read"], what="It")


def test_ranks_are_those_of_the_matrix():
    assert [rank([role]) for role in ("guest", *ROLES)] == [0, 1, 2, 3, 3, 4, 5]
    assert rank(["user", "author", "moderator"]) == 3 and rank([]) == 0


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("ann@example.com", "a***@e***.com"),
        ("b@mail.example.co.uk", "b***@m***.uk"),
        ("root@localhost", "r***@***"),
        ("ünal@xn--bcher-kva.example", "ü***@x***.example"),
    ],
)
def test_a_masked_address_still_tells_people_apart(email, shown):
    assert masked(email) == shown


@given(st.emails())
def test_a_masked_address_never_holds_the_whole_one(email):
    local, _, domain = email.rpartition("@")

    shown = masked(email)

    assert email not in shown and shown.startswith(f"{local[:1]}***@") and domain not in shown
