"""Late writers: what holds when somebody else has written between the reading and the writing of a step."""

import pytest

from functions.files.files.actions import shares as actions
from functions.files.files.actions.purge import purge
from functions.files.files.actions.settle import charge
from functions.files.files.events import ShareDownloaded, ShareExhausted
from tessera import clock
from tests.kit.faults import before_call, meanwhile
from tests.kit.races import outcomes, together

ROOM = 200_000_000


@pytest.fixture
def file(world, ann):
    return world.clean(ann)


@pytest.fixture
def share(ann, file):
    def new(**terms):
        answer = ann.post(f"/files/{file['id']}/shares", json=terms)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return new


def looked(world, link):
    """The link as somebody sees it who will follow it in a moment."""
    return actions.look(world.ports, link["token"])[0]


def followed(world, seen):
    about = {"share_id": seen.id, "file_id": seen.file_id, "owner_id": seen.owner_id}
    return world.ports.shares.consume(seen, clock.now(), ShareDownloaded(**about), ShareExhausted(**about))


@pytest.mark.parametrize("end", ["revoked", "over"])
@pytest.mark.parametrize("terms", [{}, {"max_downloads": 3}, {"max_downloads": 1}], ids=["any", "three", "one"])
def test_a_link_that_ends_while_it_is_followed_gives_nothing(world, ann, share, terms, end):
    link = share(expires_at="2030-03-14T10:00:00Z", **terms)
    seen = looked(world, link)

    if end == "revoked":
        assert ann.delete(f"/files/shares/{link['id']}").status_code == 204
    else:
        world.later(hours=1)

    assert not followed(world, seen)
    assert world.ports.shares.find(link["id"]).downloads == 0


def test_who_has_seen_three_left_takes_the_last_one_and_no_more(world, share):
    link = share(max_downloads=3)
    seen = looked(world, link)

    assert [followed(world, looked(world, link)) for _ in range(2)] == [True, True]

    assert [followed(world, seen) for _ in range(2)] == [True, False]
    found = world.ports.shares.find(link["id"])
    assert (found.left, found.downloads) == (0, 3)
    assert world.events().count("files.share.exhausted.v1") == 1


def test_a_download_while_another_limit_is_set_counts_against_it(world, ann, share):
    link = share(max_downloads=5)

    with meanwhile("UpdateItem", lambda: followed(world, looked(world, link)), key="SH#"):
        changed = ann.patch(f"/files/shares/{link['id']}", json={"max_downloads": 2}, headers={"if-match": "*"})

    assert (changed.json()["left"], changed.json()["downloads"]) == (1, 1)
    assert followed(world, looked(world, link))
    assert world.client.get(f"/files/s/{link['token']}").status_code == 404


def test_a_limit_that_a_download_meanwhile_goes_beyond_is_refused(world, ann, share):
    link = share(max_downloads=5)
    assert followed(world, looked(world, link))

    with meanwhile("UpdateItem", lambda: followed(world, looked(world, link)), key="SH#"):
        changed = ann.patch(f"/files/shares/{link['id']}", json={"max_downloads": 1}, headers={"if-match": "*"})

    assert changed.status_code == 422
    assert world.ports.shares.find(link["id"]).left == 3


def test_of_many_who_try_when_a_lock_has_ended_ten_are_heard(world, share):
    seen = looked(world, share(password="sesame"))
    for _ in range(10):
        world.ports.shares.try_password(seen, clock.now())
    world.later(minutes=15)

    done = together(lambda: world.ports.shares.try_password(seen, clock.now()), times=25)

    assert outcomes(done) == {"ok": 10, "share-locked": 15}


def test_who_tries_second_when_a_lock_has_ended_is_heard_too(world, share):
    seen = looked(world, share(password="sesame"))
    for _ in range(10):
        world.ports.shares.try_password(seen, clock.now())
    world.later(minutes=15)

    # The first write finds the lock, and the second begins anew.
    with before_call(2, lambda: world.ports.shares.try_password(seen, clock.now())):
        world.ports.shares.try_password(seen, clock.now())

    assert world.ports.shares.find(seen.id).fails == 2


