"""What operations cost, that a page costs the page, and how long a photo takes."""

from dataclasses import replace

import pytest

from functions.files.media.rules.outputs import DEFAULT_SPECS, Format, Spec, normal, text_of
from functions.files.media.store.rows import job_row, link_row
from tessera import aws, ids
from tessera.tables import item_of
from tests.kit.capacity import CapacityMeter
from tests.kit.scenes import encoded, scene, small

from .conftest import read


def cost(world, do):
    with CapacityMeter() as meter:
        answer = do()
    assert answer is None or answer.status_code < 400, answer.text
    found = meter.of(world.table.name)
    return found.operations, found.write_units


def specs(count):
    return [{"w": width} for width in range(1, count + 1)]


@pytest.fixture
def warm(world, ann):
    """Keys, revocations and limits are known."""
    world.job(ann, world.files.add(ann.id, small("PNG")), outputs=specs(1))
    world.work()
    return ann


@pytest.mark.parametrize("count", [1, 12])
def test_a_job_is_made_by_one_transaction_whatever_it_holds(world, warm, count):
    file_id = world.files.add(warm.id, small("PNG"))
    body = {"file_id": file_id, "outputs": specs(count)}

    operations, units = cost(world, lambda: warm.post("/media/jobs", json=body))

    # The job and its link at two units each, one for each of three indexes, two for who may listen; then the answer.
    assert operations == ["TransactWriteItems", "Query"] and units == 9


def test_each_output_is_claimed_by_one_unit_and_settled_by_four(world, warm):
    def units_of(count):
        world.job(warm, world.files.add(warm.id, small("PNG")), outputs=specs(count))
        (message,) = world.take()
        operations, units = cost(world, lambda: world.deliver(message) and None)
        assert operations.count("TransactWriteItems") == count + 1
        return units

    one, five = units_of(1), units_of(5)

    assert five - one == 4 * (1 + 4)


def test_the_same_asked_again_makes_nothing(world, warm):
    body = {"file_id": world.files.add(warm.id, small("PNG")), "outputs": specs(2)}
    warm.post("/media/jobs", json=body)
    world.work()

    operations, _ = cost(world, lambda: warm.post("/media/jobs", json=body))

    assert operations == ["TransactWriteItems", "GetItem", "Query"]


def test_reading_costs_one_or_two_requests(world, warm):
    file_id = world.clean(warm, small("PNG"))
    world.work()
    job_id = warm.get(f"/media/jobs?file_id={file_id}").json()["items"][0]["id"]

    assert cost(world, lambda: warm.get(f"/media/jobs/{job_id}"))[0] == ["Query"]
    assert cost(world, lambda: warm.get(f"/media/files/{file_id}/thumb"))[0] == ["Query", "Query"]
    assert cost(world, lambda: warm.get(f"/media/files/{file_id}/meta"))[0] == ["GetItem"]


def fill(world, caller, count):
    one = world.view(world.job(caller, world.files.add(caller.id, small("PNG")), outputs=specs(1))["id"]).job
    rows = []
    for _ in range(count):
        made = replace(one, id=ids.new(), etag=ids.new())
        rows += [item_of(job_row(made), None), item_of(link_row(made), None)]
    for start in range(0, len(rows), 24):
        requests = [{"PutRequest": {"Item": item}} for item in rows[start : start + 24]]
        aws.client("dynamodb").batch_write_item(RequestItems={world.table.name: requests})


@pytest.mark.parametrize("query", ["", "?state=queued"])
def test_a_page_costs_the_same_among_many_as_among_few(world, warm, query):
    fill(world, warm, 60)
    few = cost(world, lambda: warm.get(f"/media/jobs{query}"))
    fill(world, warm, 1_000)

    assert cost(world, lambda: warm.get(f"/media/jobs{query}")) == few
    assert few[0] == ["Query", "BatchGetItem"]


def test_no_request_reads_the_bytes_of_a_file(world, warm):
    """A link is signed without one; whatever is sent to the store would end here."""
    file_id = world.clean(warm, small("PNG"))
    world.work()

    def refuse(**sent):
        raise AssertionError("A request was sent to the store.")

    events = aws.client("s3", signature_version="s3v4", s3={"addressing_style": "virtual"}).meta.events
    events.register("before-send.s3.*", refuse)
    try:
        shown = [warm.get(f"/media/files/{file_id}/{what}").status_code for what in ("thumb", "meta")]
        shown.append(warm.post("/media/jobs", json={"file_id": file_id}).status_code)
    finally:
        events.unregister("before-send.s3.*", refuse)

    assert shown == [302, 200, 200]


def test_a_job_of_twelve_outputs_is_still_one_unit(world, warm):
    """Its item is written for each output, and must not grow beyond a kilobyte."""
    outputs = [
        {
            "name": f"a-name-of-twenty-{n:03}",
            "w": 1000 + n,
            "h": 4000,
            "fit": "contain",
            "format": "avif",
            "quality": 55,
        }
        for n in range(12)
    ]
    job = world.job(warm, world.files.add(warm.id, small("PNG")), outputs=outputs)
    made = replace(
        world.view(job["id"]).job,
        source={"w": 16_000, "h": 4_000, "format": "jpeg", "frames": 1, "orientation": 8},
    )

    assert sum(len(name) + len(str(value)) for name, value in item_of(job_row(made), None).items()) < 1_900
    assert len(text_of(DEFAULT_SPECS)) < 300


def test_a_photo_of_twelve_megapixels_takes_a_second_or_so(tmp_path):
    """Processor time, which a busy machine does not stretch much; 1.5 s at 1,769 MB is what it may take there."""
    body = encoded(scene(4_000, 3_000), "JPEG", quality=90)
    wanted = [normal(Spec(side, side, Format.JPEG)) for side in (160, 480, 1280)]

    found = read(body, tmp_path, specs=text_of(wanted))

    assert found.code is None and found.of("end")["cpu_seconds"] < 1.5
