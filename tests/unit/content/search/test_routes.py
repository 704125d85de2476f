"""HTTP: what is found, by whom, and what is refused."""

from datetime import timedelta

import pytest

from functions.content.search.app import handler
from tessera import aws, ids
from tests.kit.apps import invocation
from tests.kit.faults import crash_at


def test_what_is_public_is_found_by_everybody(world):
    doc = world.add(url="/blog/posts/1", body="Flour & water, then wait.")

    (found,) = world.ask("bread")["items"]

    assert (found["id"], found["type"], found["title"], found["url"]) == (
        doc,
        "post",
        "Sourdough bread",
        "/blog/posts/1",
    )
    assert found["snippet"] == "Flour &amp; water, then wait."
    assert found["matched"] == {"exact": 1, "stem": 0, "synonym": 0, "prefix": 0, "typo": 0}
    assert world.found("bread", world.person()) == [doc]


def test_an_answer_says_how_sure_it_is_and_how_many_there_are(world):
    world.add()

    answer = world.ask("bread")

    assert answer["total"] == {"value": 1, "relation": "eq"}
    assert answer["exact"] is True
    assert answer["next"] is None and answer["took_ms"] >= 0


def test_what_is_ones_own_is_found_by_oneself_alone(world):
    alice, bob = world.person(), world.person()
    doc = world.add(acl=f"user:{alice.id}", type="task")

    assert world.found("bread", alice) == world.found("bread", alice, in_="mine") == [doc]
    assert world.found("bread", bob) == world.found("bread") == []
    assert bob.get("/search/suggest?q=sour").json() == {"terms": [], "titles": []}


def test_what_an_organisation_has_is_found_by_who_acts_for_it(world):
    organisation = ids.new()
    member = world.person(org=organisation, org_role="member", org_ep=1)
    doc = world.add(acl=f"user:{organisation}")

    assert world.found("bread", member) == [doc]
    assert world.found("bread", world.person()) == []


def test_a_key_that_may_search_and_not_read_tasks_finds_none(world):
    alice = world.person(scope="search:read files:read")
    world.add(acl=f"user:{alice.id}", type="task")

    assert world.found("bread", alice) == []
    assert alice.get("/search?q=bread&in=mine").status_code == 403
    assert world.person(scope="tasks:read").get("/search?q=bread").status_code == 403


def test_a_room_is_searched_by_who_is_in_it_from_where_they_read_it(world):
    alice, bob = world.person(), world.person()
    old = world.add("", type="message", acl="room:R1", body="bread old", n=4)
    new = world.add("", type="message", acl="room:R1", body="bread new", n=9)
    world.keepers.rooms = {(alice.id, "R1"): 1, (bob.id, "R1"): 5}

    assert sorted(world.found("bread", alice, in_="room:R1")) == sorted([old, new])
    assert world.found("bread", bob, in_="room:R1") == world.found("bread", bob, in_="rooms") == [new]
    assert world.ask("bread", bob, in_="room:R1")["total"]["value"] == 1
    assert world.found("bread", alice) == []
    assert world.person().get("/search?q=bread&in=room:R1").status_code == 404


def test_membership_is_asked_for_once_in_thirty_seconds(world):
    alice = world.person()
    world.keepers.rooms = {(alice.id, "R1"): 1}
    for _ in range(3):
        world.found("bread", alice, in_="room:R1")
    assert len(world.keepers.asked) == 1

    world.keepers.rooms = {}
    world.frozen.advance(seconds=31)

    assert alice.get("/search?q=bread&in=room:R1").status_code == 404


def test_rooms_that_cannot_be_asked_about_are_not_searched(world):
    world.keepers.status = 500

    assert world.person().get("/search?q=bread&in=room:R1").status_code == 503


@pytest.mark.parametrize("place", ["space:S1", "feed:F1"])
def test_places_that_there_are_not_yet_are_not_found(world, place):
    assert world.person().get(f"/search?q=bread&in={place}").status_code == 404


