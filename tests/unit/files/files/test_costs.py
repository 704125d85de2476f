"""What operations cost, and that a page costs the page."""

from dataclasses import replace

import pytest

from functions.files.files.store.rows import file_row
from tessera import aws, ids
from tessera.tables import item_of
from tests.kit.capacity import CapacityMeter


def cost(world, do):
    with CapacityMeter() as meter:
        answer = do()
    assert answer is None or answer.status_code < 400, answer.text
    found = meter.of(world.ports.files.table.name)
    return found.operations, found.write_units


@pytest.fixture
def warm(world, ann):
    """Keys, revocations and limits are known, and the owner has a room."""
    world.clean(ann, b"first")
    return ann


def test_a_file_is_announced_by_one_transaction(world, warm):
    operations, units = cost(world, lambda: warm.post("/files", json={"name": "a", "size": 5}))

    # File, version and room at two units each; one for each key of an index.
    assert operations == ["TransactWriteItems"] and units == 9


def test_a_file_with_a_checksum_is_looked_for_first(world, warm):
    body = {"name": "a", "size": 5, "sha256": "0" * 64}

    assert cost(world, lambda: warm.post("/files", json=body))[0] == ["GetItem", "TransactWriteItems"]


def test_what_has_come_is_taken_in_scanned_and_settled(world, warm):
    file = world.announced(warm, b"other")
    key = world.put(file["id"], b"other")
    with CapacityMeter() as meter:
        world.come(key)
    found = meter.of(world.ports.files.table.name)

    # Three steps, each with two reads before it, one of them asking whether the bytes are known already.
    assert found.operations.count("TransactWriteItems") == 3 and len(found.operations) <= 14


def test_reading_is_one_request(world, warm):
    file = world.clean(warm)

    assert cost(world, lambda: warm.get(f"/files/{file['id']}"))[0] == ["GetItem"]
    assert cost(world, lambda: warm.get(f"/files/{file['id']}/content"))[0] == ["GetItem"]
    assert cost(world, lambda: warm.get("/files/usage"))[0] == ["GetItem"]


def test_a_part_is_signed_by_two_reads(world, warm):
    made = warm.post("/files/s3/multipart", json={"filename": "a", "metadata": {"size": 5}}).json()
    path = f"/files/s3/multipart/{made['uploadId']}/1?key={made['key']}"

    assert cost(world, lambda: warm.get(path))[0] == ["GetItem", "GetItem"]


def test_a_link_is_followed_by_two_reads_and_one_write(world, warm):
    file = world.clean(warm)
    made = warm.post(f"/files/{file['id']}/shares", json={"max_downloads": 5}).json()

    operations, units = cost(world, lambda: world.client.post(f"/files/s/{made['token']}/download"))

    # One of the two units is the index by which a file's links are listed.
    assert operations == ["GetItem", "GetItem", "UpdateItem"] and units == 2


def test_the_last_download_of_a_link_tells_that_it_was_the_last(world, warm):
    file = world.clean(warm)
    made = warm.post(f"/files/{file['id']}/shares", json={"one_time": True}).json()

    operations, _ = cost(world, lambda: world.client.post(f"/files/s/{made['token']}/download"))

    assert operations == ["GetItem", "GetItem", "TransactWriteItems"]


def fill(world, caller, count):
    one = world.file(world.announced(caller)["id"])
    items = [item_of(file_row(replace(one, id=ids.new(), name=f"{n:05}")), None) for n in range(count)]
    for start in range(0, count, 25):
        requests = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        aws.client("dynamodb").batch_write_item(RequestItems={world.ports.files.table.name: requests})


@pytest.mark.parametrize("query", ["", "?sort=newest&limit=50", "?sort=-name"])
def test_a_page_costs_the_same_among_many_as_among_few(world, warm, query):
    fill(world, warm, 60)
    few = cost(world, lambda: warm.get(f"/files{query}"))
    fill(world, warm, 1_500)

    assert cost(world, lambda: warm.get(f"/files{query}")) == few
    assert few[0] in (["Query"], ["Query", "Query"])


def test_no_request_reads_the_bytes_of_a_file(world, warm):
    asked = []

    def note(service, operation, parameters):
        if service == "s3":
            asked.append(operation)

    with aws.intercepted(note):
        file = world.announced(warm)
        warm.get(f"/files/{file['id']}/upload")
        made = warm.post("/files/s3/multipart", json={"filename": "a"}).json()
        warm.get(f"/files/s3/multipart/{made['uploadId']}?key={made['key']}")
        warm.get("/files")

    assert "GetObject" not in asked
