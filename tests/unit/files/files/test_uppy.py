"""The contract of `@uppy/aws-s3`: its paths, its bodies to the letter, and what its policy holds."""

import base64
import json

import pytest

from functions.files.files.rules.files import MAX_PARTS, Part, check_parts
from functions.files.files.rules.problems import PartsMismatch
from tessera import aws
from tessera.problems import InvalidRequest
from tests.kit.races import outcomes, together
from tests.unit.files.files.conftest import MIB

FIVE = b"x" * (5 * MIB)


def begin(caller, **metadata):
    body = {"filename": "film.mp4", "type": "video/mp4", "metadata": metadata}
    made = caller.post("/files/s3/multipart", json=body)
    assert made.status_code == 200, made.text
    return made.json()


def send(world, upload, number, body):
    where = {"Bucket": upload["bucket"], "Key": upload["key"], "UploadId": upload["uploadId"]}
    return aws.client("s3").upload_part(**where, PartNumber=number, Body=body)["ETag"]


def at(upload, more=""):
    return f"/files/s3/multipart/{upload['uploadId']}{more}?key={upload['key']}"


def joined(caller, upload, parts):
    named = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
    return caller.post(at(upload, "/complete"), json={"parts": named})


def test_uppy_contract(world, ann):
    upload = begin(ann, name="film.mp4", type="video/mp4", relativePath="null")
    assert set(upload) == {"key", "uploadId", "bucket"}

    signed = ann.get(at(upload, "/1")).json()
    assert set(signed) == {"url", "expires"} and "partNumber=1" in signed["url"]
    batch = ann.get(at(upload, "/batch") + "&partNumbers=1,2").json()
    assert set(batch["presignedUrls"]) == {"1", "2"}
    assert ann.get(at(upload)).json() == []
    one, two = send(world, upload, 1, FIVE), send(world, upload, 2, b"end")
    assert ann.get(at(upload)).json() == [
        {"PartNumber": 1, "Size": 5 * MIB, "ETag": one},
        {"PartNumber": 2, "Size": 3, "ETag": two},
    ]

    done = joined(ann, upload, [(1, one), (2, two)])

    assert set(done.json()) == {"location", "key", "bucket", "file_id"}
    assert joined(ann, upload, [(1, one), (2, two)]).json() == done.json()
    file = ann.get(f"/files/{done.json()['file_id']}").json()
    assert (file["state"], file["size"], file["name"]) == ("uploaded", 5 * MIB + 3, "film.mp4")
    world.come(upload["key"], event="ObjectCreated:CompleteMultipartUpload")
    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"
    assert world.usage(ann)["used"] == 5 * MIB + 3


def test_a_form_for_one_request(world, ann):
    world.ports.files.usage.set_limit(ann.id, 1000)

    made = ann.get("/files/s3/params?filename=a.png&type=image%2Fpng&metadata%5Bname%5D=a.png").json()

    assert set(made) == {"method", "url", "fields", "expires"} and made["method"] == "POST"
    conditions = json.loads(base64.b64decode(made["fields"]["policy"]))["conditions"]
    owner, file_id, _ = made["fields"]["key"].split("/")
    assert owner == ann.id and made["fields"]["x-amz-meta-file_id"] == file_id
    assert ["content-length-range", 0, 1000] in conditions
    assert {"Content-Type": "image/png"} in conditions and {"key": made["fields"]["key"]} in conditions


def test_a_form_with_a_size_takes_exactly_that(world, ann):
    made = ann.get("/files/s3/params?filename=a.png&type=image%2Fpng&metadata[size]=7").json()

    conditions = json.loads(base64.b64decode(made["fields"]["policy"]))["conditions"]
    assert ["content-length-range", 7, 7] in conditions and world.usage(ann)["reserved"] == 7


def test_what_was_sent_without_a_size_is_charged_when_it_is_there(world, ann):
    made = ann.get("/files/s3/params?filename=a.txt&type=text%2Fplain").json()
    file_id = made["fields"]["key"].split("/")[1]

    world.come(world.put(file_id, b"hello world"))

    assert ann.get(f"/files/{file_id}").json()["state"] == "clean"
    assert world.usage(ann) == {"limit": 200000000, "used": 11, "reserved": 0, "left": 199999989, "pending": 0}


