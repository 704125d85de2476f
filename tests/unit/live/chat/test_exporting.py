"""A room as a file: all of it once and in order, whatever happens meanwhile, and for its owners alone.

Steps have a tenth of their lines here and messages are ten times as large, so that a tenth of the messages make as
many steps and parts. Whole rooms are exported by `make bench`.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.live.chat.actions import exporting
from functions.live.chat.app import handler
from functions.live.chat.rules.exports import ExportLost
from functions.live.chat.store.exports import ExportRow
from functions.live.chat.store.objects import PART_BYTES
from functions.live.chat.store.rows import MessageRow
from tessera import aws, ids
from tessera.live import GrantRow
from tessera.seqlog import SeqLog
from tessera.tables import item_of
from tessera.transact import transact
from tests.kit.apps import Caller
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import Crash, crash_at, failing, meanwhile
from tests.kit.privacy import ask
from tests.kit.queues import drain
from tests.kit.races import outcomes, together
from tests.kit.stores import pour

from .conftest import World

Json = dict[str, Any]


LINES_AT_ONCE = 100


@pytest.fixture(autouse=True)
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "LINES_AT_ONCE", LINES_AT_ONCE)


@pytest.fixture
def room(world: World, alice: Caller, bob: Caller) -> Json:
    world.names.known = {alice.id: "Alice", bob.id: "Bob"}
    return world.room(alice, bob)


def asked(by: Caller, room: Json) -> Json:
    answer = by.post(f"/chat/rooms/{room['id']}/export")
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/chat/jobs/{answer.json()['id']}"
    job: Json = answer.json()
    return job


def job_of(by: Caller, job: Json) -> Json:
    found: Json = by.get(f"/chat/jobs/{job['id']}").json()
    return found


def keys(world: World) -> list[str]:
    found = aws.client("s3").list_objects_v2(Bucket=world.bucket).get("Contents", [])
    return [one["Key"] for one in found]


def uploads(world: World) -> list[str]:
    found = aws.client("s3").list_multipart_uploads(Bucket=world.bucket).get("Uploads", [])
    return [one["UploadId"] for one in found]


def file_of(world: World, by: Caller, job: Json, *, died: bool = False) -> list[Json]:
    """The lines of a finished export, and that nothing but its file is left of the work unless that died."""
    told = job_of(by, job)
    assert told["state"] == "done", told
    key = f"chat/exports/{by.id}/{job['id']}/room.jsonl"
    assert died or (keys(world), uploads(world)) == ([key], [])
    body: bytes = aws.client("s3").get_object(Bucket=world.bucket, Key=key)["Body"].read()
    assert len(body) == told["result"]["size_bytes"]
    return [json.loads(line) for line in body.splitlines()]


def exported(world: World, by: Caller, room: Json) -> list[Json]:
    job = asked(by, room)
    world.work()
    return file_of(world, by, job)


def said(lines: list[Json]) -> list[tuple[int, int]]:
    return [(one["n"], one["thread_n"]) for one in lines if one["kind"] == "message"]


def fill(world: World, room: Json, count: int, *, length: int = 25_000, thread: int = 0) -> None:
    """So many messages, and so many replies below the first of them: two hundred are a little less than a part."""

    def rows() -> Iterator[Json]:
        for n in range(1, count + 1):
            yield item_of(row(n, f"M#{n:012d}"), None)
        for tn in range(1, thread + 1):
            yield item_of(row(1, f"T#{1:012d}#{tn:08d}"), None)

    def row(n: int, sk: str) -> MessageRow:
        made = MessageRow(pk=f"ROOM#{room['id']}", sk=sk, id=ids.new(), seq=n, author_id="a", at=1_700_000_000_000)
        made.text = "x" * length
        return made

    pour(world.table, rows())
    table, key = aws.client("dynamodb"), {"pk": {"S": f"ROOM#{room['id']}"}, "sk": {"S": "META"}}
    told = {":n": {"N": str(count)}}
    table.update_item(
        TableName=world.table.name, Key=key, UpdateExpression="SET msg_n = :n", ExpressionAttributeValues=told
    )


def step(world: World) -> None:
    """Deliver what waits on the queue now, and not what comes of it."""
    bodies = drain(world.queue)
    assert bodies
    world.deliver(*map(json.loads, bodies))


def test_a_file_has_the_room_its_people_and_all_that_was_said_in_order(world, alice, bob, say, room):
    picture = world.files.add(alice.id)
    first = say(alice, room, "Line one\nline two ☕", attachments=[picture])
    say(bob, room, "Second", reply_to=first["id"])
    below = say(bob, room, "Below the first", thread_root=first["id"])
    gone = say(bob, room, "Taken back")
    bob.delete(f"/chat/rooms/{room['id']}/messages/{gone['id']}")
    for by, emoji in ((alice, "tada"), (bob, "tada"), (bob, "#️⃣")):
        at = f"/chat/rooms/{room['id']}/messages/{first['id']}/reactions/{emoji.replace('#', '%23')}"
        assert by.request("PUT", at).is_success
    assert alice.put(f"/chat/rooms/{room['id']}/messages/{below['id']}/reactions/tada").is_success
    assert alice.put(f"/chat/rooms/{room['id']}/messages/{first['id']}/pin").is_success
    drain(world.queue)

    head, *lines, end = exported(world, alice, room)

    assert (head["kind"], head["id"], head["name"], head["last_n"]) == ("room", room["id"], room["name"], 3)
    people = {one["user_id"]: (one["name"], one["role"]) for one in lines if one["kind"] == "member"}
    assert people == {alice.id: ("Alice", "owner"), bob.id: ("Bob", "member")}
    messages = [one for one in lines if one["kind"] == "message"]
    assert said(messages) == [(1, 0), (1, 1), (2, 0), (3, 0)]
    assert messages[0]["text"] == "Line one\nline two ☕" and messages[0]["pinned"]
    assert {emoji: sorted(who) for emoji, who in messages[0]["reactions"].items()} == {
        "tada": sorted([alice.id, bob.id]),
        "#️⃣": [bob.id],
    }
    attached = {"id": picture, "name": "a.png", "type": "image/png", "size": 12, "state": "ready"}
    assert messages[0]["attachments"] == [attached]
    assert messages[1]["thread_root"] == first["id"] and messages[1]["reactions"] == {"tada": [alice.id]}
    assert messages[2]["reply_to"] == first["id"]
    assert (messages[3]["text"], messages[3]["deleted_at"] is None) == ("", False)
    assert end == {"kind": "end", "members": 2, "messages": 3, "replies": 1}


def test_reactions_to_what_was_taken_back_are_nobodys_business(world, alice, bob, say, room):
    message = say(alice, room)
    bob.put(f"/chat/rooms/{room['id']}/messages/{message['id']}/reactions/tada")
    alice.delete(f"/chat/rooms/{room['id']}/messages/{message['id']}")

    lines = exported(world, alice, room)

    assert [one["reactions"] for one in lines if one["kind"] == "message"] == [{}]


def test_a_link_to_the_file_is_for_who_asked_while_they_own_the_room(world, alice, bob, say, room, frozen):
    say(alice, room)
    job = asked(alice, room)
    at = f"/chat/rooms/{room['id']}/exports/{job['id']}"
    assert alice.get(at).status_code == 404
    world.work()

    told = alice.get(at).json()

    assert (told["messages"], told["replies"], told["members"]) == (1, 0, 2)
    assert "X-Amz-Signature" in told["url"] and f"room-{room['id']}.jsonl" in told["url"]
    other = world.room(alice)
    assert alice.get(f"/chat/rooms/{other['id']}/exports/{job['id']}").status_code == 404
    assert alice.get(f"/chat/rooms/{room['id']}/exports/{ids.new()}").status_code == 404
    assert bob.get(at).json()["type"].endswith("/not-allowed-in-room")
    assert world.person().get(at).status_code == 404
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "owner"})
    assert bob.get(at).status_code == 404 and bob.get(f"/chat/jobs/{job['id']}").status_code == 404
    alice.patch(f"/chat/rooms/{room['id']}/members/{alice.id}", json={"role": "admin"})
    assert alice.get(at).json()["type"].endswith("/not-allowed-in-room")


def test_a_job_of_another_kind_is_no_export(world, alice, room):
    job, keeping = world.ports.jobs.starting(alice.id, "something.else")
    transact(keeping)
    world.ports.jobs.finish(job, result={"room_id": room["id"]})

    assert alice.get(f"/chat/rooms/{room['id']}/exports/{job.id}").status_code == 404


def test_a_file_is_there_for_twenty_hours(world, alice, say, room, frozen):
    say(alice, room)
    job = asked(alice, room)
    world.work()
    at = f"/chat/rooms/{room['id']}/exports/{job['id']}"

    frozen.advance(hours=20, seconds=-60)
    assert "X-Amz-Expires=60&" in alice.get(at).json()["url"]
    frozen.advance(seconds=60)
    assert alice.get(at).status_code == 404


def test_only_owners_may_ask(world, alice, bob, room):
    at = f"/chat/rooms/{room['id']}/export"
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "admin"})

    assert bob.post(at).json()["type"].endswith("/not-allowed-in-room")
    assert world.person("admin").post(at).status_code == 404
    dm = world.dm(alice, bob)
    assert alice.post(f"/chat/rooms/{dm['id']}/export").json()["type"].endswith("/not-allowed-in-room")


def test_who_stops_being_an_owner_at_that_moment_gets_nothing(world, alice, bob, room):
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "owner"})

    def demoted() -> None:
        assert bob.patch(f"/chat/rooms/{room['id']}/members/{alice.id}", json={"role": "member"}).is_success

    with meanwhile("TransactWriteItems", demoted):
        answer = alice.post(f"/chat/rooms/{room['id']}/export")

    assert answer.json()["type"].endswith("/not-allowed-in-room")
    assert world.keys("JOBS#") == []


def test_an_archived_room_is_exported_too(world, alice, say, room):
    say(alice, room)
    alice.delete(f"/chat/rooms/{room['id']}")
    drain(world.queue)

    lines = exported(world, alice, room)

    assert lines[0]["archived_at"] and said(lines) == [(1, 0)]


def test_an_owner_gets_what_they_may_read_and_no_more(world, alice, bob, say):
    room = world.room(alice)
    at = f"/chat/rooms/{room['id']}"
    assert alice.patch(at, json={"shows_past": False}, headers={"if-match": "*"}).is_success
    say(alice, room, "Before bob")
    alice.post(f"/chat/rooms/{room['id']}/members", json={"user_ids": [bob.id]})
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "owner"})
    say(alice, room, "With bob")
    drain(world.queue)

    assert said(exported(world, bob, room)) == [(2, 0)]


def test_asked_again_meanwhile_it_is_the_same_job(world, alice, say, room):
    say(alice, room)
    results = together(lambda: asked(alice, room)["id"], times=4)

    assert outcomes(results) == {"ok": 4} and len({one.value for one in results}) == 1
    assert len(world.keys("JOBS#")) == 1
    world.work()
    assert job_of(alice, {"id": results[0].value})["state"] == "done"


def test_one_runs_at_a_time_whoever_of_the_owners_asks(world, alice, bob, say, room):
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "owner"})
    drain(world.queue)
    job = asked(alice, room)

    assert bob.post(f"/chat/rooms/{room['id']}/export").json()["type"].endswith("/room-export-running")

    world.work()
    first = file_of(world, alice, job)
    aws.client("s3").delete_object(Bucket=world.bucket, Key=keys(world)[0])
    assert [one["kind"] for one in exported(world, bob, room)] == [one["kind"] for one in first]


def test_one_whose_message_was_never_sent_is_sent_when_it_is_asked_for_again(world, alice, room):
    with failing("sqs", "SendMessage", code="ServiceUnavailable", times=1):
        assert alice.post(f"/chat/rooms/{room['id']}/export").status_code >= 500

    assert exported(world, alice, room)[-1]["kind"] == "end"


def test_a_large_room_is_written_in_steps_and_every_message_once(world, alice, room):
    fill(world, room, 330, thread=110)
    job = asked(alice, room)
    steps, seen = 0, []
    while bodies := drain(world.queue):
        with CapacityMeter() as meter:
            world.deliver(*map(json.loads, bodies))
        assert meter.of(world.table.name).requests <= 16
        steps, seen = steps + 1, [*seen, job_of(alice, job)["done"]]

    lines = file_of(world, alice, job)

    assert said(lines) == [(1, 0), *((1, tn) for tn in range(1, 111)), *((n, 0) for n in range(2, 331))]
    assert lines[-1] == {"kind": "end", "members": 2, "messages": 330, "replies": 110}
    assert sum(len(json.dumps(one)) for one in lines) > 2 * PART_BYTES
    assert steps > 440 // LINES_AT_ONCE and seen == sorted(seen) and seen[-1] == 330
    assert job_of(alice, job)["total"] == 330


def test_work_that_is_always_delivered_twice_writes_every_message_once(world, alice, room):
    fill(world, room, 215)
    job = asked(alice, room)
    while bodies := drain(world.queue):
        for body in dict.fromkeys(bodies):
            world.deliver(json.loads(body))
            world.deliver(json.loads(body))

    assert said(file_of(world, alice, job)) == [(n, 0) for n in range(1, 216)]


@pytest.mark.parametrize("at", ["PutObject", "UploadPart", "CompleteMultipartUpload"])
def test_of_two_that_do_the_same_step_one_is_heard(world, alice, room, at):
    fill(world, room, 215)
    job = asked(alice, room)
    work = json.loads(drain(world.queue)[0])["data"]

    def the_other() -> None:
        exporting.work(world.ports, **work)

    with meanwhile(at, the_other):
        exporting.work(world.ports, **work)
        world.work()

    assert said(file_of(world, alice, job)) == [(n, 0) for n in range(1, 216)]


@pytest.mark.parametrize("point", ["export.kept", "export.completed"])
def test_work_that_dies_goes_on_from_what_was_kept(world, alice, room, point):
    fill(world, room, 215)
    job = asked(alice, room)
    work = json.loads(drain(world.queue)[0])["data"]
    with crash_at(point, times=3 if point == "export.kept" else 1):
        for _ in range(4):
            try:
                exporting.work(world.ports, **work)
            except Crash:
                continue
    exporting.work(world.ports, **work)
    world.work()

    assert said(file_of(world, alice, job, died=True)) == [(n, 0) for n in range(1, 216)]


def test_work_delivered_again_after_the_end_changes_nothing(world, alice, say, room):
    say(alice, room)
    drain(world.queue)
    job = asked(alice, room)
    body = json.loads(drain(world.queue)[0])
    world.deliver(body)
    before = file_of(world, alice, job)

    world.deliver(body)

    assert file_of(world, alice, job) == before and drain(world.queue) == []


def test_work_of_an_export_that_is_over_leaves_the_next_one_alone(world, alice, say, room):
    say(alice, room)
    drain(world.queue)
    first = asked(alice, room)
    body = json.loads(drain(world.queue)[0])
    world.deliver(body)
    second = asked(alice, room)

    world.deliver(body)

    assert world.table.get(ExportRow, f"ROOM#{room['id']}", "EXPORT").job_id == second["id"]
    world.work()
    assert job_of(alice, first)["state"] == job_of(alice, second)["state"] == "done"


def test_a_cancelled_export_leaves_nothing_and_makes_room_for_another(world, alice, room):
    fill(world, room, 130, length=56_000)
    job = asked(alice, room)
    step(world)
    assert (keys(world), len(uploads(world))) == ([], 1)

    assert alice.post(f"/chat/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    world.work()

    assert (keys(world), uploads(world)) == ([], [])
    assert said(exported(world, alice, room))[-1] == (130, 0)


def test_cancelled_before_it_began_it_makes_room_for_another(world, alice, room):
    job = asked(alice, room)
    alice.post(f"/chat/jobs/{job['id']}/cancel")

    assert alice.post(f"/chat/rooms/{room['id']}/export").json()["type"].endswith("/room-export-running")
    assert asked(alice, room)["id"] != job["id"]


def test_cancelled_at_the_last_moment_there_is_no_file(world, alice, say, room):
    say(alice, room)
    drain(world.queue)
    job = asked(alice, room)

    with meanwhile("CompleteMultipartUpload", lambda: alice.post(f"/chat/jobs/{job['id']}/cancel")):
        world.work()

    assert (keys(world), uploads(world), job_of(alice, job)["state"]) == ([], [], "cancelled")
    assert world.keys("/EXPORT") == []


def test_one_that_stood_still_for_an_hour_gives_way_and_is_told_so(world, alice, bob, say, room, frozen):
    say(alice, room)
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "owner"})
    drain(world.queue)
    job = asked(alice, room)
    late = json.loads(drain(world.queue)[0])

    frozen.advance(minutes=59)
    assert bob.post(f"/chat/rooms/{room['id']}/export").status_code == 409
    frozen.advance(minutes=1)
    other = asked(bob, room)
    world.deliver(late)

    assert job_of(alice, job)["problem"]["type"].endswith(ExportLost.slug)
    world.work()
    assert said(file_of(world, bob, other)) == [(1, 0)]


@pytest.mark.parametrize("at", ["UploadPart", "CompleteMultipartUpload"])
def test_one_that_has_given_way_does_the_next_one_no_harm(world, alice, bob, say, room, frozen, at):
    """It goes on after an hour, where it was when another one was begun."""
    say(alice, room)
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "owner"})
    drain(world.queue)
    asked(alice, room)
    work, others = json.loads(drain(world.queue)[0])["data"], []

    def gives_way() -> None:
        frozen.advance(minutes=61)
        others.append(asked(bob, room))

    with meanwhile(at, gives_way):
        exporting.work(world.ports, **work)
    world.work()

    assert said(file_of(world, bob, others[0], died=True)) == [(1, 0)]


def test_each_step_gives_it_another_hour(world, alice, bob, room, frozen):
    fill(world, room, 205, length=10)
    alice.patch(f"/chat/rooms/{room['id']}/members/{bob.id}", json={"role": "owner"})
    drain(world.queue)
    job = asked(alice, room)
    frozen.advance(minutes=59)
    step(world)
    frozen.advance(minutes=59)

    assert bob.post(f"/chat/rooms/{room['id']}/export").status_code == 409
    world.work()
    assert job_of(alice, job)["state"] == "done"


def test_a_room_that_is_purged_meanwhile_ends_it(world, alice, say, room, frozen):
    say(alice, room)
    alice.delete(f"/chat/rooms/{room['id']}")
    frozen.advance(days=30, hours=1)
    drain(world.queue)
    job = asked(alice, room)
    waiting = json.loads(drain(world.queue)[0])
    world.sweep()
    world.work()

    world.deliver(waiting)

    assert job_of(alice, job)["problem"]["type"].endswith(ExportLost.slug)
    assert world.keys(f"ROOM#{room['id']}") == [f"ROOM#{room['id']}/META"]


def test_what_was_written_and_is_gone_is_told_as_lost(world, alice, say, room):
    say(alice, room)
    drain(world.queue)
    job = asked(alice, room)

    with failing("s3", "CompleteMultipartUpload", code="NoSuchUpload"):
        world.work()

    assert job_of(alice, job)["problem"]["type"].endswith(ExportLost.slug)
    assert world.keys("/EXPORT") == [] and asked(alice, room)["state"] == "queued"


def test_while_nobody_can_be_named_it_waits(world, alice, say, room):
    say(alice, room)
    drain(world.queue)
    job = asked(alice, room)
    body = json.loads(drain(world.queue)[0])
    world.names.is_away = True

    assert world.deliver(body)["batchItemFailures"]

    world.names.is_away = False
    world.deliver(body)
    assert said(file_of(world, alice, job)) == [(1, 0)]


def test_who_is_gone_or_was_never_known_has_no_name(world, alice, bob, say):
    room = world.room(alice, bob)
    bob.delete(f"/chat/rooms/{room['id']}/members/me")
    drain(world.queue)

    lines = exported(world, alice, room)

    people = {one["user_id"]: (one["name"], one["role"]) for one in lines if one["kind"] == "member"}
    assert people == {alice.id: (None, "owner"), bob.id: (None, "left")}


def test_how_far_it_is_is_told_live_to_who_asked(world, alice, room):
    fill(world, room, 205, length=10)
    job = asked(alice, room)
    assert world.realtime.get(GrantRow, f"GRANT#job:{job['id']}", alice.id) is not None
    SeqLog(world.realtime).listen(f"job:{job['id']}", 1)
    world.work()

    told = [(one["state"], one["done"], one["total"]) for one in world.log(f"job:{job['id']}")]
    assert told[0] == ("running", 96, 205) and told[-1] == ("done", 205, 205)


def test_who_asked_is_erased_with_every_file_and_whatever_still_runs(world, alice, bob, room):
    done = asked(alice, room)
    world.work()
    fill(world, room, 205, length=10)
    asked(alice, room)
    step(world)
    assert len(keys(world)) == 2

    while not ask(handler, "/chat/internal/erase", {"owner_id": alice.id})["done"]:
        pass
    world.work()

    assert (keys(world), uploads(world)) == ([], [])
    assert world.keys("JOBS#") == world.keys("/EXPORT") == []
    assert alice.get(f"/chat/jobs/{done['id']}").status_code == 404


def test_erased_at_the_last_moment_there_is_no_file(world, alice, say, room):
    say(alice, room)
    drain(world.queue)
    job = asked(alice, room)

    def erased() -> None:
        aws.client("dynamodb").delete_item(
            TableName=world.table.name, Key={"pk": {"S": f"JOBS#{alice.id}"}, "sk": {"S": job["id"]}}
        )

    with meanwhile("CompleteMultipartUpload", erased):
        world.work()

    assert (keys(world), uploads(world), world.keys("/EXPORT")) == ([], [], [])


def test_an_export_is_in_the_audit_trail(world, alice, room):
    asked(alice, room)

    entries = [one for one in world.events("audit.entry.recorded.v1") if one["action"] == "chat.room-exported"]
    assert [one["target"] for one in entries] == [{"type": "room", "id": room["id"]}]
