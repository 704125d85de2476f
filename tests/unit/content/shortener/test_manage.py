"""What owners do with their links."""

import pytest

from functions.content.shortener.rules.links import Link
from tessera import clock, ids
from tessera.tables import Row
from tests.kit.capacity import CapacityMeter
from tests.kit.faults import meanwhile
from tests.kit.races import together
from tests.kit.stores import everything_in

from .conftest import DAY, slug

LINKS = "/shortener/links"


def patch(owner, link, version=1, **fields):
    return owner.patch(f"{LINKS}/{link['id']}", json=fields, headers={"If-Match": f'"v{version}"'})


def codes(answer):
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["items"]]


def test_where_a_link_leads_may_change_and_its_code_may_not(world, ann):
    link = world.link(ann)

    changed = patch(ann, link, url="https://example.com/new", title="New", tags=["a", "b", "a"])

    assert changed.status_code == 200 and changed.headers["etag"] == '"v2"'
    assert (changed.json()["url"], changed.json()["title"], changed.json()["tags"]) == (
        "https://example.com/new",
        "New",
        ["a", "b"],
    )
    assert world.follow(link["code"]).headers["location"] == "https://example.com/new"
    assert slug(patch(ann, link, 2, code="other")) == (422, "invalid-request")
    assert world.events("shortener.link.updated.v1")[0]["changed"] == ["tags", "title", "url"]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, (428, "version-required")),
        ('"v7"', (412, "version-mismatch")),
        ('W/"v1"', (412, "version-mismatch")),
        ("nonsense", (412, "version-mismatch")),
    ],
)
def test_a_change_names_the_version_it_has_read(world, ann, header, wanted):
    link = world.link(ann)
    headers = {"If-Match": header} if header else {}

    assert slug(ann.patch(f"{LINKS}/{link['id']}", json={"title": "x"}, headers=headers)) == wanted


def test_of_many_changes_of_one_version_one_is_made(world, ann):
    link = world.link(ann)

    results = together(*[lambda n=n: patch(ann, link, title=f"Title {n}").status_code for n in range(8)])

    assert sorted(one.value for one in results) == [200] + [412] * 7


def test_any_version_is_changed_after_another_change_as_well(world, ann):
    link = world.link(ann)

    with meanwhile("TransactWriteItems", lambda: patch(ann, link, title="First")):
        answer = ann.patch(f"{LINKS}/{link['id']}", json={"tags": ["x"]}, headers={"If-Match": "*"})

    assert answer.status_code == 200 and (answer.json()["title"], answer.json()["tags"]) == ("First", ["x"])


def test_a_change_to_what_it_is_already_writes_nothing(world, ann):
    link = world.link(ann, title="Same")

    assert patch(ann, link, title="Same").headers["etag"] == '"v1"'


def test_null_takes_something_away(world, ann):
    ends = clock.rfc3339(clock.now() + DAY)
    link = world.link(
        ann, title="T", expires_at=ends, max_clicks=5, password="secret", expired_url="https://e.example/"
    )

    changed = patch(ann, link, title=None, expires_at=None, max_clicks=None, password=None, expired_url=None).json()

    assert [changed[name] for name in ("title", "expires_at", "max_clicks", "left", "expired_url")] == [None] * 5
    assert changed["has_password"] is False
    world.later(days=2)
    assert world.follow(link["code"]).status_code == 302 and world.sweep() == 0


def test_more_clicks_are_added_to_what_is_left_by_now(world, ann):
    link = world.link(ann, max_clicks=3)
    world.follow(link["code"])

    with meanwhile("TransactWriteItems", lambda: world.follow(link["code"])):
        changed = patch(ann, link, max_clicks=10)

    assert changed.status_code == 200
    assert ann.get(f"{LINKS}/{link['id']}").json()["left"] == 8
    patch(ann, link, 2, max_clicks=2)
    assert ann.get(f"{LINKS}/{link['id']}").json()["left"] == 0


def test_a_limit_that_comes_later_counts_from_then(world, ann):
    link = world.link(ann)
    world.follow(link["code"])

    assert patch(ann, link, max_clicks=2).status_code == 200

    assert [world.follow(link["code"]).status_code for _ in range(3)] == [302, 302, 410]


def test_an_end_that_is_moved_is_told_once_at_its_new_time(world, ann):
    link = world.link(ann, expires_at=clock.rfc3339(clock.now() + DAY))
    patch(ann, link, expires_at=clock.rfc3339(clock.now() + 2 * DAY))

    world.later(days=1)
    assert world.sweep() == 0
    world.later(days=1)
    assert world.sweep() == 1 and world.sweep() == 0
    assert [one["link_id"] for one in world.events("shortener.link.expired.v1")] == [link["id"]]


