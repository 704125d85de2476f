"""What is kept, written by who has read it too early."""

from functions.live.chat.actions import members, upkeep
from tests.kit.faults import meanwhile

from .conftest import principal


def listed(world, user_id, *, left=False):
    found, _ = world.ports.rooms.rooms_of(user_id, 10, None, left=left)
    return [one.room_id for one in found]


def minute_in(world, hours):
    return int(world.frozen.now().timestamp()) // 60 + hours * 60


def test_a_room_stays_where_its_newest_message_has_put_it(world, alice):
    first, second = (world.room(alice)["id"] for _ in range(2))
    upkeep.move_up(world.ports, second, minute_in(world, hours=2))
    upkeep.move_up(world.ports, first, minute_in(world, hours=3))

    upkeep.move_up(world.ports, first, minute_in(world, hours=1))

    assert listed(world, alice.id) == [first, second]


def test_a_room_left_meanwhile_stays_where_it_was_among_those_that_were_left(world, alice, bob):
    first = world.room(alice, bob)["id"]
    world.frozen.advance(minutes=5)
    second, elsewhere = world.room(alice, bob)["id"], world.another_process()
    members.remove(elsewhere, second, bob.id, by=principal(alice.id))

    def out():
        members.remove(elsewhere, first, bob.id, by=principal(alice.id))

    with meanwhile("UpdateItem", out, key=bob.id):
        upkeep.move_up(world.ports, first, minute_in(world, hours=1))

    assert listed(world, bob.id) == []
    assert listed(world, bob.id, left=True) == [second, first]
