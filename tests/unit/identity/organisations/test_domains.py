"""Domains, their proof, and who comes in by them."""

import pytest

from functions.identity.organisations.actions import upkeep
from functions.identity.organisations.rules.organisation import MAX_DOMAINS
from tessera import ids
from tessera.problems import Unavailable
from tessera.resolver import LocalZone
from tests.kit.faults import meanwhile


@pytest.fixture
def zone(world):
    return world.zone


def slug_of(answer):
    return answer.json()["type"].removeprefix("/problems/")


def proven(owner, path, zone, domain="acme.com", **body):
    zone.publish(owner.put(f"{path}/domains/{domain}", json=body).json())
    answer = owner.post(f"{path}/domains/{domain}/verify")
    assert answer.status_code == 200, answer.text
    return answer


def test_a_domain_is_named_and_shows_the_record_that_proves_it(world, owner, path, zone):
    answer = owner.put(f"{path}/domains/acme.com", json={"join": "role", "role": "viewer"})

    assert answer.status_code == 201
    body = answer.json()
    assert (body["domain"], body["state"], body["join"], body["role"]) == ("acme.com", "pending", "role", "viewer")
    assert body["record"]["type"] == "TXT" and body["record"]["name"] == "_tessera.acme.com"
    assert body["record"]["value"].startswith("tessera-domain-verification=")
    assert owner.get(f"{path}/domains/acme.com").json() == body
    assert owner.get(f"{path}/domains").json()["items"] == [body]


def test_naming_it_again_keeps_the_record_and_changes_the_rule(owner, path, zone):
    first = owner.put(f"{path}/domains/acme.com", json={})
    second = owner.put(f"{path}/domains/acme.com", json={"join": "role", "role": "viewer"})
    stale = owner.put(f"{path}/domains/acme.com", json={}, headers={"if-match": first.headers["etag"]})

    assert (first.status_code, second.status_code, stale.status_code) == (201, 200, 412)
    assert second.json()["record"] == first.json()["record"]
    assert second.json()["join"] == "role"


def test_a_record_that_is_not_there_proves_nothing(owner, path, zone):
    owner.put(f"{path}/domains/acme.com", json={})

    answer = owner.post(f"{path}/domains/acme.com/verify")

    assert (answer.status_code, slug_of(answer)) == (409, "domain-unproven")
    assert "_tessera.acme.com" in answer.json()["detail"]


def test_a_record_proves_a_domain_for_good(owner, path, zone):
    first = proven(owner, path, zone)
    zone.records.clear()

    again = owner.post(f"{path}/domains/acme.com/verify")

    assert first.json()["state"] == again.json()["state"] == "verified"
    assert again.json()["verified_at"] == first.json()["verified_at"]


def test_a_dns_that_does_not_answer_is_no_refusal(owner, path, zone):
    owner.put(f"{path}/domains/acme.com", json={})
    zone.is_away = True

    answer = owner.post(f"{path}/domains/acme.com/verify")

    assert (answer.status_code, slug_of(answer)) == (503, "unavailable")


def test_a_domain_is_proven_for_one_organisation(world, owner, path, zone):
    other = world.somebody()
    elsewhere = f"/organisations/{world.organisation(other, 'workshop')}"
    zone.publish(other.put(f"{elsewhere}/domains/acme.com", json={}).json())
    proven(owner, path, zone)

    late, new = (
        other.post(f"{elsewhere}/domains/acme.com/verify"),
        other.put(f"{elsewhere}/domains/mail.acme.com", json={}),
    )

    assert (late.status_code, slug_of(late)) == (409, "domain-claimed")
    assert new.status_code == 201
    other.delete(f"{elsewhere}/domains/acme.com")
    again = other.put(f"{elsewhere}/domains/acme.com", json={})
    assert (again.status_code, slug_of(again)) == (409, "domain-claimed")


def test_naming_a_domain_first_keeps_nobody_from_proving_it(world, owner, path, zone):
    squatter = world.somebody()
    elsewhere = f"/organisations/{world.organisation(squatter, 'workshop')}"
    squatter.put(f"{elsewhere}/domains/acme.com", json={})

    assert proven(owner, path, zone).json()["state"] == "verified"


def test_a_domain_given_up_is_free_for_another(world, owner, path, zone):
    proven(owner, path, zone)
    assert owner.delete(f"{path}/domains/acme.com").status_code == 204
    other = world.somebody()
    elsewhere = f"/organisations/{world.organisation(other, 'workshop')}"

    assert proven(other, elsewhere, zone).json()["state"] == "verified"
    assert owner.get(f"{path}/domains/acme.com").status_code == 404


@pytest.mark.parametrize(
    "name", ["acme", "-a.com", "acme.com.", "ACME.com", "1.2.3.4", "a..com", f"{'a' * 64}.com", "a_b.com"]
)
def test_what_is_no_domain_is_not_found(owner, path, zone, name):
    assert owner.put(f"{path}/domains/{name}", json={}).status_code == 404


