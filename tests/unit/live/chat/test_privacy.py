"""What somebody who talks is told of themselves, and that nothing but what they said is left."""

from functions.live.chat.app import handler
from tessera import ids
from tests.kit.privacy import assert_nothing_left, told_then_gone
from tests.kit.stores import everything_in

UNDER_AN_ID = "what was said stays, under an id that nobody has any more"
FOR_A_WHILE = "what a client calls a message is remembered for a day"
STAYS = {
    "ROOM#*|M#*": UNDER_AN_ID,
    "ROOM#*|T#*": UNDER_AN_ID,
    "ROOM#*|R#*": UNDER_AN_ID,
    "ROOM#*|META": "who made a room, and what was said there last",
    "UNQ#msg#*|*": FOR_A_WHILE,
    "SEEN#*|MAIN": "that somebody was told, for as long as it may be told again",
}


def test_everything_of_somebody_is_told_and_then_gone(world, alice, bob, say):
    room, dm, left = world.room(alice, bob), world.dm(alice, bob), world.room(bob, alice)
    first = say(alice, room, f"Mine <@{bob.id}>")
    say(alice, room, "In a thread", thread_root=first["id"])
    theirs = say(bob, room, f"Not hers <@{alice.id}>")
    say(alice, dm, "Only for you")
    say(alice, left, "Said before leaving")
    taken_back = say(alice, room, "Taken back")
    alice.delete(f"/chat/rooms/{room['id']}/messages/{taken_back['id']}")
    alice.delete(f"/chat/rooms/{left['id']}/members/me")
    alice.request("PUT", f"/chat/blocks/{ids.new()}")
    world.follow()
    alice.request("PUT", f"/chat/rooms/{room['id']}/messages/{theirs['id']}/reactions/%F0%9F%91%8D")
    assert alice.post(f"/chat/rooms/{room['id']}/export").status_code == 202

    told = told_then_gone(
        "chat",
        handler,
        world.table,
        alice.id,
        between=world.follow,
        unsaid={"ROOM#*|EXPORT": "how far what they had asked for has come, which is told as a job"},
        stays=STAYS,
    )

    assert [one["work"] for one in told["job"]] == ["room.export"]
    texts = sorted(one["text"] for one in told["message"])
    assert texts == ["In a thread", f"Mine <@{bob.id}>", "Only for you", "Said before leaving"]
    assert {one["room_id"] for one in told["membership"]} == {room["id"], dm["id"]}
    assert [one["room_id"] for one in told["left"]] == [left["id"]]
    assert len(told["thread"]) == 1 and len(told["block"]) == 1 and told["mention"][0]["room_id"] == room["id"]


def test_what_is_left_of_the_right_to_listen_ends_by_itself(world, alice, bob):
    world.room(alice, bob)
    told_then_gone("chat", handler, world.table, alice.id, stays={"ROOM#*|META": "who made the room"})

    allowed = {
        "GRANT#room:*|{user}": "that they may listen no more, for a day",
        "LOG#room:*|E#*": "what was told live, for a week",
    }
    assert_nothing_left(world.realtime, alice.id, allowed)
    grants = [item for item in everything_in(world.realtime) if item["sk"]["S"] == alice.id]

    assert grants and all(item["perms"]["S"] == "" and "ttl" in item for item in grants)
