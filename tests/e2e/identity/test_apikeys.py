"""`apikeys` through the front door: keys are made, used, rotated, ended, and heard of."""

import json
import os
import re
import secrets
import time
from typing import Any

import httpx
import pytest

from localstack.logs import Tail
from tests.kit.people import Mailbox, People, Person, eventually
from tests.kit.workers import client

SCOPES = ["tasks:read", "tasks:write"]


@pytest.fixture
def ann(people: People) -> Person:
    """Somebody of this test's own, who has signed in a moment ago."""
    return people.new(name="Ann")


def make(owner: Person, **fields: Any) -> dict[str, Any]:
    made = owner.post("/apikeys", json={"name": f"Robot {secrets.token_hex(3)}", "scopes": SCOPES, **fields})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = {**made.json(), "etag": made.headers["etag"]}
    return found


def use(http: httpx.Client, key: str, path: str = "/tasks", method: str = "GET", **options: Any) -> httpx.Response:
    return http.request(method, path, headers={"authorization": f"Bearer {key}"}, **options)


def refused(http: httpx.Client, key: str, *, within: float = 15.0) -> None:
    """The key is out of use by then, wherever it was used before."""
    eventually(lambda: True if use(http, key).status_code == 401 else None, within=within, what="The end of the key")


def test_a_key_works_at_once_and_its_secret_is_shown_once(ann: Person, anonymous: httpx.Client):
    made = make(ann)

    task = use(anonymous, made["key"], method="POST", json={"title": "By a program"})

    assert task.status_code == 201
    assert ann.get(task.headers["location"]).json()["title"] == "By a program"
    assert "key" not in ann.get(f"/apikeys/{made['id']}").json()
    assert made["id"] in [one["id"] for one in ann.get("/apikeys").json()["items"]]


def test_a_key_says_what_it_is_and_how_it_is_used(ann: Person, anonymous: httpx.Client):
    made = make(ann, ip_allow=["127.0.0.0/8", "::1"])
    for _ in range(3):
        assert use(anonymous, made["key"]).status_code == 200

    itself = use(anonymous, made["key"], "/apikeys/self").json()
    seen = ann.get(f"/apikeys/{made['id']}").json()
    usage = ann.get(f"/apikeys/{made['id']}/usage").json()

    assert (itself["id"], itself["permissions"]) == (made["id"], SCOPES)
    assert seen["requests_total"] == usage["requests"] == 4
    assert seen["last_used_ip"].startswith("127.")
    assert usage["by_class"] == [{"rate_class": "read", "count": 4}]


def test_a_key_does_only_what_it_was_made_for(ann: Person, anonymous: httpx.Client):
    made = make(ann, scopes=["tasks:read"], env="test")

    assert use(anonymous, made["key"], method="POST", json={"title": "No"}).status_code == 403
    assert use(anonymous, made["key"], "/accounts/me").status_code == 403
    assert use(anonymous, made["key"], "/apikeys").status_code == 403
    child = use(anonymous, made["key"], "/apikeys", "POST", json={"name": "Child", "scopes": SCOPES})
    assert (child.status_code, child.json()["type"]) == (403, "/problems/insufficient-scope")


def test_a_revoked_key_is_refused_everywhere_within_15_seconds(ann: Person, anonymous: httpx.Client):
    made = make(ann)
    assert use(anonymous, made["key"]).status_code == 200

    assert ann.post(f"/apikeys/{made['id']}/revoke").json()["status"] == "revoked"

    refused(anonymous, made["key"])


def test_a_rotated_key_has_two_secrets_until_the_overlap_is_over(ann: Person, anonymous: httpx.Client):
    made = make(ann)
    assert use(anonymous, made["key"]).status_code == 200

    second = ann.post(f"/apikeys/{made['id']}/rotate", json={"overlap_s": 3600}).json()
    assert use(anonymous, made["key"]).status_code == use(anonymous, second["key"]).status_code == 200
    third = ann.post(f"/apikeys/{made['id']}/rotate", json={"overlap_s": 0}).json()

    refused(anonymous, second["key"])
    refused(anonymous, made["key"])
    assert use(anonymous, third["key"]).status_code == 200


