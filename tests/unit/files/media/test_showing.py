"""What readers are shown: thumbnails, what is known of a file; and what goes when the file goes."""

import pytest

from tessera import ids
from tessera.transact import transact
from tests.kit.scenes import encoded, scene, small
from tests.kit.stores import envelopes_in

from .test_documents import pdf, sound

AVIF = "image/avif,image/webp,*/*"


def test_a_thumbnail_is_a_redirect_to_the_best_format_that_is_accepted(world, ann):
    file_id = world.clean(ann, encoded(scene(640, 480), "PNG"))
    world.work()

    answers = {
        accept: ann.get(f"/media/files/{file_id}/thumb?size=sm", headers={"accept": accept})
        for accept in ("image/webp,*/*", "*/*", AVIF)
    }

    assert {answer.status_code for answer in answers.values()} == {302}
    assert {answer.headers["vary"] for answer in answers.values()} == {"Accept"}
    kinds = {accept: answer.headers["location"].partition("?")[0][-4:] for accept, answer in answers.items()}
    assert kinds == {"image/webp,*/*": "webp", "*/*": ".jpg", AVIF: "webp"}


def test_a_preset_with_avif_gives_it_to_who_knows_it(world, ann):
    staff = world.person("admin")
    outputs = [{"name": "sm", "w": 20, "format": kind} for kind in ("avif", "jpeg")]
    assert staff.put("/media/presets/default", json={"outputs": outputs}).status_code == 200
    file_id = world.clean(ann, small("PNG"))
    world.work()

    found = ann.get(f"/media/files/{file_id}/thumb?size=sm", headers={"accept": AVIF})

    assert found.headers["location"].partition("?")[0].endswith(".avif")
    assert ann.get(f"/media/files/{file_id}/thumb?size=lg").status_code == 404


def test_while_it_is_made_there_is_something_to_draw(world, ann):
    file_id = world.files.add(ann.id, small("PNG"))
    unheard = ann.get(f"/media/files/{file_id}/thumb")
    world.receive("files.file.clean.v1", **world.files.event(file_id))
    queued = ann.get(f"/media/files/{file_id}/thumb")

    assert [unheard.status_code, queued.status_code] == [202, 202]
    assert unheard.json() == {"state": "pending", "blurhash": "00N17T", "job_id": None}
    assert queued.json()["job_id"] and queued.headers["retry-after"] == "2" and queued.headers["vary"] == "Accept"


def test_the_placeholder_is_the_pictures_own_as_soon_as_somebody_has_seen_it(world, ann):
    from tests.kit.faults import crash_at

    file_id = world.clean(ann, encoded(scene(), "PNG"))
    (message,) = world.take()
    with crash_at("media.settled"), pytest.raises(BaseException, match="settled"):
        world.deliver(message)

    waiting = ann.get(f"/media/files/{file_id}/thumb?size=lg")

    assert waiting.status_code == 202 and len(waiting.json()["blurhash"]) == 28


def test_the_thumbnails_of_a_new_version_replace_those_of_the_old(world, ann):
    file_id = world.clean(ann, small("PNG"))
    world.work()
    old = ann.get(f"/media/files/{file_id}/thumb").headers["location"]
    told = world.files.replace(file_id, encoded(scene(90, 30), "PNG"))
    assert ann.get(f"/media/files/{file_id}/thumb").status_code == 202
    world.receive("files.file.clean.v1", **told)
    world.work()

    new = ann.get(f"/media/files/{file_id}/thumb").headers["location"]

    assert new.partition("?")[0] != old.partition("?")[0]
    jobs = ann.get(f"/media/jobs?file_id={file_id}").json()["items"]
    assert [job["n"] for job in jobs] == [2, 1]


def test_a_file_that_is_no_picture_has_no_thumbnail(world, ann):
    file_id = world.clean(ann, b"a,b\n1,2\n", "text/csv")

    answer = ann.get(f"/media/files/{file_id}/thumb")

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-thumbnail")


def test_a_file_that_is_not_clean_is_not_read(world, ann):
    file_id = world.files.add(ann.id, small("PNG"), state="scanning")

    for path in ("thumb", "meta"):
        answer = ann.get(f"/media/files/{file_id}/{path}")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/file-not-clean")
    assert ann.post("/media/jobs", json={"file_id": file_id}).status_code == 409


def test_nobody_learns_of_a_file_or_a_job_that_is_anothers(world, ann):
    bob = world.person()
    file_id = world.clean(ann, small("PNG"))
    world.work()
    (job,) = ann.get("/media/jobs").json()["items"]

    for path in (f"files/{file_id}/thumb", f"files/{file_id}/meta", f"jobs/{job['id']}"):
        assert bob.get(f"/media/{path}").status_code == 404
    for verb in ("retry", "cancel"):
        assert bob.post(f"/media/jobs/{job['id']}/{verb}").status_code == 404
    assert bob.post("/media/jobs", json={"file_id": file_id}).status_code == 404
    for more in ("", "&state=done"):
        assert bob.get(f"/media/jobs?file_id={file_id}{more}").json()["items"] == []


