"""Rooms and who is in them: names, conversations, roles, leaving, bans, blocks."""

from typing import Any

import pytest

from functions.live.chat.actions import blocks, members, rooms
from functions.live.chat.rules.rooms import Role
from tessera import ids
from tests.kit.faults import meanwhile
from tests.kit.races import outcomes, together
from tests.unit.live.chat.conftest import post, principal


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def member(by: Any, room: Any, user: Any, method: str = "PATCH", **body: Any) -> Any:
    return by.request(method, f"/chat/rooms/{room['id']}/members/{user.id}", **({"json": body} if body else {}))


def me(by: Any, room: Any, method: str) -> Any:
    return by.request(method, f"/chat/rooms/{room['id']}/members/me")


def roles(by: Any, room: Any) -> dict[str, str]:
    return {one["user_id"]: one["role"] for one in by.get(f"/chat/rooms/{room['id']}/members").json()["items"]}


def test_a_room_has_its_owner_and_first_members_who_may_listen(world, alice, bob):
    room = world.room(alice, bob, name="Garden", topic="Plants")

    assert (room["role"], room["members"], room["topic"], room["version"]) == ("owner", 2, "Plants", 1)
    assert roles(bob, room) == {alice.id: "owner", bob.id: "member"}
    assert [world.granted(room["id"], one.id) for one in (alice, bob)] == ["shr", "shr"]
    assert world.events("chat.room.created.v1")[0]["members"] == [bob.id]


@pytest.mark.parametrize("carries_time", [True, False])
def test_a_room_asked_for_twice_is_made_once(alice, carries_time):
    key = {"idempotency-key": ids.new() if carries_time else "order 66"}
    body = {"name": "Garden", "kind": "public"}

    first, second = (alice.post("/chat/rooms", json=body, headers=key) for _ in range(2))
    other = alice.post("/chat/rooms", json={**body, "topic": "x"}, headers=key)

    assert (second.status_code, second.headers["idempotent-replay"], second.json()) == (201, "true", first.json())
    assert (other.status_code, slug(other)) == (422, "idempotency-mismatch")


def test_more_members_than_a_transaction_takes_are_all_there(world, alice):
    others = [ids.new() for _ in range(100)]

    room = alice.post("/chat/rooms", json={"name": "Hall", "kind": "private", "member_ids": others}).json()

    assert room["members"] == 101
    listed, cursor = [], ""
    while cursor is not None:
        page = alice.get(f"/chat/rooms/{room['id']}/members?limit=40{cursor and '&cursor=' + cursor}").json()
        listed, cursor = listed + [one["user_id"] for one in page["items"]], page["next"]
    assert sorted(listed) == sorted([*others, alice.id])


def test_ten_public_rooms_of_one_name_at_once_make_one(world):
    def make(number: int) -> Any:
        person = world.person()
        return person.post("/chat/rooms", json={"name": " Garden  PARTY"[number % 2 :], "kind": "public"})

    answers = [make(number) for number in range(4)]
    results = together(*(lambda n=n: make(n).raise_for_status() for n in range(3)))

    assert [answer.status_code for answer in answers] == [201, 409, 409, 409]
    assert outcomes(results) == {"HTTPStatusError": 3}
    assert slug(answers[1]) == "room-name-taken"


def test_a_renamed_room_lets_go_of_its_name(world, alice, bob):
    room = world.room(alice, kind="public", name="Garden")
    path = f"/chat/rooms/{room['id']}"

    assert alice.patch(path, json={"name": "Orchard"}, headers={"if-match": '"v1"'}).json()["version"] == 2
    assert bob.post("/chat/rooms", json={"name": "garden", "kind": "public"}).status_code == 201
    taken = alice.patch(path, json={"name": "GARDEN"}, headers={"if-match": '"v2"'})
    assert (taken.status_code, slug(taken)) == (409, "room-name-taken")
    assert alice.patch(path, json={"name": "orchard"}, headers={"if-match": '"v2"'}).status_code == 200


def test_a_change_needs_the_version_and_the_right(world, alice, bob):
    room = world.room(alice, bob)
    path = f"/chat/rooms/{room['id']}"

    assert alice.patch(path, json={"topic": "x"}).status_code == 428
    assert alice.patch(path, json={"topic": "x"}, headers={"if-match": '"v9"'}).status_code == 412
    assert slug(bob.patch(path, json={"topic": "x"}, headers={"if-match": "*"})) == "not-allowed-in-room"
    changed = alice.patch(path, json={"topic": "x", "retention_days": 30}, headers={"if-match": '"v1"'})
    assert (changed.json()["topic"], changed.json()["retention_days"], changed.headers["etag"]) == ("x", 30, '"v2"')
    assert world.log(f"room:{room['id']}")[-1]["topic"] == "x"