def test_nobody_in_particular_has_nothing_of_their_own(world):
    assert world.served.client.get("/search?q=bread&in=mine").status_code == 401


@pytest.mark.parametrize(
    "query, pointer",
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%20", "q"),
        (f"q={'a' * 257}", "q"),
        (f"q={'a' * 10_000}", "q"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=51", "limit"),
        ("q=a&limit=abc", "limit"),
        ("q=a&in=user:x", "in"),
        ("q=a&type=A%20B", "type"),
        ("q=a&from=yesterday", "from"),
        ("q=a&lang=english", "lang"),
        ("q=a&other=1", "other"),
        ("q=a&highlight=yes", "highlight"),
    ],
)
def test_a_wrong_parameter_is_pointed_at(world, query, pointer):
    answer = world.served.client.get(f"/search?{query}")

    assert answer.status_code == 422
    assert any(pointer in error["pointer"] for error in answer.json()["errors"])


def test_a_null_character_is_refused(world):
    assert world.served.client.get("/search?q=a%00b").status_code == 422


@pytest.mark.parametrize(
    "q",
    [
        "🙂🙃",
        "to be or not to be",
        "مرحبا",
        "\u0301\u0308",
        "(.*)+[a-z]$",
        "%",
        "*",
        "q" * 40,
        '"',
        "-",
        "a" * 256,
        "-x",
    ],
)
def test_any_text_has_an_answer(world, q):
    world.add()

    assert world.ask(q)["exact"] in (True, False)


def test_stop_words_are_words(world):
    doc = world.add("To be or not to be")
    world.add("Something else")

    assert world.found("to be or not to be") == world.found('"to be or not to be"') == [doc]


def test_filters_narrow_what_is_found(world):
    post = world.add(tags=("Food",), author="ann", updated_at=world.frozen.now())
    task = world.add(type="task", updated_at=world.frozen.now() - timedelta(days=400))

    assert world.found("bread", type="post") == world.found("bread type:post") == [post]
    assert sorted(world.found("bread", type=["post", "task"])) == sorted([post, task])
    assert world.found("bread tag:food") == world.found("bread", tag="FOOD") == world.found("author:Ann") == [post]
    since = (world.frozen.now() - timedelta(days=399)).isoformat().replace("+00:00", "Z")
    assert task not in world.found("bread", from_=since)
    assert world.found("bread", to=since) == [task]
    assert world.found("bread", lang="es") == []


def test_phrases_and_words_that_must_not_be_there_are_read_in_the_text(world):
    together = world.add("One", body="fresh rye bread")
    apart = world.add("Two", body="rye flour for bread")

    assert world.found('"rye bread"') == [together]
    assert world.found("bread -flour") == [together]
    assert world.found('bread -"rye bread"') == [apart]


def test_a_highlight_says_where_the_words_stand(world):
    world.add("Bread", body="Bake <b>breads</b> with rye.")

    (found,) = world.ask("rye bread", highlight="1")["items"]

    marked = [found["snippet"][one["offset"] : one["offset"] + one["length"]] for one in found["highlights"]]
    assert found["snippet"] == "Bake &lt;b&gt;breads&lt;/b&gt; with rye."
    assert marked == ["breads", "rye"]


def test_an_explanation_says_what_a_query_became(world):
    world.add()

    answer = world.ask("breads sour", explain="1")

    assert answer["explain"]["words"]["sour"] == ["prefix sourdough"]
    assert answer["explain"]["scopes"] == ["public"]
    (found,) = answer["items"]
    assert {one["kind"] for one in found["explain"]} == {"stem", "prefix"}
    assert found["score"] == pytest.approx(sum(one["worth"] for one in found["explain"]), abs=1e-5)


def test_a_typo_is_corrected_and_a_word_that_is_there_is_not(world):
    doc = world.add("Markdown basics")

    answer = world.ask("markdwon ")

    assert [one["id"] for one in answer["items"]] == [doc]
    assert answer["corrections"] == [{"word": "markdwon", "meant": "markdown"}]
    assert world.ask("markdown ")["corrections"] == []