def test_whoever_may_read_a_file_sees_its_thumbnails_and_makes_none(world, ann):
    bob, file_id = world.person(), world.clean(ann, small("PNG"))
    world.files.readers.add((file_id, bob.id))
    world.work()

    assert bob.get(f"/media/files/{file_id}/thumb").status_code == 302
    assert bob.post("/media/jobs", json={"file_id": file_id}).status_code == 404


def photo():
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F] = "Maker"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (48.0, 30.0, 0.0), "E", (9.0, 0.0, 0.0)
    return encoded(scene(), "JPEG", exif=exif)


def test_a_place_is_told_to_the_owner_alone(world, ann):
    bob, file_id = world.person(), world.clean(ann, photo(), "image/jpeg")
    world.files.readers.add((file_id, bob.id))
    world.work()

    own, other = (one.get(f"/media/files/{file_id}/meta").json() for one in (ann, bob))

    assert own["gps"] == {"latitude": 48.5, "longitude": 9.0}
    assert other["gps"] is None and other["camera"] == own["camera"] == "Maker"
    assert (own["w"], own["h"], own["format"], len(own["blurhash"])) == (240, 160, "jpeg", 28)
    assert len(own["colours"]) == 5


@pytest.mark.parametrize(
    ("body", "media_type", "facts"),
    [
        (pdf(2), "application/pdf", {"pages": 2, "title": "A plan"}),
        (b"a b\nc\n", "text/plain", {"lines": 2, "words": 3, "encoding": "ascii"}),
        (sound(), "audio/wav", {"duration_seconds": 1.0, "container": "wav"}),
    ],
    ids=["pdf", "text", "sound"],
)
def test_what_is_known_of_a_file_is_there_without_anybody_asking(world, ann, body, media_type, facts):
    file_id = world.clean(ann, body, media_type)
    waiting = ann.get(f"/media/files/{file_id}/meta")
    world.work()
    found = ann.get(f"/media/files/{file_id}/meta")

    assert (waiting.status_code, waiting.json()["state"], found.status_code) == (202, "queued", 200)
    assert facts.items() <= found.json().items()
    if media_type == "application/pdf":
        assert "Hello page 2" in found.json()["text"]


def test_a_file_nobody_told_of_is_looked_at_when_it_is_asked_for(world, ann):
    file_id = world.files.add(ann.id, b"a b", "text/plain")

    asked = [ann.get(f"/media/files/{file_id}/meta").status_code for _ in range(3)]
    sent = world.take()
    for message in sent * 3:
        world.deliver(message)

    assert asked == [202, 202, 202] and len(sent) == 1
    assert ann.get(f"/media/files/{file_id}/meta").json()["words"] == 2


def test_a_picture_nobody_told_of_is_looked_at_without_making_anything(world, ann):
    file_id = world.files.add(ann.id, small("PNG"))
    ann.get(f"/media/files/{file_id}/meta")
    world.work()

    assert ann.get(f"/media/files/{file_id}/meta").json()["w"] == 48 and world.objects(file_id) == {}


def test_of_a_type_that_is_not_known_only_its_size_is_told(world, ann):
    file_id = world.clean(ann, b"anything", "application/x-thing")

    found = ann.get(f"/media/files/{file_id}/meta").json()

    assert (found["state"], found["size"], found["pages"]) == ("done", 8, None) and world.take() == []


def test_a_document_that_cannot_be_read_says_why(world, ann):
    file_id = world.clean(ann, b"%PDF- nothing", "application/pdf")
    world.work()

    found = ann.get(f"/media/files/{file_id}/meta").json()

    assert (found["state"], found["error"]) == ("failed", "corrupt")


def test_looking_is_tried_again_and_given_up_after_the_last_time(world, ann):
    from tests.kit.faults import failing

    file_id = world.clean(ann, b"a b", "text/plain")
    world.waits.clear()
    with failing("s3", "GetObject", code="InternalError"):
        world.work()

    assert world.waits == [10, 60, 600]
    assert ann.get(f"/media/files/{file_id}/meta").json()["error"] == "unavailable"


def test_a_look_at_what_has_changed_since_leaves_it_to_the_next(world, ann):
    file_id = world.clean(ann, b"a b", "text/plain")
    told = world.files.replace(file_id, b"a b c", "text/plain")
    world.work()
    assert ann.get(f"/media/files/{file_id}/meta").status_code == 202
    world.receive("files.file.clean.v1", **told)
    world.work()

    assert ann.get(f"/media/files/{file_id}/meta").json()["words"] == 3


