"""What a token that acts for an organisation reaches here, and what every role may do."""

import pytest

from functions.identity.organisations.actions import organisations
from functions.identity.organisations.actions.access import enter
from functions.identity.organisations.app import app
from functions.identity.organisations.rules.organisation import BUILT_IN, MANAGERS, RoleTooLow
from tessera import ids
from tessera.auth.principal import Principal
from tessera.auth.roles import held_by
from tessera.entry.guard import guard_of
from tessera.problems import NotFound

ROLES = (*BUILT_IN, "clerk")
# What each role may ask of its own organisation; an outsider is told 404 whatever they ask.
CELLS = {
    "see it": ("GET", "", None, ROLES),
    "list members": ("GET", "/members", None, ROLES),
    "see a member": ("GET", "/members/{member}", None, ROLES),
    "list roles": ("GET", "/roles", None, ROLES),
    "leave": ("POST", "/leave", None, ROLES),
    "rename": ("PATCH", "", {"name": "Studio"}, ("owner", "admin")),
    "change a member": ("PATCH", "/members/{member}", {"role": "viewer"}, ("owner", "admin")),
    "remove a member": ("DELETE", "/members/{member}", None, ("owner", "admin")),
    "invite": ("POST", "/invitations", {"email": "new@example.com"}, ("owner", "admin")),
    "list invitations": ("GET", "/invitations", None, ("owner", "admin")),
    "see an invitation": ("GET", "/invitations/{invitation}", None, ("owner", "admin")),
    "send an invitation again": ("POST", "/invitations/{invitation}/resend", None, ("owner", "admin")),
    "take an invitation back": ("DELETE", "/invitations/{invitation}", None, ("owner", "admin")),
    "list domains": ("GET", "/domains", None, ("owner", "admin")),
    "see a domain": ("GET", "/domains/acme.test", None, ("owner", "admin")),
    "name a domain": ("PUT", "/domains/other.test", {}, ("owner", "admin")),
    "verify a domain": ("POST", "/domains/acme.test/verify", None, ("owner", "admin")),
    "remove a domain": ("DELETE", "/domains/acme.test", None, ("owner", "admin")),
    "define a role": ("PUT", "/roles/archivist", {"permissions": ["tasks:read"]}, ("owner", "admin")),
    "drop a role": ("DELETE", "/roles/unused", None, ("owner", "admin")),
    "read the audit trail": ("GET", "/audit", None, ("owner", "admin")),
    "see the seats": ("GET", "/seats", None, ("owner", "admin")),
    "transfer": ("POST", "/transfer", {"user_id": "{member}"}, ("owner",)),
    "delete": ("DELETE", "", None, ("owner",)),
    "restore": ("POST", "/restore", None, ("owner",)),
}

# What would leave nothing for the cells after it.
ENDING = ("leave", "transfer", "delete")


def slug_of(answer):
    return answer.json()["type"].removeprefix("/problems/")


@pytest.fixture
def furnished(world, owner, atelier, path):
    """The organisation with something of everything in it."""
    assert (
        owner.put(f"{path}/roles/clerk", json={"permissions": ["organisations:read", "tasks:read"]}).status_code == 201
    )
    assert owner.put(f"{path}/roles/unused", json={"permissions": []}).status_code == 201
    world.zone.publish(owner.put(f"{path}/domains/acme.test", json={}).json())
    # Somebody else owns it too, so that an owner may leave, and may be the one who asks.
    world.member(atelier, "owner")
    invited = owner.post(f"{path}/invitations", json={"email": "guest@example.com"}).json()["id"]
    return {"member": world.member(atelier).id, "invitation": invited}


def ask(who, path, cell, furnished):
    method, rest, body, _ = CELLS[cell]
    if body is not None:
        body = {name: value.format(**furnished) for name, value in body.items() if isinstance(value, str)} | {
            name: value for name, value in body.items() if not isinstance(value, str)
        }
    headers = {"if-match": "*"} if method == "PATCH" else {}
    return who.request(method, f"{path}{rest.format(**furnished)}", json=body, headers=headers)


@pytest.mark.parametrize("ending", ["nothing", *ENDING])
@pytest.mark.parametrize("role", [*ROLES, "outsider"])
def test_role_cells(world, atelier, path, furnished, role, ending):
    """Every cell of the table: each role, each thing that can be asked, those that end something on their own."""
    who = world.somebody() if role == "outsider" else world.member(atelier, role)
    cells = [cell for cell in CELLS if cell not in ENDING] if ending == "nothing" else [ending]
    for cell in cells:
        answer = ask(who, path, cell, furnished)

        if role == "outsider":
            assert (answer.status_code, slug_of(answer)) == (404, "not-found"), cell
        elif role in CELLS[cell][3]:
            assert answer.is_success, (cell, answer.text)
        else:
            assert (answer.status_code, slug_of(answer)) == (403, "role-too-low"), cell


def test_every_route_with_an_organisation_has_a_cell(world):
    without = {("POST", "/join")}
    prefix = "/organisations/{organisation_id:ulid}"
    routes = {
        (method, route.path.removeprefix(prefix))
        for route in app.router.routes
        for method in route.methods
        if route.path.startswith(prefix)
    }
    asked = {(method, shaped(rest)) for method, rest, *_ in CELLS.values()}

    assert {(method, shaped(rest)) for method, rest in routes} - without - {("GET", "/roles/{}")} == asked


