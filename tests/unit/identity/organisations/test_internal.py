"""What other capabilities ask: memberships, seats, erasure."""

import json

import pytest

from functions.identity.organisations.actions import upkeep
from functions.identity.organisations.app import handler
from tessera import ids
from tessera.transact import transact
from tests.kit.apps import invocation
from tests.kit.stores import events_in, everything_in


@pytest.fixture
def internal(world):
    """`internal("/membership", {...})`: invoked past the gateway, by `accounts` unless said."""

    def ask(path, body, caller="accounts"):
        answer = handler(invocation(f"/organisations/internal{path}", body, caller=caller), None)
        return answer["statusCode"], json.loads(answer["body"])

    return ask


def erased(internal, owner_id):
    """Ask until it is done, as `accounts` does; how many items went."""
    total = 0
    for _ in range(50):
        status, body = internal("/erase", {"owner_id": owner_id})
        assert status == 200, body
        total += body["erased"]
        if body["done"]:
            return total
    raise AssertionError("It was never done.")


def test_a_membership_says_the_role_and_the_epoch(world, atelier, internal):
    member = world.member(atelier, "viewer")

    status, body = internal("/membership", {"organisation_id": atelier, "user_id": member.id})

    assert (status, body) == (200, {"role": "viewer", "epoch": 1, "permissions": None})


def test_a_membership_is_told_to_who_makes_tokens_and_keys_and_to_nobody_else(world, atelier, internal):
    asked = {"organisation_id": atelier, "user_id": world.member(atelier, "viewer").id}

    answers = {caller: internal("/membership", asked, caller)[0] for caller in ("accounts", "apikeys", "tasks")}

    assert answers == {"accounts": 200, "apikeys": 200, "tasks": 403}


def test_a_membership_with_a_role_of_the_organisations_own_says_what_it_permits(world, owner, atelier, path, internal):
    owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read", "organisations:read"]})
    member = world.member(atelier, "clerk")

    _, body = internal("/membership", {"organisation_id": atelier, "user_id": member.id})

    assert body == {"role": "clerk", "epoch": 1, "permissions": ["organisations:read", "tasks:read"]}


def test_the_epoch_grows_with_every_change_and_survives_leaving(world, owner, atelier, path, internal):
    member = world.member(atelier)

    def epoch():
        return internal("/membership", {"organisation_id": atelier, "user_id": member.id})[1]["epoch"]

    seen = [epoch()]
    owner.patch(f"{path}/members/{member.id}", json={"role": "viewer"}, headers={"if-match": "*"})
    seen.append(epoch())
    owner.delete(f"{path}/members/{member.id}")
    token = world.invited(owner, atelier, member.email)
    member.post("/organisations/invitations/accept", json={"token": token})
    seen.append(epoch())

    assert seen == sorted(set(seen))


def test_no_membership_is_not_found(world, owner, atelier, path, internal):
    stranger, member = world.somebody(), world.member(atelier)
    gone = world.member(atelier)
    owner.delete(f"{path}/members/{gone.id}")

    for organisation_id, user_id in ((atelier, stranger.id), (atelier, gone.id), (ids.new(), member.id)):
        assert internal("/membership", {"organisation_id": organisation_id, "user_id": user_id})[0] == 404
    owner.delete(path)
    assert internal("/membership", {"organisation_id": atelier, "user_id": member.id})[0] == 404


def test_internal_routes_are_for_those_named_and_never_for_the_outside(world, owner, atelier, internal):
    asked = {"organisation_id": atelier, "user_id": owner.id}

    assert internal("/membership", asked, caller="tasks")[0] == 403
    assert internal("/seats", {"organisation_id": atelier, "seats": 5}, caller="accounts")[0] == 403
    for path, body in (("/membership", asked), ("/erase", {"owner_id": owner.id}), ("/seats", {})):
        assert owner.post(f"/organisations/internal{path}", json=body).status_code == 404


def test_subscriptions_say_how_many_seats_there_are(world, owner, atelier, path, internal):
    status, body = internal("/seats", {"organisation_id": atelier, "seats": 3}, caller="subscriptions")

    assert (status, body) == (200, {"used": 1, "limit": 3, "invited": 0})
    assert owner.get(f"{path}/seats").json()["limit"] == 3
    again = internal("/seats", {"organisation_id": atelier, "seats": 3}, caller="subscriptions")
    assert again == (status, body)
    entries = owner.get(f"{path}/audit").json()["items"]
    assert [(one["actor"], one["detail"]) for one in entries if one["action"] == "seats-set"] == [
        ("subscriptions", {"seats": 3, "before": 20})
    ]
    assert ["seats"] in [data.get("changed") for _, data in world.events()]
    assert internal("/seats", {"organisation_id": ids.new(), "seats": 3}, caller="subscriptions")[0] == 404


def test_an_erased_person_is_out_of_every_organisation(world, owner, atelier, path, internal):
    member = world.member(atelier)
    others = [world.organisation(world.somebody(), f"workshop-{number}") for number in range(3)]
    for organisation_id in others:
        transact(world.ports.members.adding(organisation_id, member.id, "viewer", None))

    assert erased(internal, member.id) == 4

    assert owner.get(f"{path}/members/{member.id}").status_code == 404
    assert owner.get(f"{path}/seats").json()["used"] == 1
    assert world.ports.members.memberships(member.id, 10, None) == ([], None)
    assert "privacy.data.erased.v1" in events_in(world.served.table)


