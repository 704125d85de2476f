"""The mail worker through the front door."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

MAIL = {"to": ["ann@example.com"], "subject": "News", "text": "Hello."}


def until(read: Callable[[], Any], holds: Callable[[Any], bool], *, within: float = 20) -> Any:
    """What `read` returns once it holds. Fails after this many seconds."""
    deadline, pause = time.monotonic() + within, threading.Event()
    while not holds(found := read()):
        assert time.monotonic() < deadline, f"Still {found} after {within} seconds."
        pause.wait(0.1)
    return found


@pytest.fixture
def admin(people):
    return people.admin()


def mail_of(admin, mail_id):
    return admin.get(f"/outbox/emails/{mail_id}").json()


def test_a_mail_is_sent_within_seconds(admin):
    accepted = admin.post("/outbox/emails", json=MAIL)
    assert accepted.status_code == 202

    sent = until(lambda: mail_of(admin, accepted.json()["id"]), lambda mail: mail["state"] not in ("queued", "claimed"))

    assert (sent["state"], sent["attempt"], sent["possible_duplicate"]) == ("sent", 1, False)


def test_a_template_is_sent_with_its_data(admin):
    data = {"at": "today", "device": "Firefox"}
    accepted = admin.post("/outbox/emails", json={"to": MAIL["to"], "template": "new-device", "data": data})

    source = admin.get(f"/outbox/emails/{accepted.json()['id']}/source").json()["source"]

    assert "Subject: A new device signed in" in source and "Firefox" in source


def test_a_mail_for_tomorrow_can_be_cancelled(admin):
    accepted = admin.post("/outbox/emails", json={**MAIL, "send_at": "2126-01-01T00:00:00Z"})
    mail_id = accepted.json()["id"]

    cancelled = admin.post(f"/outbox/emails/{mail_id}/cancel")
    again = admin.post(f"/outbox/emails/{mail_id}/cancel")

    assert (cancelled.status_code, again.status_code) == (200, 409)
    assert mail_of(admin, mail_id)["state"] == "cancelled"


def test_a_suppressed_address_gets_nothing_until_it_is_lifted(admin, people):
    address = f"nobody-{time.monotonic_ns()}@example.com"
    assert admin.post("/outbox/suppressions", json={"address": address}).status_code == 201

    refused = admin.post("/outbox/emails", json={**MAIL, "to": [address]})
    lifted = admin.delete(f"/outbox/suppressions?address={address}")

    assert (refused.status_code, lifted.status_code) == (409, 204)
    assert admin.post("/outbox/emails", json={**MAIL, "to": [address]}).status_code == 202


def test_the_same_key_sends_one_mail(admin):
    key = {"idempotency-key": f"e2e-{time.monotonic_ns()}"}

    first = admin.post("/outbox/emails", json=MAIL, headers=key)
    again = admin.post("/outbox/emails", json=MAIL, headers=key)

    assert first.json()["id"] == again.json()["id"]


@pytest.mark.parametrize("broken", ["\r\n", "\n", "\u2028"], ids=["crlf", "lf", "line separator"])
def test_a_line_end_in_a_header_is_refused(admin, broken):
    assert admin.post("/outbox/emails", json={**MAIL, "subject": f"x{broken}Bcc: eve@example.com"}).status_code == 422


def test_people_may_not_send_mail_or_see_it(people):
    person = people.new()

    assert person.post("/outbox/emails", json=MAIL).status_code == 403
    assert person.get("/outbox/emails?state=sent").status_code == 403
    assert person.get("/outbox/dead-letters").status_code == 403
    assert person.post("/outbox/internal/erase", json={"owner_id": "x"}).status_code == 404
