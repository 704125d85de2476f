"""Names, places, the trash, versions and lists."""

import pytest

from functions.files.files.rules.names import checked_name, disposition, numbered
from tessera import ids
from tessera.problems import InvalidRequest
from tests.kit.faults import meanwhile
from tests.kit.races import outcomes, together
from tests.unit.files.files.conftest import sha256

BAD_NAMES = {
    "empty": "",
    "blank": "  ",
    "dot": ".",
    "dots": "..",
    "slash": "a/b",
    "up": "../../etc/passwd",
    "backslash": "a\\b",
    "nul": "a\x00b",
    "line end": "a\nb",
    "return": "a\r\nX: y",
    "delete": "a\x7f",
    "c1": "a\x85b",
    "line separator": "a\u2028b",
    "right to left override": "a\u202egnp.exe",
    "isolate": "a\u2066b",
    "mark": "a\u200fb",
    "arabic mark": "a\u061cb",
    "256 bytes": "a" * 256,
    "256 bytes of two": "\u00e9" * 128,
}
GOOD_NAMES = {
    "plain": "a.txt",
    "space": "my file.txt",
    "dot first": ".bashrc",
    "three dots": "...",
    "german": "Stra\u00dfe \u00dcbung.txt",
    "japanese": "\u65e5\u672c\u8a9e.pdf",
    "arabic": "\u0645\u0644\u0641.txt",
    "hebrew": "\u05e7\u05d5\u05d1\u05e5.txt",
    "emoji": "\U0001f4c4.txt",
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467.png",
    "quotes": 'say "hi".txt',
    "apostrophe": "it's.txt",
    "semicolon": "a;b=c.txt",
    "percent": "100%.txt",
    "plus": "a+b.txt",
    "hash": "a#b?.txt",
    "star": "a*b<c>|.txt",
    "comma": "a, b.txt",
    "equals": "a=b&c.txt",
    "no ending": "README",
    "255 bytes": "a" * 255,
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_name_that_misleads_or_is_a_path_is_refused(ann, name):
    assert ann.post("/files", json={"name": name, "size": 0}).status_code == 422
    assert ann.get("/files/s3/params", params={"filename": name, "type": "a/b"}).status_code == 422
    assert ann.post("/files/s3/multipart", json={"filename": name}).status_code == 422


@pytest.mark.parametrize("name", GOOD_NAMES.values(), ids=GOOD_NAMES)
def test_a_name_in_any_script_is_kept_and_a_download_carries_it(name):
    assert checked_name(name) == name
    text = disposition(name, inline=False)
    assert text.isascii() and "\r" not in text and "\n" not in text
    assert text.count('"') == 2 and text.startswith('attachment; filename="')
    from urllib.parse import unquote

    assert unquote(text.partition("filename*=UTF-8''")[2]) == name


def test_a_name_is_kept_in_its_composed_form():
    assert checked_name("e\u0301") == "\u00e9"


def test_names_in_an_archive_do_not_meet():
    taken = set()

    made = [numbered(name, taken) for name in ("a.txt", "A.txt", "a.txt", ".x", ".x", "b")]

    assert made == ["a.txt", "A (2).txt", "a (3).txt", ".x", ".x (2)", "b"]


def test_a_rename_needs_the_version_that_was_read(world, ann):
    file = world.clean(ann)

    assert ann.patch(f"/files/{file['id']}", json={"name": "b"}).status_code == 428
    stale = ann.patch(f"/files/{file['id']}", json={"name": "b"}, headers={"if-match": '"v1"'})
    done = ann.patch(f"/files/{file['id']}", json={"name": "b"}, headers={"if-match": file["etag"]})

    assert stale.status_code == 412
    assert done.json()["name"] == "b" and done.headers["etag"] != file["etag"]


def test_tags_come_and_go(world, ann):
    file = world.announced(ann, tags=["Red", "blue", "red"])
    assert file["tags"] == ["red", "blue"]

    done = ann.patch(f"/files/{file['id']}", json={"tags": []}, headers={"if-match": "*"})

    assert done.json()["tags"] == []


def test_two_changes_of_one_version_let_one_through(world, ann):
    file = world.clean(ann)

    def rename():
        answer = ann.patch(f"/files/{file['id']}", json={"name": ids.new()}, headers={"if-match": file["etag"]})
        return answer.raise_for_status()

    assert outcomes(together(rename, times=5))["ok"] == 1


def test_the_trash_keeps_a_file_for_thirty_days(world, ann):
    file = world.clean(ann)
    assert ann.delete(f"/files/{file['id']}").status_code == 204

    assert ann.get(f"/files/{file['id']}").json()["state"] == "trashed"
    assert ann.get(f"/files/{file['id']}/content").status_code == 404
    assert ann.get("/files").json()["items"] == []
    assert [one["id"] for one in ann.get("/files?state=trashed").json()["items"]] == [file["id"]]
    world.later(days=29)
    world.sweep()
    back = ann.post(f"/files/{file['id']}/restore").json()
    assert back["state"] == "clean" and ann.get(f"/files/{file['id']}/content").status_code == 302
    ann.delete(f"/files/{file['id']}")
    world.later(days=30)
    world.sweep()
    assert ann.get(f"/files/{file['id']}").status_code == 404
    assert world.usage(ann)["left"] == 200000000
    assert world.events().count("files.file.deleted.v1") == 1


def test_a_restore_of_what_is_not_in_the_trash_changes_nothing(world, ann):
    file = world.clean(ann)

    assert ann.post(f"/files/{file['id']}/restore").headers["etag"] == file["etag"]


def test_a_file_comes_back_to_the_top_when_its_folder_is_gone(world, ann):
    folder = ann.post("/files/folders", json={"name": "Bills"}).json()["id"]
    file = world.clean(ann, folder_id=folder)
    ann.delete(f"/files/{file['id']}")
    ann.delete(f"/files/folders/{folder}")

    assert ann.post(f"/files/{file['id']}/restore").json()["folder_id"] is None


def test_deleting_for_good_holds_the_version_and_forgets_links(world, ann):
    file = world.clean(ann)
    token = ann.post(f"/files/{file['id']}/shares", json={}).json()["token"]
    stale = ann.delete(f"/files/{file['id']}?forever=true", headers={"if-match": '"v1"'})

    gone = ann.delete(f"/files/{file['id']}?forever=true")

    assert (stale.status_code, gone.status_code) == (412, 204)
    assert ann.get(f"/files/{file['id']}").status_code == 404
    assert world.client.get(f"/files/s/{token}").status_code == 404
    world.work()
    assert world.usage(ann)["used"] == 0


def test_a_file_that_is_deleted_for_good_by_many_at_once_gives_its_room_back_once(world, ann):
    world.clean(ann, b"other")
    file = world.clean(ann)
    ann.delete(f"/files/{file['id']}?forever=true")
    from functions.files.files.actions.purge import purge

    done = together(lambda: purge(world.ports, file["id"]), times=5)

    assert sum(one.value is True for one in done) == 1
    assert world.usage(ann)["used"] == 5


def test_a_new_version_is_served_once_it_is_clean(world, ann):
    file = world.clean(ann)
    body = {"size": 6, "type": "text/plain"}
    before = ann.get(f"/files/{file['id']}/content").headers["etag"]

    made = ann.put(f"/files/{file['id']}/content", json=body, headers={"if-match": file["etag"]})
    assert made.status_code == 201 and made.json()["state"] == "clean" and made.json()["upload"]["url"]
    assert ann.get(f"/files/{file['id']}/content").headers["etag"] == before
    world.come(world.put(file["id"], b"second", n=2))

    found = ann.get(f"/files/{file['id']}").json()
    assert (found["size"], found["content_version"], found["sha256"]) == (6, 2, sha256(b"second"))
    assert ann.get(f"/files/{file['id']}/content").headers["etag"] != before
    assert world.usage(ann)["used"] == 11


def test_versions_if_match(world, ann):
    file = world.clean(ann)
    path, body = f"/files/{file['id']}/content", {"size": 6}

    assert ann.put(path, json=body).status_code == 428
    assert ann.put(path, json=body, headers={"if-match": '"v1"'}).status_code == 412
    done = together(lambda: ann.put(path, json=body, headers={"if-match": file["etag"]}).raise_for_status(), times=5)
    assert outcomes(done)["ok"] == 1
    assert [one["n"] for one in ann.get(f"/files/{file['id']}/versions").json()["items"]] == [2, 1]
    assert world.usage(ann)["reserved"] == 6


def test_a_version_of_the_same_bytes_is_there_at_once(world, ann):
    other = world.clean(ann, b"second")
    file = world.clean(ann)

    body = {"size": 6, "sha256": sha256(b"second")}
    made = ann.put(f"/files/{file['id']}/content", json=body, headers={"if-match": file["etag"]}).json()

    assert made["deduplicated"] and made["content_version"] == 2 and made["upload"] is None
    assert world.file(file["id"]).key == world.file(other["id"]).key
    assert world.usage(ann)["used"] == 17


def test_an_older_version_that_comes_late_does_not_take_the_place_of_a_newer_one(world, ann):
    file = world.clean(ann)
    path = f"/files/{file['id']}/content"
    ann.put(path, json={"size": 6}, headers={"if-match": "*"})
    ann.put(path, json={"size": 7}, headers={"if-match": "*"})

    world.come(world.put(file["id"], b"version", n=3))
    world.come(world.put(file["id"], b"second", n=2))

    assert ann.get(f"/files/{file['id']}").json()["content_version"] == 3


def test_a_failed_first_version_is_made_good_by_a_second(world, ann):
    file = world.announced(ann)
    world.come(world.put(file["id"], b"too long for it"))
    assert ann.get(f"/files/{file['id']}").json()["state"] == "failed"

    ann.put(f"/files/{file['id']}/content", json={"size": 5}, headers={"if-match": "*"})
    assert ann.get(f"/files/{file['id']}").json()["state"] == "pending"
    world.come(world.put(file["id"], n=2))

    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"


def test_content_is_not_sent_again_to_who_has_it(world, ann):
    file = world.clean(ann)
    first = ann.get(f"/files/{file['id']}/content")

    again = ann.get(f"/files/{file['id']}/content", headers={"if-none-match": first.headers["etag"]})

    assert again.status_code == 304 and again.headers["etag"] == first.headers["etag"]
    assert first.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("body", "kind", "shown"),
    [(b"hello", "text/plain", "inline"), (b"hello", "text/csv", "attachment"), (b"<html>", "text/html", "attachment")],
)
def test_only_what_is_harmless_is_shown_in_place(world, ann, body, kind, shown):
    file = world.clean(ann, body, type=kind)

    link = ann.get(f"/files/{file['id']}/content?inline=true").headers["location"]
    saved = ann.get(f"/files/{file['id']}/content").headers["location"]

    assert f"content-disposition={shown}" in link and "content-disposition=attachment" in saved


