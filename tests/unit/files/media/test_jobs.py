"""Jobs: asked for, done, done once, cut short, tried again, and what they tell meanwhile."""

import hashlib

import pytest

from functions.files.media import sandbox
from functions.files.media.actions import work as working
from functions.files.media.rules.outputs import DEFAULT_SPECS
from localstack.seed.pictures import half_an_animation
from tessera import aws, ids
from tests.kit.faults import Crash, crash_at, failing, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.scenes import distance, encoded, scene, small
from tests.kit.stores import envelopes_in

SM = {"w": 40, "h": 40, "format": "png"}
MD = {"w": 80, "h": 80, "format": "jpeg"}
PICTURE = small("PNG")


def states(job):
    return [output["state"] for output in job["outputs"]]


def again(ann, job):
    return ann.get(f"/media/jobs/{job['id']}").json()


def test_a_file_that_becomes_clean_gets_its_thumbnails_without_anybody_asking(world, ann):
    file_id = world.clean(ann, encoded(scene(640, 480), "JPEG"), "image/jpeg")
    world.work()

    (job,) = ann.get(f"/media/jobs?file_id={file_id}").json()["items"]
    full = again(ann, job)

    assert (full["state"], full["done"], full["failed"], full["preset"]) == ("done", 6, 0, "default")
    assert full["source"] == {"w": 640, "h": 480, "format": "jpeg", "frames": 1, "orientation": 1}
    assert sorted(world.picture(output).size for output in full["outputs"])[::2] == [(160, 120), (480, 360), (640, 480)]
    assert distance(world.picture(full["outputs"][-1]), scene()) <= 4


def test_what_was_asked_for_is_made_and_linked(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    job = world.job(ann, file_id, outputs=[{**SM, "name": "tiny"}, MD])
    assert (job["state"], states(job)) == ("queued", ["waiting", "waiting"])

    world.work()
    done = again(ann, job)

    assert (done["state"], done["attempts"], states(done)) == ("done", 1, ["done", "done"])
    assert [world.picture(output).format for output in done["outputs"]] == ["PNG", "JPEG"]
    assert done["outputs"][0]["spec"]["name"] == "tiny" and done["blurhash"]
    # Nothing grows: the source is 48 by 32.
    assert (done["outputs"][1]["w"], done["outputs"][1]["h"]) == (48, 32)


def test_the_same_outputs_of_the_same_version_are_one_job(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    first = world.job(ann, file_id, outputs=[SM, MD])
    while_open = world.job(ann, file_id, outputs=[MD, {**SM, "gravity": "north"}])
    world.work()

    after = world.job(ann, file_id, status=200, outputs=[SM, MD])
    other = world.job(ann, file_id, outputs=[SM])
    world.files.replace(file_id, small("GIF"), "image/gif")
    newer = world.job(ann, file_id, outputs=[SM, MD])

    assert while_open["id"] == after["id"] == first["id"] and after["state"] == "done"
    assert len({first["id"], other["id"], newer["id"]}) == 3


def test_twenty_who_ask_at_once_get_one_job(world, ann):
    file_id = world.files.add(ann.id, PICTURE)

    results = together(lambda: world.job(ann, file_id, outputs=[SM])["id"], times=20)

    assert outcomes(results)["ok"] == 20
    assert len({result.value for result in results}) == 1


def test_a_key_makes_one_job_and_refuses_another_body(world, ann):
    file_id, headers = world.files.add(ann.id, PICTURE), {"idempotency-key": ids.new()}

    def ask(**body):
        return ann.post("/media/jobs", json={"file_id": file_id, **body}, headers=headers)

    first, second, other = ask(outputs=[SM]), ask(outputs=[SM]), ask(outputs=[MD])

    assert first.json()["id"] == second.json()["id"]
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")


def test_a_message_that_comes_ten_times_makes_one_set_of_outputs(world, ann):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM, MD])
    (message,) = world.take()

    for _ in range(10):
        assert world.deliver(message) == {"batchItemFailures": []}

    done = again(ann, job)
    assert (done["done"], done["attempts"]) == (2, 1)
    assert len(world.objects(job["file_id"])) == 2 and world.take() == []


def test_ten_workers_at_once_settle_each_output_once(world, ann):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM, MD])
    (message,) = world.take()

    together(lambda: world.deliver(message), times=10)
    world.work()

    done = again(ann, job)
    assert (done["state"], done["done"], [output["attempts"] for output in done["outputs"]]) == ("done", 2, [1, 1])
    world.check_counters()


