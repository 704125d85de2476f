"""Making links."""

import json

import pytest

from functions.content.shortener.rules.codes import ALPHABET, LENGTH, LONGER
from tessera import clock, ids
from tests.kit.capacity import CapacityMeter
from tests.kit.races import together
from tests.kit.stores import everything_in

from .conftest import DAY, slug

LINKS = "/shortener/links"


def test_a_link_gets_a_code_without_vowels_and_look_alikes(world, ann):
    made = world.link(ann)

    assert len(made["code"]) == LENGTH and set(made["code"]) <= set(ALPHABET)
    assert made["short_url"] == f"https://app.test/s/{made['code']}"
    assert (made["redirect"], made["state"], made["domain"]) == (302, "active", None)
    assert world.events("shortener.link.created.v1")[0]["code"] == made["code"]


def test_an_alias_is_kept_in_its_folded_form(world, ann):
    made = world.link(ann, alias="Sprıng-\uff33ale".replace("ı", "i"))

    assert made["code"] == "spring-sale"
    assert world.follow("SPRING-Sale").status_code == 302


@pytest.mark.parametrize(
    "alias", ["ab", "-abc", "_abc", "a b c", "ünïx", "a/b", "x" * 65, "abc!", "ab\u200bc", "%61bc"]
)
def test_an_alias_of_another_form_is_refused(world, ann, alias):
    answer = ann.post(LINKS, json={"url": "https://example.com", "alias": alias})

    assert slug(answer) == (422, "invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "/alias"


@pytest.mark.parametrize("alias", ["api", "Admin", "health", "robots", "login", "favicon"])
def test_names_of_the_service_itself_are_kept(world, ann, alias):
    assert slug(ann.post(LINKS, json={"url": "https://example.com", "alias": alias})) == (422, "invalid-request")


def test_a_taken_alias_comes_with_three_that_are_free(world, ann):
    world.link(ann, alias="sale")

    answer = world.person().post(LINKS, json={"url": "https://example.com/2", "alias": "SALE"})

    assert slug(answer) == (409, "alias-taken")
    suggestions = answer.json()["suggestions"]
    assert len(set(suggestions)) == 3 and all(one.startswith("sale-") for one in suggestions)
    assert world.link(ann, alias=suggestions[0])["code"] == suggestions[0]


def test_a_suggestion_that_is_taken_is_not_made(world, ann):
    drawn = iter("2222222233334444555566667777")
    world.link(ann, alias="sale")
    world.link(ann, alias="sale-2222")
    object.__setattr__(world.ports, "choose", lambda options: next(drawn))

    answer = ann.post(LINKS, json={"url": "https://example.com", "alias": "sale"})

    assert answer.json()["suggestions"] == ["sale-3333", "sale-4444", "sale-5555"]


def test_alias_race(world):
    """A hundred ask for one alias at once: one gets it."""
    people = [world.person() for _ in range(10)]

    def claim(person):
        return person.post(LINKS, json={"url": "https://example.com", "alias": "wanted"}).status_code

    results = together(*[lambda person=person: claim(person) for person in people], times=10)

    assert sorted(one.value for one in results) == [201] + [409] * 99
    assert len([item for item in everything_in(world.table) if item["pk"]["S"] == "S#-#wanted"]) == 1


def test_a_code_that_is_taken_is_drawn_again_and_longer_after_three(world, ann):
    taken = world.link(ann)["code"]
    draws = [*taken, *taken, *taken, *("2" * LONGER)]
    object.__setattr__(world.ports, "choose", lambda options: draws.pop(0))

    assert world.link(ann)["code"] == "2" * LONGER
    assert not draws


def test_the_same_key_makes_one_link(world, ann):
    headers = {"Idempotency-Key": ids.new()}
    body = {"url": "https://example.com", "alias": "once"}

    first = ann.post(LINKS, json=body, headers=headers)
    again = ann.post(LINKS, json=body, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"] and again.headers["idempotent-replay"] == "true"
    assert slug(ann.post(LINKS, json={**body, "url": "https://other.example"}, headers=headers)) == (
        422,
        "idempotency-mismatch",
    )


@pytest.mark.parametrize("key", ["01Q97SD4T8VXY9S0XJ1XWPBP08", "my own key"])
def test_the_same_key_at_once_makes_one_link(world, ann, key):
    body, headers = {"url": "https://example.com"}, {"Idempotency-Key": key}

    results = together(lambda: ann.post(LINKS, json=body, headers=headers), times=6)

    assert {one.value.status_code for one in results} == {201}
    assert len({one.value.json()["id"] for one in results}) == len(ann.get(LINKS).json()["items"]) == 1


def test_a_body_that_is_too_large_is_refused(world, ann):
    answer = ann.post(LINKS, json={"url": "https://example.com", "title": "x" * 1_000_000})

    assert slug(answer) == (413, "payload-too-large")


def test_a_key_without_a_time_makes_one_link_too(world, ann):
    headers = {"Idempotency-Key": "my own key"}

    made = {ann.post(LINKS, json={"url": "https://example.com"}, headers=headers).json()["id"] for _ in range(3)}

    assert len(made) == 1


def test_a_link_that_leads_there_already_is_given_back_on_request(world, ann):
    first = world.link(ann, "https://example.com/a")

    again = ann.post(LINKS, json={"url": "https://EXAMPLE.com/a", "if_exists": "return"})
    new = ann.post(LINKS, json={"url": "https://example.com/a"})
    others = world.person().post(LINKS, json={"url": "https://example.com/a", "if_exists": "return"})

    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert (new.status_code, others.status_code) == (201, 201)
    assert len({first["id"], new.json()["id"], others.json()["id"]}) == 3


def test_many_at_once_that_want_the_existing_link_make_one(world, ann):
    body = {"url": "https://example.com/race", "if_exists": "return"}

    results = together(lambda: ann.post(LINKS, json=body), times=12)

    assert sorted(one.value.status_code for one in results) == [200] * 11 + [201]
    assert len({one.value.json()["id"] for one in results}) == 1


def test_a_link_to_the_same_url_can_be_made_anew_once_the_first_is_deleted(world, ann):
    body = {"url": "https://example.com/again", "if_exists": "return"}
    first = ann.post(LINKS, json=body).json()
    ann.delete(f"{LINKS}/{first['id']}")

    again = ann.post(LINKS, json=body)

    assert again.status_code == 201 and again.json()["id"] != first["id"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"expires_at": "2030-03-14T09:26:53Z"}, "/expires_at"),
        ({"expires_at": "2031-01-01T00:00:00Z", "not_before": "2031-01-01T00:00:00Z"}, "/not_before"),
        ({"max_clicks": 0}, "/max_clicks"),
        ({"redirect": 303}, "/redirect"),
        ({"password": ""}, "/password"),
        ({"tags": ["a b"]}, "/tags/0"),
        ({"rules": [{"url": "https://example.com"}]}, "/rules/0"),
        ({"rules": [{"url": "https://example.com", "country": "Germany"}]}, "/rules/0/country"),
        ({"colour": "red"}, "/colour"),
        ({"title": "a\u0000b"}, "/title"),
        ({"url": 7}, "/url"),
        ({"url": "https://example.com/" + "x" * 5_000}, "/url"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_bad_fields_are_pointed_at(world, ann, fields, pointer):
    answer = ann.post(LINKS, json={"url": "https://example.com", **fields})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("body", ["[]", '"x"', "null", "{", ""])
def test_a_body_that_is_no_object_is_refused(world, ann, body):
    answer = ann.post(LINKS, content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422


def test_all_urls_of_a_link_have_a_size_together(world, ann):
    rules = [{"url": f"https://example.com/{number}/{'x' * 2_500}", "language": "de"} for number in range(8)]

    answer = ann.post(LINKS, json={"url": "https://example.com", "rules": rules})

    assert slug(answer) == (422, "invalid-request")


def test_a_user_makes_sixty_an_hour_and_a_new_one_ten_a_day(world):
    def makes(person, count):
        made = [person.post(LINKS, json={"url": "https://example.com"}).status_code for _ in range(count)]
        return made.count(201)

    old, new = world.person(), world.person(days=1)
    results = []
    for _ in range(8):
        results.append(makes(old, 9))
        world.later(seconds=40)

    # An hour's worth at once, and one more each minute.
    assert 60 <= sum(results) <= 65 and results[-1] < 9
    assert makes(new, 12) == 10
    world.later(hours=3)
    assert makes(new, 12) == 1


def test_nobody_makes_links_without_signing_in(world):
    answer = world.served.client.post(LINKS, json={"url": "https://example.com"})

    assert slug(answer) == (401, "credentials-missing")


def test_a_permission_is_needed(world):
    reader = world.person(scope="shortener:read")

    assert slug(reader.post(LINKS, json={"url": "https://example.com"})) == (403, "insufficient-scope")


class TestOpenStack:
    @pytest.fixture
    def variables(self):
        return {"SHORT_LINKS": "anyone"}

    def test_anybody_makes_ten_a_day_from_an_address(self, world):
        body = {"url": "https://example.com"}
        made = [world.served.client.post(LINKS, json=body).status_code for _ in range(12)]

        assert made.count(201) == 10 and made[-1] == 429


def test_many_links_are_made_each_for_itself(world, ann):
    world.link(ann, alias="taken")
    rows = [
        {"url": "https://example.com/1", "alias": "first-one"},
        {"url": "javascript:alert(1)"},
        {"url": "https://example.com/2", "alias": "taken"},
        {"url": "https://example.com/3"},
    ]

    answer = ann.post(f"{LINKS}/bulk", json={"links": rows})

    results = answer.json()["results"]
    assert [one["status"] for one in results] == [201, 422, 409, 201]
    assert [one["row"] for one in results] == [1, 2, 3, 4]
    assert results[0]["link"]["code"] == "first-one" and results[2]["problem"]["suggestions"]


def test_a_bulk_that_is_sent_again_makes_nothing_twice(world, ann):
    body = {"links": [{"url": f"https://example.com/{number}"} for number in range(3)]}
    headers = {"Idempotency-Key": ids.new()}

    first = ann.post(f"{LINKS}/bulk", json=body, headers=headers).json()["results"]
    again = ann.post(f"{LINKS}/bulk", json=body, headers=headers).json()["results"]

    assert [one["link"]["id"] for one in first] == [one["link"]["id"] for one in again]
    assert len(ann.get(LINKS).json()["items"]) == 3


@pytest.mark.parametrize("seconds", [160, 320])
def test_a_bulk_from_a_clock_that_is_ahead_makes_nothing_twice(world, ann, seconds):
    body = {"links": [{"url": "https://example.com/1"}]}
    headers = {"Idempotency-Key": ids.at(clock.millis() + seconds * 1_000, b"0123456789")}
    ann.post(f"{LINKS}/bulk", json=body, headers=headers)
    world.frozen.advance(seconds=30)

    ann.post(f"{LINKS}/bulk", json=body, headers=headers)

    assert len(ann.get(LINKS).json()["items"]) == 1


def test_what_is_over_the_hourly_limit_is_said_row_by_row(world):
    new = world.person(days=0)
    body = {"links": [{"url": f"https://example.com/{number}"} for number in range(12)]}

    results = new.post(f"{LINKS}/bulk", json=body).json()["results"]

    assert [one["status"] for one in results] == [201] * 10 + [429] * 2


@pytest.mark.parametrize(
    "sheet",
    [
        "keyword,url,title\nspring,https://example.com/a,Spring\n",
        "Short Code;Long URL;Title\nspring;https://example.com/a;Spring\n",
        "address\ttarget\ttitle\nspring\thttps://example.com/a\tSpring\n",
    ],
    ids=["yourls", "shlink", "kutt"],
)
def test_links_of_others_are_taken_over_from_csv(world, ann, sheet):
    answer = ann.post(f"{LINKS}/import", content=sheet, headers={"content-type": "text/csv"})

    (row,) = answer.json()["results"]
    assert (row["status"], row["row"]) == (201, 2)
    assert (row["link"]["code"], row["link"]["url"], row["link"]["title"]) == (
        "spring",
        "https://example.com/a",
        "Spring",
    )


def test_bad_rows_of_a_sheet_stop_no_others(world, ann):
    sheet = "url,alias,tags\nftp://example.com,,\nhttps://example.com/x,good-one,a|b\nhttps://example.com/y,api,\n,,\n"

    results = ann.post(f"{LINKS}/import", content=sheet, headers={"content-type": "text/csv"}).json()["results"]

    assert [(one["row"], one["status"]) for one in results] == [(2, 422), (3, 201), (4, 422), (5, 422)][: len(results)]
    assert results[1]["link"]["tags"] == ["a", "b"]


@pytest.mark.parametrize("sheet", [b"", b"name\nx\n", b"PK\x03\x04abc", b"url\n" + b"https://example.com\n" * 101])
def test_what_is_no_sheet_of_links_is_refused_whole(world, ann, sheet):
    answer = ann.post(f"{LINKS}/import", content=sheet, headers={"content-type": "text/csv"})

    assert slug(answer) == (422, "bad-csv")


def test_a_sheet_that_is_too_large_is_refused(world, ann):
    answer = ann.post(f"{LINKS}/import", content=b"url\n" + b"x" * 1_000_001, headers={"content-type": "text/csv"})

    assert slug(answer) == (413, "payload-too-large")


def test_a_link_costs_one_transaction(world, ann):
    with CapacityMeter() as meter:
        world.link(ann, "https://example.com/cost", tags=["one"])

    cost = meter.of(world.table.name)
    assert cost.operations == ["BatchGetItem", "TransactWriteItems"]
    assert 8 <= cost.write_units <= 10


def test_a_code_whose_reservation_has_run_out_is_free_before_dynamodb_has_removed_it(world, ann):
    made = world.link(ann, alias="again-and-again")
    ann.delete(f"{LINKS}/{made['id']}")

    world.later(days=364)
    assert slug(ann.post(LINKS, json={"url": "https://example.com", "alias": "again-and-again"})) == (
        409,
        "alias-taken",
    )
    world.later(days=2)
    assert world.link(ann, alias="again-and-again")["id"] != made["id"]


def test_what_is_kept_of_a_password_is_a_slow_hash(world, ann):
    made = world.link(ann, password="open sesame")

    kept = json.dumps(everything_in(world.table))
    assert "open sesame" not in kept and "$argon2id$" in kept
    assert made["has_password"] is True and "password" not in made


def test_the_future_of_a_link_is_kept_to_the_millisecond(world, ann):
    ends = clock.rfc3339(clock.now() + DAY)

    assert world.link(ann, expires_at=ends)["expires_at"] == ends
