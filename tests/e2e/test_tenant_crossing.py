"""Two persons and two organisations with the same kinds of things: nothing of one reaches another.

Generated from the document: every operation that names something or lists things, so that whatever is added later is
tried from its first day. `tests/kit/tenancy.py` says how to make one of each.
"""

from typing import Any

import httpx
import pytest

from tessera import ids
from tests.kit import contract, tenancy
from tests.kit.people import Mailbox, People
from tests.kit.tenancy import MAKERS, OF_OURS, OPEN_BODIES, SEARCHED_WITH, Operation, Tenant

pytestmark = pytest.mark.long
OPERATIONS = list(tenancy.operations(contract.Document.load().document))
NAMED = [one for one in OPERATIONS if one.kind in MAKERS]
# What is listed, or told, without naming anything.
LISTS = [
    one
    for one in OPERATIONS
    if one.method == "GET" and not one.kind and one.path not in tenancy.SELF_CHANGING
    if one.is_for_users or one.access.startswith(("public", "optional"))
]
STAFF = [one for one in OPERATIONS if one.is_for_staff]
BODIED = [one for one in OPERATIONS if one.body_schema() is not None and "session cookie" not in one.access]
# Whom nobody knows; the same each time, so that what is told of them can be compared.
NOBODY = "01HZX3J0V7Q8M4N5P6R7S8T9VZ"
SEARCHES = frozenset(["q", "query", "search", "text"])
OWNERS = frozenset(["owner_id", "user_id"])
# Who asks for the things of whom.
PAIRS = [
    ("bob", "ann"),
    ("bobs guild", "anns guild"),
    ("ann", "anns guild"),
    ("anns guild", "ann"),
    ("bob", "anns guild"),
]


def named(operation: Operation) -> str:
    return operation.name


