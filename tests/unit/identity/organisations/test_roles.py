"""Roles of an organisation's own."""

import pytest

from functions.identity.organisations.rules.organisation import MAX_ROLES

ACCEPT = "/organisations/invitations/accept"


def slug_of(answer):
    return answer.json()["type"].removeprefix("/problems/")


def test_a_role_is_defined_and_seen_by_every_member(world, owner, atelier, path):
    made = owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:write", "tasks:read", "tasks:read"]})

    assert made.status_code == 201
    assert made.json() == {"name": "clerk", "permissions": ["tasks:read", "tasks:write"], "assigned": 0}
    viewer = world.member(atelier, "viewer")
    assert viewer.get(f"{path}/roles/clerk").json() == made.json()
    assert viewer.get(f"{path}/roles").json()["items"] == [made.json()]


@pytest.mark.parametrize(
    "permission", ["backups:restore", "admin:roles", "tasks:manage", "nothing:read", "accounts:impersonate"]
)
def test_a_role_gives_nothing_that_a_user_does_not_hold(owner, path, permission):
    answer = owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read", permission]})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/permissions/1"]


@pytest.mark.parametrize("wildcard", ["*:read", "*", "tasks:*"])
def test_a_role_names_permissions_and_no_wildcards(owner, path, wildcard):
    assert owner.put(f"{path}/roles/clerk", json={"permissions": [wildcard]}).status_code == 422


@pytest.mark.parametrize("name", ["owner", "admin", "member", "viewer"])
def test_a_built_in_role_is_what_it_is(owner, path, name):
    assert owner.put(f"{path}/roles/{name}", json={"permissions": []}).status_code == 422


def test_a_role_is_counted_wherever_it_is_named(world, owner, atelier, path):
    owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read"]})
    world.invited(owner, atelier, "guest@example.com", "clerk")
    owner.put(f"{path}/domains/acme.com", json={"role": "clerk"})
    member = world.member(atelier, "clerk")

    assert owner.get(f"{path}/roles/clerk").json()["assigned"] == 3
    refused = owner.delete(f"{path}/roles/clerk")
    assert (refused.status_code, slug_of(refused), refused.json()["assigned"]) == (409, "role-in-use", 3)

    owner.delete(f"{path}/members/{member.id}")
    owner.delete(f"{path}/domains/acme.com")
    invitation = owner.get(f"{path}/invitations").json()["items"][0]["id"]
    owner.delete(f"{path}/invitations/{invitation}")
    assert owner.delete(f"{path}/roles/clerk").status_code == 204
    assert owner.get(f"{path}/roles/clerk").status_code == 404


def test_an_accepted_invitation_hands_its_count_on(world, owner, atelier, path):
    owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read"]})
    guest = world.somebody("guest@example.com")
    token = world.invited(owner, atelier, guest.email, "clerk")

    assert guest.post(ACCEPT, json={"token": token}).json()["role"] == "clerk"

    assert owner.get(f"{path}/roles/clerk").json()["assigned"] == 1


def test_another_role_for_a_member_moves_the_count(world, owner, atelier, path):
    for name in ("clerk", "archivist"):
        owner.put(f"{path}/roles/{name}", json={"permissions": ["tasks:read"]})
    member = world.member(atelier, "clerk")

    owner.patch(f"{path}/members/{member.id}", json={"role": "archivist"}, headers={"if-match": "*"})

    found = {role["name"]: role["assigned"] for role in owner.get(f"{path}/roles").json()["items"]}
    assert found == {"clerk": 0, "archivist": 1}


def test_a_role_that_changes_makes_every_token_of_the_organisation_stale(world, owner, atelier, path):
    owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read"]})
    before = world.ports.organisations.find(atelier).epoch

    same = owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read"]})
    assert world.ports.organisations.find(atelier).epoch == before
    other = owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read", "tasks:write"]})

    assert (same.status_code, other.status_code) == (200, 200)
    assert world.ports.organisations.find(atelier).epoch == before + 1
    world.ports.feed.poll()
    world.time.advance(seconds=9)
    acting = world.acting(owner, atelier, "owner", org_ep=before)
    answer = acting.get(path)
    assert (answer.status_code, slug_of(answer)) == (401, "token-stale")


def test_a_role_changes_with_its_etag(owner, path):
    made = owner.put(f"{path}/roles/clerk", json={"permissions": []})
    etag = {"if-match": made.headers["etag"]}

    first = owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read"]}, headers=etag)
    stale = owner.put(f"{path}/roles/clerk", json={"permissions": []}, headers=etag)
    none = owner.put(f"{path}/roles/archivist", json={"permissions": []}, headers=etag)

    assert (first.status_code, stale.status_code, none.status_code) == (200, 412, 412)


def test_an_organisation_has_twenty_roles(owner, path):
    for number in range(MAX_ROLES):
        assert owner.put(f"{path}/roles/clerk-{number}", json={"permissions": []}).status_code == 201

    answer = owner.put(f"{path}/roles/one-more", json={"permissions": []})

    assert (answer.status_code, slug_of(answer)) == (409, "too-many-roles")


def test_a_role_is_unknown_in_another_organisation(world, owner, atelier, path):
    owner.put(f"{path}/roles/clerk", json={"permissions": []})
    other = world.somebody()
    elsewhere = f"/organisations/{world.organisation(other, 'workshop')}"

    assert other.get(f"{elsewhere}/roles/clerk").status_code == 404
    answer = other.post(f"{elsewhere}/invitations", json={"email": "guest@example.com", "role": "clerk"})
    assert (answer.status_code, slug_of(answer)) == (409, "role-unknown")


@pytest.mark.parametrize("rest", ["roles/clerk", "domains/acme.com"])
@pytest.mark.parametrize("if_match", ["*", '"v1"'])
def test_whoever_names_any_version_makes_nothing_new(owner, path, rest, if_match):
    body = {"permissions": []} if rest.startswith("roles") else {}

    refused = owner.put(f"{path}/{rest}", json=body, headers={"if-match": if_match})
    made = owner.put(f"{path}/{rest}", json=body)
    changed = owner.put(f"{path}/{rest}", json=body, headers={"if-match": if_match})

    assert [answer.status_code for answer in (refused, made, changed)] == [412, 201, 200]


@pytest.mark.parametrize("rest", ["roles/clerk", "domains/acme.com"])
def test_what_was_changed_since_it_was_read_is_not_taken_away(owner, path, rest):
    body = {"permissions": []} if rest.startswith("roles") else {}
    read = owner.put(f"{path}/{rest}", json=body).headers["etag"]
    changed = {"permissions": ["tasks:read"]} if rest.startswith("roles") else {"join": "role", "role": "viewer"}
    now = owner.put(f"{path}/{rest}", json=changed).headers["etag"]

    kept = owner.delete(f"{path}/{rest}", headers={"if-match": read})
    gone = owner.delete(f"{path}/{rest}", headers={"if-match": now})

    assert (kept.status_code, gone.status_code) == (412, 204)