def test_what_is_not_there_yet_cannot_be_had(world, ann):
    file = world.announced(ann)

    assert ann.get(f"/files/{file['id']}/content").json()["type"] == "/problems/not-ready"


def test_lists_go_by_name_and_by_age_page_by_page(world, ann):
    for name in ("beta", "Alpha", "gamma", "alpha2"):
        world.announced(ann, name=name)
        world.later(seconds=1)

    def names(query):
        found, path = [], f"/files?limit=2{query}"
        while path:
            page = ann.get(path).json()
            found += [one["name"] for one in page["items"]]
            path = f"/files?limit=2{query}&cursor={page['next']}" if page["next"] else None
        return found

    assert names("") == ["Alpha", "alpha2", "beta", "gamma"]
    assert names("&sort=-name") == ["gamma", "beta", "alpha2", "Alpha"]
    assert names("&sort=newest") == ["alpha2", "gamma", "Alpha", "beta"]
    assert names("&sort=oldest") == ["beta", "Alpha", "gamma", "alpha2"]
    assert names("&q=ALPHA") == ["alpha2", "Alpha"]
    assert names("&q=a&folder=root") == ["Alpha", "alpha2", "beta", "gamma"]
    assert names("&state=pending") == ["Alpha", "alpha2", "beta", "gamma"]
    assert names("&state=clean") == []


