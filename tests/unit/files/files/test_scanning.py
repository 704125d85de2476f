"""What is looked for in a file, by whom, and what becomes of what was found."""

import hashlib
import json
import socket
import struct
import threading
from dataclasses import replace

import pytest

from functions.files.files.rules import kinds
from functions.files.files.rules.files import State
from functions.files.files.scanning.clamd import ClamdScanner
from functions.files.files.scanning.scanner import EICAR, LocalScanner, ScannerAway, Verdict

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


class Clamd:
    """A daemon that takes one stream and gives this answer."""

    def __init__(self, answer):
        self.answer, self.taken, self.command = answer, b"", b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        connection, _ = self._listening.accept()
        with connection, connection.makefile("rb") as stream:
            self.command = stream.read(10)
            while length := struct.unpack("!L", stream.read(4))[0]:
                self.taken += stream.read(length)
            connection.sendall(self.answer)

    def close(self):
        self._thread.join(5)
        self._listening.close()


@pytest.fixture
def clamd():
    started = []

    def start(answer):
        started.append(Clamd(answer))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([b"clean"], None),
        ([b"x" * 100 + EICAR], "EICAR-Test-File"),
        ([EICAR[:30], EICAR[30:]], "EICAR-Test-File"),
        ([*(EICAR[i : i + 1] for i in range(len(EICAR)))], "EICAR-Test-File"),
        ([], None),
    ],
    ids=["clean", "inside", "across two", "byte by byte", "empty"],
)
def test_the_stand_in_knows_the_test_string_wherever_it_lies(pieces, found):
    assert LocalScanner().scan(pieces) == Verdict(found)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(b"stream: OK\x00", Verdict()), (b"stream: Win.Test.EICAR_HDB-1 FOUND\x00", Verdict("Win.Test.EICAR_HDB-1"))],
    ids=["clean", "found"],
)
def test_the_daemon_is_spoken_to_as_its_protocol_says(clamd, answer, verdict):
    daemon = clamd(answer)

    assert ClamdScanner(daemon.address).scan([b"one", b"", b"x" * 600_000]) == verdict

    daemon.close()
    assert daemon.command == b"zINSTREAM\x00" and daemon.taken == b"one" + b"x" * 600_000


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\x00", b"", b"stream: OK FOUND OK"])
def test_an_answer_that_is_no_verdict_is_not_taken_for_one(clamd, answer):
    with pytest.raises(ScannerAway):
        ClamdScanner(clamd(answer).address).scan([b"x"])


def test_a_scanner_that_is_away_lets_the_message_come_again(world, ann):
    file = world.announced(ann)
    world.use(scanner=ClamdScanner("127.0.0.1:1"))
    key = world.put(file["id"])

    assert world.come(key)["batchItemFailures"]

    world.use(scanner=LocalScanner())
    world.later(minutes=10)
    world.sweep()
    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"


def test_an_infected_file_can_be_had_by_nobody_and_takes_no_room(world, ann):
    file = world.announced(ann, EICAR)
    key = world.put(file["id"], EICAR)

    world.come(key)

    found = ann.get(f"/files/{file['id']}").json()
    assert (found["state"], found["reason"]) == ("infected", "EICAR-Test-File")
    assert ann.get(f"/files/{file['id']}/content").status_code == 451
    assert world.usage(ann)["left"] == 200000000
    assert not world.in_bucket(key, clean=True) and not world.in_bucket(key, clean=False)
    assert "files.file.infected.v1" in world.events()


