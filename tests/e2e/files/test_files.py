"""Files through the front door: announced, sent by signed links, scanned by the worker, shared, and had again."""

import hashlib
import os
import subprocess
import time
import uuid

import httpx
import pytest

from tests.kit.people import eventually

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + rb"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MIB = 1024 * 1024


def announced(user, body, **fields):
    made = user.post("/files", json={"name": "a.txt", "type": "text/plain", "size": len(body), **fields})
    assert made.status_code == 201, made.text
    return made.json()


def sent(upload, body):
    # httpx sets the length by itself, and must not set it twice.
    headers = {name: value for name, value in upload["headers"].items() if name != "Content-Length"}
    return httpx.put(upload["url"], content=body, headers=headers, timeout=60)


def settled(user, file_id, state="clean"):
    found = eventually(lambda: _settled(user, file_id), within=60)
    assert found["state"] == state, found
    return found


def _settled(user, file_id):
    found = user.get(f"/files/{file_id}").json()
    return found if found["state"] in ("clean", "infected", "failed") else None


def clean(user, body=b"hello", **fields):
    file = announced(user, body, **fields)
    assert sent(file["upload"], body).status_code == 200
    return settled(user, file["id"])


def test_a_file_is_sent_scanned_and_had_byte_for_byte(user):
    body = os.urandom(200_000)
    file = clean(user, body, name="\u65e5\u672c \u00fc.bin", type="application/octet-stream")

    link = user.get(f"/files/{file['id']}/content", follow_redirects=False)
    had = httpx.get(link.headers["location"])

    assert link.status_code == 302 and had.content == body
    assert file["sha256"] == hashlib.sha256(body).hexdigest()
    assert "filename*=UTF-8''%E6%97%A5" in had.headers["content-disposition"]


def test_ranges_via_redirect(user):
    file = clean(user, b"0123456789")
    link = user.get(f"/files/{file['id']}/content", follow_redirects=False).headers["location"]

    had = httpx.get(link, headers={"range": "bytes=2-5"})

    assert (had.status_code, had.content) == (206, b"2345")


def test_a_link_takes_what_was_announced_and_nothing_else(user):
    file = announced(user, b"hello")
    upload = file["upload"]

    longer = sent(upload, b"hello, and more")
    other = sent({**upload, "headers": {**upload["headers"], "Content-Type": "text/html"}}, b"hello")
    elsewhere = sent({**upload, "url": upload["url"].replace(file["id"], str(uuid.uuid4()))}, b"hello")

    assert {longer.status_code, other.status_code, elsewhere.status_code} == {403}
    assert user.get(f"/files/{file['id']}").json()["state"] == "pending"


def test_a_file_with_malware_can_be_had_by_nobody(user):
    file = announced(user, EICAR)
    sent(file["upload"], EICAR)

    found = settled(user, file["id"], "infected")

    assert found["reason"] == "EICAR-Test-File"
    assert user.get(f"/files/{file['id']}/content", follow_redirects=False).status_code == 451


def test_an_empty_file_is_sent_too(user):
    assert clean(user, b"")["size"] == 0


def test_a_checksum_that_does_not_hold_is_refused(user):
    file = announced(user, b"hello", sha256=hashlib.sha256(b"other").hexdigest())

    answer = sent(file["upload"], b"hello")

    # The store refuses it where it looks at checksums; else the worker does.
    assert answer.status_code == 400 or settled(user, file["id"], "failed")["reason"] == "checksum"


def test_a_form_takes_a_file_from_curl_and_refuses_a_larger_one(user, tmp_path):
    query = {"filename": "a.txt", "type": "text/plain", "metadata[size]": "5"}
    form = user.get("/files/s3/params", params=query).json()
    fields = [part for name, value in form["fields"].items() for part in ("-F", f"{name}={value}")]

    def curl(body):
        (tmp_path / "a").write_bytes(body)
        asked = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *fields, "-F", f"file=@{tmp_path / 'a'}"]
        return subprocess.run([*asked, form["url"]], capture_output=True, text=True, check=True).stdout

    assert curl(b"hello!") == "400"
    assert curl(b"hello") == "201"
    assert settled(user, form["fields"]["key"].split("/")[1])["size"] == 5


def test_parts_are_sent_by_signed_links_and_joined(user):
    body = {"filename": "film.mp4", "type": "video/mp4", "metadata": {}}
    upload = user.post("/files/s3/multipart", json=body).json()
    at, key = f"/files/s3/multipart/{upload['uploadId']}", {"key": upload["key"]}
    pieces = [os.urandom(5 * MIB), b"the end"]

    parts = []
    for number, piece in enumerate(pieces, 1):
        signed = user.get(f"{at}/{number}", params=key).json()
        parts.append(
            {"PartNumber": number, "ETag": httpx.put(signed["url"], content=piece, timeout=60).headers["etag"]}
        )
    assert [part["Size"] for part in user.get(at, params=key).json()] == [5 * MIB, 7]
    done = user.post(f"{at}/complete", params=key, json={"parts": parts})
    again = user.post(f"{at}/complete", params=key, json={"parts": parts})

    assert done.status_code == 200 and done.json() == again.json()
    assert settled(user, done.json()["file_id"])["size"] == 5 * MIB + 7