def test_what_was_sent_without_a_size_and_does_not_fit_is_deleted(world, ann):
    made = [ann.get("/files/s3/params?filename=a.txt&type=text%2Fplain").json() for _ in range(2)]
    world.ports.files.usage.set_limit(ann.id, 7)
    file_ids = [one["fields"]["key"].split("/")[1] for one in made]
    keys = [world.put(file_id, b"hello") for file_id in file_ids]

    together(*(lambda key=key: world.come(key) for key in keys))

    states = sorted(ann.get(f"/files/{file_id}").json()["state"] for file_id in file_ids)
    assert states == ["clean", "failed"] and world.usage(ann)["used"] == 5


def test_without_any_room_nothing_is_begun(world, ann):
    world.ports.files.usage.set_limit(ann.id, 0)

    assert ann.get("/files/s3/params?filename=a&type=a%2Fb").status_code == 409
    assert ann.post("/files/s3/multipart", json={"filename": "a"}).status_code == 409


@pytest.mark.parametrize(
    "metadata", [{"size": "many"}, {"size": -1}, {"folder_id": "x"}, {"size": 1.5}], ids=["word", "less", "id", "half"]
)
def test_metadata_that_cannot_be_read_is_refused(ann, metadata):
    answer = ann.post("/files/s3/multipart", json={"filename": "a", "metadata": metadata})

    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"].startswith("/metadata/")


def test_an_upload_that_does_not_fit_is_given_up_before_it_is_joined(world, ann):
    upload = begin(ann)
    etag = send(world, upload, 1, b"hello")
    world.ports.files.usage.set_limit(ann.id, 4)

    assert joined(ann, upload, [(1, etag)]).status_code == 409

    assert world.usage(ann)["left"] == 4 and not world.in_bucket(upload["key"], clean=False)
    assert ann.get(at(upload)).status_code == 404


def test_two_uploads_for_the_last_room_let_one_in(world, ann):
    uploads = [begin(ann) for _ in range(2)]
    etags = [send(world, upload, 1, b"hello") for upload in uploads]
    world.ports.files.usage.set_limit(ann.id, 5)

    done = together(
        *(
            lambda upload=upload, etag=etag: joined(ann, upload, [(1, etag)]).raise_for_status()
            for upload, etag in zip(uploads, etags, strict=True)
        )
    )

    assert outcomes(done)["ok"] == 1 and world.usage(ann)["used"] == 5


def test_completing_many_times_at_once_answers_the_same(world, ann):
    upload = begin(ann)
    etag = send(world, upload, 1, b"hello")

    done = together(lambda: joined(ann, upload, [(1, etag)]), times=5)

    assert {one.value.status_code for one in done} == {200} and len({one.value.text for one in done}) == 1
    assert world.usage(ann)["used"] == 5


@pytest.mark.parametrize("number", [1, 2])
def test_parts_that_were_not_sent_are_refused(world, ann, number):
    upload = begin(ann)
    send(world, upload, 1, b"hello")

    refused = joined(ann, upload, [(number, '"0123"')])

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/parts-mismatch")


def test_parts_other_than_announced_are_refused(world, ann):
    upload = begin(ann, size=6)
    etag = send(world, upload, 1, b"hello")

    assert joined(ann, upload, [(1, etag)]).json()["type"] == "/problems/parts-mismatch"


def test_parts_too_small_are_refused_here_and_not_left_to_the_store():
    sent = [Part(1, '"a"', 5 * MIB - 1), Part(2, '"b"', 1)]

    with pytest.raises(InvalidRequest):
        check_parts([Part(1, "a"), Part(2, "b")], sent)
    assert check_parts([Part(2, "b")], sent) == 1


def test_parts_are_named_once_and_in_order():
    sent = [Part(1, '"a"', 5 * MIB), Part(2, '"b"', 1)]

    for given in ([Part(2, "b"), Part(1, "a")], [Part(1, "a"), Part(1, "a")]):
        with pytest.raises(InvalidRequest):
            check_parts(given, sent)
    with pytest.raises(PartsMismatch):
        check_parts([Part(3, "c")], sent)


@pytest.mark.parametrize("number", [0, MAX_PARTS + 1, -1])
def test_a_part_has_a_number_that_the_store_takes(ann, number):
    upload = begin(ann)

    assert ann.get(at(upload, f"/{number}")).status_code == 422
    assert ann.get(at(upload, "/batch") + f"&partNumbers={number}").status_code == 422


def test_at_most_a_hundred_parts_are_signed_at_once(ann):
    upload = begin(ann)
    numbers = ",".join(str(number) for number in range(1, 102))

    assert ann.get(at(upload, "/batch") + f"&partNumbers={numbers}").status_code == 422