def test_idempotent_bytes(world, ann):
    """The same source and spec give the same bytes, whoever makes them and when."""
    specs = [{"w": 60, "format": kind} for kind in ("jpeg", "png", "webp", "avif")]
    body = encoded(scene(), "PNG")
    made = []
    for _ in range(2):
        job = world.job(ann, world.files.add(ann.id, body), outputs=specs)
        world.work()
        found = world.objects(job["file_id"])
        made.append({key.rpartition("/")[2]: hashlib.sha256(data).hexdigest() for key, data in found.items()})

    assert made[0] == made[1] and len(made[0]) == 4


def test_kill_mid_job(world, ann):
    """A worker dies after one output: that one stays, the others are made when its lease has run out."""
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM, MD, {"w": 20}])
    (message,) = world.take()
    with crash_at("media.settled"), pytest.raises(Crash):
        world.deliver(message)
    before = world.objects(job["file_id"])
    assert (again(ann, job)["done"], len(before)) == (1, 1)

    world.deliver(message)
    (later,) = world.take()
    assert again(ann, job)["done"] == 1 and later["data"]["looks"] == 1

    world.frozen.advance(minutes=3)
    world.deliver(later)

    done = again(ann, job)
    assert (done["state"], done["done"]) == ("done", 3)
    assert before.items() <= world.objects(job["file_id"]).items()
    world.check_counters()


@pytest.mark.parametrize("point", ["media.claimed", "media.put"])
def test_a_worker_that_dies_anywhere_leaves_nothing_counted_twice(world, ann, point):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM, MD])
    (message,) = world.take()
    with crash_at(point), pytest.raises(Crash):
        world.deliver(message)

    world.frozen.advance(minutes=3)
    world.deliver(message)

    assert (again(ann, job)["state"], again(ann, job)["done"]) == ("done", 2)


def test_what_waits_for_another_worker_is_looked_at_three_times_and_no_more(world, ann):
    world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM])
    (message,) = world.take()
    with crash_at("media.claimed"), pytest.raises(Crash):
        world.deliver(message)

    looks = []
    for _ in range(5):
        world.deliver(message)
        waiting = world.take()
        if not waiting:
            break
        (message,) = waiting
        looks.append(message["data"]["looks"])

    assert looks == [1, 2, 3]


def test_partial_and_retry(world, ann):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM, MD])
    (message,) = world.take()
    with failing("s3", "PutObject", code="InternalError") as failed:
        for _ in range(4):
            world.deliver(message)
            world.take()
    assert failed and world.waits == [0, 10, 60, 600]
    given_up = again(ann, job)
    assert (given_up["state"], given_up["failed"], given_up["attempts"]) == ("failed", 2, 4)
    assert {output["error"] for output in given_up["outputs"]} == {"unavailable"}

    retried = ann.post(f"/media/jobs/{job['id']}/retry")
    assert (retried.status_code, retried.json()["state"]) == (202, "queued")
    world.work()

    assert (again(ann, job)["state"], again(ann, job)["failed"]) == ("done", 0)
    world.check_counters()


def test_one_output_that_fails_leaves_the_others_and_is_retried_alone(world, ann):
    outputs = [{**SM, "format": "webp", "animated": True}, SM, MD]
    job = world.job(ann, world.files.add(ann.id, half_an_animation(60, 40)), outputs=outputs)
    world.work()
    first = again(ann, job)
    assert (first["state"], first["done"], first["failed"]) == ("partial", 2, 1)
    assert [output["error"] for output in first["outputs"]] == ["corrupt", None, None]

    ann.post(f"/media/jobs/{job['id']}/retry")
    world.work()

    second = again(ann, job)
    assert [output["attempts"] for output in second["outputs"]] == [2, 1, 1] and second["state"] == "partial"
    world.check_counters()


def test_retries_of_many_at_once_count_once(world, ann):
    job = world.job(ann, world.files.add(ann.id, b"not a picture at all"), outputs=[SM, MD])
    world.work()

    results = together(lambda: ann.post(f"/media/jobs/{job['id']}/retry").status_code, times=8)

    assert sorted({result.value for result in results}) in ([202, 409], [202])
    assert [result.value for result in results].count(202) == 1
    assert again(ann, job)["failed"] == 0
    world.check_counters()


