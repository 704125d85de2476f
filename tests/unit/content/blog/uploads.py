"""What other blogs export, and how somebody brings it here."""

import io
import json
import zipfile
from typing import Any

import httpx

from functions.content.blog.store.objects import export_key, upload_key
from tests.kit.apps import Caller

from .conftest import World


def ghost(*posts: dict[str, Any], **data: Any) -> bytes:
    known = {"status": "published", "html": "<p>What it says.</p>", "published_at": "2020-01-02T03:04:05.000Z"}
    told = [{"id": str(number), **known, **post} for number, post in enumerate(posts)]
    return json.dumps({"db": [{"meta": {}, "data": {"posts": told, **data}}]}).encode()


def wordpress(*items: str, head: str = "") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>{head}
        <rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
            xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:wp="http://wordpress.org/export/1.2/">
        <channel><title>Old blog</title><wp:wxr_version>1.2</wp:wxr_version>{"".join(items)}</channel></rss>""".encode()


def entry(title: str, status: str = "publish", kind: str = "post", more: str = "") -> str:
    return f"""<item><title><![CDATA[{title}]]></title><content:encoded><![CDATA[What *it* says.]]></content:encoded>
        <excerpt:encoded><![CDATA[In short]]></excerpt:encoded><wp:post_name>{title.lower()}</wp:post_name>
        <wp:post_date_gmt>2015-06-07 08:09:10</wp:post_date_gmt><wp:status>{status}</wp:status>
        <wp:post_type>{kind}</wp:post_type>{more}</item>"""


def send(world: World, by: Caller, file: bytes) -> str:
    made = by.post("/blog/import/uploads")
    assert made.status_code == 201, made.text
    upload_id: str = made.json()["upload_id"]
    world.ports.objects.put(upload_key(by.id, upload_id), file)
    return upload_id


def ask(by: Caller, upload_id: str) -> httpx.Response:
    return by.post("/blog/import", json={"upload_id": upload_id})


def bring(world: World, by: Caller, file: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The job of an import that was run to its end, and its report."""
    upload_id = send(world, by, file)
    asked = ask(by, upload_id)
    assert asked.status_code == 202, asked.text
    world.work()
    return by.get(asked.headers["location"]).json(), lines(by, upload_id)


def lines(by: Caller, upload_id: str) -> list[dict[str, Any]]:
    answer = by.get(f"/blog/imports/{upload_id}?limit=100")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def fetched(world: World, by: Caller) -> bytes:
    asked = by.post("/blog/export")
    assert asked.status_code == 202, asked.text
    world.work()
    job = by.get(asked.headers["location"]).json()
    assert job["state"] == "done", job
    file = world.ports.objects.get(export_key(by.id, job["id"]))
    assert file is not None and len(file) == job["result"]["size_bytes"]
    return file


def zipped(**files: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name.replace("_", "."), text)
    return out.getvalue()


def remark(number: int, body: str, parent: int = 0, approved: str = "1", more: str = "") -> str:
    """A comment as WordPress has it, one a day."""
    return f"""<wp:comment><wp:comment_id>{number}</wp:comment_id>
        <wp:comment_author><![CDATA[Gil {number}]]></wp:comment_author>
        <wp:comment_author_email>gil{number}@example.com</wp:comment_author_email>
        <wp:comment_author_IP>203.0.113.{number}</wp:comment_author_IP>
        <wp:comment_date_gmt>2015-07-{number:02d} 10:00:00</wp:comment_date_gmt>
        <wp:comment_content><![CDATA[{body}]]></wp:comment_content><wp:comment_approved>{approved}</wp:comment_approved>
        <wp:comment_parent>{parent}</wp:comment_parent>{more}<wp:commentmeta><wp:meta_key>x</wp:meta_key>
        <wp:meta_value>y</wp:meta_value></wp:commentmeta></wp:comment>"""
