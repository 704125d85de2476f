"""Archives, what other capabilities ask, erasure, and what is told while a file is looked at."""

import io
import json
import zipfile
from urllib.parse import urlencode

from functions.files.files.actions import zips
from functions.files.files.app import handler
from functions.files.files.progress import Progress
from tessera import aws, belongings, ids
from tessera.live import Live
from tests.kit.apps import invocation
from tests.kit.stores import everything_in


def zipped(world, file_id):
    file = world.file(file_id)
    body = aws.client("s3").get_object(Bucket=world.ports.objects.clean, Key=file.key)["Body"].read()
    return zipfile.ZipFile(io.BytesIO(body))


def test_an_archive_of_several_files_is_a_file(world, ann):
    files = [world.clean(ann, body, name="a.txt") for body in (b"one", b"two", b"")]

    asked = ann.post("/files/zip", json={"ids": [file["id"] for file in files], "name": "all.zip"})
    world.work()

    job = ann.get(asked.headers["location"]).json()
    archive = zipped(world, job["result"]["file_id"])
    assert asked.status_code == 202 and job["state"] == "done"
    assert archive.namelist() == ["a.txt", "a (2).txt", "a (3).txt"] and archive.read("a (2).txt") == b"two"
    made = ann.get(f"/files/{job['result']['file_id']}").json()
    assert (made["state"], made["type"], made["name"]) == ("clean", "application/zip", "all.zip")
    assert world.usage(ann)["used"] == 6 + made["size"]


def test_an_archive_that_is_made_twice_is_one_file(world, ann):
    file = world.clean(ann)
    ann.post("/files/zip", json={"ids": [file["id"]]})
    from tests.kit.queues import drain

    (body,) = drain(world.ports.settings.queue)
    job_id = __import__("json").loads(body)["data"]["job_id"]

    zips.make(world.ports, ann.id, job_id, [file["id"]], name="files.zip", by=ann.id)
    used = world.usage(ann)["used"]
    world.message(body)

    assert world.usage(ann)["used"] == used and len(ann.get("/files").json()["items"]) == 2


def test_an_archive_of_what_one_may_not_read_is_refused(world, ann):
    bob = world.person()
    file = world.clean(ann)

    refused = bob.post("/files/zip", json={"ids": [file["id"]]})

    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/ids/0"
    ann.put(f"/files/{file['id']}/grants/{bob.id}", json={"role": "viewer"})
    assert bob.post("/files/zip", json={"ids": [file["id"]]}).status_code == 202


def test_an_archive_that_is_too_large_or_does_not_fit_is_refused(world, ann, monkeypatch):
    file = world.clean(ann)
    world.ports.files.usage.set_limit(ann.id, 9)
    assert ann.post("/files/zip", json={"ids": [file["id"]]}).status_code == 409

    monkeypatch.setattr(zips, "MAX_BYTES", 4)
    assert ann.post("/files/zip", json={"ids": [file["id"]]}).status_code == 413


def test_an_archive_whose_room_is_taken_meanwhile_fails_and_leaves_nothing(world, ann):
    file = world.clean(ann)
    job = ann.post("/files/zip", json={"ids": [file["id"]]})
    world.ports.files.usage.set_limit(ann.id, 6)

    world.work()

    found = ann.get(job.headers["location"]).json()
    assert found["state"] == "failed" and found["problem"]["type"] == "/problems/storage-quota-exceeded"
    assert not world.in_bucket(f"{ann.id}/{found['id']}/1", clean=True)


def test_an_archive_that_was_cancelled_is_not_made(world, ann):
    file = world.clean(ann)
    job = ann.post("/files/zip", json={"ids": [file["id"]]}).json()
    ann.post(f"/files/jobs/{job['id']}/cancel")

    world.work()

    assert len(ann.get("/files").json()["items"]) == 1


def test_other_capabilities_learn_what_somebody_may_read(world, ann):
    file, bob = world.clean(ann), world.person()
    pending = world.announced(ann)
    asked = [file["id"], pending["id"], ids.new()]
    body = {"ids": asked, "on_behalf_of": ann.id}

    status, found = world.internal("/files/internal/resolve", body, caller="chat")
    _, none = world.internal("/files/internal/resolve", {**body, "on_behalf_of": bob.id}, caller="chat")

    assert status == 200 and [one["id"] for one in found["items"]] == asked[:2]
    first, second = found["items"]
    assert (first["state"], first["role"], first["bucket"]) == ("clean", "owner", world.ports.objects.clean)
    assert first["key"] == world.file(file["id"]).key and second["key"] is None
    assert none["items"] == []
    ann.put(f"/files/{file['id']}/grants/{bob.id}", json={"role": "editor"})
    _, some = world.internal("/files/internal/resolve", {**body, "on_behalf_of": bob.id}, caller="chat")
    assert [one["role"] for one in some["items"]] == ["editor"]