def test_counters_never_drift(world, ann):
    """Two workers, conflicts and deaths at random: the counts are those of the outputs all the same."""
    from tests.kit.faults import contention

    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[{"w": side} for side in range(10, 22)])
    (message,) = world.take()
    with contention(0.3, seed=7):
        for _ in range(4):
            with crash_at("media.settled"), pytest.raises(Crash):
                world.deliver(message)
            world.check_counters()
            world.take()
            world.frozen.advance(minutes=3)
        together(lambda: world.deliver(message), times=3)
    world.work()

    done = again(ann, job)
    assert (done["state"], done["done"], done["failed"]) == ("done", 12, 0)
    world.check_counters()


def test_a_file_that_is_no_picture_fails_for_good_and_is_not_tried_again(world, ann):
    file_id = world.clean(ann, b"<html>not a picture</html>", "image/png")
    world.work()

    (job,) = ann.get(f"/media/jobs?state=failed&file_id={file_id}").json()["items"]

    assert again(ann, job)["outputs"][0]["error"] == "unsupported" and world.take() == []
    assert ann.get(f"/media/files/{file_id}/thumb").status_code == 404


def test_only_what_has_failed_is_retried(world, ann):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM])
    assert ann.post(f"/media/jobs/{job['id']}/retry").json()["type"] == "/problems/nothing-to-retry"
    world.work()
    assert ann.post(f"/media/jobs/{job['id']}/retry").status_code == 409


def test_a_cancelled_job_stops_and_goes_on_when_it_is_asked_for_again(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    job = world.job(ann, file_id, outputs=[SM])
    cancelled = ann.post(f"/media/jobs/{job['id']}/cancel")
    world.work()

    assert cancelled.json()["state"] == again(ann, job)["state"] == "cancelled"
    assert ann.post(f"/media/jobs/{job['id']}/cancel").status_code == 200
    assert world.objects(file_id) == {}

    assert world.job(ann, file_id, outputs=[SM])["id"] == job["id"]
    world.work()
    assert again(ann, job)["state"] == "done"
    assert ann.post(f"/media/jobs/{job['id']}/cancel").json()["type"] == "/problems/job-over"


def test_a_job_cancelled_while_it_runs_settles_nothing_more(world, ann):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM, MD])

    def cancel():
        ann.post(f"/media/jobs/{job['id']}/cancel")

    with meanwhile("PutObject", cancel):
        world.work()

    done = again(ann, job)
    assert (done["state"], done["done"], states(done)) == ("cancelled", 0, ["waiting", "waiting"])


