"""What an owner of keys is told of them, and that nothing of it is left."""

from typing import Any

import pytest

from functions.identity.apikeys.app import handler
from tessera import aws, clock
from tessera.tables import Item, Table
from tests.kit.faults import failing
from tests.kit.privacy import ask, told_then_gone
from tests.kit.stores import everything_in

ADDRESS = "203.0.113.99"


def limiter(world: Any) -> Table:
    return Table(world.bindings.environment["RATELIMIT"])


def of_uses(world: Any) -> list[Item]:
    """What the limiter keeps of the use of keys."""
    found = everything_in(limiter(world))
    return [item for item in found if item["sk"]["S"] == "key:default" and "u" in {name[0] for name in item}]


def forget(world: Any, owner_id: str) -> None:
    while not ask(handler, "/apikeys/internal/erase", {"owner_id": owner_id})["done"]:
        pass


def expire(world: Any) -> None:
    """What DynamoDB does of itself with items whose time is over."""
    now = clock.now().timestamp()
    for item in everything_in(world.table):
        if "ttl" in item and int(item["ttl"]["N"]) <= now:
            key = {name: item[name] for name in ("pk", "sk")}
            aws.client("dynamodb").delete_item(TableName=world.table.name, Key=key)


def test_everything_of_an_owner_is_told_and_then_gone(world, alice):
    made, kept = world.key(alice), world.key(world.person())
    world.use(made["key"])
    alice.post(f"/apikeys/{made['id']}/rotate", json={})
    ended = world.key(alice, name="Ended")
    assert alice.post(f"/apikeys/{ended['id']}/revoke").is_success

    told = told_then_gone(
        "apikeys",
        handler,
        world.table,
        alice.id,
        unsaid={"U#{user}|COUNT": "how many keys there are"},
    )

    assert sorted((one["name"], one["status"]) for one in told["key"]) == [("Ended", "revoked"), ("Robot", "active")]
    assert made["key"] not in str(told) and kept["id"] not in str(told)


def test_when_and_from_where_a_key_was_used_is_told_of_it(world, alice):
    used, rested = world.key(alice, name="Used"), world.key(alice, name="Rested")
    world.use(used["key"], address=ADDRESS)

    told = ask(handler, "/apikeys/internal/export", {"owner_id": alice.id})["items"]

    by_id = {one["id"]: (one.get("last_used_at"), one.get("last_used_ip"), one["requests_total"]) for one in told}
    now = clock.now().replace(microsecond=0)
    assert by_id == {used["id"]: (clock.rfc3339(now), ADDRESS, 1), rested["id"]: (None, None, 0)}


def test_from_where_a_key_was_used_is_forgotten_with_its_owner(world, alice):
    made, kept = world.key(alice), world.key(world.person())
    world.use(made["key"], address=ADDRESS)
    world.use(kept["key"])

    forget(world, alice.id)

    gone = [item for item in of_uses(world) if int(item["ttl"]["N"]) <= clock.now().timestamp()]
    assert len(of_uses(world)) == 2 and len(gone) == 1
    assert not {"ip", "last"} & gone[0].keys()
    assert ADDRESS not in str(everything_in(limiter(world)))


def test_also_when_the_key_itself_is_gone_since_long(world, alice, frozen):
    made = world.key(alice)
    world.use(made["key"], address=ADDRESS)
    alice.post(f"/apikeys/{made['id']}/revoke")
    frozen.advance(days=91)
    expire(world)
    assert alice.get("/apikeys").json()["items"] == []
    (told,) = ask(handler, "/apikeys/internal/export", {"owner_id": alice.id})["items"]
    assert (told["kind"], told["id"], told["last_used_ip"]) == ("ended-key", made["id"], ADDRESS)

    forget(world, alice.id)

    assert ADDRESS not in str(of_uses(world))
    assert f"U#{alice.id}" not in str([item["pk"] for item in everything_in(world.table)])


def test_an_owner_is_not_forgotten_while_the_limiter_cannot_be_told(world, alice):
    made = world.key(alice)
    world.use(made["key"], address=ADDRESS)

    with failing("dynamodb", "UpdateItem", code="InternalServerError"), pytest.raises(AssertionError):
        ask(handler, "/apikeys/internal/erase", {"owner_id": alice.id})
    forget(world, alice.id)

    assert ADDRESS not in str(of_uses(world))


def test_of_a_key_that_was_never_used_there_is_nothing_to_forget(world, alice):
    world.key(alice)
    before = everything_in(limiter(world))

    forget(world, alice.id)

    assert everything_in(limiter(world)) == before
