"""What somebody is told of where they are, and that nothing of them is left."""

from functions.live.presence.app import handler
from tests.kit.privacy import told_then_gone

from .conftest import DOC


def test_everything_of_somebody_is_told_and_then_gone(world, alice, bob):
    world.room(alice)
    world.room(bob, "another")
    world.room(bob, "with-her", member_ids=[alice.id], visibility="private")
    world.join(alice)
    world.join(bob)
    world.join(alice, "another")

    told = told_then_gone(
        "presence",
        handler,
        world.table,
        alice.id,
        unsaid={
            "DOC#*|S#*": "what is shown of somebody while they are inside, and of others inside of her room",
            "DOC#*|U#*": "that others are inside of her room",
        },
        stays={"DOC#with-her|META": "whom somebody admits to a room of their own"},
    )

    assert [one["doc"] for one in told["room"]] == [DOC]
    assert sorted(one["doc"] for one in told["inside"]) == ["another", DOC]
    assert told["seen"][0]["shows"] == "everything"