def shaped(rest):
    parts = rest.split("/")
    named = ("members", "invitations", "domains", "roles")
    return "/".join("{}" if at and parts[at - 1] in named else part for at, part in enumerate(parts))


@pytest.mark.asvs("8.4.1")
def test_a_token_for_one_organisation_reaches_no_other_even_of_the_same_person(world, owner, atelier, path):
    other = world.organisation(owner, "workshop")
    acting = world.acting(owner, atelier, "owner")

    assert acting.get(path).status_code == 200
    for method, rest in (("GET", ""), ("GET", "/members"), ("DELETE", ""), ("POST", "/leave"), ("GET", "/audit")):
        answer = acting.request(method, f"/organisations/{other}{rest}")
        assert (answer.status_code, slug_of(answer)) == (404, "not-found"), rest


def test_what_is_ones_own_is_not_done_while_acting_for_an_organisation(world, owner, atelier):
    acting = world.acting(owner, atelier, "owner")

    answers = [
        acting.post("/organisations", json={"name": "Another", "slug": "another"}),
        acting.post("/organisations/invitations/accept", json={"token": "toi_x"}),
        acting.post(f"/organisations/{atelier}/join"),
        acting.get("/organisations/joinable"),
    ]

    assert [(answer.status_code, slug_of(answer)) for answer in answers] == [(403, "insufficient-scope")] * 4


@pytest.mark.asvs("8.3.1")
def test_the_role_in_the_table_counts_and_not_the_one_in_the_token(world, owner, atelier, path):
    viewer = world.member(atelier, "viewer")
    boasting = world.acting(viewer, atelier, "owner")

    assert slug_of(boasting.get(f"{path}/audit")) == "role-too-low"
    assert slug_of(boasting.delete(path)) == "role-too-low"


def test_a_viewers_token_changes_nothing_whatever_the_table_says(world, owner, atelier, path):
    acting = world.acting(owner, atelier, "viewer")

    answer = acting.patch(path, json={"name": "X"}, headers={"if-match": "*"})

    assert (answer.status_code, slug_of(answer)) == (403, "insufficient-scope")


@pytest.mark.asvs("8.4.1")
def test_a_forged_claim_of_an_organisation_is_refused(world, atelier, path):
    stranger = world.somebody()
    forged = world.acting(stranger, atelier, "owner")

    assert forged.get(path).status_code == 404
    head, payload, signature = stranger.token.split(".")
    other_head, other_payload, _ = forged.token.split(".")
    stranger.token = f"{other_head}.{other_payload}.{signature}"
    answer = stranger.get(path)
    assert (answer.status_code, slug_of(answer)) == (401, "token-invalid")
    assert head == other_head and payload != other_payload


def test_a_person_sees_all_their_organisations_to_switch_between(world, owner, atelier):
    other = world.organisation(owner, "workshop")

    found = world.acting(owner, atelier, "owner").get("/organisations").json()["items"]

    assert {item["id"] for item in found} == {atelier, other}


def test_somebody_impersonated_changes_nothing_here(world, owner, atelier, path):
    claims = {"act": {"sub": ids.new(), "sid": ids.new(), "write": True}}
    owner.token = world.token(owner.id, **claims)

    assert owner.get(path).status_code == 200
    for answer in (owner.delete(path), owner.post(f"{path}/leave")):
        assert (answer.status_code, slug_of(answer)) == (403, "impersonation-forbidden")


def test_a_guest_has_no_organisations(world):
    guest = world.somebody()
    guest.token = world.token(guest.id, roles=["guest"])

    assert guest.post("/organisations", json={"name": "A", "slug": "atelier"}).status_code == 403
    assert guest.get("/organisations").status_code == 403


def test_without_a_token_there_is_a_challenge(world, path):
    for method, rest in (("GET", ""), ("POST", "/leave"), ("PATCH", "")):
        answer = world.served.client.request(method, f"{path}{rest}", content=b"{")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="tessera"'


@pytest.fixture
def key(atelier):
    """An API key of the organisation's own, whose maker has left long ago."""
    held = held_by("user")
    return Principal(kind="api_key", id=ids.new(), user_id=ids.new(), org=atelier, credential="key", permissions=held)


def test_a_key_of_the_organisations_own_reads_as_a_member_does(world, owner, atelier, key):
    world.organisation(owner, "workshop")

    assert enter(world.ports, key, atelier).role == "member"
    found, following = organisations.listed(world.ports, key, 50, None)
    assert ([(one.id, role) for one, role in found], following) == ([(atelier, "member")], None)
    with pytest.raises(RoleTooLow):
        enter(world.ports, key, atelier, MANAGERS)


def test_a_key_of_the_organisations_own_reaches_no_other(world, owner, key):
    other = world.organisation(owner, "workshop")

    with pytest.raises(NotFound):
        enter(world.ports, key, other)


def test_a_key_of_an_organisation_that_is_being_deleted_reaches_nothing(world, owner, atelier, path, key):
    owner.delete(path)

    with pytest.raises(NotFound):
        enter(world.ports, key, atelier)


def test_no_key_decides_who_belongs():
    """Whoever finds a key must not be able to let themselves in for good."""
    open_to_keys = [
        f"{sorted(route.methods)} {route.path}"
        for route in app.router.routes
        if not route.methods & {"GET"} and "api_key" in getattr(guard_of(route), "kinds", ())
    ]

    assert open_to_keys == []