def test_a_list_shows_what_is_in_a_folder_and_nobody_elses(world, ann):
    folder = ann.post("/files/folders", json={"name": "Bills"}).json()["id"]
    inside = world.announced(ann, folder_id=folder)
    world.announced(ann)
    bob = world.person()

    assert [one["id"] for one in ann.get(f"/files?folder={folder}").json()["items"]] == [inside["id"]]
    assert [one["id"] for one in ann.get(f"/files?folder={folder}&sort=newest").json()["items"]] == [inside["id"]]
    assert bob.get(f"/files?folder={folder}").json()["items"] == []
    assert bob.get("/files?sort=newest").json()["items"] == []
    assert bob.post("/files", json={"name": "a", "size": 1, "folder_id": folder}).status_code == 422
    assert len(ann.get("/files").json()["items"]) == 1


def test_a_file_moves_between_folders(world, ann):
    folder = ann.post("/files/folders", json={"name": "Bills"}).json()["id"]
    file = world.announced(ann)

    moved = ann.patch(f"/files/{file['id']}", json={"folder_id": folder}, headers={"if-match": "*"})
    nowhere = ann.patch(f"/files/{file['id']}", json={"folder_id": ids.new()}, headers={"if-match": "*"})
    top = ann.patch(f"/files/{file['id']}", json={"folder_id": None}, headers={"if-match": "*"})

    assert moved.json()["folder_id"] == folder and nowhere.status_code == 422 and top.json()["folder_id"] is None


