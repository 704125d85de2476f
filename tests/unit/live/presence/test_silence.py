"""Who goes without a word: sockets that close, clients that fall silent, and who is back before anybody noticed."""

from tests.kit.capacity import CapacityMeter
from tests.kit.stores import everything_in
from tests.unit.live.presence.conftest import DOC

ROOM = f"/presence/rooms/{DOC}"


def closed(world, user_id, connection):
    world.receive("realtime.connection.closed.v1", user_id=user_id, client=connection, documents=[f"doc:{DOC}"])


def kinds(world):
    return [one["type"] for one in world.log()]


def test_silent_client_swept(world, alice, bob):
    world.room(alice, ttl_s=45)
    silent = world.join(bob)["session_id"]
    mine = world.join(alice)["session_id"]

    world.frozen.advance(seconds=44)
    alice.request("PUT", f"{ROOM}/sessions/{mine}/beat", json={"v": 1})
    assert world.here(alice) == sorted([silent, mine])
    world.frozen.advance(seconds=1)
    # Nobody sees them any more, from the second in which their time is over.
    assert world.here(alice) == [mine]
    assert kinds(world) == ["joined", "joined"]
    world.waiting()
    world.sweep()
    world.sweep()

    assert [(one["session_id"], one["reason"]) for one in world.log()[2:]] == [(silent, "silent")]
    assert world.granted(bob.id) == ""
    assert world.here(alice) == [mine]


def test_who_is_not_silent_yet_is_looked_at_when_they_will_be(world, alice):
    world.room(alice)
    session = world.join(alice)["session_id"]
    # It ends at 9:27:38, and the minute of it begins at 9:27.
    world.frozen.advance(seconds=10)
    assert world.sweep() == 1
    assert kinds(world) == ["joined"]

    ((delay, message),) = world.waiting()
    assert (delay, message["kind"]) == (35, "session.look")
    world.frozen.advance(seconds=35)
    world.deliver(message)

    assert kinds(world) == ["joined", "left"]
    assert world.here(alice) == []
    world.deliver({"kind": "session.look", "data": {"doc": DOC, "session_id": session}})


def test_who_beats_before_the_look_stays(world, alice):
    world.room(alice)
    session = world.join(alice)["session_id"]
    world.frozen.advance(seconds=40)
    alice.request("PUT", f"{ROOM}/sessions/{session}/beat", json={"v": 1})
    world.frozen.advance(seconds=5)
    world.deliver({"kind": "session.look", "data": {"doc": DOC, "session_id": session}})

    assert world.here(alice) == [session]
    assert kinds(world) == ["joined"]


def test_who_beats_while_they_are_being_swept_stays(world, alice):
    """The sweep has read them as silent; what it does about it looks once more."""
    from functions.live.presence.actions import leave
    from functions.live.presence.store.sessions import is_silent
    from tessera import clock

    world.room(alice)
    world.join(alice, client="t")
    world.frozen.advance(seconds=46)
    found = world.ports.sessions.of_room(DOC)[0]
    world.join(alice, client="t")

    assert not leave.end(world.ports, found, "silent", is_silent(clock.millis()))
    assert world.here(alice) == [found.id]


def test_who_looks_at_a_room_has_the_silent_swept(world, alice, bob):
    world.room(alice)
    world.join(bob)
    world.frozen.advance(seconds=50)
    world.here(alice)

    ((delay, message),) = world.waiting()
    assert (delay, message["kind"]) == (0, "session.look")
    world.deliver(message)
    assert kinds(world) == ["joined", "left"]


def test_a_beat_moves_a_session_out_of_the_sweepers_way(world, alice):
    world.room(alice)
    session = world.join(alice)["session_id"]

    def due():
        return next(one["due_sk"]["S"] for one in everything_in(world.table) if "due_sk" in one)

    before = due()
    world.frozen.advance(seconds=15)
    alice.request("PUT", f"{ROOM}/sessions/{session}/beat", json={"v": 1})
    assert due() == before
    world.frozen.advance(seconds=15)
    alice.request("PUT", f"{ROOM}/sessions/{session}/beat", json={"v": 2})

    assert due() > before
    assert world.sweep() == 0


