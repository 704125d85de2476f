"""Thumbnails through the front door: a picture is sent, and what is made of it is seen, by its owner alone."""

import io

import httpx
import pytest
from PIL import Image

from localstack.seed.pictures import half_an_animation, png
from tests.kit import uploads
from tests.kit.people import eventually

WITHIN = 90


def sent(user, body, media_type="image/png"):
    """A file that was sent and found clean."""
    made = user.post("/files", json={"name": "a", "type": media_type, "size": len(body)}).json()
    uploads.send(made, body)
    eventually(lambda: user.get(f"/files/{made['id']}").json()["state"] == "clean" or None, within=WITHIN)
    return made["id"]


def over(user, job_id):
    found = user.get(f"/media/jobs/{job_id}").json()
    return found if found["state"] in ("done", "partial", "failed") else None


@pytest.fixture(scope="module")
def picture(people):
    """Somebody, and a picture of theirs whose thumbnails are there."""
    user = people.new()
    file_id = sent(user, png(900, 600, lambda x, y: (x % 256, y % 256, 90)))
    eventually(lambda: user.get(f"/media/jobs?file_id={file_id}&state=done").json()["items"] or None, within=WITHIN)
    return user, file_id


def test_a_picture_that_is_sent_gets_thumbnails_in_the_format_that_is_accepted(picture):
    user, file_id = picture

    for accept, kind in (("image/webp,*/*", "WEBP"), ("*/*", "JPEG")):
        answer = user.get(f"/media/files/{file_id}/thumb?size=sm", headers={"accept": accept}, follow_redirects=False)
        had = httpx.get(answer.headers["location"])
        found = Image.open(io.BytesIO(had.content))

        assert (answer.status_code, had.status_code) == (302, 200) and "Accept" in answer.headers["vary"]
        assert (found.format, found.size) == (kind, (160, 107))


def test_what_is_known_of_a_picture_is_told(picture):
    user, file_id = picture

    found = user.get(f"/media/files/{file_id}/meta").json()

    assert (found["state"], found["w"], found["h"], len(found["blurhash"])) == ("done", 900, 600, 28)


def test_another_person_is_told_nothing(people, picture):
    user, file_id = picture
    other = people.new()
    job_id = user.get(f"/media/jobs?file_id={file_id}").json()["items"][0]["id"]

    for path in (f"files/{file_id}/thumb", f"files/{file_id}/meta", f"jobs/{job_id}"):
        assert other.get(f"/media/{path}").status_code == 404


def test_a_part_that_fails_leaves_the_rest_and_can_be_retried(user):
    file_id = sent(user, half_an_animation(120, 80))
    outputs = [{"w": 60, "format": "jpeg"}, {"w": 60, "format": "webp", "animated": True}]
    job = user.post("/media/jobs", json={"file_id": file_id, "outputs": outputs}).json()

    partial = eventually(lambda: over(user, job["id"]), within=WITHIN)

    assert (partial["state"], [one["state"] for one in partial["outputs"]]) == ("partial", ["done", "failed"])
    assert httpx.get(partial["outputs"][0]["url"]).status_code == 200
    assert user.post(f"/media/jobs/{job['id']}/retry").status_code == 202


def test_the_same_asked_again_is_the_job_that_is_there(picture):
    user, file_id = picture

    again = user.post("/media/jobs", json={"file_id": file_id})

    assert (again.status_code, again.json()["state"], again.json()["total"]) == (200, "done", 6)


def test_what_was_made_goes_with_the_file(user):
    file_id = sent(user, png(30, 20))
    path = f"/media/jobs?file_id={file_id}&state=done"
    job = eventually(lambda: user.get(path).json()["items"] or None, within=WITHIN)[0]
    url = user.get(f"/media/jobs/{job['id']}").json()["outputs"][0]["url"]

    assert user.delete(f"/files/{file_id}?forever=true").status_code == 204

    eventually(lambda: user.get(f"/media/jobs/{job['id']}").status_code == 404 or None, within=WITHIN)
    eventually(lambda: httpx.get(url).status_code in (403, 404) or None, within=WITHIN)


def test_a_text_says_how_much_of_it_there_is(user):
    file_id = sent(user, b"one two\nthree\n", "text/plain")

    found = eventually(
        lambda: answer.json() if (answer := user.get(f"/media/files/{file_id}/meta")).status_code == 200 else None,
        within=WITHIN,
    )

    assert (found["lines"], found["words"]) == (2, 3)


def test_erasure_is_not_for_the_outside(user):
    assert user.post("/media/internal/erase", json={"owner_id": user.id}).status_code == 404


def test_progress_is_told_live_to_whoever_sent_the_file(user):
    """By polling, which reads the log that the socket delivers."""
    file_id = sent(user, png(64, 64))
    job_id = eventually(lambda: _first(user, file_id), within=WITHIN)["id"]

    begun, ended = (history(user, f"job:{name}") for name in (job_id, file_id))

    assert [one["state"] for one in begun if one["kind"] == "media.job"][-1] == "done"
    assert sum(len(one["outputs"]) for one in begun) == 6
    assert {one["kind"] for one in ended} == {"files.upload", "media.job"} and ended[-1]["job_id"] == job_id


def history(user, topic):
    answer = user.get(f"/realtime/topics/{topic}/history")
    assert answer.status_code == 200, answer.text
    return [one["data"] for one in answer.json()["items"]]


def _first(user, file_id):
    found = user.get(f"/media/jobs?file_id={file_id}&state=done").json()["items"]
    return found[0] if found else None
