"""The facade: what the RealWorld suite does not ask, and what keeps its weak accounts within it."""

from typing import Any

import pytest

from functions.content.blog.actions import access
from functions.content.blog.rules.problems import refused
from functions.content.blog.store import authors as storing
from functions.content.blog.store.authors import NameTaken
from tessera import clock, ids
from tessera.problems import InvalidRequest
from tests.kit.apps import Caller
from tests.kit.capacity import CapacityMeter
from tests.kit.races import outcomes, together

from .conftest import API, World


def errors(answer: Any) -> tuple[int, dict[str, list[str]]]:
    return answer.status_code, answer.json()["errors"]


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()["articles"]]


def test_a_token_is_missing_or_invalid_before_anything_else_is_said(world: World) -> None:
    path, client = f"{API}/articles/nowhere", world.served.client
    assert errors(client.delete(path)) == (401, {"token": ["is missing"]})
    user_id = world.member().id
    for header in (
        "Token x",
        "Basic abc",
        "Token",
        f"Bearer {world.accounts.token(user_id, exp=1)}",
        f"Token {world.accounts.token(user_id, scope=None)}",
        f"Token {world.accounts.token(user_id, scope='blog:read')}",
        f"Token {world.accounts.token(user_id, org=ids.new())}",
    ):
        for method, place in (("DELETE", path), ("GET", f"{API}/articles"), ("GET", path)):
            answer = client.request(method, place, headers={"authorization": header})
            assert errors(answer) == (401, {"token": ["is invalid"]}), header
    good = client.get(f"{API}/user", headers={"authorization": f"bearer {world.accounts.token(user_id)}"})
    assert good.status_code == 200


def test_the_facades_token_opens_nothing_else(world: World) -> None:
    member = world.member()
    headers = {"authorization": f"Bearer {member.token}"}
    client = world.served.client

    assert client.post("/blog/posts", json={"title": "x", "body": "y"}, headers=headers).status_code == 403
    assert client.get("/blog/drafts", headers=headers).status_code == 403
    slug = member.article()["slug"]
    post_id = client.get(f"/blog/by-slug/{slug}").json()["id"]
    answer = client.post(f"/blog/posts/{post_id}/comments", json={"body": "x"}, headers=headers)
    assert answer.status_code == 403


def test_it_is_not_there_where_it_is_off(world: World) -> None:
    world.bindings._made.clear()
    world.bindings.environment["CONDUIT"] = "off"  # type: ignore[index]

    for method, path in (("GET", "/articles"), ("POST", "/users"), ("GET", "/tags"), ("GET", "/user")):
        assert world.anonymous(method, API + path).status_code == 404


def test_a_new_password_leaves_the_token_that_was_shown_and_no_other(world: World) -> None:
    member = world.member()
    other = world.accounts.token(member.id)

    for password in ("bonjour1", "bonjour2"):
        assert member.request("PUT", "/user", json={"user": {"password": password}}).status_code == 200
    assert member.request("GET", "/user").status_code == 200
    stale = world.served.client.get(f"{API}/user", headers={"authorization": f"Token {other}"})
    assert errors(stale) == (401, {"token": ["is invalid"]})
    for path in ("/articles", "/articles/feed", "/articles?author=nobody", "/articles/nowhere"):
        answer = world.served.client.get(API + path, headers={"authorization": f"Token {other}"})
        assert answer.status_code == 401, path


def test_names_move_with_their_owner_and_tokens_live_on(world: World) -> None:
    anna, other = world.member("anna"), world.member("other")
    anna.article("Mine")

    renamed = anna.request("PUT", "/user", json={"user": {"username": "berta", "email": "b@example.com"}})

    assert renamed.json()["user"]["username"] == "berta"
    assert titles(other.request("GET", "/articles?author=berta")) == ["Mine"]
    assert titles(other.request("GET", "/articles?author=anna")) == []
    assert other.request("GET", "/profiles/anna").status_code == 404
    taken = other.request("PUT", "/user", json={"user": {"username": "berta"}})
    assert errors(taken) == (409, {"username": ["has already been taken"]})
    assert errors(other.request("PUT", "/user", json={"user": {"email": "b@example.com"}}))[0] == 409


def test_ordinary_people_come_in_and_change_only_their_profile(world: World) -> None:
    user_id = ids.new()
    world.accounts.add(user_id, "real", email="real@example.com", password="a long password")
    body = {"user": {"email": "real@example.com", "password": "a long password"}}
    entered = world.served.client.post(f"{API}/users/login", json=body)
    headers = {"authorization": f"Token {entered.json()['user']['token']}"}

    changed = world.served.client.put(f"{API}/user", json={"user": {"bio": "Hi"}}, headers=headers)
    refused_ = world.served.client.put(f"{API}/user", json={"user": {"email": "x@y.zz"}}, headers=headers)

    assert changed.json()["user"]["bio"] == "Hi" and changed.json()["user"]["username"] == "real"
    assert errors(refused_) == (403, {"email": ["forbidden"]})
    wrong = world.served.client.post(f"{API}/users/login", json={"user": {**body["user"], "password": "x"}})
    assert errors(wrong) == (401, {"credentials": ["invalid"]})


