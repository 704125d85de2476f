"""`blog` through the front door: posts as a file, out and in."""

import io
import json
import zipfile
from typing import Any

import httpx

from tessera import ids
from tests.kit.blogging import comment, finished, upload, write
from tests.kit.people import eventually


def exported(by: Any) -> bytes:
    job = finished(by, by.post("/blog/export"))
    assert job["state"] == "done", job
    link = by.get(job["result"]["download"])
    assert link.status_code == 200, link.text
    return httpx.get(link.json()["url"]).raise_for_status().content


def imported(by: Any, file: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    upload_id = upload(by, file)
    job = finished(by, by.post("/blog/import", json={"upload_id": upload_id}))
    report: list[dict[str, Any]] = by.get(f"/blog/imports/{upload_id}").json()["items"]
    return job, report


def ghost(*posts: dict[str, Any]) -> bytes:
    known = {"status": "published", "html": "<p>What it says.</p>", "published_at": "2016-02-03T04:05:06.000Z"}
    return json.dumps({"db": [{"data": {"posts": [{**known, **post} for post in posts]}}]}).encode()


def test_an_export_is_a_zip_of_ones_own_posts(people):
    ann, bob = people.new(), people.new()
    mine = [write(ann, body="# Mine\n\nText"), write(ann, status="draft")]
    write(bob)

    with zipfile.ZipFile(io.BytesIO(exported(ann))) as packed:
        index = json.loads(packed.read("blog.json"))["posts"]
        texts = {one["id"]: packed.read(one["file"]).decode() for one in index}

    assert texts.keys() == {one["id"] for one in mine}
    assert texts[mine[0]["id"]].endswith("---\n\n# Mine\n\nText")


def test_an_export_comes_in_again_with_its_dates_and_a_slug_of_its_own(people, anonymous):
    ann, bob = people.new(), people.new()
    post = write(ann, publish_at="2014-03-02T01:00:00Z", tags=["tea"])

    job, (line,) = imported(bob, exported(ann))

    assert job["state"] == "done" and line["slug"].startswith(post["slug"]) and line["slug"] != post["slug"]
    found = anonymous.get(f"/blog/by-slug/{line['slug']}").json()
    assert found["published_at"].startswith("2014-03-02T01:00:00") and found["tags"] == ["tea"]
    assert found["author_id"] == bob.id


def thread(by: Any, post_id: str) -> list[tuple[Any, ...]]:
    found = by.get(f"/blog/posts/{post_id}/comments?limit=100").json()["items"]
    said = {one["id"]: one["body"] for one in found}
    names = [
        one["guest"] or (one["author"] or {}).get("name") or (one["author"] or {}).get("username") for one in found
    ]
    return [
        (one["body"], one["status"], one["depth"], said.get(one["parent_id"]), one["created_at"], name)
        for one, name in zip(found, names, strict=True)
    ]


def test_comments_go_out_and_come_in_again_in_their_thread(people, anonymous):
    ann, bob, cat = people.new(), people.new(), people.new()
    post = write(ann)
    top = comment(bob, post, "One *top*")
    below = comment(ann, post, "Two", parent_id=top["id"])
    comment(bob, post, "Three", parent_id=below["id"])
    gone = comment(bob, post, "Taken back")
    comment(ann, post, "Below it", parent_id=gone["id"])
    assert bob.delete(f"/blog/comments/{gone['id']}").status_code == 204

    job, (line,) = imported(cat, exported(ann))

    assert job["state"] == "done" and line["comments"] == job["result"]["comments"] == 5
    before, after = thread(anonymous, post["id"]), thread(anonymous, line["post_id"])
    assert after == before and [one[2] for one in after] == [1, 2, 3, 1, 2]
    assert anonymous.get(f"/blog/posts/{line['post_id']}").json()["comments"] == 4
    # Once more, from there.
    _, (again,) = imported(bob, exported(cat))
    assert thread(anonymous, again["post_id"]) == before


def test_comments_of_wordpress_come_with_their_posts(people, anonymous):
    slug, user, moderator = f"s{ids.new().lower()}", people.new(), people.with_role("moderator")
    said = [remark(1, "First"), remark(2, "Below", 1), remark(3, f"Waits {slug}", 0, "0")]

    job, (line,) = imported(user, wordpress(slug, "".join(said)))

    assert job["state"] == "done" and line["comments"] == 3
    found = thread(anonymous, line["post_id"])
    assert [(one[0], one[2], one[5]) for one in found] == [("First", 1, "Gil 1"), ("Below", 2, "Gil 2")]
    assert found[0][4].startswith("2011-10-01T08:07:06")
    waiting = moderator.get("/blog/moderation?limit=100").json()["items"]
    assert f"Waits {slug}" in {one["body"] for one in waiting} or len(waiting) == 100


def remark(number: int, body: str, parent: int = 0, approved: str = "1") -> str:
    return f"""<wp:comment><wp:comment_id>{number}</wp:comment_id><wp:comment_author>Gil {number}</wp:comment_author>
        <wp:comment_date_gmt>2011-10-{number:02d} 08:07:06</wp:comment_date_gmt>
        <wp:comment_content>{body}</wp:comment_content><wp:comment_approved>{approved}</wp:comment_approved>
        <wp:comment_parent>{parent}</wp:comment_parent></wp:comment>"""


def wordpress(slug: str, more: str = "") -> bytes:
    return f"""<?xml version="1.0"?><rss xmlns:content="http://purl.org/rss/1.0/modules/content/"
        xmlns:wp="http://wordpress.org/export/1.2/"><channel><wp:wxr_version>1.2</wp:wxr_version><item><title>One</title>
        <content:encoded><![CDATA[<p>Old <b>words</b></p>]]></content:encoded><wp:post_name>{slug}</wp:post_name>
        <wp:post_date_gmt>2011-10-09 08:07:06</wp:post_date_gmt><wp:status>publish</wp:status>
        <wp:post_type>post</wp:post_type>{more}</item></channel></rss>""".encode()


def test_ghost_posts_keep_their_addresses_and_each_item_is_told_of(people, anonymous):
    slug, user = f"s{ids.new().lower()}", people.new()

    job, report = imported(user, ghost({"title": "Good", "slug": slug}, {"title": ""}, {"title": "P", "type": "page"}))

    assert job["state"] == "partial" and job["result"]["created"] == 1
    assert [one["outcome"] for one in report] == ["created", "refused", "skipped"]
    assert anonymous.get(f"/blog/by-slug/{slug}").json()["published_at"].startswith("2016-02-03T04:05:06")


def test_wordpress_posts_come_in(people, anonymous):
    slug, user = f"s{ids.new().lower()}", people.new()

    job, _ = imported(user, wordpress(slug))

    assert job["state"] == "done", job
    found = anonymous.get(f"/blog/by-slug/{slug}").json()
    assert "words" in found["html"] and found["published_at"].startswith("2011-10-09T08:07:06")


def test_how_far_a_job_has_come_is_told_live_to_whoever_asked_for_it(people):
    """By polling, which reads the log that the socket delivers."""
    ann, bob = people.new(), people.new()
    asked = ann.post("/blog/import", json={"upload_id": upload(ann, ghost({"title": f"Told {ids.new()}"}))})
    finished(ann, asked)
    topic = f"/realtime/topics/job:{asked.json()['id']}/history"

    def told() -> list[dict[str, Any]]:
        return [one["data"] for one in ann.get(topic).json()["items"]]

    eventually(lambda: [one for one in told() if one["state"] == "done"] or None, within=20, what="the last news")
    assert {one["kind"] for one in told()} == {"blog.import"} and told()[-1]["done"] == 1
    assert bob.get(topic).status_code in (403, 404)


def test_an_upload_is_imported_once(people):
    user = people.new()
    upload_id = upload(user, ghost({"title": f"Once {ids.new()}"}))

    first, second = (user.post("/blog/import", json={"upload_id": upload_id}) for _ in range(2))
    finished(user, first)

    assert first.json()["id"] == second.json()["id"]
    assert len(user.get(f"/blog/posts?author={user.id}").json()["items"]) == 1


def test_a_file_that_is_no_export_or_is_not_there_is_refused(people):
    user = people.new()
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><rss>&b;</rss>'

    assert user.post("/blog/import", json={"upload_id": ids.new()}).status_code == 409
    for file in (b"no export", bomb):
        assert user.post("/blog/import", json={"upload_id": upload(user, file)}).status_code == 422


def test_files_jobs_and_reports_are_their_owners_alone(people):
    ann, bob = people.new(), people.new()
    upload_id = upload(ann, ghost({"title": "Mine"}))
    taken, packed = ann.post("/blog/import", json={"upload_id": upload_id}), ann.post("/blog/export")
    finished(ann, taken)
    job = finished(ann, packed)

    for path in (taken.headers["location"], f"/blog/imports/{upload_id}", job["result"]["download"]):
        assert (ann.get(path).status_code, bob.get(path).status_code) == (200, 404), path
    assert bob.post("/blog/import", json={"upload_id": upload_id}).status_code == 409
