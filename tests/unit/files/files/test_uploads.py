"""From the announcement to the clean file: room taken and given back exactly once, whatever comes twice or never."""

import json
from contextlib import contextmanager

import pytest

from functions.files.files.actions.purge import purge
from functions.files.files.scanning.scanner import Verdict
from tessera import aws
from tests.kit.faults import Crash, crash_at, failing, meanwhile
from tests.kit.queues import drain
from tests.kit.races import outcomes, together
from tests.unit.files.files.conftest import MIB, sha256


@contextmanager
def copies_checked():
    """moto copies whatever is there; AWS and the local cloud hold the condition on the source."""

    def hook(service, operation, given):
        if operation == "CopyObject":
            found = aws.client("s3").head_object(**given["CopySource"])["ETag"]
            if found != given["CopySourceIfMatch"]:
                raise aws.ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, operation)

    with aws.intercepted(hook):
        yield


def test_a_file_is_announced_sent_scanned_and_had(world, ann):
    file = world.announced(ann)
    assert file["state"] == "pending" and file["upload"]["method"] == "PUT"
    assert file["upload"]["headers"]["Content-Length"] == "5"

    assert world.come(world.put(file["id"])) == {"batchItemFailures": []}

    found = ann.get(f"/files/{file['id']}").json()
    assert (found["state"], found["size"], found["sha256"]) == ("clean", 5, sha256(b"hello"))
    link = ann.get(f"/files/{file['id']}/content")
    assert link.status_code == 302 and world.ports.objects.clean in link.headers["location"]
    assert not world.in_bucket(world.content(file["id"]).key, clean=False)
    assert world.events()[:1] == ["files.file.clean.v1"]


def test_room_is_reserved_then_used(world, ann):
    file = world.announced(ann)
    assert world.usage(ann) == {"limit": 200000000, "used": 0, "reserved": 5, "left": 199999995, "pending": 1}

    world.come(world.put(file["id"]))

    assert world.usage(ann) == {"limit": 200000000, "used": 5, "reserved": 0, "left": 199999995, "pending": 0}


def test_quota_reserve_race(world, ann):
    world.ports.files.usage.set_limit(ann.id, 9)

    results = together(lambda: ann.post("/files", json={"name": "a", "size": 5}).raise_for_status(), times=20)

    assert outcomes(results)["ok"] == 1
    assert world.usage(ann)["reserved"] == 5


def test_what_does_not_fit_is_refused_with_what_is_left(world, ann):
    world.ports.files.usage.set_limit(ann.id, 4)

    refused = ann.post("/files", json={"name": "a", "size": 5})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/storage-quota-exceeded")
    assert "4 of 4 bytes" in refused.json()["detail"]


def test_a_first_file_larger_than_the_usual_room_is_refused(world, ann):
    assert ann.post("/files", json={"name": "a", "size": 200_000_001}).status_code == 409
    assert ann.post("/files", json={"name": "a", "size": 200_000_000}).status_code == 201


def test_a_file_larger_than_any_may_be_is_refused(world, ann):
    world.set(max_bytes=100)

    assert ann.post("/files", json={"name": "a", "size": 101}).status_code == 413


def test_too_many_unfinished_uploads_are_refused(world, ann):
    world.set(max_pending=2)
    for _ in range(2):
        world.announced(ann)

    refused = ann.post("/files", json={"name": "a", "size": 1})

    assert refused.json()["type"] == "/problems/too-many-uploads"


def test_event_duplicates_reordered(world, ann):
    files = [world.announced(ann) for _ in range(2)]
    first, second = [world.put(file["id"]) for file in files]

    world.come(second)
    together(*[lambda key=key: world.come(key) for key in (first, second, first, first, second, first)])
    world.come(first)

    assert world.usage(ann) == {"limit": 200000000, "used": 10, "reserved": 0, "left": 199999990, "pending": 0}
    assert [ann.get(f"/files/{file['id']}").json()["state"] for file in files] == ["clean", "clean"]


def test_a_key_in_an_event_is_decoded(world, ann):
    file = world.announced(ann)
    key = world.put(file["id"])

    world.come(key.replace("/", "%2F"))

    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"


def test_missing_event_sweep(world, ann):
    file = world.announced(ann)
    world.put(file["id"])

    world.later(minutes=10)
    world.sweep()

    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"


def test_what_never_comes_is_gone_after_a_day_with_its_room(world, ann):
    file = world.announced(ann)

    world.later(minutes=10)
    world.sweep()
    assert ann.get(f"/files/{file['id']}").json()["state"] == "pending"
    world.later(hours=24)
    world.sweep()

    assert ann.get(f"/files/{file['id']}").status_code == 404
    assert world.usage(ann)["left"] == 200000000 and world.usage(ann)["pending"] == 0


def test_an_object_of_another_size_than_was_announced_is_refused(world, ann):
    file = world.announced(ann)

    world.come(world.put(file["id"], b"more than that"))

    found = ann.get(f"/files/{file['id']}").json()
    assert (found["state"], found["reason"]) == ("failed", "size")
    assert world.usage(ann)["left"] == 200000000
    assert not world.in_bucket(world.content(file["id"]).key, clean=False)


