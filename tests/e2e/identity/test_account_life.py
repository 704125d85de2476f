"""The life of an account from outside: another address, guests, what is kept, taking it along, and leaving."""

import base64
import hashlib
import os
import random
import secrets
import time
from typing import Any

import bcrypt
import httpx
import localstack_client.session
import pytest

from tests.kit.internal import invoke
from tests.kit.people import Mailbox, People, Person, eventually

pytestmark = pytest.mark.long
NEW = "another evening in town"
WRONG = "not the right one at all"


@pytest.fixture
def ann(people: People) -> Person:
    """Somebody of this test's own, because it changes the account itself."""
    return people.new(name="Ann")


def item_of(capability: str, pk: str) -> dict[str, Any]:
    """What a table holds at this key: looked at behind the API, because a proof is for nobody's eyes but staff's."""
    region = os.environ.get("AWS_DEFAULT_REGION", "eu-central-1")
    session = localstack_client.session.Session("test", "test", region_name=region)
    tables = session.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    key = {"pk": {"S": pk}, "sk": {"S": "MAIN"}}
    name = f"{os.environ.get('STACK', 'tessera')}-{capability}"
    found: dict[str, Any] = tables.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
    return found


def other_address() -> str:
    return f"new-{secrets.token_hex(6)}@example.org"


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def move(who: Person, mailbox: Mailbox, email: str) -> None:
    assert who.post("/accounts/me/email", json={"email": email}).status_code == 202
    answer = who.post("/accounts/me/email/confirm", json={"code": mailbox.latest(email, subject="confirm").code})
    assert answer.status_code == 200, answer.text


def login(who: Person, email: str = "", password: str = "", **more: Any) -> httpx.Response:
    body = {"email": email or who.email, "password": password or who.password, **more}
    return who.http.post("/accounts/login", json=body)


def test_an_address_is_changed_by_the_code_from_the_new_one(ann: Person, mailbox: Mailbox):
    email = other_address()

    move(ann, mailbox, email)

    assert ann.get("/accounts/me").json()["email"] == email
    assert login(ann, email).status_code == 200
    assert login(ann).status_code == 401


def test_the_old_address_takes_the_account_back_and_ends_every_session(ann: Person, mailbox: Mailbox):
    email = other_address()
    move(ann, mailbox, email)
    mail = mailbox.latest(ann.email, subject="address of your account was changed")

    assert email not in mail.text
    assert ann.http.post("/accounts/me/email/revert", json={"token": mail.token}).status_code == 200

    assert ann.refresh().status_code == 401
    assert login(ann, email).status_code == 401
    assert login(ann).status_code == 200
    eventually(lambda: ann.get("/accounts/me").status_code == 401 or None, within=15, what="the end of the session")


def test_who_takes_an_account_back_can_choose_a_new_password(ann: Person, mailbox: Mailbox):
    move(ann, mailbox, other_address())
    ann.http.post(
        "/accounts/me/email/revert",
        json={"token": mailbox.latest(ann.email, subject="address of your account was changed").token},
    )
    token = mailbox.latest(ann.email, subject="old address again").token

    assert ann.http.post("/accounts/password/reset", json={"token": token, "password": NEW}).status_code == 200
    assert login(ann).status_code == 401
    assert login(ann, password=NEW).status_code == 200


def test_a_taken_address_is_told_to_its_owner_alone(people: People, ann: Person, mailbox: Mailbox):
    bob = people.new()

    taken = ann.post("/accounts/me/email", json={"email": bob.email})
    free = ann.post("/accounts/me/email", json={"email": other_address()})

    assert (taken.status_code, taken.text) == (free.status_code, free.text)
    assert mailbox.latest(bob.email, subject="already has an account")


def test_a_wrong_code_changes_nothing(ann: Person, mailbox: Mailbox):
    email = other_address()
    ann.post("/accounts/me/email", json={"email": email})
    code = mailbox.latest(email).code
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    answer = ann.post("/accounts/me/email/confirm", json={"code": wrong})

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/code-invalid")
    assert ann.get("/accounts/me").json()["email"] == ann.email


