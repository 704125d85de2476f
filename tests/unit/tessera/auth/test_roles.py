import re

import pytest

from tessera.auth import roles
from tessera.auth.principal import ANONYMOUS, Actor, Principal, covers
from tessera.auth.problems import InsufficientScope

ROLES = ["guest", "user", "support", "moderator", "admin", "owner"]


def cells() -> list[tuple[str, str, bool]]:
    return [
        (role, permission, cell == "yes" or (isinstance(cell, dict) and cell["held"]))
        for group in roles.matrix()["groups"]
        for permission in group["permissions"]
        for role in ROLES
        for cell in [group["cells"].get(role, "no")]
    ]


@pytest.mark.parametrize("role", ROLES)
def test_every_cell_of_the_matrix_holds(role: str) -> None:
    held = roles.held_by(role)

    for _, permission, expected in (cell for cell in cells() if cell[0] == role):
        wild = role in ("admin", "owner") and permission.endswith(":read")
        assert covers(held, permission) is (expected or wild), permission


def test_the_matrix_is_well_formed() -> None:
    groups = roles.matrix()["groups"]
    permissions = [permission for group in groups for permission in group["permissions"]]

    assert roles.matrix()["roles"] == ROLES
    assert len(permissions) == len(set(permissions))
    assert all(re.fullmatch(r"[a-z-]+:[a-z_]+", permission) for permission in permissions)
    assert not any(permission.endswith(":admin") for permission in permissions)
    for group in groups:
        assert set(group) == {"title", "permissions", "cells", "service"}
        assert set(group["cells"]) <= set(ROLES)
        assert group["service"] in ("no", "grant", "yes")
        for cell in group["cells"].values():
            assert cell == "yes" or set(cell) == {"held", "limit"}


def test_custom_roles_hold_known_permissions_only() -> None:
    for permissions in roles.matrix()["custom_roles"].values():
        assert set(permissions) <= roles.known()


def test_grants_name_known_permissions_that_services_may_be_granted() -> None:
    grantable = {
        permission
        for group in roles.matrix()["groups"]
        if group["service"] != "no"
        for permission in group["permissions"]
    }

    for grant in roles.grants():
        assert set(grant) == {"caller", "callee", "permissions"}
        assert set(grant["permissions"]) <= grantable


@pytest.mark.parametrize(
    ("role", "permission", "held"),
    [
        ("user", "tasks:write", True),
        ("guest", "tasks:read", False),
        ("guest", "polls:vote", True),
        ("user", "inventory:read", False),
        ("user", "blog:moderate", False),
        ("moderator", "blog:moderate", True),
        ("moderator", "accounts:lock", True),
        ("support", "accounts:lock", False),
        ("admin", "tasks:manage", False),
        ("owner", "tasks:manage", False),
        ("admin", "backups:restore", False),
        ("owner", "backups:restore", True),
        ("admin", "accounts:impersonate_write", False),
        ("nobody", "tasks:read", False),
    ],
)
def test_cells_that_would_hurt_if_they_were_wrong(role: str, permission: str, held: bool) -> None:
    assert covers(roles.held_by(role), permission) is held


def test_roles_add_up_and_custom_ones_bring_no_wildcards() -> None:
    held = roles.expand(["guest", "support"], ["blog:publish", "*:manage", "made:up"])

    assert {"polls:vote", "health:read", "blog:publish"} <= held
    assert "*:manage" not in held
    assert "made:up" not in held


def test_a_permission_nobody_listed_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="tasks:reed"):
        roles.require_known("tasks:reed")


@pytest.mark.asvs("10.3.2")
def test_a_scope_narrows_and_never_widens() -> None:
    scope = frozenset(["tasks:read", "backups:restore"])
    narrow = Principal(kind="user", id="anna", permissions=roles.expand(["user"]), scope=scope)

    assert narrow.can("tasks:read")
    assert not narrow.can("tasks:write")
    assert not narrow.can("backups:restore")


def test_what_is_shared_belongs_to_the_organisation_acted_for() -> None:
    alone = Principal(kind="user", id="anna", user_id="anna")
    acting = Principal(kind="user", id="anna", user_id="anna", org="atelier")

    assert alone.owner_id == "anna"
    assert acting.owner_id == "atelier"
    assert not acting.owns("anna")
    assert acting.owns("atelier")


def test_nobody_owns_nothing() -> None:
    assert not ANONYMOUS.owns("anon")
    with pytest.raises(InsufficientScope):
        ANONYMOUS.require("tasks:read")


@pytest.mark.asvs("8.2.2")
def test_the_owner_needs_no_permission_and_others_do() -> None:
    moderator = Principal(kind="user", id="mo", user_id="mo", permissions=roles.expand(["moderator"]))

    assert moderator.owns_or("mo", "backups:restore")
    assert moderator.owns_or("anna", "blog:moderate")
    assert not moderator.owns_or("anna", "backups:restore")


def test_a_snapshot_says_all_of_it() -> None:
    anna = Principal(
        kind="user",
        id="anna",
        user_id="anna",
        roles=frozenset(["user"]),
        aal=2,
        amr=("pwd", "otp"),
        session_id="s",
        credential="bearer",
        actor=Actor("admin", "t"),
        permissions=roles.expand(["user"]),
        scope=frozenset(["tasks:read"]),
        plan="user",
    )

    assert Principal.of_snapshot(anna.snapshot()) == anna
    assert Principal.of_snapshot(ANONYMOUS.snapshot()) == ANONYMOUS