def test_reconnect_grace_no_flicker(world, alice, bob):
    world.room(alice)
    first = world.call(alice, "join", connection="c1", doc=DOC, client="tab")["session_id"]
    world.join(bob)
    closed(world, alice.id, "c1")
    ((delay, message),) = world.waiting()
    assert (delay, message["kind"]) == (10, "connection.gone")
    world.frozen.advance(seconds=6)
    again = world.call(alice, "join", connection="c2", doc=DOC, client="tab")
    world.deliver(message)

    assert (again["session_id"], again["color"]) == (first, again["members"][0]["sessions"][0]["color"])
    assert kinds(world) == ["joined", "joined"]
    assert world.granted(alice.id) == "shr"
    closed(world, alice.id, "c1")
    assert world.work() == []
    closed(world, alice.id, "c2")
    assert world.work() == ["connection.gone"]
    assert kinds(world) == ["joined", "joined", "left"]
    assert world.log()[-1]["reason"] == "closed"


def test_a_beat_by_another_socket_is_a_reconnect_too(world, alice):
    world.room(alice)
    session = world.call(alice, "join", connection="c1", doc=DOC)["session_id"]
    closed(world, alice.id, "c1")
    world.call(alice, "beat", connection="c2", doc=DOC, session_id=session, v=1)
    assert world.work() == ["connection.gone"]

    assert kinds(world) == ["joined"]
    closed(world, alice.id, "c2")
    world.work()
    assert kinds(world) == ["joined", "left"]


def test_a_beat_by_http_leaves_the_socket_what_it_holds(world, alice):
    world.room(alice)
    session = world.call(alice, "join", connection="c1", doc=DOC)["session_id"]
    alice.request("PUT", f"{ROOM}/sessions/{session}/beat", json={"v": 1})
    closed(world, alice.id, "c1")
    world.work()

    assert kinds(world) == ["joined", "left"]


def test_who_goes_on_by_http_is_not_ended_with_the_socket(world, alice):
    world.room(alice)
    world.call(alice, "join", connection="c1", doc=DOC, client="tab")
    closed(world, alice.id, "c1")
    world.join(alice, client="tab")
    world.work()

    assert kinds(world) == ["joined"]


def test_a_reconnect_in_the_last_moment_wins(world, alice):
    from functions.live.presence.actions import leave
    from tests.kit.faults import meanwhile

    world.room(alice)
    session = world.call(alice, "join", connection="c1", doc=DOC)["session_id"]

    def back():
        world.call(alice, "beat", connection="c2", doc=DOC, session_id=session, v=1)

    with meanwhile("TransactWriteItems", back):
        leave.end_if_gone(world.another_process(), DOC, session, "c1")

    assert kinds(world) == ["joined"]
    assert world.here(alice) == [session]


def test_a_closed_socket_ends_what_its_own_user_has_with_it(world, alice, bob):
    """Whoever names somebody else's connection gains nothing by it."""
    world.room(alice)
    world.call(alice, "join", connection="c1", doc=DOC)
    closed(world, bob.id, "c1")
    closed(world, alice.id, "another")

    assert world.work() == []


def test_a_closed_socket_ends_all_its_sessions_each_once(world, alice):
    world.room(alice)
    world.room(alice, "other")
    world.call(alice, "join", connection="c1", doc=DOC)
    world.call(alice, "join", connection="c1", doc="other")
    closed(world, alice.id, "c1")
    closed(world, alice.id, "c1")

    assert world.work() == ["connection.gone"] * 4
    assert [len(world.log(doc)) for doc in (DOC, "other")] == [2, 2]
    world.deliver({"kind": "connection.gone", "data": {"doc": DOC, "session_id": "x", "connection": "c1"}})


def test_what_comes_due_of_nobody_is_nothing(world):
    item = {"pk": "DOC#x", "sk": "S#y", "due_pk": "x", "due_sk": "2030-03-14T09:26:00.000Z#x"}
    with CapacityMeter() as meter:
        world.deliver({"kind": "due", "data": item})

    assert meter.of(world.table.name).operations == ["GetItem"]
