"""Many at once: exactly one outcome each."""

import pytest

from functions.identity.organisations.actions import invitations, members, organisations, roles, upkeep
from functions.identity.organisations.rules.organisation import INVITATION_LIFE, MAX_ORGANISATIONS, Invitation
from functions.identity.organisations.rules.slugs import skeleton
from functions.identity.organisations.rules.tokens import Link
from functions.identity.organisations.store.rows import META, OrganisationRow, organisation_pk
from tessera import clock, ids
from tessera.idempotency import Intent
from tessera.problems import NotFound
from tests.kit.faults import contention, meanwhile
from tests.kit.races import outcomes, together
from tests.kit.stores import everything_in


def invited(world, organisation_id, email, role="member"):
    """The token of an open invitation, put there as `invite` puts it."""
    now = clock.now()
    new = Invitation(
        id=ids.new(),
        organisation_id=organisation_id,
        email=email,
        address=world.ports.address_key(email),
        role=role,
        sends=1,
        mailed=0,
        invited_by=ids.new(),
        created_at=now,
        expires_at=now + INVITATION_LIFE,
        version=1,
    )
    event = invitations._sent(new, 1, world.somebody().principal)
    world.ports.invitations.create(new, Intent(new.id, "test"), event=event)
    one_more = OrganisationRow.invitations.add(1)
    world.served.table.update(OrganisationRow, organisation_pk(organisation_id), META, one_more, bump=False)
    return world.ports.sign_link(Link(organisation_id, new.id, 1))


def accepting(world, somebody, token):
    call = world.call
    return lambda: invitations.accept(world.ports, token, by=somebody.principal, call=call)


def test_last_seat_100_parallel(world, atelier):
    upkeep.set_seats(world.ports, atelier, 2, by=upkeep.MYSELF)
    people = [world.somebody() for _ in range(100)]
    calls = [accepting(world, one, invited(world, atelier, one.email)) for one in people]

    results = together(*calls)

    assert outcomes(results) == {"ok": 1, "seats-exhausted": 99}
    found = world.ports.organisations.find(atelier)
    assert (found.members, found.seats, found.invitations) == (2, 2, 99)
    assert len(list(world.ports.members.everybody(atelier))) == 2


def test_one_invitation_accepted_by_many_at_once_makes_one_member(world, atelier):
    guest = world.somebody("guest@example.com")
    token = invited(world, atelier, guest.email)

    results = together(accepting(world, guest, token), times=20)

    assert outcomes(results) == {"ok": 1, "invitation-used": 19}
    assert world.ports.organisations.find(atelier).members == 2


def test_two_invitations_of_one_person_make_them_a_member_once(world, atelier):
    guest = world.somebody("guest@example.com")
    tokens = [invited(world, atelier, guest.email, role) for role in ("member", "viewer")]

    results = together(*(accepting(world, guest, token) for token in tokens))

    assert outcomes(results) == {"ok": 1, "already-member": 1}
    assert world.ports.organisations.find(atelier).members == 2