def test_the_fourth_change_within_an_hour_is_refused(ann: Person):
    answers = [ann.post("/accounts/me/email", json={"email": other_address()}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize("email", ["nobody", "a b@example.com", "ann\u202e@example.com"], ids=repr)
def test_what_is_no_address_is_pointed_at(ann: Person, email: str):
    answer = ann.post("/accounts/me/email", json={"email": email})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/email"]


def test_a_made_up_way_back_is_refused_and_a_get_uses_none_up(ann: Person, mailbox: Mailbox):
    made_up = ann.http.post("/accounts/me/email/revert", json={"token": "A" * 64})
    move(ann, mailbox, other_address())
    token = mailbox.latest(ann.email, subject="address of your account was changed").token
    fetched = ann.http.get("/accounts/me/email/revert", params={"token": token})

    assert (made_up.status_code, fetched.status_code) == (400, 405)
    assert ann.http.post("/accounts/me/email/revert", json={"token": token}).status_code == 200
    assert ann.http.post("/accounts/me/email/revert", json={"token": token}).status_code == 400


@pytest.fixture
def guest(people: People) -> Any:
    with people.client() as http:
        answer = http.post("/accounts/guest", json={})
        assert answer.status_code == 201, answer.text
        yield {**answer.json(), "http": http}


def test_a_guest_has_an_id_and_nothing_of_an_account(guest: dict[str, Any]):
    http, headers = guest["http"], bearer(guest)

    assert guest["user"]["roles"] == ["guest"]
    assert http.get("/accounts/me", headers=headers).status_code == 403
    assert http.get("/tasks", headers=headers).status_code == 403
    assert http.get(f"/accounts/users/{guest['user']['id']}", headers=headers).status_code == 200


def test_a_guest_refreshes(guest: dict[str, Any]):
    answer = guest["http"].post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]})

    assert answer.status_code == 200


def test_a_guest_who_signs_up_keeps_the_id(guest: dict[str, Any], mailbox: Mailbox):
    http, email, password = guest["http"], other_address(), f"kite-{secrets.token_urlsafe(12)}"
    asked = http.post("/accounts/me/upgrade", json={"email": email, "password": password}, headers=bearer(guest))
    assert asked.status_code == 202, asked.text

    sent = {"sign_up_id": asked.json()["sign_up_id"], "code": mailbox.latest(email).code}
    made = http.post("/accounts/sign-up/verify", json=sent)

    assert made.status_code == 201, made.text
    assert made.json()["user"]["id"] == guest["user"]["id"]
    assert made.json()["user"]["roles"] == ["user"]
    assert http.get("/tasks", headers=bearer(made.json())).status_code == 200
    old = http.post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]})
    assert old.status_code == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_guest_who_signs_in_goes_over_into_the_account(guest: dict[str, Any], ann: Person, kind: str):
    answer = login(ann, guest_token=guest[kind])

    assert answer.status_code == 200
    assert answer.json()["user"]["id"] == ann.id
    refused = guest["http"].post("/accounts/token/refresh", json={"refresh_token": guest["refresh_token"]})
    assert refused.status_code == 401


def test_a_stale_guest_token_keeps_nobody_from_signing_in(ann: Person):
    assert login(ann, guest_token="trt_what.ever").status_code == 200


def test_somebody_with_an_address_is_no_guest(ann: Person):
    answer = ann.post("/accounts/me/upgrade", json={"email": other_address(), "password": NEW})

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-guest")


def test_what_happened_is_listed_newest_first(ann: Person):
    login(ann, device_name="a blue phone")

    items = ann.get("/accounts/me/activity").json()["items"]

    assert [item["action"] for item in items] == ["login", "sign-up"]
    assert {item["by"] for item in items} == {"you"}
    assert all(item["place"].endswith("/24") for item in items)


def test_the_list_of_what_happened_goes_on_page_by_page(people: People, ann: Person):
    for _ in range(3):
        login(ann)

    first = ann.get("/accounts/me/activity?limit=2").json()
    second = ann.get(f"/accounts/me/activity?limit=2&cursor={first['next']}").json()

    ids_seen = [item["id"] for item in first["items"] + second["items"]]
    assert len(set(ids_seen)) == 4
    assert people.new().get(f"/accounts/me/activity?limit=2&cursor={first['next']}").status_code == 400


def test_a_browsers_session_is_listed_and_ended_beside_the_others(ann: Person):
    body = {"email": ann.email, "password": ann.password, "device_name": "a browser"}
    signed_in = ann.http.post("/sessions/login", json=body, headers={"sec-fetch-site": "same-origin"})
    assert signed_in.status_code == 200, signed_in.text

    def listed() -> dict[str, Any] | None:
        found: dict[str, Any] = ann.get("/accounts/me/sessions").json()
        return found if found["complete"] else None

    # The first call may find the other function cold, and the list does not wait for it.
    items = eventually(listed, what="the complete list")["items"]

    (of_browser,) = [item for item in items if item["kind"] == "cookie"]
    assert [item["kind"] for item in items].count("token") == 1
    assert ann.delete(f"/accounts/me/sessions/{of_browser['id']}").status_code == 204
    left = eventually(listed, what="the complete list")["items"]
    assert [item["kind"] for item in left] == ["token"]