class World:
    """The tenants, what each of them has, and what bob saw before ann had anything."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.tenants = tenancy.tenants(people)
        self.before = {name: self.seen_by(name) for name in ("bob", "bobs guild")}
        self.furnish("ann", "anns guild")
        self.after = {name: self.seen_by(name) for name in ("bob", "bobs guild")}
        self.furnish("bob", "bobs guild")

    def furnish(self, *names: str) -> None:
        for tenant in map(self.tenants.__getitem__, names):
            for kind, maker in MAKERS.items():
                # What is a person's alone is not made while acting for somebody else.
                if not (maker.belongs == "person" and tenant.acts_for_organisation):
                    tenant.make(kind)
            # A second one of what is listed, so that there is a next page.
            for kind in tenancy.TWICE:
                tenant.make(kind)
            # Whom a person blocks and what they follow is theirs, whomever they act for.
            for path in () if tenant.acts_for_organisation else tenancy.CHOSEN:
                tenant.create(path.format(ids.new()), method="PUT")

    def seen_by(self, name: str) -> dict[str, Any]:
        tenant = self.tenants[name]
        return {one.path: told(tenant.ask("GET", one.path, params=asked(one))) for one in LISTS if one.is_for_users}

    def foreign_to(self, tenant: Tenant) -> set[str]:
        """Texts that stand in what others have and this tenant does not reach."""
        found: set[str] = set()
        for other in self.tenants.values():
            for kind, made in other.made.items():
                if not tenant.reaches(other, kind):
                    found |= {value for one in made for value in one.values() if ids.is_ulid(value)}
            if other.person.id != tenant.person.id:
                found.add(other.mark)
        own = {tenant.owner_id, tenant.person.id}
        shared = {value for kind, made in tenant.made.items() for one in made for value in one.values()}
        return found - own - shared


@pytest.fixture(scope="module")
def world(people: People) -> World:
    return World(people)


def asked(operation: Operation) -> dict[str, str]:
    """As much of a list as it gives, and whatever else it must be told."""
    query = operation.parameters("query")
    given = {name: "100" for name in ("limit",) if name in query}
    for name, parameter in query.items():
        if parameter.get("required"):
            given[name] = NOBODY if "id" in name else "x" * int(parameter["schema"].get("minLength", 3))
    return given | tenancy.LISTED_WITH.get(operation.path, {})


def told(answer: httpx.Response) -> Any:
    """What an answer says, without what is another each time."""
    if "json" not in answer.headers.get("content-type", ""):
        return answer.status_code, answer.text
    return answer.status_code, lasting(answer.json())


PASSING = frozenset(["trace_id", "next", "server_time", "comment_token"])


def lasting(value: Any) -> Any:
    """Without cursors and traces, and links without what signs them for the moment."""
    if isinstance(value, dict):
        # A link that is signed when it is asked for is good for as long from then on.
        passing = PASSING | {"expires_at"} if "?" in str(value.get("url", "")) else PASSING
        return {name: lasting(inner) for name, inner in value.items() if name not in passing}
    if isinstance(value, list):
        return [lasting(inner) for inner in value]
    return value.partition("?")[0] if isinstance(value, str) and value.startswith("http") else value


def like(value: str) -> str:
    """Another value of the same shape."""
    # Letters of every alphabet that ids are written in; a digit is not, but a counter ends in nothing else.
    others = "01" if value.isdigit() else "ab"
    return ids.new() if ids.is_ulid(value) else value[:-1] + (others[1] if value[-1] == others[0] else others[0])


def slug_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


@pytest.mark.parametrize("operation", NAMED, ids=named)
@pytest.mark.asvs("8.2.2", "8.4.1")
def test_tenant_crossing(world: World, operation: Operation) -> None:
    """Nobody reads, changes, or learns of what another tenant has, by naming it."""
    look = next((one for one in NAMED if one.method == "GET" and one.path == operation.kind), None)
    tried = 0
    for intruder, victim in ((world.tenants[one], world.tenants[other]) for one, other in PAIRS):
        if intruder.reaches(victim, operation.kind) or operation.kind not in victim.made:
            continue
        values = victim.made[operation.kind][0]
        before = told(victim.ask("GET", look.url(values))) if look else None

        answer = intruder.ask(operation.method, operation.url(values), json=operation.body(), headers={"if-match": "*"})

        assert answer.status_code in (403, 404), f"{intruder.name} asked {victim.name}: {answer.text}"
        assert victim.mark not in answer.text
        if look is not None:
            assert before is not None and before[0] == 200, f"{victim.name} has none: {before}"
            assert told(victim.ask("GET", look.url(values))) == before
        tried += 1
    assert tried


@pytest.mark.parametrize("operation", NAMED, ids=named)
def test_what_exists_for_another_is_answered_as_what_does_not_exist(world: World, operation: Operation) -> None:
    intruder, victim = world.tenants["bob"], world.tenants["ann"]
    values = victim.made[operation.kind][0]
    nothing = {name: like(value) for name, value in values.items()}
    given = {"json": operation.body(), "headers": {"if-match": "*"}}

    there = intruder.ask(operation.method, operation.url(values), **given)
    not_there = intruder.ask(operation.method, operation.url(nothing), **given)

    assert (there.status_code, slug_of(there)) == (not_there.status_code, slug_of(not_there))
    if all(map(ids.is_ulid, values.values())):
        # What is no id of ours may be turned away by the router, in its own words.
        assert {**there.json(), "trace_id": ""} == {**not_there.json(), "trace_id": ""}


@pytest.mark.parametrize("operation", NAMED, ids=named)
def test_without_a_credential_nothing_is_named(world: World, operation: Operation) -> None:
    values = world.tenants["ann"].made[operation.kind][0]

    with world.people.client() as nobody:
        answer = nobody.request(operation.method, operation.url(values), json=operation.body())

    # Some of it may be public: then of the rest is said what is said of nothing.
    is_open = operation.access.startswith(("optional", "public"))
    assert answer.status_code in ((401, 404) if is_open else (401,))


@pytest.mark.parametrize("operation", LISTS, ids=named)
def test_no_list_shows_what_is_anothers(world: World, operation: Operation) -> None:
    for tenant in world.tenants.values():
        answer = tenant.ask("GET", operation.path, params=asked(operation))

        assert answer.status_code < 500 or operation.path in tenancy.NOT_ENABLED
        crossed = {text for text in world.foreign_to(tenant) if text in answer.text}
        assert not crossed, f"{tenant.name} sees {crossed}"


@pytest.mark.parametrize("operation", [one for one in LISTS if one.is_for_users], ids=named)
def test_what_one_makes_changes_nothing_that_another_is_told(world: World, operation: Operation) -> None:
    """No count and no total either: bob is told the same before and after ann has made all that can be made."""
    for name in ("bob", "bobs guild"):
        before, after = (seen[name][operation.path] for seen in (world.before, world.after))
        if operation.path in tenancy.OF_EVERYBODY:
            assert not {text for text in world.foreign_to(world.tenants[name]) if text in str(after)}
        else:
            assert steady(after) == steady(before), name


def steady(answer):
    """An answer without what says only whether another capability was quick enough to be asked."""
    status, body = answer
    return status, {name: value for name, value in body.items() if name != "complete"} if isinstance(
        body, dict
    ) else body


SEARCHED = [
    one
    for one in LISTS
    if one.is_for_users and one.path not in tenancy.NOT_ENABLED and SEARCHES & one.parameters("query").keys()
]


@pytest.mark.parametrize("operation", SEARCHED, ids=named)
def test_no_search_finds_what_is_anothers(world: World, operation: Operation) -> None:
    (name,) = SEARCHES & operation.parameters("query").keys()
    for intruder, victim in ((world.tenants[one], world.tenants[other]) for one, other in PAIRS):
        answer = intruder.ask(
            "GET", operation.path, params={name: victim.mark, **SEARCHED_WITH.get(operation.path, {})}
        )

        assert answer.status_code == 200
        assert not any(found for found in answer.json().values() if isinstance(found, list))


@pytest.mark.parametrize("operation", [one for one in LISTS if "cursor" in one.parameters("query")], ids=named)
def test_no_cursor_is_good_for_another(world: World, operation: Operation) -> None:
    tried = 0
    for intruder, victim in ((world.tenants[one], world.tenants[other]) for one, other in PAIRS):
        page = victim.ask("GET", operation.path, params={**asked(operation), "limit": 1})
        cursor = page.json().get("next") if page.is_success else None
        # What is a person's own list is the same list whomever they act for.
        if cursor is None or (intruder.person.id == victim.person.id and is_personal(world, operation)):
            continue

        answer = intruder.ask("GET", operation.path, params={**asked(operation), "limit": 1, "cursor": cursor})

        assert (answer.status_code, slug_of(answer)) == (400, "bad-cursor")
        tried += 1
    assert tried or operation.path in tenancy.ONE_PAGE, "There is no next page. Let `tenancy` make a second one."


def is_personal(world: World, operation: Operation) -> bool:
    one, other = (told(world.tenants[name].ask("GET", operation.path)) for name in ("ann", "anns guild"))
    return one == other


OWNED = [one for one in OPERATIONS if one.is_for_users and OWNERS & one.parameters("query").keys()]


@pytest.mark.parametrize("operation", OWNED, ids=named)
def test_nobody_says_whose_things_they_ask_for(world: World, operation: Operation) -> None:
    (name,) = OWNERS & operation.parameters("query").keys()
    values = operation.examples()
    for intruder, victim in ((world.tenants[one], world.tenants[other]) for one, other in PAIRS):
        answer = intruder.ask(operation.method, operation.url(values), params={name: victim.owner_id})

        assert answer.status_code in (403, 404), f"{intruder.name} asked {victim.name}: {answer.text}"


def test_no_mail_goes_to_another(world: World, mailbox: Mailbox) -> None:
    for tenant in world.tenants.values():
        texts = [f"{mail.subject} {mail.text}" for mail in mailbox.all(tenant.person.email)]
        for other in world.tenants.values():
            if other.person.id != tenant.person.id:
                assert not [text for text in texts if other.mark in text or other.owner_id in text]


@pytest.mark.parametrize("operation", STAFF, ids=named)
def test_what_is_for_staff_is_closed_to_everybody_else(world: World, operation: Operation) -> None:
    """Whatever is named, and whether or not it exists: the permission is asked for first."""
    # Each in turn, so that nobody meets the limit of what costs much.
    tenant = list(world.tenants.values())[STAFF.index(operation) % len(world.tenants)]

    answer = tenant.ask(operation.method, operation.url(operation.examples()), json=operation.body())

    assert (answer.status_code, slug_of(answer)) == (403, "insufficient-scope")


@pytest.mark.parametrize("operation", [one for one in BODIED if not one.is_for_staff], ids=named)
@pytest.mark.asvs("8.2.3")
def test_no_body_takes_what_is_not_the_callers_to_say(world: World, operation: Operation) -> None:
    """Fields such as `owner_id` and `roles` are refused by name, or dropped where another's protocol asks for it."""
    ann = world.tenants["ann"]
    values = ann.made[operation.kind][0] if operation.kind in MAKERS else operation.examples()
    schema = operation.body_schema() or {}
    extra: dict[str, Any] = {name: [] if name.endswith("s") else ids.new() for name in OF_OURS}
    extra = {name: value for name, value in extra.items() if name not in schema.get("properties", {})}
    headers = {"if-match": "*", "origin": str(ann.person.http.base_url).rstrip("/")}

    if operation.name in OPEN_BODIES:
        answer = ann.ask(operation.method, operation.url(values), json={"title": "a", **extra}, headers=headers)
        assert not any(str(value) in answer.text for value in extra.values() if value)
        return
    answer = ann.ask(operation.method, operation.url(values), json=extra, headers=headers)

    if operation.kind in tenancy.REASONS and answer.status_code == 404:
        # There is nothing under this name, and nothing was made of the body.
        return
    assert answer.status_code == 422, answer.text
    refused = {error["pointer"] for error in answer.json()["errors"]}
    assert operation.name in tenancy.FORMS or {f"/{name}" for name in extra} <= refused