def test_an_invitation_accepted_and_taken_back_at_once_does_one_of_the_two(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    token = invited(world, atelier, guest.email)
    invitation = owner.get(f"{path}/invitations").json()["items"][0]["id"]
    call = world.call

    accepted, taken_back = together(
        accepting(world, guest, token),
        lambda: invitations.withdraw(world.ports, atelier, invitation, by=owner.principal, call=call),
    )

    assert (accepted.name, taken_back.name) in (("ok", "not-found"), ("invitation-expired", "ok"))
    found = world.ports.organisations.find(atelier)
    assert (found.members, found.invitations) == (2 if accepted.name == "ok" else 1, 0)


@pytest.mark.parametrize("count", [2, 5])
def test_the_last_owners_leaving_at_once_leave_one(world, owner, atelier, count):
    owners = [owner, *(world.member(atelier, "owner") for _ in range(count - 1))]
    call = world.call

    results = together(
        *(lambda who=who: members.leave(world.ports, atelier, by=who.principal, call=call) for who in owners)
    )

    assert outcomes(results) == {"ok": count - 1, "last-owner": 1}
    left = list(world.ports.members.everybody(atelier))
    assert [member.role for member in left] == ["owner"]
    assert world.ports.organisations.find(atelier).owners == 1


def test_two_owners_demoting_each_other_at_once_leave_one_owner(world, owner, atelier):
    other = world.member(atelier, "owner")
    call = world.call

    def demote(by, whom):
        return lambda: members.assign(world.ports, atelier, whom.id, "member", None, by=by.principal, call=call)

    results = together(demote(owner, other), demote(other, owner))

    # Whoever comes second is no owner any more, and is told so.
    assert outcomes(results) == {"ok": 1, "role-too-low": 1}
    roles_left = sorted(member.role for member in world.ports.members.everybody(atelier))
    assert roles_left == ["member", "owner"]
    assert world.ports.organisations.find(atelier).owners == 1


def test_whoever_is_demoted_during_a_write_does_not_write(world, owner, atelier, monkeypatch):
    admin, member = world.member(atelier, "admin"), world.member(atelier)
    call, find = world.call, type(world.ports.members).find

    def demoted_meanwhile(store, organisation_id, user_id):
        monkeypatch.undo()
        found = find(store, organisation_id, user_id)
        members.assign(world.ports, atelier, admin.id, "viewer", None, by=owner.principal, call=call)
        return found

    monkeypatch.setattr(type(world.ports.members), "find", demoted_meanwhile)
    (result,) = together(lambda: members.remove(world.ports, atelier, member.id, by=admin.principal, call=call))

    assert result.name == "role-too-low"
    assert world.ports.members.find(atelier, member.id) is not None


def test_two_organisations_with_one_slug_at_once_are_one(world):
    people = [world.somebody() for _ in range(10)]
    call = world.call

    def make(who, slug):
        intent = Intent(ids.new(), "test")
        return lambda: organisations.create(world.ports, "A", slug, by=who.principal, call=call, intent=intent)

    results = together(
        *(make(who, slug) for who, slug in zip(people, ["paypal", "pay-pal", "paypa1"] * 4, strict=False))
    )

    assert outcomes(results) == {"ok": 1, "slug-taken": 9}


def test_twenty_organisations_of_one_person_at_once_are_ten(world, owner):
    call = world.call

    def make(number):
        intent = Intent(ids.new(), "test")
        return lambda: organisations.create(
            world.ports, "A", f"atelier-{number}", by=owner.principal, call=call, intent=intent
        )

    results = together(*(make(number) for number in range(20)))

    assert outcomes(results) == {"ok": MAX_ORGANISATIONS, "organisation-quota": 20 - MAX_ORGANISATIONS}
    assert len(world.ports.organisations.slots(owner.id)) == MAX_ORGANISATIONS


def test_deleting_and_restoring_at_once_end_in_one_of_the_two(world, owner, atelier):
    call = world.call

    results = together(
        lambda: organisations.delete(world.ports, atelier, None, by=owner.principal, call=call),
        lambda: organisations.restore(world.ports, atelier, by=owner.principal, call=call),
        times=5,
    )

    assert outcomes(results) == {"ok": 10}
    found = world.ports.organisations.find(atelier)
    assert (found.status.value, found.delete_at is None) in (("active", True), ("deleting", False))
    assert len(world.ports.organisations.slots(owner.id)) == (found.status.value == "active")


def test_a_role_given_and_dropped_at_once_does_one_of_the_two(world, owner, atelier, path):
    owner.put(f"{path}/roles/clerk", json={"permissions": ["tasks:read"]})
    member, call = world.member(atelier), world.call

    given, dropped = together(
        lambda: members.assign(world.ports, atelier, member.id, "clerk", None, by=owner.principal, call=call),
        lambda: roles.drop(world.ports, atelier, "clerk", by=owner.principal, call=call),
    )

    assert (given.name, dropped.name) in (("ok", "role-in-use"), ("role-unknown", "ok"))
    is_there = world.ports.roles.find(atelier, "clerk") is not None
    assert is_there == (given.name == "ok")


def test_every_count_is_right_after_a_crowd_with_conflicts(world, owner, atelier):
    people = [world.member(atelier) for _ in range(6)]
    guests = [world.somebody() for _ in range(6)]
    call = world.call
    leaving = [lambda who=who: members.leave(world.ports, atelier, by=who.principal, call=call) for who in people]
    coming = [accepting(world, who, invited(world, atelier, who.email)) for who in guests]

    with contention(0.2, seed=7) as met:
        results = together(*leaving, *coming)

    assert met[0] > 0
    done = outcomes(results)
    assert done["ok"] + done["busy"] == 12 and done["ok"] >= 6
    everybody = list(world.ports.members.everybody(atelier))
    assert world.ports.organisations.find(atelier).members == len(everybody)


def test_a_slug_given_up_by_another_rename_at_the_same_moment_stays_nobodys(world, owner, atelier):
    def rename(slug):
        changes = {"slug": slug}
        return organisations.change(world.ports, atelier, changes, None, by=owner.principal, call=world.call)

    with meanwhile("TransactWriteItems", lambda: rename("studio")):
        rename("gallery")

    assert world.ports.organisations.find(atelier).slug == "gallery"
    claims = {
        item["pk"]["S"]: "ttl" in item for item in everything_in(world.served.table) if item["sk"]["S"] == "CLAIM"
    }
    # Only what it goes by is its own for good.
    assert claims == {f"SLUG#{skeleton(slug)}": slug != "gallery" for slug in ("atelier", "studio", "gallery")}


def test_an_invitation_sent_again_while_it_is_taken_back_is_taken_back(world, owner, atelier, path):
    guest = world.somebody("guest@example.com")
    world.invited(owner, atelier, guest.email)
    invitation = owner.get(f"{path}/invitations").json()["items"][0]["id"]

    with meanwhile("TransactWriteItems", lambda: owner.post(f"{path}/invitations/{invitation}/resend")):
        answer = owner.delete(f"{path}/invitations/{invitation}")
    world.deliver()

    assert answer.status_code == 204
    assert owner.get(f"{path}/invitations").json()["items"] == []
    assert len(world.accounts.mails) == 1


def test_an_owner_erased_while_the_organisation_is_restored_leaves_another(world, owner, atelier, path):
    other = world.member(atelier, "owner")
    owner.delete(path)

    def restored_and_left():
        organisations.restore(world.ports, atelier, by=other.principal, call=world.call)
        members.leave(world.ports, atelier, by=other.principal, call=world.call)

    with meanwhile("TransactWriteItems", restored_and_left):
        upkeep.erase(world.ports, owner.id, by=upkeep.MYSELF)

    found = world.ports.organisations.find(atelier)
    assert (found.status.value, found.owners, found.members) == ("deleting", 0, 0)


def test_a_member_erased_while_the_organisation_is_restored_leaves_no_token_behind(world, owner, atelier, path):
    member = world.member(atelier)
    owner.delete(path)
    before = world.ports.organisations.find(atelier).epoch

    with meanwhile("TransactWriteItems", lambda: owner.post(f"{path}/restore")):
        upkeep.erase(world.ports, member.id, by=upkeep.MYSELF)

    assert world.ports.organisations.find(atelier).epoch == before + 1


def test_a_member_erased_while_the_organisation_comes_to_its_end_is_out(world, owner, atelier, path):
    member = world.member(atelier)
    owner.delete(path)
    world.time.advance(days=30, seconds=1)

    with meanwhile("TransactWriteItems", world.sweep):
        upkeep.erase(world.ports, member.id, by=upkeep.MYSELF)

    assert world.ports.organisations.find(atelier).status.value == "erasing"
    assert world.ports.members.find(atelier, member.id) is None


def test_an_invitation_that_runs_out_while_everything_is_erased_leaves_nothing(world, owner, atelier, path):
    world.invited(owner, atelier, "guest@example.com")
    (due,) = world.due()
    owner.delete(path)
    world.time.advance(days=30, seconds=1)
    (end,) = [item for item in world.due() if item["sk"] == META]
    upkeep.end(world.ports, atelier, end["due_sk"])
    invitation = due["sk"].partition("#")[2]

    def run_out():
        invitations.expire(world.ports, atelier, invitation, due["due_sk"], by=upkeep.MYSELF)

    # What there is has been listed by then.
    with meanwhile("DeleteItem", run_out, key="E#"):
        upkeep.erase(world.ports, atelier, by=upkeep.MYSELF)

    now = int(clock.now().timestamp())
    left = [item for item in everything_in(world.served.table) if item["pk"]["S"] == organisation_pk(atelier)]
    assert [item["sk"]["S"] for item in left if "gone" not in item and int(item["ttl"]["N"]) > now] == []


def test_what_runs_out_while_its_address_is_invited_anew_leaves_that_to_the_newer_one(world, owner, atelier, path):
    asked = {"email": "guest@example.com"}
    old = owner.post(f"{path}/invitations", json=asked).json()["id"]
    (due,) = world.due()
    world.time.advance(days=7, seconds=1)

    with meanwhile("TransactWriteItems", lambda: owner.post(f"{path}/invitations", json=asked)):
        invitations.expire(world.ports, atelier, old, due["due_sk"], by=upkeep.MYSELF)

    assert len(owner.get(f"{path}/invitations").json()["items"]) == 1
    assert owner.post(f"{path}/invitations", json=asked).status_code == 409
    assert world.ports.organisations.find(atelier).invitations == 1


def test_another_number_of_seats_at_the_same_moment_is_the_one_before(world, owner, atelier, path):
    def seat(seats):
        return upkeep.set_seats(world.ports, atelier, seats, by=upkeep.MYSELF)

    with meanwhile("TransactWriteItems", lambda: seat(5)):
        seat(3)

    assert world.ports.organisations.find(atelier).seats == 3
    entries = owner.get(f"{path}/audit").json()["items"]
    set_to = {(one["detail"]["before"], one["detail"]["seats"]) for one in entries if one["action"] == "seats-set"}
    assert set_to == {(20, 5), (5, 3)}


def test_what_is_being_erased_gets_no_other_number_of_seats(world, owner, atelier, path):
    owner.delete(path)
    world.time.advance(days=30, seconds=1)
    (due,) = [item for item in world.due() if item["sk"] == META]
    upkeep.end(world.ports, atelier, due["due_sk"])

    with pytest.raises(NotFound):
        upkeep.set_seats(world.ports, atelier, 3, by=upkeep.MYSELF)


def test_an_invitation_sent_again_by_two_at_once_is_sent_once_for_both(world, owner, atelier, path):
    admin = world.member(atelier, "admin")
    made = owner.post(f"{path}/invitations", json={"email": "guest@example.com"}).headers["location"]

    with meanwhile("TransactWriteItems", lambda: admin.post(f"{made}/resend")):
        answer = owner.post(f"{made}/resend")

    assert (answer.status_code, answer.json().get("sends")) == (202, 2)


def test_an_invitation_taken_back_while_it_is_sent_again_is_not_found(world, owner, atelier, path):
    made = owner.post(f"{path}/invitations", json={"email": "guest@example.com"}).headers["location"]

    with meanwhile("TransactWriteItems", lambda: owner.delete(made)):
        answer = owner.post(f"{made}/resend")

    assert answer.status_code == 404