def test_an_upload_that_is_given_up_is_gone_with_its_parts(user):
    upload = user.post("/files/s3/multipart", json={"filename": "a"}).json()
    at, key = f"/files/s3/multipart/{upload['uploadId']}", {"key": upload["key"]}
    signed = user.get(f"{at}/1", params=key).json()["url"]
    httpx.put(signed, content=b"hello")

    assert user.delete(at, params=key).status_code == 200

    assert httpx.put(signed, content=b"hello").status_code == 404
    assert user.get(at, params=key).status_code == 404


def test_the_same_bytes_need_not_be_sent_again(user):
    body = os.urandom(1000)
    first = clean(user, body)

    again = user.post("/files", json={"name": "b", "size": 1000, "sha256": first["sha256"]})

    assert (again.status_code, again.json()["state"]) == (200, "clean")


def test_a_link_for_two_downloads_gives_two(user, anonymous):
    file = clean(user)
    made = user.post(f"/files/{file['id']}/shares", json={"max_downloads": 2, "password": "sesame"}).json()
    path = f"/files/s/{made['token']}"

    assert anonymous.get(path).json()["needs_password"]
    assert anonymous.post(f"{path}/download", json={"password": "wrong"}).status_code == 401
    for _ in range(2):
        followed = anonymous.post(f"{path}/download", json={"password": "sesame"}).json()
        assert httpx.get(followed["url"]).content == b"hello"
    assert anonymous.post(f"{path}/download", json={"password": "sesame"}).status_code == 404
    assert made["url"].endswith(path)


def test_a_new_version_takes_the_place_of_the_old_one(user):
    file = clean(user)
    body = {"size": 6, "type": "text/plain"}
    made = user.request("PUT", f"/files/{file['id']}/content", json=body, headers={"if-match": "*"}).json()
    assert sent(made["upload"], b"second").status_code == 200

    found = eventually(lambda: _version(user, file["id"], 2), within=60)

    assert found["size"] == 6
    link = user.get(f"/files/{file['id']}/content", follow_redirects=False).headers["location"]
    assert httpx.get(link).content == b"second"


def _version(user, file_id, n):
    found = user.get(f"/files/{file_id}").json()
    return found if found["content_version"] == n else None


def test_an_archive_of_files_is_made_by_a_job(user):
    files = [clean(user, body, name="a.txt") for body in (b"one", b"two")]

    job = user.post("/files/zip", json={"ids": [file["id"] for file in files]})
    done = eventually(lambda: _done(user, job.headers["location"]), within=60)

    made = user.get(f"/files/{done['result']['file_id']}").json()
    assert (done["state"], made["type"], made["state"]) == ("done", "application/zip", "clean")


def _done(user, path):
    found = user.get(path).json()
    return found if found["state"] in ("done", "failed", "partial") else None


def test_a_file_deleted_for_good_takes_its_bytes_along(user):
    file = clean(user, os.urandom(100))
    link = user.get(f"/files/{file['id']}/content", follow_redirects=False).headers["location"]

    assert user.delete(f"/files/{file['id']}", params={"forever": "true"}).status_code == 204

    assert user.get(f"/files/{file['id']}").status_code == 404
    eventually(lambda: True if httpx.get(link).status_code == 404 else None, within=60)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_nothing_can_be_had_or_sent_without_a_signature(user, method):
    file = clean(user)
    link = user.get(f"/files/{file['id']}/content", follow_redirects=False).headers["location"]

    answer = httpx.request(method, link.partition("?")[0], content=b"evil!" if method == "PUT" else None)

    assert answer.status_code == 403


def test_somebody_elses_page_may_read_the_etag_of_a_part(user):
    upload = user.post("/files/s3/multipart", json={"filename": "a"}).json()
    signed = user.get(f"/files/s3/multipart/{upload['uploadId']}/1", params={"key": upload["key"]}).json()["url"]

    answer = httpx.put(signed, content=b"hello", headers={"origin": "https://app.example"})

    exposed = answer.headers["access-control-expose-headers"].lower()
    assert "etag" in exposed and answer.headers["access-control-allow-origin"] in ("*", "https://app.example")


def test_room_is_given_back_when_an_upload_is_given_up(user):
    before = user.get("/files/usage").json()["left"]
    upload = user.post("/files/s3/multipart", json={"filename": "a", "metadata": {"size": 1000}}).json()
    assert user.get("/files/usage").json()["left"] == before - 1000

    user.delete(f"/files/s3/multipart/{upload['uploadId']}", params={"key": upload["key"]})

    assert user.get("/files/usage").json()["left"] == before


def test_a_scan_begins_within_seconds(user):
    file = announced(user, b"hello")
    began = time.monotonic()

    sent(file["upload"], b"hello")
    settled(user, file["id"])

    assert time.monotonic() - began < 30
