"""What tests of the blog do from outside, again and again."""

from typing import Any

import httpx

from localstack.seed.pictures import png
from tessera import ids
from tests.kit import uploads
from tests.kit.people import Person, eventually

API = "/blog/realworld/api"


def write(by: Person, **fields: Any) -> dict[str, Any]:
    """A post, published unless it is said otherwise, with its ETag."""
    body = {"title": f"Post {ids.new()}", "body": "What it *says*.", "status": "published", **fields}
    made = by.post("/blog/posts", json=body)
    assert made.status_code == 201, made.text
    return {**made.json(), "etag": made.headers["etag"]}


def comment(by: Person, post: dict[str, Any], body: str = "I see.", **fields: Any) -> dict[str, Any]:
    made = by.post(f"/blog/posts/{post['id']}/comments", json={"body": body, **fields})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def member(http: httpx.Client) -> tuple[str, dict[str, str]]:
    """Somebody of the facade: their name, and the header that says who they are."""
    name = f"m_{ids.new().lower()}"
    body = {"user": {"username": name, "email": f"{name}@example.com", "password": "password123"}}
    made = http.post(f"{API}/users", json=body)
    assert made.status_code == 201, made.text
    return name, {"authorization": f"Token {made.json()['user']['token']}"}


def article(http: httpx.Client, headers: dict[str, str], **fields: Any) -> dict[str, Any]:
    body = {"title": f"Article {ids.new()}", "description": "About it", "body": "What it says.", **fields}
    made = http.post(f"{API}/articles", json={"article": body}, headers=headers)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()["article"]
    return found


def upload(by: Person, file: bytes) -> str:
    """Send a file to be imported, as a browser would."""
    made = by.post("/blog/import/uploads")
    assert made.status_code == 201, made.text
    form = made.json()
    sent = httpx.post(form["url"], data=form["fields"], files={"file": file})
    assert sent.status_code == 201, sent.text
    upload_id: str = form["upload_id"]
    return upload_id


def finished(by: Person, asked: httpx.Response) -> dict[str, Any]:
    """The job of a 202, once it has ended."""
    assert asked.status_code == 202, asked.text

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = by.get(asked.headers["location"]).json()
        return None if found["state"] in ("queued", "running") else found

    return eventually(look, within=60, what="the job")


def picture(by: Person) -> str:
    """A picture of theirs that was sent and found clean."""
    body = png(8, 8)
    made = by.post("/files", json={"name": "a.png", "type": "image/png", "size": len(body)}).json()
    uploads.send(made, body)
    eventually(lambda: by.get(f"/files/{made['id']}").json()["state"] == "clean" or None, within=90)
    file_id: str = made["id"]
    return file_id