def test_what_accounts_refuses_is_told_by_field(world: World) -> None:
    short = {"username": "short", "email": "s@example.com", "password": "1234567"}
    answer = world.served.client.post(f"{API}/users", json={"user": short})

    assert errors(answer) == (422, {"password": ["is too short (minimum is 8 characters)"]})
    world.accounts.silent = True
    assert world.served.client.post(f"{API}/users", json={"user": {**short, "password": "x" * 9}}).status_code == 503


def test_lists_count_exactly_and_combine_filters(world: World) -> None:
    anna, bert = world.member("anna"), world.member("bert")
    slugs = [anna.article(f"A{number}", tagList=["tea"] if number % 2 else [])["slug"] for number in range(4)]
    bert.article("B", tagList=["tea"])
    for slug in slugs[:2]:
        bert.request("POST", f"/articles/{slug}/favorite")

    def found(query: str) -> tuple[list[str], int]:
        answer = bert.request("GET", f"/articles?{query}")
        return titles(answer), answer.json()["articlesCount"]

    assert found("limit=2") == (["B", "A3"], 5)
    assert found("limit=2&offset=4") == (["A0"], 5)
    assert found("author=anna&limit=1&offset=1") == (["A2"], 4)
    assert found("tag=tea") == (["B", "A3", "A1"], 3)
    assert found("favorited=bert") == (["A1", "A0"], 2)
    assert found("author=anna&tag=tea") == (["A3", "A1"], 2)
    assert found("favorited=bert&tag=tea") == (["A1"], 1)
    assert found("author=anna&favorited=bert&tag=tea") == (["A1"], 1)
    assert found("author=bert&favorited=bert") == ([], 0)
    assert found("favorited=nobody") == found("author=nobody") == ([], 0)
    assert errors(bert.request("GET", "/articles?offset=5001")) == (422, {"offset": ["is too large"]})


def test_the_feed_is_what_those_one_follows_have_written_newest_first(world: World) -> None:
    me, writers = world.member("me"), [world.member(f"w{number}") for number in range(4)]
    for number in range(8):
        writers[number % 4].article(f"{number}")
    for writer in writers[:3]:
        for _ in range(2):
            assert me.request("POST", f"/profiles/{writer.username}/follow").json()["profile"]["following"] is True

    answer = me.request("GET", "/articles/feed?limit=3&offset=1")
    assert (titles(answer), answer.json()["articlesCount"]) == (["5", "4", "2"], 6)
    assert all(one["author"]["following"] for one in answer.json()["articles"])
    for _ in range(2):
        assert me.request("DELETE", "/profiles/w0/follow").json()["profile"]["following"] is False
    assert titles(me.request("GET", "/articles/feed")) == ["6", "5", "2", "1"]
    assert errors(me.request("POST", "/profiles/me/follow"))[0] == 422
    assert world.ports.authors.get(me.id).follows == 2


def test_one_who_follows_and_unfollows_at_once_is_counted_right(world: World) -> None:
    me, author = ids.new(), ids.new()
    store = world.ports.authors
    together(lambda: store.follow(me, author), lambda: store.unfollow(me, author), times=6)

    assert store.get(me).follows == len(store.followed(me))
    store.unfollow(me, author)
    assert store.get(me).follows == 0


def test_nobody_follows_more_than_a_thousand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "MAX_FOLLOWS", 3)
    me = ids.new()

    results = together(*(lambda: world.ports.authors.follow(me, ids.new()) for _ in range(6)))

    assert outcomes(results) == {"ok": 3, "invalid-request": 3}
    assert isinstance(refused("/x", "y"), InvalidRequest)


def test_two_who_want_one_name_get_two(world: World) -> None:
    users = [ids.new() for _ in range(4)]
    store = world.ports.authors

    def know(user_id: str) -> None:
        store.know(user_id, "Wanted", {}, before=store.get(user_id))

    results = together(*(lambda one=one: know(one) for one in users))

    assert outcomes(results) == {"ok": 1, "NameTaken": 3}
    for user_id in users:
        world.accounts.add(user_id, "Wanted")
        access.introduced(world.ports, user_id)
    assert len({store.get(one).username for one in users}) == 4


def test_a_name_given_up_is_not_taken_from_who_has_it_now(world: World) -> None:
    store = world.ports.authors
    old, new = ids.new(), ids.new()
    store.know(old, "first", {}, before=store.get(old))
    stale = store.get(old)
    store.know(old, "second", {}, before=stale)
    store.know(new, "first", {}, before=store.get(new))

    with pytest.raises(NameTaken):
        store.know(old, "third", {}, before=stale)

    assert store.named("first") == new


