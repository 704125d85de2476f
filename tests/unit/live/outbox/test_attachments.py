"""Files that `files` keeps, attached by their id."""

import base64
import json

import pytest

from tessera import ids
from tests.kit.faults import failing
from tests.kit.stores import everything_in

MAIL = {"to": ["ann@example.com"], "subject": "News", "text": "Hello."}
NOTE = {"name": "b.txt", "type": "text/plain", "base64": base64.b64encode(b"note").decode()}


def send(admin, *attachments):
    return admin("POST", "/outbox/emails", json={**MAIL, "attachments": list(attachments)})


def slug(answer):
    return answer.json()["type"].removeprefix("/problems/")


def test_a_file_arrives_as_it_was_among_what_came_along_in_the_order_asked(admin, worker, provider, files):
    first, last = files.keep(b"\x00first", type="image/png"), files.keep(b"last", name='we"ird/\\name')
    assert send(admin, {"file_id": first}, NOTE, {"file_id": last}).status_code == 202
    worker.work()

    had = [(one.name, one.type, one.content) for one in provider.letters[0].attachments]

    assert had == [
        ("a.txt", "image/png", b"\x00first"),
        ("b.txt", "text/plain", b"note"),
        ("we_ird__name", "text/plain", b"last"),
    ]


def test_what_a_file_may_be_is_asked_for_whoever_sends_the_mail(admin, files):
    file_id = files.keep()
    send(admin, {"file_id": file_id}, {"file_id": file_id})

    (asked,) = files.asked
    assert asked["ids"] == [file_id] and asked["on_behalf_of"]


@pytest.mark.parametrize("state", ["pending", "uploaded", "scanning", "infected", "failed", "unknown"])
def test_a_file_that_is_not_clean_is_refused(admin, files, store, state):
    known = files.keep(state=state) if state != "unknown" else "01HZX3J0V7Q8M4N5P6R7S8T9VW"

    answer = send(admin, NOTE, {"file_id": known})

    assert (answer.status_code, slug(answer)) == (422, "file-not-ready")
    assert answer.json()["errors"][0]["pointer"] == "/attachments/1/file_id"
    assert everything_in(store.table) == []


def test_a_replay_is_answered_though_its_file_is_gone_by_now(admin, files):
    body = {**MAIL, "attachments": [{"file_id": files.keep()}]}
    asked = {"json": body, "headers": {"idempotency-key": ids.new()}}
    first = admin("POST", "/outbox/emails", **asked)
    batch = {**asked, "json": {"items": [body]}}
    first_of_batch = admin("POST", "/outbox/emails/batch", **batch)
    files.known.clear()

    again, again_of_batch = admin("POST", "/outbox/emails", **asked), admin("POST", "/outbox/emails/batch", **batch)

    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again_of_batch.json()["items"][0]["id"] == first_of_batch.json()["items"][0]["id"]


def test_seven_megabytes_is_the_most_in_all(admin, files):
    almost, over = files.keep(size=7_000_000 - 4), files.keep(size=7_000_000 - 3)

    assert send(admin, NOTE, {"file_id": almost}).status_code == 202
    assert slug(send(admin, NOTE, {"file_id": over})) == "payload-too-large"


def test_while_files_does_not_answer_nothing_is_accepted(admin, files):
    files.status = 503

    assert send(admin, {"file_id": files.keep()}).status_code == 503


@pytest.mark.parametrize(
    "wrong",
    [{"file_id": "x"}, {"file_id": "01HZX3J0V7Q8M4N5P6R7S8T9VW", "name": "a"}, {"name": "a", "type": "text/plain"}, {}],
)
def test_an_attachment_is_one_or_the_other(admin, wrong):
    assert send(admin, wrong).status_code == 422


def test_a_type_that_could_bring_parts_along_is_sent_as_bytes(admin, worker, provider, files):
    send(admin, {"file_id": files.keep(type="message/rfc822")}, {"file_id": files.keep(type="text/plain; charset=x")})
    worker.work()

    assert {one.type for one in provider.letters[0].attachments} == {"application/octet-stream"}


def test_a_file_that_was_deleted_meanwhile_makes_a_dead_letter(admin, worker, provider, files, store):
    mail_id = send(admin, {"file_id": files.keep(key="elsewhere")}).json()["id"]

    worker.work()

    assert (store.mails.get(mail_id).reason, provider.calls) == ("attachment-gone", 0)


def test_a_store_that_does_not_answer_delays_the_mail(admin, worker, provider, files, store):
    mail_id = send(admin, {"file_id": files.keep()}).json()["id"]
    with failing("s3", "GetObject", code="InternalError"):
        worker.work()

    assert (store.mails.get(mail_id).state, store.mails.get(mail_id).failures) == ("queued", 1)


def test_the_source_names_a_file_and_does_not_bring_it(admin, files):
    mail_id = send(admin, {"file_id": files.keep(b"secret", type="image/png")}, NOTE).json()["id"]

    source = admin("GET", f"/outbox/emails/{mail_id}/source").json()["source"]

    noted = base64.b64encode(b"6 bytes of image/png, in `files`.").decode()
    assert noted in source and base64.b64encode(b"note").decode() in source


def test_the_bytes_of_a_file_are_kept_nowhere_here(admin, files, store):
    send(admin, {"file_id": files.keep(b"bytes of a file")})

    assert base64.b64encode(b"bytes of a file").decode() not in json.dumps(everything_in(store.table), default=str)
