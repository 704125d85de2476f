"""Lists, presets, backfills, dead letters, and bodies that are wrong."""

import json

import pytest

from tessera import aws, ids
from tests.kit.faults import Crash, crash_at
from tests.kit.queues import drain
from tests.kit.races import together
from tests.kit.scenes import small

ONE = {"outputs": [{"name": "sm", "w": 12, "format": "png"}]}


@pytest.fixture
def staff(world):
    return world.person("admin")


def pages(caller, path):
    seen, cursor = [], ""
    while True:
        page = caller.get(f"{path}{'&' if '?' in path else '?'}limit=2{cursor}").json()
        seen += page["items"]
        if page["next"] is None:
            return seen
        cursor = f"&cursor={page['next']}"


def test_pages_hold_every_job_once_and_the_newest_first(world, ann):
    file_id = world.files.add(ann.id, small("PNG"))
    made = []
    for width in range(1, 6):
        made.append(world.job(ann, file_id, outputs=[{"w": width}])["id"])
        world.frozen.advance(seconds=1)
    world.job(world.person(), world.files.add(ids.new(), small("PNG")), 404)

    for path in ("/media/jobs", f"/media/jobs?file_id={file_id}", "/media/jobs?state=queued"):
        assert [job["id"] for job in pages(ann, path)] == made[::-1]
    assert pages(ann, "/media/jobs?state=done") == []
    assert pages(ann, f"/media/jobs?file_id={file_id}&state=done") == []


def test_a_list_by_state_follows_the_job(world, ann):
    job = world.job(ann, world.files.add(ann.id, small("PNG")), outputs=[{"w": 1}])
    world.work()

    assert [one["id"] for one in pages(ann, "/media/jobs?state=done")] == [job["id"]]
    assert pages(ann, "/media/jobs?state=queued") == pages(ann, "/media/jobs?state=running") == []


@pytest.mark.parametrize("query", ["", "&state=queued"], ids=["all", "by state"])
def test_the_jobs_of_a_file_are_shown_to_their_owner_alone(world, ann, query):
    file_id = world.files.add(ann.id, small("PNG"))
    job = world.job(ann, file_id, outputs=[{"w": 1}])
    path = f"/media/jobs?file_id={file_id}{query}"

    assert [one["id"] for one in pages(ann, path)] == [job["id"]]
    assert pages(world.person(), path) == []


def test_a_cursor_is_good_for_its_owner_alone(world, ann):
    file_id = world.files.add(ann.id, small("PNG"))
    for width in (1, 2):
        world.job(ann, file_id, outputs=[{"w": width}])
    cursor = ann.get("/media/jobs?limit=1").json()["next"]

    assert world.person().get(f"/media/jobs?limit=1&cursor={cursor}").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"file_id": "no"},
        {"preset": "none-such"},
        {"preset": "default", "outputs": [{"w": 1}]},
        {"outputs": []},
        {"outputs": [{"w": 1}] * 13},
        {"outputs": [{"w": 5}, {"w": 5, "gravity": "north"}]},
        {"outputs": [{}]},
        {"outputs": [{"w": 0}]},
        {"outputs": [{"w": 4097}]},
        {"outputs": [{"w": 5, "fit": "cover"}]},
        {"outputs": [{"w": 5, "h": 5, "fit": "stretch"}]},
        {"outputs": [{"w": 5, "format": "bmp"}]},
        {"outputs": [{"w": 5, "quality": 101}]},
        {"outputs": [{"w": 5, "background": "red"}]},
        {"outputs": [{"w": 5, "name": "A B"}]},
        {"outputs": [{"w": 5, "more": 1}]},
        {"outputs": [{"w": 5}], "strip": False},
        {"outputs": [{"w": 5}], "focus": {"x": 101, "y": 0}},
        {"focus": {"x": 1, "y": 1}},
    ],
    ids=lambda body: json.dumps(body)[:50],
)
def test_a_request_that_is_wrong_is_pointed_at(world, ann, body):
    file_id = world.files.add(ann.id, small("PNG"))

    answer = ann.post("/media/jobs", json=body if not body else {"file_id": file_id, **body})

    assert answer.status_code == 422 and answer.json()["errors"]


def test_of_a_file_that_cannot_be_shown_no_job_is_made(world, ann):
    answer = ann.post("/media/jobs", json={"file_id": world.files.add(ann.id, b"a", "text/plain")})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file_id")


def test_a_focus_and_a_gravity_are_points_of_the_spec(world, ann):
    file_id = world.files.add(ann.id, small("PNG"))
    cut = {"w": 5, "h": 5, "fit": "cover"}

    job = world.job(ann, file_id, outputs=[cut, {**cut, "gravity": "south-east"}], focus={"x": 10, "y": 20})

    assert [one["spec"]["focus"] for one in job["outputs"]] == [{"x": 10, "y": 20}, {"x": 100, "y": 100}]


def test_a_preset_is_written_once_and_replaced_by_who_has_read_it(world, ann, staff):
    first = staff.put("/media/presets/tiny", json=ONE)
    blind = staff.put("/media/presets/tiny", json=ONE)
    stale = staff.put("/media/presets/tiny", json=ONE, headers={"if-match": '"v7"'})
    known = staff.put("/media/presets/tiny", json=ONE, headers={"if-match": first.headers["etag"]})
    any_of = staff.put("/media/presets/tiny", json=ONE, headers={"if-match": "*"})
    absent = staff.put("/media/presets/none", json=ONE, headers={"if-match": '"v1"'})

    assert [one.status_code for one in (first, blind, stale, known, any_of, absent)] == [200, 428, 412, 200, 200, 412]
    assert [one.headers["etag"] for one in (first, known, any_of)] == ['"v1"', '"v2"', '"v3"']
    assert ann.get("/media/presets/tiny").json() == known.json()
    assert staff.put("/media/presets/gone", json=ONE, headers={"if-match": "*"}).status_code == 412