def test_a_domain_is_as_long_as_leaves_room_for_its_record(owner, path, zone):
    """A name in the DNS has at most 253 characters (RFC 1035 2.3.4), and the record stands below the domain."""
    stem = ".".join(["a" * 63] * 3)

    longest = owner.put(f"{path}/domains/{stem}.{'b' * 48}.com", json={})
    longer = owner.put(f"{path}/domains/{stem}.{'b' * 49}.com", json={})

    assert (longest.status_code, len(longest.json()["record"]["name"])) == (201, 253)
    assert longer.status_code == 404


def test_a_domain_makes_nobody_an_owner_or_an_admin(owner, path, zone):
    for role in ("owner", "admin"):
        answer = owner.put(f"{path}/domains/acme.com", json={"join": "role", "role": role})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/role")


def test_an_organisation_names_ten_domains(owner, path, zone):
    for number in range(MAX_DOMAINS):
        assert owner.put(f"{path}/domains/acme-{number}.com", json={}).status_code == 201

    answer = owner.put(f"{path}/domains/one-more.com", json={})
    again = owner.put(f"{path}/domains/acme-0.com", json={"join": "role"})

    assert (answer.status_code, slug_of(answer)) == (409, "too-many-domains")
    assert again.status_code == 200


def test_whoever_has_an_address_there_finds_and_joins_it(world, owner, atelier, path, zone):
    proven(owner, path, zone, join="role", role="viewer")
    ann = world.somebody("Ann@Acme.com")

    offered = ann.get("/organisations/joinable").json()["items"]
    joined = ann.post(f"{path}/join")

    assert [(one["organisation_id"], one["role"]) for one in offered] == [(atelier, "viewer")]
    assert (joined.status_code, joined.json()["role"]) == (200, "viewer")
    assert ann.get(path).json()["role"] == "viewer"
    assert ann.get("/organisations/joinable").json()["items"] == []
    again = ann.post(f"{path}/join")
    assert (again.status_code, slug_of(again)) == (409, "already-member")


def test_where_an_invitation_is_needed_nobody_joins_by_their_domain(world, owner, path, zone):
    proven(owner, path, zone, join="invitation")
    ann = world.somebody("ann@acme.com")

    assert ann.get("/organisations/joinable").json()["items"] == []
    answer = ann.post(f"{path}/join")
    assert (answer.status_code, slug_of(answer)) == (403, "invitation-required")


@pytest.mark.parametrize("email", ["ann@sub.acme.com", "ann@notacme.com", "ann@acme.com.evil.org"])
def test_another_domain_lets_nobody_in(world, owner, path, zone, email):
    proven(owner, path, zone, join="role")

    answer = world.somebody(email).post(f"{path}/join")

    assert (answer.status_code, slug_of(answer)) == (404, "not-found")


def test_a_domain_that_is_not_proven_lets_nobody_in(world, owner, path, zone):
    owner.put(f"{path}/domains/acme.com", json={"join": "role"})

    assert world.somebody("ann@acme.com").post(f"{path}/join").status_code == 404


def test_an_address_that_is_not_confirmed_lets_nobody_in(world, owner, path, zone):
    proven(owner, path, zone, join="role")
    ann = world.somebody("ann@acme.com")
    world.accounts.users[ann.id]["email_verified"] = False

    assert ann.post(f"{path}/join").status_code == 404


def test_joining_takes_a_seat(world, owner, atelier, path, zone):
    proven(owner, path, zone, join="role")
    upkeep.set_seats(world.ports, atelier, 1, by=upkeep.MYSELF)

    answer = world.somebody("ann@acme.com").post(f"{path}/join")

    assert (answer.status_code, slug_of(answer)) == (409, "seats-exhausted")


def test_a_domain_of_another_organisation_is_not_found_here(world, owner, path, zone):
    proven(owner, path, zone, join="role")
    other = world.organisation(world.somebody(), "workshop")

    assert world.somebody("ann@acme.com").post(f"/organisations/{other}/join").status_code == 404
    assert world.somebody("ann@acme.com").post(f"/organisations/{ids.new()}/join").status_code == 404


def test_the_zone_of_a_laptop_is_scripted_by_names():
    zone = LocalZone()

    assert zone.stands("_tessera.acme.test", "anything")
    assert zone.stands("_tessera.example.com", "anything")
    assert not zone.stands("_tessera.unproven-acme.test", "anything")
    assert not zone.stands("_tessera.acme.com", "anything")
    with pytest.raises(Unavailable):
        zone.stands("_tessera.unreachable.test", "anything")


def test_who_is_in_it_by_another_way_is_told_so(world, owner, atelier, path):
    answer = owner.post(f"{path}/join")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/already-member")
    assert world.somebody().post(f"{path}/join").status_code == 404


def test_who_joins_while_the_domain_gets_another_role_gets_that_one(world, owner, path, zone):
    owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read"]})
    proven(owner, path, zone, join="role", role="clerk")
    ann = world.somebody("ann@acme.com")

    def given_another():
        owner.put(f"{path}/domains/acme.com", json={"join": "role", "role": "viewer"})
        assert owner.delete(f"{path}/roles/clerk").status_code == 204

    with meanwhile("TransactWriteItems", given_another):
        joined = ann.post(f"{path}/join")

    assert (joined.status_code, joined.json().get("role")) == (200, "viewer")