def test_pages_hold_everything_once(world):
    made = {world.add(f"Bread number {n}") for n in range(7)}

    seen, cursor = [], None
    while True:
        answer = world.ask("bread", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [one["id"] for one in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break

    assert len(seen) == 7 and set(seen) == made


def test_a_cursor_is_good_for_its_query_and_caller_alone(world):
    for n in range(3):
        world.add(f"Bread number {n}")
    cursor = world.ask("bread", limit=2)["next"]

    for other in (f"/search?q=rye&limit=2&cursor={cursor}", f"/search?q=bread&limit=2&cursor={cursor}x"):
        assert world.served.client.get(other).json()["type"] == "/problems/bad-cursor"
    assert world.person().get(f"/search?q=bread&limit=2&cursor={cursor}").status_code == 400


def test_what_was_deleted_a_moment_ago_is_not_shown(world):
    doc = world.add()
    assert world.found("bread") == [doc]

    world.ports.indexing.remove(doc, 2)

    assert world.found("bread") == []


def test_while_a_document_changes_it_is_not_found_by_what_it_loses(world):
    doc = world.add("Sourdough bread")
    with crash_at("search.claimed"), pytest.raises(BaseException, match="claimed"):
        world.add("Rye rolls", id=doc, seq=2)

    assert world.found("bread") == []


def test_what_is_new_comes_first_among_equals(world):
    old = world.add(id="A", updated_at=world.frozen.now() - timedelta(days=300))
    new = world.add(id="B", updated_at=world.frozen.now())

    assert world.found("bread") == [new, old]


def test_suggestions_are_words_and_titles(world):
    world.add("Portable oven")
    world.add("Portland bread")

    answer = world.served.client.get("/search/suggest?q=port").json()

    assert answer["terms"] == ["portable", "portland"]
    assert sorted(one["title"] for one in answer["titles"]) == ["Portable oven", "Portland bread"]
    longer = world.served.client.get("/search/suggest?q=bread+portl").json()
    assert (longer["terms"], [one["title"] for one in longer["titles"]]) == (["portland"], ["Portland bread"])
    assert world.served.client.get("/search/suggest?q=-").json() == {"terms": [], "titles": []}


def test_what_is_similar_shares_the_words_that_tell_most(world):
    doc = world.add("Sourdough bread", body="flour water salt")
    near = world.add("Sourdough rolls", body="flour water salt")
    world.add("Tax forms", body="salt")

    answer = world.served.client.post("/search/similar", json={"doc_id": doc}).json()

    assert answer["items"][0]["id"] == near
    assert doc not in [one["id"] for one in answer["items"]]


def test_what_somebody_may_not_see_is_similar_to_nothing(world):
    alice = world.person()
    mine, room = world.add(acl=f"user:{alice.id}"), world.add(acl="room:R1", n=3)
    world.keepers.rooms = {(alice.id, "R1"): 3}

    for doc, caller, status in (
        (mine, alice, 200),
        (mine, world.person(), 404),
        (room, alice, 200),
        (room, world.person(), 404),
        (ids.new(), alice, 404),
    ):
        assert caller.post("/search/similar", json={"doc_id": doc}).status_code == status
    assert world.served.client.post("/search/similar", json={"doc_id": mine}).status_code == 404
    world.keepers.rooms = {(alice.id, "R1"): 4}
    world.frozen.advance(seconds=31)
    assert alice.post("/search/similar", json={"doc_id": room}).status_code == 404


def test_documents_are_taken_in_and_taken_out(world):
    admin = world.person("admin")
    body = {"items": [{"id": "a.1", "seq": 1, "title": "Rye bread"}, {"id": "a.2", "seq": 1, "title": "Rye rolls"}]}

    answer = admin.post("/search/documents", json=body)
    world.work()

    assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
    assert sorted(world.found("rye")) == ["a.1", "a.2"]
    assert admin.delete("/search/documents/a.1").status_code == 204
    assert world.found("rolls rye") == ["a.2"]
    assert admin.delete("/search/documents/a.1").status_code == 404
    admin.post("/search/documents", json={"items": [{"id": "a.1", "seq": 2, "title": "Rye cake"}]})
    world.work()
    assert world.found("cake") == ["a.1"]


@pytest.mark.parametrize(
    "row, pointer",
    [
        ({"id": "a b", "seq": 1}, "/items/1/id"),
        ({"id": "a", "seq": -1}, "/items/1/seq"),
        ({"id": "a", "seq": 1, "acl": "all"}, "/items/1/acl"),
        ({"id": "a", "seq": 1, "boost": 3}, "/items/1/boost"),
        ({"id": "a", "seq": 1, "body": "é" * 40_000}, "/items/1/body"),
        ({"id": "a", "seq": 1, "other": 1}, "/items/1/other"),
    ],
)
def test_a_wrong_document_is_pointed_at_in_its_row(world, row, pointer):
    answer = world.person("admin").post("/search/documents", json={"items": [{"id": "ok", "seq": 1}, row]})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("items", [[], [{"id": "a", "seq": 1}] * 101])
def test_a_batch_has_one_to_a_hundred_documents(world, items):
    assert world.person("admin").post("/search/documents", json={"items": items}).status_code == 422


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("POST", "/search/documents", {"items": [{"id": "a", "seq": 1}]}),
        ("DELETE", "/search/documents/a", None),
        ("POST", "/search/reindex", {"type": "post"}),
        ("GET", "/search/stats", None),
        ("GET", "/search/synonyms", None),
        ("PUT", "/search/synonyms", {"term": "a", "to": ["b"]}),
        ("DELETE", "/search/synonyms?term=a", None),
        ("PUT", "/search/pins", {"query": "a", "doc_ids": []}),
    ],
)
def test_the_index_is_kept_by_its_administrators(world, method, path, body):
    assert world.person().request(method, path, json=body).status_code == 403
    assert world.served.client.request(method, path, json=body).status_code == 401