def test_of_twenty_who_write_a_preset_one_does(world, staff):
    results = together(lambda: staff.put("/media/presets/raced", json=ONE).status_code, times=20)

    assert sorted(result.value for result in results) == [200] + [428] * 19


def test_the_default_preset_is_there_before_anybody_writes_it(world, ann):
    found = ann.get("/media/presets/default")

    assert [one["name"] for one in found.json()["outputs"]] == ["sm", "sm", "md", "md", "lg", "lg"]
    assert ann.get("/media/presets/none").status_code == 404


def test_a_preset_with_one_picture_twice_is_refused(staff):
    twice = {"outputs": [{"name": "a", "w": 5}, {"name": "b", "w": 5}]}

    assert staff.put("/media/presets/twice", json=twice).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/media/presets/tiny"),
        ("POST", "/media/presets/default/backfill"),
        ("GET", "/media/backfills/01HZX3J0V7Q8M4N5P6R7S8T9VW"),
        ("GET", "/media/dead-letters"),
        ("POST", "/media/dead-letters/redrive"),
    ],
)
def test_staff_alone_keep_presets_and_dead_letters(ann, method, path):
    assert ann.request(method, path, json={"outputs": [{"w": 1}]}).status_code == 403


def test_nobody_gets_in_without_a_token(world):
    assert world.served.client.get("/media/jobs").status_code == 401


def known_files(world, ann, count):
    return [world.clean(ann, small("PNG")) for _ in range(count)]


def test_a_backfill_makes_a_preset_of_what_was_there_before(world, ann, staff):
    files = known_files(world, ann, 3)
    world.clean(ann, b"text", "text/plain")
    world.take()
    staff.put("/media/presets/tiny", json=ONE)

    begun = staff.post("/media/presets/tiny/backfill")
    world.work()
    ended = staff.get(begun.headers["location"]).json()

    assert (begun.status_code, ended["state"], ended["result"]) == (202, "done", {"files": 3})
    tiny = [job for job in pages(ann, "/media/jobs") if job["preset"] == "tiny"]
    assert {job["file_id"] for job in tiny} == set(files) and {job["state"] for job in tiny} == {"done"}


def test_backfill_resume(world, ann, staff, monkeypatch):
    """A worker dies in the middle: the message that comes again goes on, and nothing is made twice."""
    from functions.files.media.actions import presets

    monkeypatch.setattr(presets, "FILES_AT_ONCE", 2)
    known_files(world, ann, 5)
    world.take()
    staff.put("/media/presets/tiny", json=ONE)
    begun = staff.post("/media/presets/tiny/backfill").json()
    messages = world.take()
    crashes = 0
    while messages:
        message, *messages = messages
        try:
            with crash_at("media.backfilled", times=1 if crashes < 3 else 0):
                world.deliver(message)
        except Crash:
            crashes += 1
            messages.append(message)
        messages += [one for one in world.take() if one["kind"] == "media.backfill"]

    ended = staff.get(f"/media/backfills/{begun['id']}").json()
    tiny = [job for job in pages(ann, "/media/jobs") if job["preset"] == "tiny"]
    assert crashes == 3 and ended["state"] == "done" and len(tiny) == 5


def test_a_backfill_that_was_cancelled_stops(world, ann, staff):
    known_files(world, ann, 2)
    world.take()
    staff.put("/media/presets/tiny", json=ONE)
    begun = staff.post("/media/presets/tiny/backfill").json()

    assert staff.post(f"/media/backfills/{begun['id']}/cancel").json()["state"] == "cancelled"
    world.work()
    assert not [job for job in pages(ann, "/media/jobs") if job["preset"] == "tiny"]


def test_a_backfill_of_no_preset_is_refused(staff):
    assert staff.post("/media/presets/none/backfill").status_code == 404


def test_failed_jobs_are_dead_letters_until_they_are_driven_again(world, ann, staff):
    bad = world.job(ann, world.files.add(ann.id, b"nothing"), outputs=[{"w": 1}])
    world.job(ann, world.files.add(ann.id, small("PNG")), outputs=[{"w": 1}])
    world.work()
    assert [job["id"] for job in pages(staff, "/media/dead-letters")] == [bad["id"]]

    world.files.replace(bad["file_id"], small("PNG"))
    driven = staff.post("/media/dead-letters/redrive", json={})
    assert driven.json() == {"jobs": 1, "messages": 0} and pages(staff, "/media/dead-letters") == []
    world.work()

    assert ann.get(f"/media/jobs/{bad['id']}").json()["state"] == "done"


def test_named_jobs_alone_are_driven_again(world, ann, staff):
    jobs = [world.job(ann, world.files.add(ann.id, b"no"), outputs=[{"w": width}])["id"] for width in (1, 2)]
    world.work()

    driven = staff.post("/media/dead-letters/redrive", json={"ids": [jobs[0], ids.new()]})

    assert driven.json() == {"jobs": 1, "messages": 0}
    assert [job["id"] for job in pages(staff, "/media/dead-letters")] == [jobs[1]]


@pytest.mark.parametrize("heavy", ["", "HEAVY_"])
def test_what_a_queue_gave_up_on_is_driven_again(world, ann, staff, heavy):
    aws.client("sqs").send_message(QueueUrl=world.queues[f"{heavy}DEAD_QUEUE"], MessageBody='{"kind": "a"}')

    assert staff.post("/media/dead-letters/redrive", json={}).json() == {"jobs": 0, "messages": 1}
    assert drain(world.queues[f"{heavy}QUEUE"]) == ['{"kind": "a"}']