def test_an_administrator_who_was_made_a_member_meanwhile_changes_nothing(world, alice, bob):
    room = world.room(alice, bob)
    member(alice, room, bob, role="admin")
    elsewhere = world.another_process()

    def demote() -> None:
        members.give_role(elsewhere, room["id"], bob.id, Role.MEMBER, by=principal(alice.id))

    with meanwhile("TransactWriteItems", demote), pytest.raises(Exception) as refused:
        rooms.change(world.ports, room["id"], {"topic": "x"}, None, by=principal(bob.id))
    assert refused.value.slug == "not-allowed-in-room"


def test_an_owner_who_was_made_a_member_meanwhile_archives_nothing(world, alice, bob):
    room, elsewhere = world.room(alice, bob), world.another_process()
    member(alice, room, bob, role="owner")

    def demote() -> None:
        members.give_role(elsewhere, room["id"], bob.id, Role.MEMBER, by=principal(alice.id))

    with meanwhile("TransactWriteItems", demote), pytest.raises(Exception) as refused:
        rooms.archive(world.ports, room["id"], None, by=principal(bob.id))
    assert refused.value.slug == "not-allowed-in-room"
    assert alice.get(f"/chat/rooms/{room['id']}").json()["archived_at"] is None


def test_a_private_room_does_not_exist_for_others_and_a_public_one_shows_itself(world, alice, bob):
    private, public = world.room(alice), world.room(alice, kind="public")

    for path in ("", "/messages", "/members", "/receipts?n=1"):
        assert bob.get(f"/chat/rooms/{private['id']}{path}").status_code == 404
    assert bob.get(f"/chat/rooms/{public['id']}").json()["role"] is None
    assert bob.get(f"/chat/rooms/{public['id']}/messages").status_code == 403
    assert me(bob, private, "PUT").status_code == 404


def test_the_directory_lists_public_rooms_by_how_their_names_begin(world, alice, bob):
    mark = ids.new().lower()
    for name in ("apple", "apricot", "banana"):
        world.room(alice, kind="public", name=f"{mark} {name}")
    world.room(alice, name=f"{mark} apex")

    page = bob.get("/chat/rooms", params={"public": 1, "q": f"{mark} AP", "limit": 1}).json()
    rest = bob.get("/chat/rooms", params={"public": 1, "q": f"{mark} AP", "limit": 5, "cursor": page["next"]}).json()

    assert [one["name"].split()[1] for one in page["items"] + rest["items"]] == ["apple", "apricot"]


def test_joining_a_public_room_shows_its_past_and_leaves_nothing_unread(world, alice, bob, say):
    room = world.room(alice, kind="public")
    say(alice, room)

    assert me(bob, room, "PUT").json()["role"] == "member"
    assert me(bob, room, "PUT").status_code == 200

    assert bob.get(f"/chat/rooms/{room['id']}").json()["members"] == 2
    assert len(bob.get(f"/chat/rooms/{room['id']}/messages").json()["items"]) == 1
    assert bob.get("/chat/unread").json()["total"] == 0
    assert world.granted(room["id"], bob.id) == "shr"


def test_history_visibility(world, alice, bob, say):
    room = world.room(alice)
    before = say(alice, room)
    alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": [bob.id]})
    after = say(alice, room)

    path = f"/chat/rooms/{room['id']}/messages"
    assert [one["id"] for one in bob.get(path).json()["items"]] == [after["id"]]
    for hidden in ("", "/thread"):
        assert bob.get(f"{path}/{before['id']}{hidden}").status_code == 404
    for asked in ("around_n=1", "before_n=2", "after_n=0"):
        assert before["id"] not in str(bob.get(f"{path}?{asked}").json())
    assert bob.get(f"/chat/rooms/{room['id']}/receipts?n=1").status_code == 404


def test_fifty_joining_at_once_are_counted_exactly(world, alice):
    room = world.room(alice, kind="public")
    processes = [world.another_process() for _ in range(4)]

    def come(number: int) -> None:
        for _ in range(3):
            members.join(processes[number], room["id"], by=principal())

    results = together(*(lambda n=n: come(n) for n in range(4)))

    assert outcomes(results) == {"ok": 4}
    assert world.ports.rooms.room(room["id"], fresh=True).members == 13
    assert len(world.ports.rooms.everybody(room["id"])) == 13


def test_one_person_joining_twice_at_once_is_one_member(world, alice, bob):
    room = world.room(alice, kind="public")
    processes = [world.another_process() for _ in range(4)]

    together(*(lambda p=p: members.join(p, room["id"], by=principal(bob.id)) for p in processes))

    assert world.ports.rooms.room(room["id"], fresh=True).members == 2