def test_a_source_replaced_before_it_is_read_is_made_of_the_new_version(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    job = world.job(ann, file_id, outputs=[SM])
    world.files.replace(file_id, encoded(scene(90, 30), "GIF"), "image/gif")
    world.work()

    done = again(ann, job)

    assert (done["state"], done["n"], done["source"]["w"]) == ("done", 2, 90)


def test_a_source_replaced_while_it_is_read_starts_the_job_anew(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    job = world.job(ann, file_id, outputs=[SM, MD])

    def replace():
        world.receive("files.file.clean.v1", **world.files.replace(file_id, encoded(scene(90, 30), "GIF"), "image/gif"))

    with meanwhile("PutObject", replace, key="thumbs/"):
        world.work()

    done = again(ann, job)
    assert (done["state"], done["n"], done["done"], done["source"]["w"]) == ("done", 2, 2, 90)
    world.check_counters()


def test_bytes_that_are_not_those_of_the_job_are_never_used(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    job = world.job(ann, file_id, outputs=[SM])
    file = world.files.known[file_id]
    aws.client("s3").put_object(Bucket=world.files.bucket, Key=file["key"], Body=small("GIF"))
    (message,) = world.take()
    world.deliver(message)

    assert again(ann, job)["done"] == 0
    (later,) = world.take()
    assert later["kind"] == "media.job"


def test_a_job_of_a_version_that_has_one_already_ends(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    old = world.job(ann, file_id, outputs=[SM])
    waiting = world.take()
    world.files.replace(file_id, small("GIF"), "image/gif")
    new = world.job(ann, file_id, outputs=[SM])
    for message in waiting:
        world.deliver(message)
    world.work()

    assert (again(ann, old)["state"], again(ann, new)["state"]) == ("cancelled", "done")


def test_a_large_source_goes_to_the_worker_with_more_memory(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    world.files.known[file_id]["size"] = 20 * 1024 * 1024
    world.job(ann, file_id, outputs=[SM])

    assert world.take() == [] and len(world.take("HEAVY_QUEUE")) == 1


def test_a_source_that_is_too_large_is_never_fetched(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    world.files.known[file_id]["size"] = 200 * 1024 * 1024
    job = world.job(ann, file_id, outputs=[SM])
    with failing("s3", "GetObject", code="InternalError") as asked:
        world.work()

    assert not asked and again(ann, job)["outputs"][0]["error"] == "too_large"


def test_a_process_that_was_killed_from_outside_is_started_again(world, ann, monkeypatch):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM])
    (message,) = world.take()
    real, lost = sandbox.run, []

    def dies_once(*given):
        if not lost:
            lost.append(1)
            raise sandbox.Lost("It ended with -9.")
        return real(*given)

    monkeypatch.setattr(working.sandbox, "run", dies_once)
    world.deliver(message)
    assert again(ann, job)["state"] == "running"
    world.work()

    assert (again(ann, job)["state"], again(ann, job)["attempts"]) == ("done", 2)


def test_files_that_does_not_answer_leaves_the_message_for_later(world, ann):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM])
    (message,) = world.take()
    world.files.status = 503
    assert world.deliver(message) == {"batchItemFailures": [{"itemIdentifier": "0"}]}

    world.files.status = 200
    world.deliver(message)
    assert again(ann, job)["state"] == "done"


def test_a_message_that_was_lost_is_sent_again_with_the_next_asking(world, ann):
    file_id = world.files.add(ann.id, PICTURE)
    world.job(ann, file_id, outputs=[SM])
    assert len(world.take()) == 1

    world.job(ann, file_id, outputs=[SM])

    assert len(world.take()) == 1


def test_progress_is_told_to_whoever_asked_and_the_end_to_whoever_sent_the_file(world, ann):
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[{**SM, "name": "tiny"}, MD])
    world.work()

    told = world.told(f"job:{job['id']}")

    assert [one["state"] for one in told] == ["queued", "running", "done"]
    assert told[1]["outputs"][0] | {"bytes": 0, "hash": ""} == {
        "name": "tiny", "hash": "", "format": "png", "state": "done", "w": 40, "h": 27, "bytes": 0,
    }  # fmt: skip
    assert [one["state"] for one in world.told(f"job:{job['file_id']}")] == ["queued", "done"]
    assert job["topic"] == f"job:{job['id']}"


def test_whoever_asks_may_listen(world, ann):
    from tessera.live import GrantRow

    file_id = world.clean(ann, PICTURE)
    job = world.job(ann, file_id)
    row = world.realtime.get(GrantRow, f"GRANT#job:{job['id']}", ann.id)

    assert row is not None and "s" in row.perms


def test_the_end_of_a_job_is_an_event(world, ann):
    world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM])
    world.job(ann, world.files.add(ann.id, b"nothing"), outputs=[SM])
    world.work()

    told = {event.type: event.data for event in envelopes_in(world.table)}

    assert told["media.job.done.v1"]["done"] == 1
    assert told["media.job.failed.v1"]["code"] == "unsupported"


def test_a_job_that_reaches_its_end_but_for_one_says_so(world, ann):
    assert len(DEFAULT_SPECS) == 6
    job = world.job(ann, world.files.add(ann.id, PICTURE), outputs=[SM, MD])
    view = world.view(job["id"])
    settling, token = world.ports.settling, ids.new()
    from functions.files.media.rules.codes import Code
    from functions.files.media.rules.jobs import Outcome, Seen

    for output in view.outputs:
        assert settling.claim(view.job, output.spec, token)
    begun = world.ports.jobs.begin(view.job)
    good, bad = (output.spec for output in view.outputs)
    settling.settle(begun, [Outcome(good, None, "k", 1, 1, 1)], token, Seen())
    settling.settle(begun, [Outcome(bad, Code.TIMEOUT)], token, Seen())

    found = again(ann, job)
    assert (found["state"], found["done"], found["failed"]) == ("partial", 1, 1)
    assert [event.type for event in envelopes_in(world.table)] == ["media.job.done.v1"]
