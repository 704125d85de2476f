"""`blog` through the front door: lists, shelves, states, and lists of the facade."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from tessera import ids
from tests.kit.blogging import API, article, member, write
from tests.kit.people import eventually


def test_a_list_is_paged_without_gap_or_repetition(user, anonymous):
    tag = f"t{ids.new().lower()}"
    written = [write(user, tags=[tag])["id"] for _ in range(5)]

    found, cursor = [], ""
    while True:
        page = anonymous.get(f"/blog/posts?tag={tag}&limit=2{cursor}").json()
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert found == written[::-1]
    assert anonymous.get(f"/blog/posts?tag=other{cursor}").status_code == 400


def test_a_create_that_is_sent_again_makes_one_post(user):
    body, key = {"title": "Once", "body": "Text"}, {"idempotency-key": ids.new()}

    first, second = (user.post("/blog/posts", json=body, headers=key) for _ in range(2))

    assert first.json()["id"] == second.json()["id"] and second.headers["idempotent-replay"] == "true"
    assert user.post("/blog/posts", json={**body, "body": "x"}, headers=key).status_code == 422


def test_a_scheduled_post_may_be_published_now_and_taken_back(user, anonymous):
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    post = write(user, status="draft")
    path = f"/blog/posts/{post['id']}"

    assert user.post(f"{path}/schedule", json={"publish_at": at}).json()["status"] == "scheduled"
    assert anonymous.get(path).status_code == 404
    assert user.post(f"{path}/publish").json()["status"] == "published"
    assert user.post(f"{path}/publish").status_code == 409
    assert user.post(f"{path}/unpublish").json()["status"] == "draft"
    assert post["id"] in [one["id"] for one in user.get("/blog/drafts").json()["items"]]


def test_what_is_deleted_is_in_the_trash(people):
    user = people.new()
    post = write(user)
    user.delete(f"/blog/posts/{post['id']}")

    assert [one["id"] for one in user.get("/blog/drafts?trashed=true").json()["items"]] == [post["id"]]
    assert user.get("/blog/drafts").json()["items"] == []


def test_a_reaction_replaces_the_one_before_and_is_taken_back(user, people):
    post, other = write(user), people.pooled(1)
    path = f"/blog/posts/{post['id']}"

    other.put(f"{path}/reactions/love")
    other.put(f"{path}/reactions/sad")
    assert {kind for kind, count in other.get(path).json()["reactions"].items() if count} == {"sad"}
    other.delete(f"{path}/reactions/sad")
    assert not any(other.get(path).json()["reactions"].values())
    assert other.put(f"{path}/reactions/angry").status_code == 404


def test_a_category_in_use_is_deleted_once_its_posts_have_a_place(user, people, anonymous):
    manager, (old, new) = people.admin(), (f"c{ids.new().lower()}" for _ in range(2))
    for slug in (old, new):
        assert manager.put(f"/blog/categories/{slug}", json={"name": slug}).status_code == 200
    post = write(user, category=old)

    assert manager.delete(f"/blog/categories/{old}").status_code == 409
    assert manager.delete(f"/blog/categories/{old}?move_to={new}").status_code in (202, 204)

    def moved() -> bool | None:
        found = anonymous.get(f"/blog/posts?category={new}").json()["items"]
        return True if [one["id"] for one in found] == [post["id"]] else None

    assert eventually(moved, within=60, what="the post on its new shelf")
    assert user.put(f"/blog/categories/{new}", json={"name": "Mine"}).status_code == 403


def test_a_renamed_tag_takes_its_posts_along(user, people, anonymous):
    old, new = (f"t{ids.new().lower()}" for _ in range(2))
    post = write(user, tags=[old])
    assert people.admin().patch(f"/blog/tags/{old}", json={"name": new}).status_code == 200

    def moved() -> bool | None:
        found = anonymous.get(f"/blog/posts?tag={new}").json()["items"]
        return True if [one["id"] for one in found] == [post["id"]] else None

    assert eventually(moved, within=60, what="the post under its new tag")


def test_tags_are_counted_and_sorted(user, anonymous):
    tag = f"t{ids.new().lower()}"
    write(user, tags=[tag])

    names = {one["name"]: one["posts"] for one in anonymous.get("/blog/tags?limit=500").json()["items"]}
    assert names[tag] == 1
    by_name = [one["name"] for one in anonymous.get("/blog/tags?sort=name&limit=500").json()["items"]]
    assert by_name == sorted(by_name, key=str.casefold)


def test_the_archive_counts_a_post_in_its_month(user, anonymous):
    def count() -> int:
        months = anonymous.get("/blog/archive").json()["items"]
        return sum(int(one["posts"]) for one in months if str(one["month"]) == "1999-12")

    before = count()
    write(user, publish_at="1999-12-31T12:00:00Z")

    assert count() >= before + 1


def test_the_sitemap_names_a_post(user, anonymous):
    post = write(user)

    answer = anonymous.get("/blog/sitemap.xml?page=1")

    assert answer.status_code == 200 and f"/blog/by-slug/{post['slug']}" in answer.text


def test_a_title_that_is_a_word_of_ours_shadows_nothing(user, anonymous):
    post = write(user, title="Feed")

    assert post["slug"] != "feed"
    _, headers = member(anonymous)
    assert "articles" in anonymous.get(f"{API}/articles/feed", headers=headers).json()


def test_posts_with_the_same_tags_are_published_at_once(user):
    tags = [f"t{ids.new().lower()}" for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: write(user, tags=tags), range(4)))

    found = user.get(f"/blog/posts?tag={tags[0]}").json()["items"]
    assert {one["id"] for one in found} == {one["id"] for one in written}


def test_the_facades_feed_is_what_followed_authors_write(anonymous):
    (name, writer), (_, reader) = member(anonymous), member(anonymous)
    first = article(anonymous, writer)
    assert anonymous.get(f"{API}/articles/feed", headers=reader).json()["articlesCount"] == 0

    followed = anonymous.post(f"{API}/profiles/{name}/follow", headers=reader).json()["profile"]

    assert followed["following"] is True
    found = anonymous.get(f"{API}/articles/feed", headers=reader).json()
    assert [one["slug"] for one in found["articles"]] == [first["slug"]] and found["articlesCount"] == 1


def test_favourites_of_the_facade_are_counted_at_once(anonymous):
    (_, writer), (name, reader) = member(anonymous), member(anonymous)
    slug = article(anonymous, writer)["slug"]

    for _ in range(2):
        shown = anonymous.post(f"{API}/articles/{slug}/favorite", headers=reader).json()["article"]
        assert (shown["favorited"], shown["favoritesCount"]) == (True, 1)
    listed = anonymous.get(f"{API}/articles?favorited={name}").json()
    assert [one["slug"] for one in listed["articles"]] == [slug]
    gone = anonymous.delete(f"{API}/articles/{slug}/favorite", headers=reader).json()["article"]
    assert gone["favoritesCount"] == 0


def test_the_facade_refuses_in_its_order(anonymous):
    (_, writer), (_, other) = member(anonymous), member(anonymous)
    path = f"{API}/articles/{article(anonymous, writer)['slug']}"

    assert anonymous.delete(f"{API}/articles/none").status_code == 401
    assert anonymous.delete(f"{API}/articles/none", headers=other).status_code == 404
    assert anonymous.put(path, json={"article": {"body": "x"}}, headers=other).status_code == 403
    assert anonymous.put(path, json={"article": {"tagList": None}}, headers=writer).status_code == 422
    made = anonymous.post(f"{path}/comments", json={"comment": {"body": "Hi"}}, headers=other).json()["comment"]
    assert isinstance(made["id"], int)
    assert anonymous.delete(f"{path}/comments/{made['id']}", headers=writer).status_code == 403
    assert anonymous.delete(f"{path}/comments/{made['id']}", headers=other).status_code == 204