def test_a_session_of_nobody_is_not_there(ann: Person):
    answer = ann.delete("/accounts/me/sessions/01J00000000000000000000000")

    assert answer.status_code == 404


def test_a_ticket_is_given_for_half_a_minute(ann: Person):
    answer = ann.post("/accounts/tickets")

    assert answer.status_code == 201
    assert answer.json()["ticket"].startswith("twt_")
    assert answer.headers["cache-control"] == "no-store"


def test_somebody_is_found_by_their_handle_and_by_the_one_before(ann: Person):
    first, second = (f"h{secrets.token_hex(6)}" for _ in range(2))
    for handle in (first, second):
        etag = ann.get("/accounts/me").headers["etag"]
        assert ann.patch("/accounts/me", json={"handle": handle}, headers={"if-match": etag}).status_code == 200

    found = [ann.get("/accounts/users/by-handle", params={"handle": handle}) for handle in (first.upper(), second)]

    assert [answer.json()["id"] for answer in found] == [ann.id, ann.id]
    assert {answer.json()["handle"] for answer in found} == {second}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("handle", "p\u0430ypal"),
        ("handle", "a\u202eb"),
        ("handle", "a b"),
        ("locale", "english"),
        ("timezone", "Europe/Nowhere"),
        ("metadata", {"x": "y" * 5000}),
    ],
    ids=["mixed scripts", "direction", "space", "language", "zone", "too much"],
)
def test_a_profile_that_makes_no_sense_is_pointed_at(ann: Person, field: str, value: Any):
    etag = ann.get("/accounts/me").headers["etag"]

    answer = ann.patch("/accounts/me", json={field: value}, headers={"if-match": etag})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"


def test_the_configuration_says_what_is_offered(anonymous: httpx.Client):
    found = anonymous.get("/accounts/config").json()

    assert found["guests"] is True
    assert found["password_breach_list"] is False
    assert found["deletion_grace_days"] == 30


def test_everything_is_gathered_in_one_file_to_be_downloaded(ann: Person, mailbox: Mailbox):
    asked = ann.post("/accounts/me/export")
    assert asked.status_code == 202
    job_url = asked.headers["location"]

    def over() -> dict[str, Any] | None:
        found: dict[str, Any] = ann.get(job_url).json()
        return found if found["state"] not in ("queued", "running") else None

    job = eventually(over, within=60, what="the end of the export")
    assert job["state"] == "done", job
    link = ann.get(job["result"]["download"]).json()
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link["url"]
    answer = httpx.get(link["url"], timeout=30)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    found = answer.json()
    assert found["accounts"]["profile"]["email"] == ann.email
    assert "argon2" not in answer.text and ann.tokens["refresh_token"] not in answer.text
    assert ann.post("/accounts/me/export").json()["id"] == job["id"]
    assert mailbox.latest(ann.email, subject="data is ready")


def test_nobody_reads_the_export_of_somebody_else(people: People, ann: Person):
    job = ann.post("/accounts/me/export").json()
    bob = people.new()

    assert bob.get(f"/accounts/jobs/{job['id']}").status_code == 404
    assert bob.get(f"/accounts/me/exports/{job['id']}").status_code == 404


def test_who_leaves_is_signed_out_and_comes_back_by_signing_in(ann: Person, mailbox: Mailbox):
    left = ann.delete("/accounts/me")
    assert left.status_code == 200
    assert left.json()["status"] == "deleting"
    assert mailbox.latest(ann.email, subject="will be deleted")
    assert ann.refresh().status_code == 401

    back = login(ann)

    assert (back.status_code, back.json()["user"]["status"]) == (200, "active")
    assert mailbox.latest(ann.email, subject="your account stays")
    assert ann.http.get("/tasks", headers=bearer(back.json())).status_code == 200


def test_a_wrong_password_does_not_bring_back_who_leaves(ann: Person):
    ann.delete("/accounts/me")

    assert login(ann, password=WRONG).json()["type"] == "/problems/login-failed"


def test_an_account_is_erased_everywhere(ann: Person):
    """The sweeper looks once a minute; then every capability is asked until nothing is left."""
    assert ann.post("/tasks", json={"title": "Buy milk"}).status_code == 201
    status, _ = invoke("seed", "POST", f"/accounts/internal/users/{ann.id}/delete", {"now": True})
    assert status == 200
    assert login(ann).status_code == 401

    def gone() -> bool | None:
        return invoke("seed", "GET", f"/accounts/internal/users/{ann.id}")[0] == 404 or None

    eventually(gone, within=150, what="the erasure")
    proof = item_of("accounts", f"ERASED#{ann.id}")
    assert "finished" in proof and "left" not in proof
    assert {"tasks", "outbox", "sessions"} <= {note.split()[0] for note in proof["done"]["SS"]}
    assert (int(next(note for note in proof["done"]["SS"] if note.startswith("tasks ")).split()[2])) > 0