def test_eicar_blocked_everywhere(world, ann):
    file = world.clean(ann)
    bob = world.person()
    share = ann.post(f"/files/{file['id']}/shares", json={}).json()
    ann.put(f"/files/{file['id']}/grants/{bob.id}", json={"role": "viewer"})
    infect(world, file["id"])

    assert world.client.get(f"/files/s/{share['token']}").status_code == 404
    assert world.client.post(f"/files/s/{share['token']}/download").status_code == 404
    assert bob.get(f"/files/{file['id']}/content").status_code == 451
    assert ann.post("/files/zip", json={"ids": [file["id"]]}).status_code == 451
    body = {"ids": [file["id"]], "on_behalf_of": ann.id}
    _, resolved = world.internal("/files/internal/resolve", body, caller="chat")
    assert resolved["items"][0]["state"] == "infected" and resolved["items"][0]["key"] is None


def infect(world, file_id):
    """As if a scanner had found it later."""
    file = world.file(file_id)
    world.ports.files.change(file, replace(file, state=State.INFECTED))


def test_a_second_version_that_is_infected_leaves_the_first(world, ann):
    file = world.clean(ann)
    body = {"size": len(EICAR)}
    ann.request("PUT", f"/files/{file['id']}/content", json=body, headers={"if-match": file["etag"]})

    world.come(world.put(file["id"], EICAR, n=2))

    found = ann.get(f"/files/{file['id']}").json()
    assert (found["state"], found["content_version"], found["newest_version"]) == ("clean", 1, 2)
    assert [one["state"] for one in ann.get(f"/files/{file['id']}/versions").json()["items"]] == ["infected", "clean"]


@pytest.mark.parametrize(
    ("policy", "state", "unscanned"),
    [("skip", "clean", True), ("block", "failed", False), ("async", "scanning", False)],
)
def test_what_is_too_large_to_look_through_goes_by_its_policy(world, ann, policy, state, unscanned):
    world.set(scan_bytes=4, large_files=policy)
    file = world.announced(ann)

    world.come(world.put(file["id"]))

    found = ann.get(f"/files/{file['id']}").json()
    assert (found["state"], found["unscanned"]) == (state, unscanned)
    assert world.usage(ann)["used"] == (0 if policy == "block" else 5)


def guardduty(world, key, status, *, etag, threats=()):
    detail = {
        "scanStatus": "COMPLETED",
        "s3ObjectDetails": {"bucketName": world.ports.objects.quarantine, "objectKey": key, "eTag": etag},
        "scanResultDetails": {
            "scanResultStatus": status,
            "threats": [{"name": name} for name in threats] or None,
        },
    }
    kind = "GuardDuty Malware Protection Object Scan Result"
    return world.message(json.dumps({"source": "aws.guardduty", "detail-type": kind, "detail": detail}))


def etag_of(world, file_id):
    return world.content(file_id).etag.strip('"')


@pytest.mark.parametrize(
    ("status", "threats", "state"),
    [
        ("NO_THREATS_FOUND", (), "clean"),
        ("THREATS_FOUND", ("EICAR-Test-File (not a virus)",), "infected"),
        ("UNSUPPORTED", (), "failed"),
        ("ACCESS_DENIED", (), "failed"),
    ],
)
def test_a_verdict_from_outside_settles_a_file(world, ann, status, threats, state):
    world.use(scanner=None)
    file = world.announced(ann)
    key = world.put(file["id"])
    world.come(key)
    assert ann.get(f"/files/{file['id']}").json()["state"] == "scanning"

    guardduty(world, key, status, etag=etag_of(world, file["id"]), threats=threats)

    assert ann.get(f"/files/{file['id']}").json()["state"] == state


def test_a_verdict_on_other_bytes_or_another_bucket_says_nothing(world, ann):
    world.use(scanner=None)
    file = world.announced(ann)
    key = world.put(file["id"])
    world.come(key)

    guardduty(world, key, "NO_THREATS_FOUND", etag="0" * 32)
    guardduty(world, "not/a/key", "NO_THREATS_FOUND", etag="0" * 32)

    assert ann.get(f"/files/{file['id']}").json()["state"] == "scanning"