def test_a_message_of_an_end_that_was_moved_says_nothing(world, ann):
    link = world.link(ann, expires_at=clock.rfc3339(clock.now() + DAY))
    (item,) = [one for one in everything_in(world.table) if "due_sk" in one]
    patch(ann, link, expires_at=None)

    from functions.content.shortener.actions import watchful
    from tessera.due import DueItem

    stale = DueItem(**{name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")})
    watchful.come_due(world.ports, stale)
    assert world.events("shortener.link.expired.v1") == []


def test_an_end_is_told_once_by_two_messages_at_once(world, ann):
    world.link(ann, expires_at=clock.rfc3339(clock.now() + DAY))
    world.later(days=1)
    (item,) = [one for one in everything_in(world.table) if "due_sk" in one]
    from functions.content.shortener.events import LinkExpired
    from tessera.due import DueItem

    due = DueItem(**{name: item[name]["S"] for name in ("pk", "sk", "due_pk", "due_sk")})
    link = world.ports.links.come_due(due)
    told = LinkExpired(link_id=link.id, owner_id=link.owner_id, domain=link.domain, code=link.code)

    results = together(lambda: world.ports.links.expired(link, due, told), times=4)

    assert sorted(one.value for one in results) == [False, False, False, True]


def test_a_deleted_link_is_gone_and_its_code_stays_taken(world, ann):
    link = world.link(ann, alias="printed", tags=["x"])
    path = f"{LINKS}/{link['id']}"

    assert ann.delete(path).status_code == 204
    assert [ann.get(path).status_code, ann.delete(path).status_code, world.follow("printed").status_code] == [404] * 3
    assert slug(world.person().post(LINKS, json={"url": "https://e.example/", "alias": "printed"})) == (
        409,
        "alias-taken",
    )
    assert codes(ann.get(LINKS)) == codes(ann.get(f"{LINKS}?tag=x")) == codes(ann.get(f"{LINKS}?q=pri")) == []
    kept = world.table.get(Row, "S#-#printed", "META")
    assert kept is None and ann.id not in str(
        [item for item in everything_in(world.table) if item["pk"]["S"] == "S#-#printed" and "event" not in item]
    )
    assert [one["code"] for one in world.events("shortener.link.deleted.v1")] == ["printed"]


def test_a_delete_may_name_its_version(world, ann):
    link = world.link(ann)

    assert slug(ann.delete(f"{LINKS}/{link['id']}", headers={"If-Match": '"v3"'})) == (412, "version-mismatch")
    assert ann.delete(f"{LINKS}/{link['id']}", headers={"If-Match": '"v1"'}).status_code == 204


def test_a_delete_that_meets_a_change_takes_the_new_tags_along(world, ann):
    link = world.link(ann, tags=["old"])

    with meanwhile("TransactWriteItems", lambda: patch(ann, link, tags=["new"])):
        assert ann.delete(f"{LINKS}/{link['id']}").status_code == 204

    assert codes(ann.get(f"{LINKS}?tag=new")) == []
    left = [item for item in everything_in(world.table) if item["pk"]["S"].startswith("L#TG#")]
    assert left == []


def test_of_two_that_delete_one_link_one_finds_it(world, ann):
    link = world.link(ann)

    results = together(lambda: ann.delete(f"{LINKS}/{link['id']}").status_code, times=4)

    assert sorted(one.value for one in results) == [204, 404, 404, 404]


def test_the_counters_of_a_deleted_link_go(world, ann):
    link = world.link(ann)
    world.follow(link["code"])
    world.count()
    ann.delete(f"{LINKS}/{link['id']}")

    assert world.work() == 1
    assert [item for item in everything_in(world.table) if item["pk"]["S"].startswith("CT#")] == []


def test_a_replay_of_a_deleted_create_is_gone(world, ann):
    headers, body = {"Idempotency-Key": ids.new()}, {"url": "https://example.com"}
    link = ann.post(LINKS, json=body, headers=headers).json()
    ann.delete(f"{LINKS}/{link['id']}")

    assert slug(ann.post(LINKS, json=body, headers=headers)) == (410, "gone")


def test_nobody_sees_or_touches_what_is_somebody_elses(world, ann):
    link, eve = world.link(ann), world.person()
    path = f"{LINKS}/{link['id']}"

    answers = [eve.get(path), patch(eve, link, title="x"), eve.delete(path)]
    answers += [eve.get(f"{path}/{what}") for what in ("stats", "clicks", "qr.svg")]

    assert {one.status_code for one in answers} == {404}
    assert codes(eve.get(LINKS)) == []


def test_lists_are_the_newest_first_and_paged(world, ann):
    made = []
    for number in range(5):
        made.append(world.link(ann, f"https://example.com/{number}")["code"])
        world.later(seconds=1)

    first = ann.get(f"{LINKS}?limit=2").json()
    second = ann.get(f"{LINKS}?limit=2&cursor={first['next']}").json()
    third = ann.get(f"{LINKS}?limit=2&cursor={second['next']}").json()

    seen = [one["code"] for page in (first, second, third) for one in page["items"]]
    assert seen == made[::-1] and third["next"] is None


def test_filters_narrow_the_list(world, ann):
    ann.post("/shortener/domains", json={"host": "go.example.com"})
    ann.post("/shortener/domains/go.example.com/verify")
    world.link(ann, alias="spring-one", tags=["sale"])
    world.link(ann, alias="spring-two", expires_at=clock.rfc3339(clock.now() + DAY))
    world.later(seconds=1)
    world.link(ann, alias="autumn", tags=["sale"], domain="go.example.com")
    world.later(days=1)

    assert codes(ann.get(f"{LINKS}?tag=Sale")) == ["autumn", "spring-one"]
    assert codes(ann.get(f"{LINKS}?q=Spring")) == ["spring-one", "spring-two"]
    assert codes(ann.get(f"{LINKS}?q=spring&tag=sale")) == ["spring-one"]
    assert codes(ann.get(f"{LINKS}?domain=go.example.com")) == ["autumn"]
    assert codes(ann.get(f"{LINKS}?state=expired")) == ["spring-two"]
    assert codes(ann.get(f"{LINKS}?state=active")) == ["autumn", "spring-one"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=abc", "state=gone", "q=%25", "colour=red"])
def test_a_bad_filter_is_refused(ann, query):
    assert slug(ann.get(f"{LINKS}?{query}")) == (422, "invalid-request")


def test_a_foreign_cursor_is_refused(world, ann):
    for number in range(2):
        world.link(ann, f"https://example.com/{number}")
    cursor = ann.get(f"{LINKS}?limit=1").json()["next"]

    assert slug(ann.get(f"{LINKS}?limit=1&tag=a&cursor={cursor}")) == (400, "bad-cursor")
    assert slug(world.person().get(f"{LINKS}?limit=1&cursor={cursor}")) == (400, "bad-cursor")
    assert slug(ann.get(f"{LINKS}?cursor=abc")) == (400, "bad-cursor")


@pytest.mark.parametrize("others", [0, 300])
def test_a_page_costs_the_page_whatever_there_is(world, ann, others):
    for number in range(others):
        link = Link(ids.new(), ann.id, "-", f"code{number:04}", "https://e.example/", clock.now(), clock.now(), ann.id)
        from functions.content.shortener.store.rows import owned, pointer, row_of

        world.table.put(row_of(link))
        world.table.put(pointer(owned(ann.id), link.id, link))
    world.later(seconds=1)
    for number in range(20):
        world.link(ann, f"https://example.com/{number}")

    with CapacityMeter() as meter:
        assert len(codes(ann.get(f"{LINKS}?limit=20"))) == 20

    cost = meter.of(world.table.name)
    assert cost.operations == ["Query", "BatchGetItem"] and cost.read_units <= 22


def test_what_belongs_to_a_link_is_told_with_it_alone(world, ann):
    link = world.link(ann)
    world.follow(link["code"])
    world.count()

    one, listed = ann.get(f"{LINKS}/{link['id']}").json(), ann.get(LINKS).json()["items"][0]

    assert (one["clicks"], one["bots"]) == (1, 0) and listed["clicks"] is None


def test_all_of_an_owner_is_erased_and_nothing_of_others(world, ann):
    ann.post("/shortener/domains", json={"host": "go.example.com"})
    ann.post("/shortener/domains/go.example.com/verify")
    made = [world.link(ann, f"https://example.com/{number}", tags=["t"]) for number in range(30)]
    kept = world.link(world.person(), "https://example.com/kept")
    world.follow(made[0]["code"])
    world.count()

    calls = 0
    while True:
        status, said = world.invoke("/shortener/internal/erase", {"owner_id": ann.id})
        calls += 1
        assert status == 200 and calls < 10
        if said["done"]:
            break

    left = [item for item in everything_in(world.table) if "event" not in item and ann.id in str(item)]
    # For a day, what answers a replayed create still names whose it was.
    assert [item for item in left if not item.get("gone")] == []
    assert world.follow(made[0]["code"]).status_code in (302, 404)
    world.forget()
    assert world.follow(made[0]["code"]).status_code == 404 and world.follow(kept["code"]).status_code == 302
    assert world.events("privacy.data.erased.v1") == [{"owner_id": ann.id, "capability": "shortener"}]
    assert world.invoke("/shortener/internal/erase", {"owner_id": ann.id})[1]["done"] is True


def test_erasing_is_for_accounts_alone(world, ann):
    assert ann.post("/shortener/internal/erase", json={"owner_id": ann.id}).status_code == 404


def test_an_organisation_has_links_of_its_own(world):
    organisation = ids.new()
    ann = world.person(org=organisation, org_role="admin", org_ep=1)
    link = world.link(ann)

    assert world.events("shortener.link.created.v1")[0]["owner_id"] == organisation
    assert world.ports.links.get(organisation, link["id"]).created_by == ann.id