def test_two_changes_at_once_both_come_true(world, ann, file):
    path, any_version = f"/files/{file['id']}", {"if-match": "*"}

    with meanwhile("PutItem", lambda: ann.patch(path, json={"name": "b.txt"}, headers=any_version), key=file["id"]):
        tagged = ann.patch(path, json={"tags": ["red"]}, headers=any_version)

    assert (tagged.json()["name"], tagged.json()["tags"]) == ("b.txt", ["red"])


def test_a_version_that_was_read_before_another_change_is_refused(world, ann, file):
    path = f"/files/{file['id']}"

    with meanwhile("PutItem", lambda: ann.delete(path), key=file["id"]):
        renamed = ann.patch(path, json={"name": "b.txt"}, headers={"if-match": file["etag"]})

    assert renamed.status_code == 404
    assert ann.get(path).json()["state"] == "trashed"


def test_bytes_that_are_told_of_twice_at_once_are_charged_once(world, ann):
    key = world.put(world.announced(ann)["id"])

    with meanwhile("TransactWriteItems", lambda: world.come(key)):
        world.come(key)

    assert world.usage(ann) == {"limit": ROOM, "used": 5, "reserved": 0, "left": ROOM - 5, "pending": 0}
    assert world.events().count("files.file.clean.v1") == 1


def test_bytes_that_come_while_their_file_is_taken_apart_give_their_room_back_once(world, ann):
    file = world.announced(ann)
    key = world.put(file["id"])
    assert ann.delete(f"/files/{file['id']}?forever=true").status_code == 204

    with meanwhile("TransactWriteItems", lambda: charge(world.ports, file["id"], 1)):
        world.work()
    world.later(minutes=15)
    world.sweep()

    assert world.usage(ann) == {"limit": ROOM, "used": 0, "reserved": 0, "left": ROOM, "pending": 0}
    assert not world.in_bucket(key, clean=True) and not world.in_bucket(key, clean=False)


@pytest.mark.parametrize("operation", ["TransactWriteItems", "PutItem"], ids=["a version", "the file"])
def test_a_file_that_two_take_apart_at_once_is_gone_once(world, ann, file, operation):
    world.clean(ann, b"other")
    assert ann.delete(f"/files/{file['id']}?forever=true").status_code == 204
    theirs = []

    with meanwhile(operation, lambda: theirs.append(purge(world.ports, file["id"]))):
        ours = purge(world.ports, file["id"])

    assert (theirs, ours) == ([True], False)
    assert world.usage(ann)["used"] == 5


@pytest.mark.parametrize("before", [[], ["first"]], ids=["the first folder", "a later one"])
def test_a_folder_of_that_name_that_was_made_meanwhile_is_in_the_way(world, ann, before):
    for name in before:
        ann.post("/files/folders", json={"name": name})

    with meanwhile("TransactWriteItems", lambda: ann.post("/files/folders", json={"name": "Bills"})):
        second = ann.post("/files/folders", json={"name": "bills"})

    assert second.json()["type"] == "/problems/name-taken"
    assert [one["name"] for one in ann.get("/files/folders").json()["items"]] == ["Bills", *before]


def test_a_file_is_not_put_into_a_folder_that_goes_meanwhile(world, ann):
    folder = ann.post("/files/folders", json={"name": "Bills"}).json()["id"]

    with meanwhile("TransactWriteItems", lambda: ann.delete(f"/files/folders/{folder}")):
        made = ann.post("/files", json={"name": "a", "size": 1, "folder_id": folder})

    assert made.status_code == 422 and made.json()["errors"][0]["pointer"] == "/folder_id"
    assert world.usage(ann)["reserved"] == 0
