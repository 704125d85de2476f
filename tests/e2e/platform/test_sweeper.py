"""What waits for a time is woken by the schedule, with nobody asking."""

from datetime import UTC, datetime, timedelta

from tests.kit.people import eventually

# A minute between sweeps, the seconds until it is due, and the way through the queue.
WITHIN_SECONDS = 100


def test_a_mail_for_later_is_sent_when_its_time_has_come(people):
    admin = people.admin()
    when = datetime.now(UTC) + timedelta(seconds=5)
    mail = {"to": ["later@example.com"], "subject": "Later", "text": "Now.", "send_at": when.isoformat()}
    accepted = admin.post("/outbox/emails", json=mail).json()

    def sent():
        found = admin.get(f"/outbox/emails/{accepted['id']}").json()
        return found if found["state"] not in ("queued", "claimed") else None

    assert eventually(sent, within=WITHIN_SECONDS, what="the mail")["state"] == "sent"
    assert datetime.now(UTC) >= when