def test_bytes_with_another_checksum_are_refused(world, ann):
    file = world.announced(ann, sha256=sha256(b"other"))

    world.come(world.put(file["id"]))

    found = ann.get(f"/files/{file['id']}").json()
    assert (found["state"], found["reason"]) == ("failed", "checksum")
    assert world.usage(ann)["used"] == 0


def test_a_link_carries_the_checksum_for_the_store_to_hold(world, ann):
    file = world.announced(ann, sha256=sha256(b"hello"))

    assert file["upload"]["headers"]["x-amz-checksum-sha256"]


def test_an_empty_file_is_a_file(world, ann):
    file = world.announced(ann, b"")

    world.come(world.put(file["id"], b""))

    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"


def test_an_object_that_nobody_waits_for_is_deleted(world, ann):
    file = world.clean(ann)
    key = world.content(file["id"]).key
    for stray in (key, "some/other/thing", f"{ann.id}/{file['id']}/7"):
        aws.client("s3").put_object(Bucket=world.ports.objects.quarantine, Key=stray, Body=b"x")
        world.come(stray)
        assert not world.in_bucket(stray, clean=False)

    assert world.in_bucket(key, clean=True)


def test_what_was_put_a_second_time_by_the_same_link_is_never_given_out(world, ann):
    file = world.announced(ann)
    key = world.put(file["id"])

    class Swapping:
        def scan(self, pieces):
            list(pieces)
            aws.client("s3").put_object(Bucket=world.ports.objects.quarantine, Key=key, Body=b"EVIL!")
            return Verdict()

    world.use(scanner=Swapping())
    with copies_checked():
        world.come(key)

    assert ann.get(f"/files/{file['id']}").json()["state"] == "failed"
    assert not world.in_bucket(key, clean=True)
    assert world.usage(ann)["used"] == 0


@pytest.mark.parametrize("point", ["files.scanned", "files.released"])
def test_a_worker_that_dies_in_the_middle_is_taken_over(world, ann, point):
    file = world.announced(ann)
    key = world.put(file["id"])
    with crash_at(point), pytest.raises(Crash):
        world.come(key)
    assert ann.get(f"/files/{file['id']}").json()["state"] == "scanning"
    world.come(key)
    assert ann.get(f"/files/{file['id']}").json()["state"] == "scanning"

    world.later(minutes=10)
    world.sweep()

    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"
    assert world.usage(ann)["used"] == 5


def test_a_file_deleted_while_it_is_looked_at_leaves_nothing(world, ann):
    file = world.announced(ann)
    key = world.put(file["id"])

    class Deleting:
        def scan(self, pieces):
            list(pieces)
            assert ann.delete(f"/files/{file['id']}?forever=true").status_code == 204
            world.work()
            return Verdict()

    world.use(scanner=Deleting())
    world.come(key)
    world.later(minutes=10)
    world.sweep()

    assert not world.in_bucket(key, clean=True) and not world.in_bucket(key, clean=False)
    assert world.usage(ann)["left"] == 200000000


def test_a_create_asked_again_makes_one_file_and_signs_anew(world, ann):
    headers = {"idempotency-key": "order 7"}
    body = {"name": "a", "size": 5}

    first, again = (ann.post("/files", json=body, headers=headers) for _ in range(2))
    other = ann.post("/files", json={**body, "size": 6}, headers=headers)

    assert first.json()["id"] == again.json()["id"] and again.headers["idempotent-replay"] == "true"
    assert again.json()["upload"]["url"]
    assert other.status_code == 422 and world.usage(ann)["reserved"] == 5


def test_dedupe_refcount(world, ann):
    first = world.clean(ann)
    key = world.content(first["id"]).key

    answer = ann.post("/files", json={"name": "b.txt", "size": 5, "sha256": sha256(b"hello")})

    second = answer.json()
    assert (answer.status_code, second["state"], second["deduplicated"]) == (200, "clean", True)
    assert second["upload"] is None and world.usage(ann)["used"] == 10
    ann.delete(f"/files/{first['id']}?forever=true")
    world.work()
    assert world.in_bucket(key, clean=True)
    assert ann.get(f"/files/{second['id']}/content").status_code == 302
    ann.delete(f"/files/{second['id']}?forever=true")
    world.work()
    assert not world.in_bucket(key, clean=True)
    assert world.usage(ann)["left"] == 200000000


def test_the_same_bytes_are_shared_with_nobody_else(world, ann):
    world.clean(ann)

    answer = world.person().post("/files", json={"name": "b", "size": 5, "sha256": sha256(b"hello")})

    assert answer.status_code == 201 and answer.json()["upload"]["url"]