@pytest.mark.parametrize("path", ["/accounts/login", "/accounts/password/forgot"])
def test_enumeration_bodies_equal(people: People, ann: Person, path: str):
    http = people.client()
    password = {"password": WRONG} if path.endswith("login") else {}

    answers = [http.post(path, json={"email": email, **password}) for email in (ann.email, f"no-{ann.email}")]

    kept = [(answer.status_code, answer.text.split('"trace_id"')[0]) for answer in answers]
    assert kept[0] == kept[1]
    headers = [sorted(set(answer.headers) - {"ratelimit"}) for answer in answers]
    assert headers[0] == headers[1]


def test_enumeration_timing(people: People):
    """Few samples, because each costs an attempt and the floor. The quickest of each kind are compared: everything
    else that the stack does at the moment makes an answer later, and never earlier. What a kind itself takes longer
    shows each time, with other people too; what the machine was busy with does not."""
    spreads = []
    for _ in range(3):
        quickest = quickest_refusals(people, people.new())
        assert min(quickest.values()) >= 0.35
        spreads.append(quickest)
        if max(quickest.values()) - min(quickest.values()) < 0.05:
            return
    raise AssertionError(spreads)


def quickest_refusals(people: People, ann: Person) -> dict[str, float]:
    """How long the quickest of eight refusals took of somebody, of nobody, and of who has not confirmed an address."""
    http, pending = people.client(), other_address()
    http.post("/accounts/sign-up", json={"email": pending, "password": NEW})
    emails = {"wrong": ann.email, "unknown": f"no-{ann.email}", "unverified": pending}
    took: dict[str, list[float]] = {kind: [] for kind in emails}
    http.post("/accounts/login", json={"email": f"warm-{ann.email}", "password": WRONG})

    for _ in range(8):
        for kind in random.sample(sorted(emails), len(emails)):
            started = time.monotonic()
            answer = http.post("/accounts/login", json={"email": emails[kind], "password": WRONG})
            took[kind].append(time.monotonic() - started)
            assert answer.status_code == 401

    return {kind: min(values) for kind, values in took.items()}


def test_lock_enforced_in_other_capability_under_15s(ann: Person):
    assert ann.get("/tasks").status_code == 200

    status, _ = invoke("seed", "POST", f"/accounts/internal/users/{ann.id}/lock", {"reason": "a test"})
    assert status == 200
    started = time.monotonic()

    eventually(lambda: ann.get("/tasks").status_code == 401 or None, within=15, what="the lock")
    assert time.monotonic() - started < 15
    assert ann.refresh().status_code == 401
    assert login(ann).json()["type"] == "/problems/login-failed"


def test_known_device_not_locked_out(people: People, ann: Person):
    attacker = people.client()
    guesses = [attacker.post("/accounts/login", json={"email": ann.email, "password": WRONG}) for _ in range(11)]
    assert guesses[-1].status_code == 429

    headers = {"x-device-token": ann.tokens["device_token"]}
    body = {"email": ann.email, "password": ann.password}

    assert ann.http.post("/accounts/login", json=body, headers=headers).status_code == 200


@pytest.fixture(scope="module")
def foreign() -> dict[str, str]:
    """The same password as three other systems keep it."""
    word = b"correct horse battery staple"
    derived = hashlib.pbkdf2_hmac("sha256", word, b"salty", 1_000)
    scrypt = hashlib.scrypt(word, salt=b"salty", n=1024, r=8, p=1, dklen=64)
    return {
        "bcrypt": bcrypt.hashpw(word, bcrypt.gensalt(5)).decode(),
        "pbkdf2": f"pbkdf2_sha256$1000$salty${base64.b64encode(derived).decode()}",
        "scrypt": f"scrypt:1024:8:1$salty${scrypt.hex()}",
    }


@pytest.mark.parametrize("kind", ["bcrypt", "pbkdf2", "scrypt"])
def test_import_hash_formats(people: People, foreign: dict[str, str], kind: str):
    email = other_address()
    status, made = invoke("admin", "POST", "/accounts/internal/users", {"email": email, "password_hash": foreign[kind]})
    assert status == 201, made

    http = people.client()
    for _ in range(2):
        answer = http.post("/accounts/login", json={"email": email, "password": "correct horse battery staple"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["user"]["id"] == made["id"]
    wrong = http.post("/accounts/login", json={"email": email, "password": WRONG})
    assert wrong.status_code == 401
