"""What an owner of files is told of themselves, and that nothing of them is left."""

from functions.files.files.app import handler
from tests.kit.privacy import told_then_gone
from tests.kit.stores import everything_in


def at_home(world, ann):
    """Ann has something of every kind; and Bob has a file that she may see."""
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
    return bob, kept


def test_everything_of_an_owner_is_told_and_then_gone(world, ann):
    _, kept = at_home(world, ann)

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


def test_erasure_leaves_nothing_of_an_owner_and_all_of_others(world, ann):
    bob, kept = at_home(world, ann)

    rounds = 0
    while not world.internal("/files/internal/erase", {"owner_id": ann.id})[1]["done"]:
        rounds += 1
        assert rounds < 10

    left = [item for item in everything_in(world.ports.files.table) if ann.id in repr(item) and "gone" not in item]
    assert [item["pk"]["S"][:4] for item in left if not item["pk"]["S"].startswith("OUT#")] == []
    assert not world.in_bucket(ann.id, clean=True) and not world.in_bucket(ann.id, clean=False)
    assert bob.get(f"/files/{kept['id']}/content").status_code == 302
    assert "privacy.data.erased.v1" in world.events()