def test_a_full_room_takes_nobody(world, alice, bob, monkeypatch):
    room = world.room(alice, kind="public")
    monkeypatch.setattr(members, "MAX_MEMBERS", 1)

    assert slug(me(bob, room, "PUT")) == "room-full"


def test_the_last_owner_hands_over_before_leaving(world, alice, bob):
    room = world.room(alice, bob)

    assert slug(me(alice, room, "DELETE")) == "last-owner"
    assert slug(member(alice, room, alice, role="member")) == "last-owner"
    assert member(alice, room, bob, role="owner").status_code == 204
    assert me(alice, room, "DELETE").status_code == 204
    assert roles(bob, room) == {bob.id: "owner"}
    assert world.granted(room["id"], alice.id) == ""


def test_two_owners_leaving_at_once_leave_one_behind(world, alice, bob):
    room = world.room(alice, bob, world.person())
    member(alice, room, bob, role="owner")
    one, other = world.another_process(), world.another_process()

    results = together(
        lambda: members.leave(one, room["id"], by=principal(alice.id)),
        lambda: members.leave(other, room["id"], by=principal(bob.id)),
    )

    assert outcomes(results) == {"ok": 1, "last-owner": 1}


def test_an_owner_leaves_while_another_is_made_one(world, alice, bob):
    room = world.room(alice, bob)
    one, other = world.another_process(), world.another_process()

    results = together(
        lambda: members.leave(one, room["id"], by=principal(alice.id)),
        lambda: members.give_role(other, room["id"], bob.id, Role.OWNER, by=principal(alice.id)),
    )

    found = world.ports.rooms.room(room["id"], fresh=True)
    owners = [o for o in world.ports.rooms.everybody(room["id"]) if o.role is Role.OWNER]
    assert len(owners) == found.owners >= 1
    assert outcomes(results)["ok"] >= 1


def test_a_room_that_everybody_has_left_is_archived(world, alice):
    room = world.room(alice)

    assert me(alice, room, "DELETE").status_code == 204
    assert world.ports.rooms.room(room["id"], fresh=True).archived_at is not None


def test_who_may_decide_about_whom(world, alice, bob):
    carol, dave = world.person(), world.person()
    room = world.room(alice, bob, carol, dave)
    member(alice, room, bob, role="admin")

    assert slug(member(carol, room, dave, role="readonly")) == "not-allowed-in-room"
    assert slug(member(bob, room, carol, role="admin")) == "not-allowed-in-room"
    assert slug(member(bob, room, alice, "DELETE")) == "not-allowed-in-room"
    assert member(bob, room, carol, role="readonly").status_code == 204
    assert member(bob, room, dave, "DELETE").status_code == 204
    assert member(bob, room, dave, "DELETE").status_code == 404
    assert member(bob, room, world.person(), role="member").status_code == 404
    assert slug(bob.patch(f"/chat/rooms/{room['id']}/members/{carol.id}", json={})) == "invalid-request"


def test_who_is_banned_is_out_until_the_day_or_until_it_is_lifted(world, alice, bob):
    room = world.room(alice, bob, kind="public")
    until = "2030-03-15T00:00:00Z"

    assert member(alice, room, bob, ban={"until": until}).status_code == 204
    assert slug(me(bob, room, "PUT")) == "banned"
    assert post(bob, room).status_code == 403
    assert world.granted(room["id"], bob.id) == ""
    world.frozen.advance(days=2)
    assert me(bob, room, "PUT").status_code == 200


def test_a_ban_for_good_ends_when_it_is_lifted(world, alice, bob):
    room = world.room(alice, bob, kind="public")
    member(alice, room, bob, ban={})
    assert slug(me(bob, room, "PUT")) == "banned"

    lifted = alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"ban": None})

    assert lifted.status_code == 204
    assert me(bob, room, "PUT").status_code == 200
    assert alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"ban": None}).status_code == 204
    assert roles(alice, room)[bob.id] == "member"


def test_who_was_never_in_it_can_be_kept_out_and_is_not_invited_by_chance(world, alice, bob):
    room = world.room(alice, kind="public")
    member(alice, room, bob, ban={})

    assert alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": [bob.id]}).json()["members"] == 1
    assert slug(me(bob, room, "PUT")) == "banned"


def test_a_conversation_of_the_same_people_is_one(world, alice, bob):
    carol = world.person()

    one, again = world.dm(alice, bob), world.dm(bob, alice)
    three = world.dm(alice, bob, carol)

    assert one["id"] == again["id"] != three["id"]
    assert one["user_ids"] == sorted([alice.id, bob.id])
    answers = [alice.post("/chat/dms", json={"user_ids": given}) for given in ([bob.id], [alice.id], [])]
    assert [answer.status_code for answer in answers] == [200, 422, 422]


