"""Folders: what may stand where, whoever moves what at the same time."""

import pytest

from functions.files.files.actions import folders as actions
from functions.files.files.rules.folders import MAX_DEPTH, MAX_FOLDERS, Folder, Tree
from functions.files.files.rules.problems import FoldersTooDeep, TooManyFolders
from tessera import clock, ids
from tests.kit.faults import Crash
from tests.kit.races import together

ANY = {"if-match": "*"}


def made(caller, name, parent_id=None):
    answer = caller.post("/files/folders", json={"name": name, "parent_id": parent_id})
    assert answer.status_code == 201, answer.text
    return answer.json()


def names(caller, parent_id=None):
    query = f"?parent_id={parent_id}" if parent_id else ""
    return [one["name"] for one in caller.get(f"/files/folders{query}").json()["items"]]


def test_folders_are_made_listed_renamed_and_moved(ann):
    work, home = made(ann, "Work"), made(ann, "home")
    bills = made(ann, "Bills", work["id"])
    assert names(ann) == ["home", "Work"] and names(ann, work["id"]) == ["Bills"]

    body = {"name": "Paid", "parent_id": home["id"]}
    moved = ann.patch(f"/files/folders/{bills['id']}", json=body, headers={"if-match": '"v1"'})

    assert moved.json()["name"] == "Paid" and names(ann, home["id"]) == ["Paid"] and names(ann, work["id"]) == []
    path = ann.get(f"/files/folders/{bills['id']}").json()["path"]
    assert [one["name"] for one in path] == ["home"]
    assert ann.patch(f"/files/folders/{bills['id']}", json={"parent_id": None}, headers=ANY).json()["parent_id"] is None


def test_a_folder_is_made_once_for_one_request(ann):
    headers = {"idempotency-key": ids.new()}

    first, again = (ann.post("/files/folders", json={"name": "A"}, headers=headers) for _ in range(2))

    assert first.json()["id"] == again.json()["id"] and again.headers["idempotent-replay"] == "true"


def test_two_folders_of_one_name_do_not_stand_side_by_side(ann):
    made(ann, "Bills")

    done = together(lambda: ann.post("/files/folders", json={"name": "NEW"}).status_code, times=5)

    assert ann.post("/files/folders", json={"name": "bills"}).json()["type"] == "/problems/name-taken"
    assert sorted(one.value for one in done) == [201, 409, 409, 409, 409]


def test_two_first_folders_of_one_name_at_once_are_one(ann):
    done = together(lambda: ann.post("/files/folders", json={"name": "first"}).status_code, times=4)

    assert sorted(one.value for one in done) == [201, 409, 409, 409]


def test_a_folder_is_never_inside_itself(ann):
    one = made(ann, "one")
    two = made(ann, "two", one["id"])

    for inside in (one, two):
        answer = ann.patch(f"/files/folders/{one['id']}", json={"parent_id": inside["id"]}, headers=ANY)
        assert answer.json()["type"] == "/problems/folder-cycle"


def test_two_moves_at_once_make_no_circle(world, ann):
    for _ in range(5):
        one, two = made(ann, ids.new()), made(ann, ids.new())

        together(
            lambda a=one, b=two: ann.patch(f"/files/folders/{a['id']}", json={"parent_id": b["id"]}, headers=ANY),
            lambda a=one, b=two: ann.patch(f"/files/folders/{b['id']}", json={"parent_id": a["id"]}, headers=ANY),
        )

        tree = world.ports.folders.tree(ann.id)
        for folder in (one, two):
            assert len(set(tree.ancestors(folder["id"]))) <= 2
            assert None in [tree.folders[x].parent_id for x in tree.ancestors(folder["id"])][-1:]


def tree_of(*depths):
    """A chain of folders for each depth."""
    folders = {}
    for chain, depth in enumerate(depths):
        parent = None
        for level in range(depth):
            folder = Folder(f"{chain}-{level}", "o", f"{chain}-{level}", parent, clock.now())
            folders[folder.id], parent = folder, folder.id
    return Tree(folders, 1)


def test_folders_nest_twenty_deep():
    tree = tree_of(MAX_DEPTH - 1)
    last = Folder("new", "o", "new", f"0-{MAX_DEPTH - 2}", clock.now())

    tree.check(last, is_new=True)
    with pytest.raises(FoldersTooDeep):
        deeper = Tree({**tree.folders, "new": last}, 1)
        deeper.check(Folder("more", "o", "more", "new", clock.now()), is_new=True)