def test_the_admin_who_was_there_longest_owns_what_an_erased_owner_leaves(world, owner, atelier, internal):
    world.member(atelier, "member")
    world.time.advance(minutes=1)
    first = world.member(atelier, "admin")
    world.time.advance(minutes=1)
    second = world.member(atelier, "admin")

    erased(internal, owner.id)

    roles = {member.user_id: member.role for member in world.ports.members.everybody(atelier)}
    assert (roles[first.id], roles[second.id], owner.id in roles) == ("owner", "admin", False)
    found = world.ports.organisations.find(atelier)
    assert (found.owners, found.members, found.status.value) == (1, 3, "active")


def test_an_organisation_without_an_heir_ends_with_its_last_owner(world, owner, atelier, path, internal):
    member = world.member(atelier)

    erased(internal, owner.id)

    assert member.get(path).status_code == 404
    assert "organisations.organisation.deleted.v1" in events_in(world.served.table)
    world.time.advance(seconds=1)
    assert world.sweep() == 1
    assert world.accounts.erasures == [atelier]


def test_an_owner_beside_another_is_just_removed(world, owner, atelier, internal):
    other = world.member(atelier, "owner")

    erased(internal, owner.id)

    assert [(member.user_id, member.role) for member in world.ports.members.everybody(atelier)] == [(other.id, "owner")]
    assert world.ports.organisations.find(atelier).owners == 1


def test_somebody_erased_during_the_grace_is_not_counted_after_it_is_restored(world, owner, atelier, path, internal):
    member = world.member(atelier)
    owner.delete(path)

    erased(internal, member.id)
    told = [data["user_id"] for kind, data in world.events() if kind == "organisations.member.removed.v1"]
    owner.post(f"{path}/restore")

    assert owner.get(path).json()["members"] == 1
    assert told == [member.id]
    entries = [(entry["action"], entry["target"]) for entry in owner.get(f"{path}/audit").json()["items"]]
    assert ("member-removed", f"user:{member.id}") in entries


def test_erasing_a_person_twice_is_no_harm(world, atelier, internal):
    member = world.member(atelier)

    assert erased(internal, member.id) == 1
    assert erased(internal, member.id) == 0


def test_nothing_of_an_organisation_is_left_after_its_erasure(world, owner, atelier, path, internal):
    other = world.somebody()
    elsewhere = world.organisation(other, "workshop")
    before = everything_of(world, elsewhere)
    owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read"]})
    world.zone.publish(owner.put(f"{path}/domains/acme.com", json={}).json())
    owner.post(f"{path}/domains/acme.com/verify")
    world.invited(owner, atelier, "guest@example.com", "clerk")
    world.member(atelier)
    owner.delete(path)
    world.time.advance(days=30, seconds=1)
    world.sweep()

    assert erased(internal, atelier) > 8

    assert everything_of(world, atelier) == []
    assert everything_of(world, elsewhere) == before
    assert other.get(f"/organisations/{elsewhere}").status_code == 200
    assert world.somebody().post("/organisations", json={"name": "A", "slug": "atelier"}).status_code == 201


def everything_of(world, organisation_id):
    """Items that name the organisation, but for events on their way and what answers a replay for a day."""
    kept = [
        {name: value for name, value in item.items() if name != "event"}
        for item in everything_in(world.served.table)
        if not item["pk"]["S"].startswith("OUT#") and "gone" not in item
    ]
    return [item for item in kept if organisation_id in str(item)]


def test_a_domain_that_somebody_else_has_proven_survives_the_erasure_of_who_only_named_it(
    world, owner, atelier, path, internal
):
    other = world.somebody()
    elsewhere = f"/organisations/{world.organisation(other, 'workshop')}"
    owner.put(f"{path}/domains/acme.com", json={})
    world.zone.publish(other.put(f"{elsewhere}/domains/acme.com", json={}).json())
    other.post(f"{elsewhere}/domains/acme.com/verify")
    owner.delete(path)
    world.time.advance(days=30, seconds=1)
    world.sweep()

    erased(internal, atelier)

    assert world.ports.domains.holder("acme.com") == elsewhere.rpartition("/")[2]


@pytest.mark.parametrize("deleted", [False, True], ids=["active", "in its grace"])
def test_an_organisation_whose_end_has_not_come_is_not_erased(owner, atelier, path, internal, deleted):
    if deleted:
        owner.delete(path)

    status, body = internal("/erase", {"owner_id": atelier})

    assert (status, body["type"]) == (409, "/problems/organisation-active")
    assert owner.get(path).status_code == 200


def test_a_large_organisation_is_erased_a_part_at_a_time(world, owner, atelier, path, internal, monkeypatch):
    monkeypatch.setattr(upkeep, "ERASED_AT_ONCE", 4)
    for _ in range(10):
        world.member(atelier)
    owner.delete(path)
    world.time.advance(days=30, seconds=1)
    world.sweep()

    first = internal("/erase", {"owner_id": atelier})[1]

    assert first == {"done": False, "erased": 4}
    erased(internal, atelier)
    assert world.ports.organisations.find(atelier) is None


def test_accounts_asks_whether_somebody_may_sign_up_by_an_invitation(world, owner, atelier, path, internal):
    token = world.invited(owner, atelier, "guest@example.com")

    def invited(token: str, email: str) -> bool:
        status, said = internal("/invited", {"token": token, "email": email})
        assert status == 200
        return bool(said["invited"])

    assert invited(token, "Guest@example.com")
    assert not invited(token, "eve@example.com") and not invited(token[:-1] + "x", "guest@example.com")
    (listed,) = owner.get(f"{path}/invitations").json()["items"]
    owner.delete(f"{path}/invitations/{listed['id']}")
    assert not invited(token, "guest@example.com")