def test_a_key_that_was_found_is_ended_and_its_owner_is_told(ann: Person, anonymous: httpx.Client, mailbox: Mailbox):
    made = make(ann, name="In a public repository")
    assert use(anonymous, made["key"]).status_code == 200

    reported = anonymous.post("/apikeys/revoke-leaked", json={"keys": [made["key"], "nonsense"]})

    assert reported.status_code == 202
    refused(anonymous, made["key"])
    mail = mailbox.latest(ann.email, subject="should not be")
    assert "In a public repository" in mail.text
    assert made["key"][26:] not in mail.text


def test_the_owner_is_told_of_a_new_key(ann: Person, mailbox: Mailbox):
    made = make(ann, name="Weather station")

    mail = mailbox.latest(ann.email, subject="new API key")

    assert "Weather station" in mail.text
    assert made["prefix"] in mail.text
    assert made["key"][26:] not in mail.text


def test_a_new_password_leaves_the_keys_as_they_are(ann: Person, anonymous: httpx.Client):
    made = make(ann)
    assert use(anonymous, made["key"]).status_code == 200

    changed = ann.post("/accounts/me/password", json={"current": ann.password, "new": "a morning by the sea wall"})
    assert changed.status_code < 300, changed.text

    # Until the key has heard of the new epoch it is refused; then it goes on, whichever process is asked.
    deadline = time.monotonic() + 20
    good = 0
    while good < 5:
        good = good + 1 if use(anonymous, made["key"]).status_code == 200 else 0
        assert time.monotonic() < deadline


def test_a_replay_is_answered_without_the_secret(ann: Person):
    body = {"name": "Once", "scopes": SCOPES}
    headers = {"idempotency-key": secrets.token_hex(16)}

    first = ann.post("/apikeys", json=body, headers=headers)
    second = ann.post("/apikeys", json=body, headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == {**first.json(), "key": None}


def test_another_person_is_told_nothing(people: People, ann: Person):
    made, other = make(ann), people.new()

    assert other.get(f"/apikeys/{made['id']}").status_code == 404
    assert other.post(f"/apikeys/{made['id']}/revoke").status_code == 404


def test_staff_end_every_key_of_somebody(people: People, ann: Person, anonymous: httpx.Client):
    made = make(ann)
    admin = people.admin()

    listed = admin.get(f"/apikeys/admin/keys?owner_id={ann.id}").json()["items"]
    ended = admin.post("/apikeys/admin/revoke-all", json={"owner_id": ann.id})

    assert [one["id"] for one in listed] == [made["id"]]
    assert ended.json() == {"revoked": 1}
    refused(anonymous, made["key"])


def test_the_form_of_a_key_is_public(ann: Person, anonymous: httpx.Client):
    published = anonymous.get("/apikeys/format").json()["pattern"]

    assert re.fullmatch(published, make(ann)["key"])


def test_erasure_is_not_for_the_outside(user: Person):
    assert user.post("/apikeys/internal/erase", json={"owner_id": user.id}).status_code == 404
    assert user.get(f"/apikeys/internal/keys?user_id={user.id}").status_code == 404


def test_no_secret_is_in_any_log_or_mail(ann: Person, anonymous: httpx.Client, mailbox: Mailbox):
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    assert endpoint, "The logs are read from the emulator."
    began_ms = int((time.time() - 1) * 1000)
    made = make(ann)
    rotated = ann.post(f"/apikeys/{made['id']}/rotate", json={}).json()
    use(anonymous, made["key"])
    use(anonymous, rotated["key"][:-1])
    ann.post("/apikeys", content=json.dumps({"name": made["key"]})[:-1], headers={"content-type": "application/json"})
    traced = use(anonymous, rotated["key"]).headers["traceparent"].split("-")[1]
    anonymous.post("/apikeys/revoke-leaked", json={"keys": [rotated["key"]]})
    mailbox.latest(ann.email, subject="should not be")

    stack = os.environ.get("STACK", "tessera")

    tail = Tail(client("logs"), f"/tessera/{stack}", since_ms=began_ms)
    found: list[str] = []

    def lines() -> str | None:
        found.extend(event["message"] for event in tail.read())
        text = "\n".join(found)
        return text if traced in text else None

    written = eventually(lines, what="The log line of the last request")
    mails = "\n".join(mail.text for mail in mailbox.all(ann.email))
    for text in (made["key"], rotated["key"]):
        assert text[26:46] not in written
        assert text[26:46] not in mails