def test_what_is_left_of_the_room_follows_a_new_limit(world, ann):
    staff = world.person(roles=["admin"], perms=["files:manage"])
    world.announced(ann)

    answer = staff.put(f"/files/quotas/{ann.id}", json={"limit": 7})

    assert answer.json() == {"limit": 7, "used": 0, "reserved": 5, "left": 2, "pending": 1}
    assert ann.put(f"/files/quotas/{ann.id}", json={"limit": 7}).status_code == 403


def test_two_limits_set_at_once_leave_the_room_that_one_of_them_gives(world, ann):
    world.announced(ann)

    together(*(lambda limit=limit: world.ports.files.usage.set_limit(ann.id, limit) for limit in (7, 70, 700)))

    found = world.usage(ann)
    assert found["limit"] in (7, 70, 700) and found["left"] == found["limit"] - 5
    row = world.ports.files.table._call("get_item", Key={"pk": {"S": f"Q#{ann.id}"}, "sk": {"S": "USE"}})["Item"]
    assert int(row["room"]["N"]) == found["left"]


def test_a_limit_that_is_set_in_between_is_reckoned_with(world, ann):
    usage = world.ports.files.usage

    with meanwhile("UpdateItem", lambda: usage.set_limit(ann.id, 70), key="Q#"):
        usage.set_limit(ann.id, 7)

    world.announced(ann)
    assert ann.post("/files", json={"name": "a", "size": 3}).status_code == 409


def test_a_refused_name_says_what_is_wrong():
    with pytest.raises(InvalidRequest) as refused:
        checked_name("a/b")

    assert refused.value.errors[0].pointer == "/name"