def test_dm_unique_race(world, alice, bob):
    def open_dm(by: Any, other: Any) -> str:
        return rooms.open_dm(world.another_process(), [other.id], by=principal(by.id))[0].id

    results = together(lambda: open_dm(alice, bob), lambda: open_dm(bob, alice), times=4)

    assert outcomes(results) == {"ok": 8}
    assert len({result.value for result in results}) == 1
    assert len(world.keys("/META")) == 1


def test_a_conversation_keeps_its_members_and_has_no_settings(world, alice, bob):
    room = world.dm(alice, bob)
    path = f"/chat/rooms/{room['id']}"

    refused = [
        me(alice, room, "DELETE"),
        member(alice, room, bob, "DELETE"),
        member(alice, room, bob, role="readonly"),
        alice.post(f"{path}/members", json={"user_ids": [ids.new()]}),
        alice.patch(path, json={"topic": "x"}, headers={"if-match": "*"}),
        alice.delete(path),
    ]

    assert {slug(one) for one in refused} == {"members-fixed"}


def test_block_dm(world, alice, bob):
    room = world.dm(alice, bob)
    assert alice.request("PUT", f"/chat/blocks/{bob.id}").status_code == 204
    assert alice.request("PUT", f"/chat/blocks/{bob.id}").status_code == 204

    assert [slug(post(one, room)) for one in (alice, bob)] == ["blocked", "blocked"]
    assert slug(bob.post("/chat/rooms", json={"name": "x", "kind": "private", "member_ids": [alice.id]})) == "blocked"
    assert alice.get("/chat/blocks").json()["items"] == [{"user_id": bob.id}]
    assert bob.get("/chat/blocks").json()["items"] == []
    alice.delete(f"/chat/blocks/{bob.id}")
    assert post(bob, room).status_code == 201


@pytest.mark.parametrize("blocker", ["alice", "bob"])
def test_where_there_is_a_block_no_conversation_is_opened(world, alice, bob, blocker):
    one, other = (alice, bob) if blocker == "alice" else (bob, alice)
    one.request("PUT", f"/chat/blocks/{other.id}")

    assert slug(alice.post("/chat/dms", json={"user_ids": [bob.id]})) == "blocked"
    assert slug(alice.post("/chat/dms", json={"user_ids": [bob.id, ids.new()]})) == "blocked"


def test_a_block_and_a_conversation_at_once_end_with_silence(world):
    for _ in range(4):
        one, other = principal(), principal()
        opening, blocking = world.another_process(), world.another_process()
        together(
            lambda: rooms.open_dm(opening, [other.id], by=one),  # noqa: B023
            lambda: blocks.block(blocking, one.id, by=other),  # noqa: B023
        )
        room_id = world.ports.personal.dm_of([one.id, other.id])
        assert room_id is None or world.ports.rooms.room(room_id, fresh=True).blocked_by == (other.id,)


def test_a_conversation_opened_while_somebody_blocks_stands_still(world):
    one, other = principal(), principal()

    def open_dm() -> None:
        rooms.open_dm(world.another_process(), [other.id], by=one)

    with meanwhile("TransactWriteItems", open_dm):
        blocks.block(world.ports, one.id, by=other)

    room_id = world.ports.personal.dm_of([one.id, other.id])
    assert world.ports.rooms.room(room_id, fresh=True).blocked_by == (other.id,)


def test_a_block_reaches_a_thread_wherever_the_room_is_remembered_open(world, alice, bob, say):
    from functions.live.chat.actions import send
    from functions.live.chat.rules.messages import Draft

    room = world.dm(alice, bob)
    root, elsewhere = say(alice, room), world.another_process()
    elsewhere.rooms.room(room["id"])
    alice.request("PUT", f"/chat/blocks/{bob.id}")

    with pytest.raises(Exception) as refused:
        send.send(elsewhere, room["id"], Draft("x", ids.new(), thread_root=root["id"]), by=principal(bob.id))
    assert refused.value.slug == "blocked"


def test_nobody_blocks_themselves_or_gets_in_without_a_token(world, alice):
    assert alice.request("PUT", f"/chat/blocks/{alice.id}").status_code == 422
    assert world.served.client.get("/chat/rooms").status_code == 401


def test_only_an_owner_archives_and_once(world, alice, bob):
    room = world.room(alice, bob)
    path = f"/chat/rooms/{room['id']}"

    assert slug(bob.delete(path)) == "not-allowed-in-room"
    assert alice.delete(path, headers={"if-match": '"v7"'}).status_code == 412
    assert [alice.delete(path).status_code for _ in range(2)] == [204, 204]
    assert alice.get(path).json()["archived_at"] is not None
    assert len(world.events("chat.room.archived.v1")) == 1
