"""What somebody is told of what was made of their files, and that nothing of it is left."""

from functions.files.media.app import handler
from tessera.transact import transact
from tests.kit.privacy import told_then_gone

from .test_showing import small


def test_everything_of_an_owner_is_told_and_then_gone(world, ann):
    bob = world.person()
    for caller in (ann, ann, bob):
        world.clean(caller, small("PNG"))
    text = world.clean(ann, b"text", "text/plain")
    world.work()
    transact(world.ports.backfills.starting(ann.id, "presets.backfill")[1])

    told = told_then_gone(
        "media", handler, world.table, ann.id, unsaid={"J#*|*": "how a picture was made, whose job is told by its file"}
    )

    assert len(told["file"]) == 3 and text in {one["file_id"] for one in told["file"]}
    assert told["made"] and told["job"][0]["work"] == "presets.backfill"
    assert len(bob.get("/media/jobs").json()["items"]) == 1
