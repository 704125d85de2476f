"""The role matrix as people read it, and what every route asks for."""

from tools import permissions


def test_the_page_of_permissions_is_that_of_the_matrix():
    assert permissions.PAGE.read_text() == permissions.page(), "Run `python -m tools.permissions`."


def test_route_requirements_snapshot():
    """A route that opens, closes or asks for something else shows here, and a person looks at it."""
    kept, now = (text.splitlines() for text in (permissions.ROUTES.read_text(), permissions.requirements()))

    differs = [f"- {line}" for line in kept if line not in now] + [f"+ {line}" for line in now if line not in kept]

    assert not differs, "\n".join([*differs, "If this is meant: `python -m tools.permissions --routes`."])


def test_every_route_asks_for_a_permission_that_somebody_holds():
    asked = {
        line.split(" require ")[1].split(",")[0]
        for line in permissions.requirements().splitlines()
        if " require " in line
    }

    assert asked
    for permission in asked:
        assert any(permission in permissions.held_by(role) for role in permissions.matrix()["roles"]) or any(
            permission in held for held in permissions.matrix()["custom_roles"].values()
        ), permission