def test_an_upload_is_nobody_elses(world, ann):
    upload, bob = begin(ann), world.person()
    own = begin(bob)
    etag = send(world, upload, 1, b"hello")

    for path in (at(upload), at(upload, "/1"), at(upload, "/batch") + "&partNumbers=1"):
        assert bob.get(path).status_code == 404
    assert bob.delete(at(upload)).status_code == 404
    assert joined(bob, upload, [(1, etag)]).status_code == 404
    assert bob.get(f"/files/s3/multipart/{own['uploadId']}?key={upload['key']}").status_code == 404
    assert bob.get(f"/files/s3/multipart/{upload['uploadId']}?key={own['key']}").status_code == 404


@pytest.mark.parametrize("key", ["", "x", "a/b/c", "../../etc/passwd", "a" * 200, "//", "\u0661/\u0662/\u0663"])
def test_a_key_that_is_none_of_ours_is_unknown(ann, key):
    upload = begin(ann)

    assert ann.get(f"/files/s3/multipart/{upload['uploadId']}", params={"key": key}).status_code == 404


def test_abort_releases_quota(world, ann):
    upload = begin(ann, size=5)
    send(world, upload, 1, b"hello")

    assert ann.delete(at(upload)).json() == {}

    assert world.usage(ann) == {"limit": 200000000, "used": 0, "reserved": 0, "left": 200000000, "pending": 0}
    assert ann.get(at(upload)).status_code == 404 and ann.get("/files").json()["items"] == []
    where = {"Bucket": upload["bucket"], "Prefix": upload["key"]}
    assert not aws.client("s3").list_multipart_uploads(**where).get("Uploads")


def test_giving_up_what_is_complete_changes_nothing(world, ann):
    upload = begin(ann)
    joined(ann, upload, [(1, send(world, upload, 1, b"hello"))])

    assert ann.delete(at(upload)).status_code == 200

    assert world.usage(ann)["used"] == 5


def test_an_upload_in_parts_that_is_never_finished_is_ended_after_a_day(world, ann):
    upload = begin(ann)
    send(world, upload, 1, b"hello")

    world.later(minutes=10)
    world.sweep()
    assert ann.get(at(upload)).status_code == 200
    world.later(hours=24)
    world.sweep()

    where = {"Bucket": upload["bucket"], "Prefix": upload["key"]}
    assert not aws.client("s3").list_multipart_uploads(**where).get("Uploads")
    assert ann.get("/files").json()["items"] == []


def test_an_upload_that_was_begun_and_never_noted_is_ended_too(world, ann):
    upload = begin(ann)
    aws.client("s3").create_multipart_upload(Bucket=upload["bucket"], Key=upload["key"])

    ann.delete(at(upload))

    where = {"Bucket": upload["bucket"], "Prefix": upload["key"]}
    assert not aws.client("s3").list_multipart_uploads(**where).get("Uploads")


def test_every_page_of_parts_is_listed(world, ann, monkeypatch):
    upload = begin(ann)
    for number in range(1, 6):
        send(world, upload, number, b"x")
    real = aws.client("s3").list_parts

    def by_twos(**given):
        return real(**{**given, "MaxParts": 2})

    monkeypatch.setattr(aws.client("s3"), "list_parts", by_twos)

    assert [part["PartNumber"] for part in ann.get(at(upload)).json()] == [1, 2, 3, 4, 5]


def test_no_client_is_given_credentials(ann):
    assert ann.get("/files/s3/sts").status_code == 404


def test_who_acts_for_somebody_and_may_only_read_begins_no_upload(world):
    staff = world.person(act={"sub": "01Q97SD4T854W46KM2FYXA64Z5", "w": False})

    answer = staff.get("/files/s3/params?filename=a&type=a%2Fb")

    assert answer.status_code == 403


def test_two_tries_of_one_create_share_one_upload(world, ann):
    headers, body = {"idempotency-key": "film"}, {"name": "a", "size": 5, "upload": "multipart"}

    made = together(lambda: ann.post("/files", json=body, headers=headers).json(), times=4)

    uploads = {one.value["upload"]["upload_id"] for one in made}
    where = {"Bucket": world.ports.objects.quarantine, "Prefix": made[0].value["upload"]["key"]}
    begun = {one["UploadId"] for one in aws.client("s3").list_multipart_uploads(**where)["Uploads"]}
    assert uploads == begun and len(begun) == 1