def test_a_move_counts_what_is_inside():
    tree = tree_of(12, 9)
    moved = Folder("1-0", "o", "1-0", "0-11", clock.now())

    with pytest.raises(FoldersTooDeep):
        tree.check(moved, is_new=False)
    tree.check(Folder("1-0", "o", "1-0", "0-10", clock.now()), is_new=False)


def test_there_are_only_so_many():
    folders = {str(n): Folder(str(n), "o", str(n), None, clock.now()) for n in range(MAX_FOLDERS)}

    with pytest.raises(TooManyFolders):
        Tree(folders, 1).check(Folder("x", "o", "x", None, clock.now()), is_new=True)
    Tree(folders, 1).check(Folder("0", "o", "renamed", None, clock.now()), is_new=False)


def test_folders_are_their_owners(world, ann):
    folder, bob = made(ann, "Bills"), world.person()
    path = f"/files/folders/{folder['id']}"

    assert bob.get(path).status_code == 404
    assert bob.patch(path, json={"name": "x"}, headers=ANY).status_code == 404
    assert bob.delete(path).status_code == 404
    assert bob.post("/files/folders", json={"name": "x", "parent_id": folder["id"]}).status_code == 422
    assert bob.get(f"/files/folders?parent_id={folder['id']}").status_code == 404


def test_an_empty_folder_goes_at_once(world, ann):
    folder = made(ann, "Bills")
    stale = ann.delete(f"/files/folders/{folder['id']}", headers={"if-match": '"v7"'})

    assert (stale.status_code, ann.delete(f"/files/folders/{folder['id']}").status_code) == (412, 204)
    assert ann.get(f"/files/folders/{folder['id']}").status_code == 404
    assert ann.patch(f"/files/folders/{folder['id']}", json={"name": "x"}, headers=ANY).status_code == 404


def test_a_full_folder_goes_with_what_is_in_it_into_the_trash(world, ann):
    folder = made(ann, "Bills")
    inner = made(ann, "Old", folder["id"])
    files = [world.announced(ann, folder_id=folder["id"]), world.announced(ann, folder_id=inner["id"])]
    path = f"/files/folders/{folder['id']}"
    assert ann.delete(path).json()["type"] == "/problems/folder-not-empty"

    job = ann.delete(f"{path}?with_content=true")
    world.work()

    assert job.status_code == 202 and names(ann) == []
    assert ann.get(job.headers["location"]).json()["result"] == {"trashed": 2}
    trashed = {one["id"] for one in ann.get("/files?state=trashed").json()["items"]}
    assert trashed == {file["id"] for file in files}


def test_a_folder_with_folders_only_is_not_empty(ann):
    folder = made(ann, "Bills")
    made(ann, "Old", folder["id"])

    assert ann.delete(f"/files/folders/{folder['id']}").status_code == 409


def test_nothing_can_be_put_into_a_folder_that_is_gone(world, ann):
    folder = made(ann, "Bills")
    ann.delete(f"/files/folders/{folder['id']}")
    file = world.announced(ann)

    assert ann.post("/files", json={"name": "a", "size": 1, "folder_id": folder["id"]}).status_code == 422
    move = ann.patch(f"/files/{file['id']}", json={"folder_id": folder["id"]}, headers=ANY)
    assert move.status_code == 422


def test_a_crash_between_message_and_deletion_empties_nothing(world, ann, monkeypatch):
    folder = made(ann, "Bills")
    file = world.announced(ann, folder_id=folder["id"])

    def crash(*args):
        raise Crash("here")

    monkeypatch.setattr(world.ports.folders, "delete", crash)
    with pytest.raises(Crash):
        actions.delete(world.ports, folder["id"], None, with_content=True, by=world.principal(ann))
    world.work()

    assert ann.get(f"/files/{file['id']}").json()["state"] == "pending"


def test_lists_of_folders_go_on_by_their_cursor(ann):
    for name in "abc":
        made(ann, name)

    first = ann.get("/files/folders?limit=2").json()
    rest = ann.get(f"/files/folders?limit=2&cursor={first['next']}").json()

    assert [one["name"] for one in first["items"] + rest["items"]] == ["a", "b", "c"] and rest["next"] is None
