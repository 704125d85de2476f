"""The mail worker through the front door."""

import time

import httpx
import pytest

from tests.kit.people import until

MAIL = {"to": ["ann@example.com"], "subject": "News", "text": "Hello."}


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


def drained(admin, ids, within):
    """Seconds until all of these are sent."""
    began = time.monotonic()
    waiting = set(ids)

    def left():
        cursor = ""
        while True:
            page = admin.get(f"/outbox/emails?state=sent&limit=100{cursor}").json()
            waiting.difference_update(item["id"] for item in page["items"])
            if not waiting or not page["next"]:
                return len(waiting)
            cursor = f"&cursor={page['next']}"

    until(left, lambda number: number == 0, within=within, every=1)
    return time.monotonic() - began


def test_five_hundred_mails_are_sent_within_half_a_minute(admin, record_property):
    began = time.monotonic()
    ids = []
    for batch in range(5):
        items = [{**MAIL, "to": [f"p{batch}.{n}@example.com"]} for n in range(100)]
        ids += [item["id"] for item in admin.post("/outbox/emails/batch", json={"items": items}).json()["items"]]
    accepted = time.monotonic() - began

    # Where a machine is busy with other things, accepting them takes longer too.
    at_most = max(30, 2 * accepted)
    took = drained(admin, ids, within=at_most + 30)

    record_property("accepted_seconds", round(accepted, 1))
    record_property("drained_seconds", round(took, 1))
    print(f"500 mails accepted in {accepted:.1f} s, all sent {took:.1f} s after the last")
    assert took <= at_most


def test_bulk_is_sent_with_a_link_that_ends_it(admin, people):
    address = f"reader-{time.monotonic_ns()}@example.com"
    body = {**MAIL, "to": [address], "category": "bulk"}
    accepted = admin.post("/outbox/emails", json=body).json()["id"]
    until(lambda: mail_of(admin, accepted), lambda mail: mail["state"] == "sent")

    assert admin.post("/outbox/unsubscribe?token=not.ours").status_code == 404
    assert admin.get("/outbox/sending").json()["bulk"]["state"] == "open"


def test_a_file_goes_along_once_it_is_clean(admin):
    made = admin.post("/files", json={"name": "a.txt", "type": "text/plain", "size": 5}).json()
    body = {**MAIL, "attachments": [{"file_id": made["id"]}]}
    assert admin.post("/outbox/emails", json=body).status_code == 422
    headers = {name: value for name, value in made["upload"]["headers"].items() if name != "Content-Length"}
    assert httpx.put(made["upload"]["url"], content=b"hello", headers=headers).status_code == 200
    until(lambda: admin.get(f"/files/{made['id']}").json(), lambda file: file["state"] == "clean", within=60)

    accepted = admin.post("/outbox/emails", json=body)

    assert accepted.status_code == 202, accepted.text
    until(lambda: mail_of(admin, accepted.json()["id"]), lambda mail: mail["state"] == "sent")


def test_a_link_to_a_file_goes_out_by_mail(admin, user):
    address = f"friend-{time.monotonic_ns()}@example.com"
    made = user.post("/files", json={"name": "b.txt", "type": "text/plain", "size": 5}).json()

    shared = user.post(f"/files/{made['id']}/shares", json={"emails": [address]}).json()

    assert (shared["mailed"], shared["not_mailed"]) == ([address], [])
    found = until(
        lambda: admin.get(f"/outbox/emails?to={address}").json()["items"],
        lambda items: bool(items) and items[0]["state"] == "sent",
    )
    assert found[0]["subject"] == "A file was shared with you"
    source = admin.get(f"/outbox/emails/{found[0]['id']}/source").json()["source"]
    assert shared["token"] not in source and "[withheld]" in source
