"""Notifications through the front door."""

import time

import httpx
import pytest

from tests.kit.people import until

ORDER = {"type": "order", "data": {"number": "7", "what": "is on its way"}}


@pytest.fixture
def admin(people):
    return people.admin()


def send(admin, *people, **given):
    body = {**ORDER, "recipients": [person.id for person in people], **given}
    answer = admin.post("/notifications/send", json=body)
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


def feed(person):
    return person.get("/notifications").json()["items"]


def prefer(person, body):
    version = person.get("/notifications/preferences").headers["etag"]
    return person.put("/notifications/preferences", json=body, headers={"if-match": version})


def test_somebody_is_told_in_the_feed_and_by_mail(admin, people, mailbox):
    person = people.new()

    batch = send(admin, person)

    (told,) = until(lambda: feed(person), bool)
    assert (told["title"], told["read"]) == ("Order 7 is on its way", False)
    mail = mailbox.latest(person.email, subject="Order 7", within=30)
    assert "/orders/" in mail.text
    done = until(
        lambda: admin.get(batch).json(), lambda found: found["channels"].get("email", {}).get("pending") is None
    )
    assert done["channels"]["inapp"] == {"sent": 1}


def test_read_and_archive_count_once(admin, people):
    person = people.new()
    send(admin, person, channels=["inapp"])
    (told,) = until(lambda: feed(person), bool)

    for verb in ("read", "read", "archive"):
        assert person.put(f"/notifications/{told['id']}/{verb}").status_code == 200

    assert person.get("/notifications/count").json()["unread"] == 0
    assert feed(person) == []


def test_a_reminder_of_a_task_notifies(people):
    person = people.new()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    made = person.post("/tasks", json={"title": "Water the plants", "remind_at": [soon]})
    assert made.status_code == 201, made.text

    # Who asks for so soon is found when their minute is over, which a sweep looks for two minutes later.
    told = until(lambda: feed(person), bool, within=300, every=1)

    assert told[0]["title"] == "Water the plants"


def test_what_is_switched_off_does_not_come(admin, people):
    person = people.new()
    assert prefer(person, {"matrix": {"order": {"email": False, "push": False}}}).status_code == 200

    batch = send(admin, person)
    until(lambda: feed(person), bool)

    assert set(admin.get(batch).json()["channels"]) == {"inapp"}


def test_an_sms_goes_to_a_number_that_was_confirmed(admin, people, base_url):
    person = people.new()
    number = f"+4917{time.monotonic_ns() % 10**9:09}"
    if person.put("/notifications/phone", json={"number": number}).status_code == 422:
        pytest.skip("This stack has no stand-in for SMS.")
    inbox = f"{base_url}/stand-ins/twilio/control/inbox"
    code = next(one["body"][:6] for one in httpx.get(inbox).json() if one["to"] == number)
    assert person.post("/notifications/phone/confirm", json={"code": code}).status_code == 200
    prefer(person, {"matrix": {"order": {"sms": True, "email": False}}})

    send(admin, person)

    until(lambda: [one for one in httpx.get(inbox).json() if one["to"] == number], lambda sent: len(sent) == 2)


def test_a_batch_for_tomorrow_is_cancelled(admin, people):
    batch = send(admin, people.new(), send_at="2126-01-01T00:00:00Z")

    assert admin.delete(batch).json()["state"] == "cancelled"


def test_people_may_not_send(people):
    person = people.new()

    assert person.post("/notifications/send", json=ORDER).status_code == 403
    assert person.get("/notifications/dead-letters").status_code == 403
    assert person.post("/notifications/internal/erase", json={"owner_id": person.id}).status_code == 404
