"""What an owner of files is told of themselves, and that nothing of them is left."""

from functions.files.files.app import handler
from tests.kit.privacy import told_then_gone


def test_everything_of_an_owner_is_told_and_then_gone(world, ann):
    bob = world.person()
    kept = world.clean(bob, b"kept")
    folder = ann.post("/files/folders", json={"name": "Bills"}).json()["id"]
    files = [world.clean(ann, name=str(n), folder_id=folder) for n in range(10)]
    world.announced(ann)
    ann.delete(f"/files/{files[0]['id']}")
    ann.post(f"/files/{files[1]['id']}/shares", json={})
    bob.put(f"/files/{kept['id']}/grants/{ann.id}", json={"role": "viewer"})
    ann.put(f"/files/{files[2]['id']}/grants/{bob.id}", json={"role": "viewer"})
    ann.post("/files/zip", json={"ids": [files[1]["id"]]})

    told = told_then_gone(
        "files",
        handler,
        world.ports.files.table,
        ann.id,
        unsaid={
            "BLOB#{user}#*|-": "which files hold the same bytes",
            "F#*|V#*": "versions of a file, which it is told with",
            "F#*|G#*": "to whom a file was opened, which its owner sees at the file",
            "SH#*|-": "links to a file, which its owner sees at the file",
            "U#{user}|TREE": "how often folders were moved",
        },
        stays={"F#*|META": "that a file was deleted, for a day"},
    )

    assert len(told["file"]) == 11 and told["file"][0]["content"].endswith("/content")
    assert [one["name"] for one in told["folder"]] == ["Bills"]
    assert [one["file_id"] for one in told["opened-to-me"]] == [kept["id"]]
    assert told["usage"] and told["job"]
