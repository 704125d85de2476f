"""What somebody is told of the providers that open their account, and that nothing of it is left."""

from collections.abc import Iterator

import pytest

from functions.identity.oauth.app import app, handler
from tests.kit.privacy import told_then_gone

from .conftest import World
from .test_erasure import signed_in


@pytest.fixture
def ours(world: World) -> Iterator[World]:
    """The whole app, in the world of the test."""
    before, app.state.bindings = app.state.bindings, world.app().state.bindings
    yield world
    app.state.bindings = before


def test_everything_of_a_user_is_told_and_then_gone(ours: World) -> None:
    me = signed_in(ours)

    told = told_then_gone(
        "oauth",
        handler,
        ours.table,
        me,
        unsaid={
            "I#*|LOCK": "that an account was being made",
            "I#*|TOKENS": "tokens of the provider's, which open something",
            "U#{user}|MAIN": "how many identities there are",
        },
        stays={"R#*|MAIN": "tokens until they are given back to the provider, for three weeks at most"},
    )

    assert [(one["provider"], one["email_at_link"]) for one in told["identity"]] == [("idp", "ada@idp.example")]