def test_a_verdict_may_come_before_the_message_that_something_came(world, ann):
    world.use(scanner=None)
    file = world.announced(ann)
    key = world.put(file["id"])

    guardduty(world, key, "NO_THREATS_FOUND", etag=hashlib.md5(b"hello").hexdigest())
    world.come(key)

    assert ann.get(f"/files/{file['id']}").json()["state"] == "clean"


def test_a_verdict_that_never_comes_is_not_waited_for_without_end(world, ann):
    world.use(scanner=None)
    file = world.announced(ann)
    world.come(world.put(file["id"]))

    for _ in range(4):
        world.later(hours=24, minutes=1)
        world.sweep()

    found = ann.get(f"/files/{file['id']}").json()
    assert (found["state"], found["reason"]) == ("failed", "no-verdict")


@pytest.mark.parametrize(
    ("declared", "head", "kept", "flagged"),
    [
        ("image/png", PNG, "image/png", False),
        ("image/png", b"<html><script>", "text/html", True),
        ("image/jpeg", PNG, "image/png", False),
        ("text/plain", PNG, "image/png", True),
        ("text/plain", b"plain words", "text/plain", False),
        ("text/plain", b"<!DOCTYPE html><p>", "text/html", True),
        ("text/markdown", b"# <script>", "text/markdown", False),
        ("text/plain", b"\x00\x01\x02\x03", "application/octet-stream", True),
        ("application/octet-stream", PNG, "image/png", False),
        ("application/octet-stream", b"hello", "application/octet-stream", False),
        ("image/png", b"hello", "text/plain", True),
        ("image/png", b"", "image/png", False),
        ("image/svg+xml", b"<svg xmlns='x'>", "image/svg+xml", False),
        ("image/png", b"  <svg xmlns='x'>", "image/svg+xml", True),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04", None, False),
        ("application/pdf", b"%PDF-1.7", "application/pdf", False),
        ("application/pdf", b"MZ\x90", "application/vnd.microsoft.portable-executable", True),
        ("audio/wav", b"RIFF\x00\x00\x00\x00WAVE", "audio/wav", False),
        ("image/webp", b"RIFF\x00\x00\x00\x00WEBP", "image/webp", False),
        ("image/webp", b"XXXX\x00\x00\x00\x00WEBP\x00", "application/octet-stream", True),
        ("application/json", b'{"a": "<html>"}', "application/json", False),
    ],
)
def test_a_file_is_what_its_bytes_show(declared, head, kept, flagged):
    assert kinds.settled(declared, head) == (kept or declared, flagged)


@pytest.mark.parametrize(
    ("kind", "inline", "served"),
    [
        ("image/png", True, "image/png"),
        ("application/pdf", True, "application/pdf"),
        ("text/plain", True, "text/plain; charset=utf-8"),
        ("text/html", False, "application/octet-stream"),
        ("image/svg+xml", False, "application/octet-stream"),
        ("application/xhtml+xml", False, "application/octet-stream"),
        ("text/javascript", False, "application/octet-stream"),
        ("text/css", False, "text/css"),
        ("video/mp4", False, "video/mp4"),
    ],
)
def test_nothing_that_a_browser_would_run_is_shown(kind, inline, served):
    assert kinds.may_show_inline(kind) is inline
    assert kinds.served_as(kind, inline=inline) == served


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Text/HTML; charset=x", "text/html"),
        ("", kinds.UNKNOWN),
        (None, kinds.UNKNOWN),
        ("a b/c\r\nX: y", kinds.UNKNOWN),
    ],
)
def test_a_declared_type_is_kept_without_what_hangs_on_it(given, kept):
    assert kinds.media_type(given) == kept


def test_the_type_that_was_found_replaces_what_was_declared(world, ann):
    body = b"<html><script>alert(1)</script>"
    file = world.clean(ann, body, type="image/png", name="a.png")

    link = ann.get(f"/files/{file['id']}/content?inline=true").headers["location"]

    assert (file["type"], file["flagged"]) == ("text/html", True)
    assert "response-content-type=application%2Foctet-stream" in link and "attachment" in link