def test_an_article_changes_its_slug_with_its_title_and_the_old_one_still_leads_there(world: World) -> None:
    anna = world.member("anna")
    slug = anna.article("First")["slug"]
    changed = anna.request("PUT", f"/articles/{slug}", json={"article": {"title": "Second"}}).json()["article"]

    assert changed["slug"] == "second"
    assert anna.request("GET", f"/articles/{slug}").json()["article"]["slug"] == "second"
    assert changed["updatedAt"] > changed["createdAt"]
    assert anna.article("Feed")["slug"] == "feed-post"
    again = [anna.article("Same")["slug"] for _ in range(2)]
    kept = anna.request("PUT", f"/articles/{again[1]}", json={"article": {"title": "Same!"}}).json()["article"]
    assert len(set(again)) == 2 and kept["slug"] == again[1]


def test_comments_are_deleted_by_their_authors_and_by_number(world: World) -> None:
    anna, bert = world.member("anna"), world.member("bert")
    slug = anna.article()["slug"]
    path = f"/articles/{slug}/comments"
    made = bert.request("POST", path, json={"comment": {"body": "Hi"}}).json()["comment"]

    assert 0 < made["id"] < 2**53 and made["author"]["username"] == "bert"
    anna.request("POST", "/profiles/bert/follow")
    assert anna.request("GET", path).json()["comments"][0]["author"]["following"] is True
    for wrong in ("x", "1.5", "99999", "9" * 30):
        assert errors(bert.request("DELETE", f"{path}/{wrong}")) == (404, {"comment": ["not found"]})
    assert errors(anna.request("DELETE", f"{path}/{made['id']}")) == (403, {"comment": ["forbidden"]})
    assert bert.request("DELETE", f"{path}/{made['id']}").status_code == 204
    assert bert.request("GET", path).json() == {"comments": []}


def test_a_post_that_takes_no_comments_forbids_them(world: World, alice: Caller) -> None:
    post = world.post(alice, comment_policy="closed")
    anna = world.member("anna")

    answer = anna.request("POST", f"/articles/{post['slug']}/comments", json={"comment": {"body": "x"}})

    assert errors(answer) == (403, {"comment": ["forbidden"]})


def test_drafts_are_not_there(world: World, alice: Caller) -> None:
    post = world.post(alice, "Quiet", status="draft")

    assert errors(world.anonymous("GET", f"{API}/articles/{post['slug']}")) == (404, {"article": ["not found"]})


def test_bodies_that_are_none_are_told_in_the_contracts_words(world: World) -> None:
    anna = world.member("anna")
    for content in (b"{", b'{"article": {"title": "\\ud800"}}', b'{"article": {"title": "\\u0000"}}'):
        assert errors(anna.request("POST", "/articles", content=content)) == (422, {"body": ["is invalid"]})
    assert anna.request("POST", "/articles", content=b"x" * 1_100_000).status_code == 413
    blank = errors(anna.request("POST", "/articles", json={"article": {}}))
    assert blank == (422, {name: ["can't be blank"] for name in ("title", "description", "body")})
    unknown = {"article": {"title": "x", "description": "y", "body": "z", "color": "red"}}
    assert anna.request("POST", "/articles", json=unknown).status_code == 201


def test_a_list_with_a_viewer_is_two_requests(world: World) -> None:
    anna = world.member("anna")
    for number in range(5):
        anna.article(f"{number}")
    anna.request("GET", "/articles")

    with CapacityMeter() as meter:
        anna.request("GET", "/articles")
    with CapacityMeter() as one:
        anna.request("GET", "/articles/0")

    assert meter.of(world.table.name).operations == ["Query", "BatchGetItem"]
    assert one.of(world.table.name).operations == ["GetItem", "BatchGetItem"]


def test_times_have_three_digits_and_end_in_z(world: World) -> None:
    made = world.member().article()

    assert clock.parse(made["createdAt"]) and len(made["createdAt"]) == 24 and made["createdAt"].endswith("Z")


def test_a_member_who_becomes_a_full_account_is_still_who_they_were(world: World) -> None:
    member = world.member()
    article = member.article()
    world.accounts.people[member.id].update(realm=None, epoch=2, password="a long one of ours")

    world.receive("accounts.user.updated.v1", user_id=member.id)

    assert member.request("GET", "/user").status_code == 401
    body = {"user": {"email": f"{member.username}@example.com", "password": "a long one of ours"}}
    again = world.anonymous("POST", f"{API}/users/login", json=body)
    assert again.status_code == 200 and again.json()["user"]["username"] == member.username
    member.token = again.json()["user"]["token"]
    changed = member.request("PUT", f"/articles/{article['slug']}", json={"article": {"body": "Still mine."}})
    assert changed.status_code == 200
    assert member.request("PUT", "/user", json={"user": {"username": "other"}}).status_code == 403
    assert world.ports.authors.get(member.id).realm is None
