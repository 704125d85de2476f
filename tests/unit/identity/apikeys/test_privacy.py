"""What an owner of keys is told of them, and that nothing of it is left."""

from functions.identity.apikeys.app import handler
from tests.kit.privacy import told_then_gone


def test_everything_of_an_owner_is_told_and_then_gone(world, alice):
    made, kept = world.key(alice), world.key(world.person())
    world.use(made["key"])
    alice.post(f"/apikeys/{made['id']}/rotate", json={})
    ended = world.key(alice, name="Ended")
    assert alice.post(f"/apikeys/{ended['id']}/revoke").is_success

    told = told_then_gone(
        "apikeys", handler, world.table, alice.id, unsaid={"U#{user}|COUNT": "how many keys there are"}
    )

    assert sorted((one["name"], one["status"]) for one in told["key"]) == [("Ended", "revoked"), ("Robot", "active")]
    assert made["key"] not in str(told) and kept["id"] not in str(told)