def test_synonyms_are_found_one_way_or_both(world):
    admin = world.person("admin")
    pasta, noodles = world.add("Pasta night"), world.add("Noodles soup")
    admin.request("PUT", "/search/synonyms", json={"term": "Pasta", "to": ["noodles"]})

    assert world.found("pasta ") == [pasta, noodles]
    assert world.found("noodles ") == [noodles]
    admin.request("PUT", "/search/synonyms", json={"term": "pasta", "to": ["noodles"], "two_way": True})
    assert sorted(one["term"] for one in admin.get("/search/synonyms").json()["items"]) == ["noodles", "pasta"]
    world.frozen.advance(seconds=11)
    assert world.found("noodles ") == [noodles, pasta]
    assert admin.delete("/search/synonyms?term=pasta").status_code == 204
    assert admin.delete("/search/synonyms?term=pasta").status_code == 404
    world.frozen.advance(seconds=11)
    assert world.found("pasta ") == [pasta]


def test_a_synonym_is_one_word(world):
    answer = world.person("admin").request("PUT", "/search/synonyms", json={"term": "a", "to": ["b", "c d"]})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/to/1")


def test_there_are_two_hundred_synonyms_at_the_most(world, monkeypatch):
    monkeypatch.setattr("functions.content.search.store.admin.MAX_SYNONYMS", 2)
    admin = world.person("admin")

    statuses = [
        admin.request("PUT", "/search/synonyms", json={"term": f"w{n}", "to": ["x"]}).status_code for n in (1, 2, 3, 2)
    ]

    assert statuses == [200, 200, 409, 200]
    admin.delete("/search/synonyms?term=w1")
    assert admin.request("PUT", "/search/synonyms", json={"term": "w3", "to": ["x"]}).status_code == 200