def test_giving_up_and_sharing_the_same_bytes_at_once_never_loses_them(world, ann):
    first = world.clean(ann)
    ann.delete(f"/files/{first['id']}?forever=true")

    def share():
        answer = ann.post("/files", json={"name": "b", "size": 5, "sha256": sha256(b"hello")})
        return answer.json()

    made = together(share, world.work, times=1)[0].value

    if made["state"] == "clean":
        assert world.in_bucket(world.file(made["id"]).key, clean=True)
    else:
        assert made["upload"]["url"]


def same(ann):
    made = ann.post("/files", json={"name": "b", "size": 5, "sha256": sha256(b"hello")})
    assert made.status_code in (200, 201)
    return made.json()


def forget(world, ann, file_id):
    ann.delete(f"/files/{file_id}?forever=true")
    world.work()


def test_bytes_that_are_shared_while_their_last_file_goes_stay(world, ann):
    first = world.clean(ann)
    made = []
    ann.delete(f"/files/{first['id']}?forever=true")

    with meanwhile("TransactWriteItems", lambda: made.append(same(ann))):
        world.work()

    assert made[0]["state"] == "clean" and world.in_bucket(world.file(made[0]["id"]).key, clean=True)
    forget(world, ann, made[0]["id"])
    assert not world.in_bucket(f"{ann.id}/", clean=True)


def test_of_two_files_that_go_at_once_the_last_one_takes_the_bytes_along(world, ann):
    first = world.clean(ann)
    second = same(ann)
    for file in (first, second):
        ann.delete(f"/files/{file['id']}?forever=true")

    with meanwhile("TransactWriteItems", lambda: purge(world.ports, second["id"])):
        purge(world.ports, first["id"])

    assert not world.in_bucket(f"{ann.id}/", clean=True)
    assert world.usage(ann)["left"] == 200000000


def test_bytes_that_were_replaced_meanwhile_are_not_pointed_to(world, ann):
    first = world.clean(ann)

    def replaced():
        purge(world.ports, first["id"])
        world.clean(ann)

    with meanwhile("TransactWriteItems", replaced):
        made = same(ann)

    assert made["state"] == "clean" and world.in_bucket(world.file(made["id"]).key, clean=True)


def test_the_same_bytes_found_clean_twice_at_once_are_counted_once(world, ann):
    one, two = world.announced(ann), world.announced(ann)
    keys = [world.put(file["id"]) for file in (one, two)]
    fired = []

    def first_blob(service, operation, given):
        if operation == "TransactWriteItems" and "BLOB#" in repr(given) and not fired:
            fired.append(1)
            world.come(keys[1])

    with aws.intercepted(first_blob):
        world.come(keys[0])

    assert fired
    forget(world, ann, two["id"])
    assert ann.get(f"/files/{one['id']}/content").status_code == 302
    assert world.in_bucket(world.file(one["id"]).key, clean=True)
    forget(world, ann, one["id"])
    assert not world.in_bucket(f"{ann.id}/", clean=True)


def test_bytes_to_delete_are_deleted_even_when_the_first_try_dies(world, ann):
    file = world.clean(ann)
    key = world.content(file["id"]).key
    ann.delete(f"/files/{file['id']}?forever=true")

    with failing("s3", "DeleteObject", code="SlowDown"):
        for body in drain(world.ports.settings.queue):
            world.message(body)
    assert world.in_bucket(key, clean=True)

    world.later(minutes=10)
    world.sweep()

    assert not world.in_bucket(key, clean=True)
    assert ann.get(f"/files/{file['id']}").status_code == 404


def test_a_test_event_and_a_strange_message(world):
    assert world.message(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == {"batchItemFailures": []}
    assert world.message(json.dumps({"hello": 1}))["batchItemFailures"]


def test_a_large_file_is_announced_in_parts(world, ann):
    world.ports.files.usage.set_limit(ann.id, 10**13)

    file = ann.post("/files", json={"name": "a", "size": 300 * MIB}).json()

    upload = file["upload"]
    assert (upload["method"], upload["part_size"], upload["parts"]) == ("multipart", 8 * MIB, 38)
    assert upload["upload_id"] and upload["key"].endswith(f"{file['id']}/1")


def test_what_waits_can_be_signed_anew(world, ann):
    file = world.announced(ann)
    world.later(minutes=50)

    again = ann.get(f"/files/{file['id']}/upload")

    assert again.json()["upload"]["headers"] == file["upload"]["headers"] and again.json()["upload"]["url"]
    world.come(world.put(file["id"]))
    assert ann.get(f"/files/{file['id']}/upload").status_code == 409


@pytest.mark.parametrize("way", ["PUT", "POST"])
def test_an_empty_file_has_no_parts_and_a_huge_one_only_parts(world, ann, way):
    world.ports.files.usage.set_limit(ann.id, 10**13)

    assert ann.post("/files", json={"name": "a", "size": 0, "upload": "multipart"}).status_code == 422
    assert ann.post("/files", json={"name": "a", "size": 6 * 1024 * MIB, "upload": way}).status_code == 422
    assert ann.post("/files", json={"name": "a", "size": 5, "upload": way}).json()["upload"]["method"] == way
