"""`blog` through the front door: written, scheduled, read, discussed, followed, and what is closed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import feedparser  # type: ignore[import-untyped]
import pytest

from tessera import ids
from tests.kit.blogging import API, member, write
from tests.kit.people import eventually


def test_a_draft_is_published_found_and_taken_back(user, anonymous):
    tag = f"t{ids.new().lower()}"
    post = write(user, status="draft", tags=[tag])
    path = f"/blog/posts/{post['id']}"
    assert anonymous.get(path).status_code == 404

    assert user.post(f"{path}/publish").json()["status"] == "published"
    listed = anonymous.get(f"/blog/posts?tag={tag}").json()["items"]
    assert [one["id"] for one in listed] == [post["id"]]
    assert "<em>says</em>" in anonymous.get(f"/blog/by-slug/{post['slug']}").json()["html"]

    assert user.delete(path).status_code == 204
    assert anonymous.get(path).status_code == 404
    assert user.post(f"{path}/restore").json()["status"] == "published"


def test_an_old_slug_leads_on(user, anonymous):
    post = write(user)
    new = f"s{ids.new().lower()}"

    changed = user.patch(f"/blog/posts/{post['id']}", json={"slug": new}, headers={"if-match": post["etag"]})

    assert changed.status_code == 200, changed.text
    moved = anonymous.get(f"/blog/by-slug/{post['slug']}", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (301, f"/blog/by-slug/{new}")


def test_a_title_in_any_script_makes_an_address(user, anonymous):
    post = write(user, title=f"日本語 {ids.new()}")

    assert anonymous.get(f"/blog/by-slug/{post['slug']}").json()["id"] == post["id"]


def test_versions_are_held(user, people):
    post = write(user)
    path = f"/blog/posts/{post['id']}"

    assert user.patch(path, json={"title": "x"}).status_code == 428
    assert user.patch(path, json={"title": "x"}, headers={"if-match": '"v9"'}).status_code == 412
    assert people.new().patch(path, json={"title": "x"}, headers={"if-match": "*"}).status_code == 403


def test_revisions_come_back(user):
    post = write(user, body="first")
    path = f"/blog/posts/{post['id']}"
    user.patch(path, json={"body": "second"}, headers={"if-match": "*"})

    assert "-first" in user.get(f"{path}/revisions/2?against=1").json()["diff"]
    assert user.post(f"{path}/revisions/1/restore").status_code == 200
    assert user.get(path).json()["body"] == "first"


def test_a_link_shows_a_draft(user, anonymous):
    post = write(user, status="draft")
    url = user.post(f"/blog/posts/{post['id']}/preview-links", json={}).json()["url"]

    assert anonymous.get(url[url.index("/blog/") :]).json()["id"] == post["id"]


def test_a_scheduled_post_comes_out_by_itself(user, anonymous):
    at = (datetime.now(UTC) + timedelta(seconds=2)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    post = write(user, status="scheduled", publish_at=at)

    def shown() -> bool | None:
        return True if anonymous.get(f"/blog/posts/{post['id']}").status_code == 200 else None

    assert eventually(shown, within=150, what="the post")


def test_comments_stand_in_their_thread(user, people, anonymous):
    post, other = write(user), people.new()
    path = f"/blog/posts/{post['id']}/comments"
    top = other.post(path, json={"body": "top"}).json()
    user.post(path, json={"body": "answer", "parent_id": top["id"]})
    other.post(path, json={"body": "next"})

    thread = anonymous.get(path).json()["items"]
    assert [(one["body"], one["depth"]) for one in thread] == [("top", 1), ("answer", 2), ("next", 1)]
    assert other.delete(f"/blog/comments/{top['id']}").status_code == 204
    assert [one["body"] for one in anonymous.get(path).json()["items"]] == [None, "answer", "next"]
    assert anonymous.get(f"/blog/posts/{post['id']}").json()["comments"] == 2


def test_a_guest_waits(user, anonymous):
    post = write(user)
    token = anonymous.get(f"/blog/posts/{post['id']}").json()["comment_token"]
    path = f"/blog/posts/{post['id']}/comments"
    guest = {"name": "Guest", "email": "guest@example.com", "body": "Hello from outside."}

    assert anonymous.post(path, json=guest).status_code == 422
    made = anonymous.post(path, json={**guest, "token": token})
    assert (made.status_code, made.json()["status"] in ("pending", "spam")) == (201, True)
    assert anonymous.get(path).json()["items"] == []


def test_reactions_count_at_once(user, people):
    post = write(user)
    path = f"/blog/posts/{post['id']}/reactions"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: user.request("PUT", f"{path}/like"), range(8)))

    assert {one.status_code for one in answers} <= {200, 503}
    assert sum(one.json().get("changed") is True for one in answers) == 1
    people.new().request("PUT", f"{path}/love")
    shown = user.get(f"/blog/posts/{post['id']}").json()
    assert (shown["reactions"]["like"], shown["reactions"]["love"], shown["my_reaction"]) == (1, 1, "like")


def test_one_of_many_gets_a_slug(user):
    slug = f"s{ids.new().lower()}"
    body = {"title": "x", "body": "y", "slug": slug}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: user.post("/blog/posts", json=body).status_code, range(10)))

    assert sorted(answers) == [201] + [409] * 9


@pytest.mark.parametrize(("path", "form"), [("feed.xml", "rss"), ("atom.xml", "atom"), ("feed.json", "json")])
def test_feeds_follow_what_is_published(user, anonymous, path, form):
    tag = f"t{ids.new().lower()}"
    first = write(user, tags=[tag])

    def entries() -> list[str]:
        answer = anonymous.get(f"/blog/tags/{tag}/{path}")
        assert answer.status_code == 200, answer.text
        if form == "json":
            return [str(one["title"]) for one in json.loads(answer.text)["items"]]
        parsed = feedparser.parse(answer.content)
        assert parsed.bozo == 0
        return [str(one.title) for one in parsed.entries]

    assert entries() == [first["title"]]
    second = write(user, tags=[tag])
    eventually(lambda: True if entries() == [second["title"], first["title"]] else None, what="the new feed")
    tagged = anonymous.get(f"/blog/tags/{tag}/{path}").headers["etag"]
    assert anonymous.get(f"/blog/tags/{tag}/{path}", headers={"if-none-match": tagged}).status_code == 304


def test_bad_input_is_told_and_never_breaks(user, anonymous):
    for body in (
        {"title": " ", "body": "x"},
        {"title": "x", "body": "x" * 140_000},
        {"title": "x", "body": "y", "a": 1},
    ):
        assert user.post("/blog/posts", json=body).status_code == 422
    assert anonymous.get("/blog/posts?cursor=abc").status_code == 400
    assert anonymous.get("/blog/posts?limit=0").status_code == 422
    assert anonymous.post("/blog/posts", json={}).status_code == 401
    assert user.get("/blog/moderation").status_code == 403
    assert anonymous.post("/blog/internal/erase", json={"owner_id": ids.new()}).status_code == 404


def test_the_facades_token_opens_nothing_else(anonymous):
    _, headers = member(anonymous)

    for method, path in (("GET", "/accounts/me"), ("GET", "/tasks"), ("POST", "/blog/posts"), ("GET", "/blog/drafts")):
        token = {"authorization": headers["authorization"].replace("Token", "Bearer")}
        assert anonymous.request(method, path, headers=token, json={}).status_code in (401, 403), path


def test_a_new_password_ends_every_other_token(anonymous):
    name, headers = member(anonymous)
    login = {"user": {"email": f"{name}@example.com", "password": "password123"}}
    other = anonymous.post(f"{API}/users/login", json=login).json()["user"]["token"]

    changed = anonymous.put(f"{API}/user", json={"user": {"password": "bonjour1"}}, headers=headers)

    assert changed.status_code == 200, changed.text
    assert anonymous.get(f"{API}/user", headers=headers).status_code == 200
    assert anonymous.get(f"{API}/user", headers={"authorization": f"Token {other}"}).status_code == 401


def test_facade_and_blog_show_the_same_posts(user, anonymous):
    post = write(user, excerpt="Short")

    shown = anonymous.get(f"{API}/articles/{post['slug']}").json()["article"]

    assert (shown["title"], shown["description"], shown["body"]) == (post["title"], "Short", "What it *says*.")
