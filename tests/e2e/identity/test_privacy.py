"""Somebody takes along what they have in many capabilities, and leaves: nothing of it is left anywhere."""

import json
import secrets
from typing import Any

import httpx
import pytest

from tessera import ids
from tests.kit.internal import invoke
from tests.kit.people import Mailbox, People, Person, eventually

from .test_account_life import item_of, login

pytestmark = pytest.mark.long


def made(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def live_everywhere(ann: Person, word: str) -> str:
    """One thing of each kind, each named by the word; the id of what she has published."""
    made(ann.post("/tasks", json={"title": word, "tags": ["home"]}))
    made(
        ann.post(
            "/reminders", json={"title": word, "schedule": {"cron": "0 9 * * *", "tz": "UTC"}, "action": {"notify": {}}}
        )
    )
    made(ann.post("/files", json={"name": f"{word}.txt", "type": "text/plain", "size": 5}))
    room = made(ann.post("/chat/rooms", json={"name": f"Room {word}", "kind": "private", "member_ids": []}))
    said = {"text": word, "client_msg_id": ids.new()}
    made(ann.post(f"/chat/rooms/{room['id']}/messages", json=said))
    made(ann.post("/shortener/links", json={"url": f"https://example.com/{word}", "title": word}))
    made(ann.put(f"/presence/rooms/doc-{word}", json={"visibility": "public", "ttl_s": 30}))
    made(ann.post("/notifications/devices", json={"platform": "fcm", "token": f"phone-{word}", "name": word}))
    made(ann.post("/organisations", json={"name": word, "slug": f"org-{word}"}))
    made(ann.post("/apikeys", json={"name": word, "scopes": ["tasks:read"]}))
    body = {"email": ann.email, "password": ann.password, "device_name": word}
    made(ann.http.post("/sessions/login", json=body, headers={"sec-fetch-site": "same-origin"}))
    post = made(ann.post("/blog/posts", json={"title": word, "body": f"About {word}.", "status": "published"}))
    made(ann.post(f"/blog/posts/{post['id']}/comments", json={"body": word}))
    return str(post["id"])


def export_of(who: Person) -> dict[str, Any]:
    asked = who.post("/accounts/me/export")
    assert asked.status_code == 202, asked.text

    def over() -> dict[str, Any] | None:
        found: dict[str, Any] = who.get(asked.headers["location"]).json()
        return found if found["state"] not in ("queued", "running") else None

    job = eventually(over, within=120, what="the end of the export")
    assert job["state"] == "done", job
    link = who.get(job["result"]["download"]).json()["url"]
    found: dict[str, Any] = httpx.get(link, timeout=30).raise_for_status().json()
    return found


# Where the word of a person stands in their export, by capability.
NAMED = {
    "tasks": "task",
    "reminders": "reminder",
    "files": "file",
    "chat": "message",
    "shortener": "link",
    "presence": "room",
    "notifications": "device",
    "organisations": "membership",
    "apikeys": "key",
    "sessions": "session",
    "blog": "post",
}


def test_all_that_somebody_has_is_in_one_file_and_then_nowhere(
    people: People, anonymous: httpx.Client, mailbox: Mailbox
):
    ann, bob = people.new(name="Ann"), people.new(name="Bob")
    word, other = (f"w{secrets.token_hex(8)}" for _ in range(2))
    post_id = live_everywhere(ann, word)
    made(bob.post("/tasks", json={"title": other}))

    told = export_of(ann)

    for capability, kind in NAMED.items():
        items = [item for item in told[capability] if item["kind"] == kind]
        assert any(word in json.dumps(item) for item in items), f"{capability} tells of no {kind}: {told[capability]}"
    assert any(item["kind"] == "mail" for item in told["outbox"]) and "missing" not in told
    assert told["accounts"]["profile"]["email"] == ann.email
    text = json.dumps(told)
    assert other not in text and ann.tokens["refresh_token"] not in text and "argon2" not in text
    assert f"phone-{word}" not in text

    assert invoke("seed", "POST", f"/accounts/internal/users/{ann.id}/delete", {"now": True})[0] == 200
    eventually(
        lambda: invoke("seed", "GET", f"/accounts/internal/users/{ann.id}")[0] == 404 or None,
        within=180,
        what="the erasure",
    )

    proof = {note.split()[0] for note in item_of("accounts", f"ERASED#{ann.id}")["done"]["SS"]}
    assert proof >= NAMED.keys() | {"outbox", "oauth", "admin", "media", "realtime", "search", "ratelimit"}
    assert login(ann).status_code == 401
    author = made(anonymous.get(f"/blog/posts/{post_id}"))["author"]
    assert author["username"].startswith("user-") and author["name"] is None
    assert anonymous.get(f"/presence/rooms/doc-{word}").status_code in (401, 404)
    assert made(bob.get("/tasks"))["items"][0]["title"] == other