def test_a_pinned_document_stands_on_top_for_who_may_see_it(world):
    admin, alice = world.person("admin"), world.person()
    found = world.add("Sourdough bread")
    pinned, hidden = world.add("Start here"), world.add("Secret", acl=f"user:{alice.id}")

    answer = admin.request("PUT", "/search/pins", json={"query": "BREAD", "doc_ids": [pinned, hidden]})

    assert answer.status_code == 204
    assert world.found("bread") == [pinned, found]
    assert [one["pinned"] for one in world.ask("bread", alice)["items"]] == [True, True, False]
    assert world.found("bread", type="task") == []
    admin.request("PUT", "/search/pins", json={"query": "bread", "type": "post", "doc_ids": [found]})
    admin.request("PUT", "/search/pins", json={"query": "bread", "doc_ids": []})
    world.frozen.advance(seconds=11)
    assert world.found("bread") == [found]
    assert world.ask("bread", type="post")["items"][0]["pinned"] is True
    assert admin.request("PUT", "/search/pins", json={"query": "!", "doc_ids": []}).status_code == 422


def test_the_index_says_how_large_it_is(world):
    world.add("Rye bread", body="one two three")

    answer = world.person("admin").get("/search/stats").json()

    assert (answer["epoch"], answer["documents"]) == (1, 1)
    assert answer["averages"] == {"title": 2.0, "tags": 0.0, "headings": 0.0, "body": 3.0}
    assert answer["drift"] > 0.2


def test_a_type_nobody_keeps_owner_by_owner_is_not_asked_for_so(world):
    answer = world.person("admin").post("/search/reindex", json={"type": "message", "owner_id": ids.new()})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/owner_id")


def test_reindexing_is_a_job_that_renews_what_is_known(world):
    admin = world.person("admin")
    for n in range(3):
        world.add(f"Bread {n}")
    table = world.ports.reading.table
    for item in [item for item in scanned(table) if item["pk"]["S"].startswith("T#public##bread")]:
        aws.client("dynamodb").delete_item(TableName=table.name, Key={"pk": item["pk"], "sk": item["sk"]})
    assert world.found("bread ") == []

    answer = admin.post("/search/reindex", json={"type": "post"})
    world.work()

    assert answer.status_code == 202
    assert admin.get(answer.headers["location"]).json()["state"] == "done"
    assert admin.get(answer.headers["location"]).json()["done"] == 3


def test_reindexing_what_an_owner_has_asks_its_keeper(world):
    admin, alice = world.person("admin"), world.person()
    doc = world.keepers.keep(acl=f"user:{alice.id}")

    answer = admin.post("/search/reindex", json={"type": "task", "owner_id": alice.id})
    world.work()

    assert admin.get(answer.headers["location"]).json()["state"] == "done"
    assert world.found("rye", alice) == [doc]


def test_only_accounts_may_erase_and_nothing_is_left(world, monkeypatch):
    monkeypatch.setattr("functions.content.search.actions.take.ERASED_AT_ONCE", 2)
    alice = world.person()
    for n in range(3):
        world.add(f"Bread {n}", acl=f"user:{alice.id}")
    kept = world.add()
    body = {"owner_id": alice.id}

    assert handler(invocation("/search/internal/erase", body, caller="relay"), None)["statusCode"] == 403
    assert alice.post("/search/internal/erase", json=body).status_code == 404
    assert '"done":false' in handler(invocation("/search/internal/erase", body), None)["body"].replace(" ", "")
    assert '"done":true' in handler(invocation("/search/internal/erase", body), None)["body"].replace(" ", "")
    assert world.found("bread", alice) == [kept]
    (told,) = [item for item in scanned(world.ports.reading.table) if alice.id in repr(item)]
    assert "privacy.data.erased.v1" in told["event"]["S"]


def scanned(table):
    return aws.client("dynamodb").scan(TableName=table.name)["Items"]