def test_what_was_learnt_of_an_old_version_never_stands_for_the_new(world, ann):
    file_id = world.clean(ann, pdf(1), "application/pdf")
    meta = world.ports.metas.find(file_id)
    told = world.files.replace(file_id, b"a b c", "text/plain")
    world.receive("files.file.clean.v1", **told)
    world.ports.metas.learnt(meta, {"pages": 7, "text": "old"})
    world.ports.metas.learnt(meta, {"pages": 7})

    assert world.ports.metas.find(file_id).facts == {} and world.ports.metas.text(file_id, told["etag"]) is None


def test_an_old_message_of_an_old_version_does_not_bring_it_back(world, ann):
    file_id = world.clean(ann, b"a b", "text/plain")
    old = world.files.event(file_id)
    world.receive("files.file.clean.v1", **world.files.replace(file_id, b"a b c", "text/plain"))
    world.receive("files.file.clean.v1", **old)

    assert world.ports.metas.find(file_id).n == 2


def test_what_was_made_goes_with_the_file(world, ann):
    file_id = world.clean(ann, small("PNG"))
    world.job(ann, file_id, outputs=[{"w": 10}])
    world.work()
    assert len(world.objects(file_id)) == 7
    del world.files.known[file_id]

    for _ in range(2):
        world.receive("files.file.deleted.v1", file_id=file_id, owner_id=ann.id, n=1, forever=True)

    assert world.objects(file_id) == {} and ann.get("/media/jobs").json()["items"] == []
    assert world.ports.metas.find(file_id) is None


def test_a_file_that_came_back_before_its_deletion_was_heard_of_keeps_everything(world, ann):
    file_id = world.clean(ann, small("PNG"))
    world.work()

    world.receive("files.file.deleted.v1", file_id=file_id, owner_id=ann.id, n=1, forever=False)

    assert len(world.objects(file_id)) == 6


def test_a_file_deleted_while_it_waits_leaves_nothing(world, ann):
    file_id = world.clean(ann, small("PNG"))
    del world.files.known[file_id]
    world.work()

    assert ann.get("/media/jobs").json()["items"] == [] and world.objects(file_id) == {}


def test_a_file_deleted_while_it_is_read_leaves_nothing(world, ann):
    from tests.kit.faults import meanwhile
    from tests.kit.stores import everything_in

    file_id = world.clean(ann, small("PNG"))

    def delete():
        del world.files.known[file_id]
        world.receive("files.file.deleted.v1", file_id=file_id, owner_id=ann.id)

    with meanwhile("PutObject", delete, key="thumbs/"):
        world.work()

    assert world.objects(file_id) == {}
    assert not [item for item in everything_in(world.table) if item["pk"]["S"].startswith(("J#", "K#", "M#"))]


def test_erasure_goes_on_until_nothing_of_the_owner_is_left(world, ann):
    bob = world.person()
    for caller in (ann, ann, bob):
        world.clean(caller, small("PNG"))
    world.clean(ann, b"text", "text/plain")
    world.work()
    transact(world.ports.backfills.starting(ann.id, "presets.backfill")[1])

    answers = []
    while not answers or not answers[-1]["done"]:
        status, body = world.internal("/media/internal/erase", {"owner_id": ann.id})
        assert status == 200
        answers.append(body)

    assert ann.get("/media/jobs").json()["items"] == [] and len(bob.get("/media/jobs").json()["items"]) == 1
    assert len(world.objects()) >= 6
    assert "privacy.data.erased.v1" in [event.type for event in envelopes_in(world.table)]


def test_only_accounts_may_erase(world, ann):
    assert ann.post("/media/internal/erase", json={"owner_id": ann.id}).status_code == 404
    assert world.internal("/media/internal/erase", {"owner_id": ids.new()}, caller="relay")[0] == 403


def test_chat_is_told_where_a_thumbnail_is_for_those_it_answers_for(world, ann):
    file_id = world.clean(ann, encoded(scene(640, 480), "PNG"))
    assert world.internal("/media/internal/thumb", {"file_id": file_id}, caller="chat")[1]["url"] is None
    world.work()

    status, found = world.internal("/media/internal/thumb", {"file_id": file_id, "accept": "image/webp"}, caller="chat")

    assert (status, found["w"], found["h"], len(found["blurhash"])) == (200, 160, 120, 28)
    assert found["url"].partition("?")[0].endswith(".webp")
    assert world.internal("/media/internal/thumb", {"file_id": file_id}, caller="blog")[0] == 403
    assert world.internal("/media/internal/thumb", {"file_id": ids.new()}, caller="chat")[0] == 404


def test_chat_is_told_of_no_thumbnail_of_what_is_gone_or_has_none(world, ann):
    gone, words = world.clean(ann, small("PNG")), world.clean(ann, b"words", "text/plain")
    world.work()
    world.files.known.pop(gone)

    assert world.internal("/media/internal/thumb", {"file_id": gone}, caller="chat")[0] == 404
    assert world.internal("/media/internal/thumb", {"file_id": words}, caller="chat")[0] == 404