def test_nobody_else_may_ask(world, ann):
    body = {"ids": [ids.new()], "on_behalf_of": ann.id}

    assert world.internal("/files/internal/resolve", body, caller="accounts")[0] == 403
    assert ann.post("/files/internal/resolve", json=body).status_code in (403, 404)


def test_an_export_names_every_file(world, ann, monkeypatch):
    monkeypatch.setattr(belongings, "MOST_QUERIES", 1)
    made = {world.announced(ann)["id"] for _ in range(5)}

    found, after = set(), None
    while True:
        _, page = world.internal("/files/internal/export", {"owner_id": ann.id, "after": after})
        found |= {one["id"] for one in page["items"] if one["kind"] == "file"}
        after = page["next"]
        if after is None:
            break

    assert found == made


class Heard(Live):
    """A hub that keeps what it is told, without a table behind it."""

    def __init__(self):
        self.said = []

    def publish(self, topic, data, **_):
        self.said.append((topic, data["state"]))

    def granting(self, *args, **given):
        raise NotImplementedError


def test_progress_is_told_on_the_topic_of_the_file(world, ann):
    file = world.announced(ann)
    heard = Heard()
    world.use(progress=Progress(heard))

    world.come(world.put(file["id"]))

    topic = f"job:{file['id']}"
    assert heard.said == [(topic, "uploaded"), (topic, "scanning"), (topic, "clean")]


def test_a_hub_that_is_away_holds_nothing_up(world, ann):
    class Away(Heard):
        def publish(self, topic, data, **_):
            raise aws.ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem")

    file = world.announced(ann)
    world.use(progress=Progress(Away()))

    assert world.come(world.put(file["id"])) == {"batchItemFailures": []}

    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"


def test_whoever_begins_an_upload_may_listen_to_it(world, ann, table_of):
    hub = table_of("Realtime")
    from tessera.fanout import Fanout
    from tessera.seqlog import SeqLog

    live = Live("files", SeqLog(hub), Fanout([], ""))
    world.use(progress=Progress(live))

    file = world.announced(ann)
    world.come(world.put(file["id"]))

    items = everything_in(hub)
    granted = [item for item in items if item["pk"]["S"] == f"GRANT#job:{file['id']}"]
    assert [item["sk"]["S"] for item in granted] == [ann.id]
    assert sum(item["sk"]["S"].startswith("E#") for item in items) == 3


def searchable(world, caller="search", **asked):
    path = f"/files/internal/search-docs?{urlencode(asked)}"
    answer = handler(invocation(path, caller=caller, method="GET"), None)
    return answer["statusCode"], json.loads(answer["body"])


def test_search_is_given_a_file_by_its_name_as_it_is_now(world, ann):
    file = world.clean(ann, name="rye.txt")
    asked = {"owner_id": ann.id, "id": file["id"]}

    (found,) = searchable(world, **asked)[1]["items"]
    assert (found["title"], found["acl"], found["type"]) == ("rye.txt", f"user:{ann.id}", "file")

    etag = ann.get(f"/files/{file['id']}").headers["etag"]
    ann.patch(f"/files/{file['id']}", json={"name": "spelt.txt", "tags": ["food"]}, headers={"if-match": etag})
    assert "files.file.changed.v1" in world.events()
    (renamed,) = searchable(world, **asked)[1]["items"]
    assert (renamed["title"], renamed["tags"]) == ("spelt.txt", ["food"])
    assert renamed["seq"] > found["seq"]

    ann.delete(f"/files/{file['id']}")
    (trashed,) = searchable(world, **asked)[1]["items"]
    assert trashed["deleted"] and trashed["title"] == "" and trashed["seq"] > renamed["seq"]
    assert searchable(world, **{**asked, "owner_id": ids.new()})[1]["items"] == []


def test_search_is_given_all_that_an_owner_has_a_page_at_a_time(world, ann, monkeypatch):
    monkeypatch.setattr("functions.files.files.actions.searchable.PAGE", 2)
    made = {world.clean(ann, name=f"{n}.txt")["id"] for n in range(3)}

    first = searchable(world, owner_id=ann.id)[1]
    rest = searchable(world, owner_id=ann.id, cursor=first["next"])[1]

    assert {one["id"] for one in first["items"] + rest["items"]} == made
    assert (len(first["items"]), rest["next"]) == (2, None)


def test_nobody_but_search_is_given_files(world, ann):
    assert searchable(world, caller="chat", owner_id=ann.id)[0] == 403
    assert ann.get(f"/files/internal/search-docs?owner_id={ann.id}").status_code == 404
