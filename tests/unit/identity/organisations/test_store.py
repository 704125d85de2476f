"""What each condition of the store is for: it fails for whoever decided on something that is not so any more."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.identity.organisations.events import InvitationSent, OrganisationUpdated
from functions.identity.organisations.ports import Ports
from functions.identity.organisations.rules.organisation import (
    Domain,
    DomainClaimed,
    Invitation,
    Join,
    OrganisationDeleting,
    Status,
)
from functions.identity.organisations.store.invitations import Closed
from functions.identity.organisations.store.organisations import Moved
from functions.identity.organisations.store.rows import META, OrganisationRow, organisation_pk
from tessera import clock, ids
from tessera.etags import StaleVersion
from tessera.problems import NotFound
from tessera.transact import transact

DAY = timedelta(days=1)


@pytest.fixture
def ports(world: Any) -> Ports:
    found: Ports = world.ports
    return found


def updated(organisation_id: str) -> OrganisationUpdated:
    return OrganisationUpdated(organisation_id=organisation_id, by="a test", changed=("domains",))


def domain(organisation_id: str, value: str = "a") -> Domain:
    return Domain(organisation_id, "atelier.example", value, Join.INVITATION, "member", clock.now(), 1)


def named(ports: Ports, new: Domain) -> Domain:
    """The domain as it stands after it was named."""
    transact(ports.domains.adding(new, updated(new.organisation_id)))
    found = ports.domains.find(new.organisation_id, new.name)
    assert found is not None
    return found


def sent(world: Any, owner: Any, organisation_id: str) -> Invitation:
    """An open invitation whose mail has not been asked for."""
    made = owner.post(f"/organisations/{organisation_id}/invitations", json={"email": "ada@example.com"})
    assert made.status_code == 201, made.text
    found = world.ports.invitations.find(organisation_id, made.json()["id"])
    assert found is not None
    return found  # type: ignore[no-any-return]


def again(ports: Ports, seen: Invitation) -> None:
    event = InvitationSent(
        organisation_id=seen.organisation_id, by="a test", invitation_id=seen.id, number=seen.sends + 1
    )
    transact(*ports.invitations.sending_again(seen, event))


# -- domains ------------------------------------------------------------------


def test_a_domain_named_by_two_at_once_keeps_the_record_of_the_first(ports: Ports, atelier: str) -> None:
    first = named(ports, domain(atelier, "first"))

    with pytest.raises(Moved):
        transact(ports.domains.adding(domain(atelier, "second"), updated(atelier)))

    assert ports.domains.find(atelier, first.name) == first


def test_a_domain_proven_by_two_at_once_is_the_firsts(world: Any, ports: Ports, atelier: str) -> None:
    other = world.organisation(world.somebody())
    mine, theirs = named(ports, domain(atelier)), named(ports, domain(other))
    transact(*ports.domains.verifying(theirs, updated(other)))

    with pytest.raises(DomainClaimed):
        transact(*ports.domains.verifying(mine, updated(atelier)))

    assert ports.domains.holder(mine.name) == other


def test_a_domain_proven_meanwhile_is_not_given_up_without_its_claim(ports: Ports, atelier: str) -> None:
    """Whoever saw it unproven would leave the claim behind, and nobody could ever prove it again."""
    seen = named(ports, domain(atelier))
    transact(*ports.domains.verifying(seen, updated(atelier)))

    with pytest.raises(Moved):
        transact(*ports.domains.removing(seen))

    assert ports.domains.find(atelier, seen.name) is not None


def test_who_comes_in_by_a_domain_does_so_by_the_rule_that_was_read(ports: Ports, atelier: str) -> None:
    seen = named(ports, domain(atelier))
    transact(ports.domains.holding(seen))
    transact(ports.domains.changing(seen, Join.ROLE, "viewer", updated(atelier), expect=None))

    with pytest.raises(Moved):
        transact(ports.domains.holding(seen))


def test_a_domain_is_changed_only_from_the_role_that_is_counted_off(ports: Ports, atelier: str) -> None:
    """The version that the caller names is right, but the role that was read is of the one before."""
    seen = named(ports, domain(atelier))
    transact(ports.domains.changing(seen, Join.ROLE, "viewer", updated(atelier), expect=None))

    with pytest.raises(Moved):
        transact(ports.domains.changing(seen, Join.ROLE, "clerk", updated(atelier), expect=seen.version + 1))
    with pytest.raises(StaleVersion):
        transact(ports.domains.changing(seen, Join.ROLE, "clerk", updated(atelier), expect=seen.version))


# -- members and roles --------------------------------------------------------


def test_a_role_is_changed_only_from_what_it_was_when_it_was_decided(world: Any, ports: Ports, atelier: str) -> None:
    """The version that the caller names is right, but the role was another when owners were counted."""
    ada = world.member(atelier)
    seen = ports.members.find(atelier, ada.id)
    assert seen is not None
    transact(ports.members.assigning(seen, "owner", updated(atelier)))

    with pytest.raises(Moved):
        transact(ports.members.assigning(seen, "viewer", updated(atelier), expect=seen.version + 1))

    assert world.ports.members.find(atelier, ada.id).role == "owner"


def test_a_member_who_became_an_owner_meanwhile_is_not_taken_out_as_a_member(
    world: Any, ports: Ports, atelier: str
) -> None:
    ada = world.member(atelier)
    seen = ports.members.find(atelier, ada.id)
    assert seen is not None
    transact(ports.members.assigning(seen, "owner", updated(atelier)))

    with pytest.raises(Moved):
        transact(ports.members.removing(seen))

    assert ports.members.find(atelier, ada.id) is not None


def test_a_role_defined_by_two_at_once_keeps_what_the_first_gave(ports: Ports, atelier: str) -> None:
    transact(ports.roles.defining(atelier, "custom", ["tasks:read"]))

    with pytest.raises(Moved):
        transact(ports.roles.defining(atelier, "custom", ["tasks:write"]))

    found = ports.roles.find(atelier, "custom")
    assert found is not None and found.permissions == {"tasks:read"}


def test_a_role_is_redefined_only_from_what_it_permitted_when_that_was_read(ports: Ports, atelier: str) -> None:
    transact(ports.roles.defining(atelier, "custom", ["tasks:read"]))
    seen = ports.roles.find(atelier, "custom")
    assert seen is not None
    transact(ports.roles.redefining(atelier, seen, ["tasks:write"], expect=None))

    with pytest.raises(Moved):
        transact(ports.roles.redefining(atelier, seen, [], expect=seen.version + 1))
    with pytest.raises(StaleVersion):
        transact(ports.roles.redefining(atelier, seen, [], expect=seen.version))


# -- invitations --------------------------------------------------------------


def test_an_invitation_sent_again_by_two_at_once_is_sent_once(
    world: Any, owner: Any, ports: Ports, atelier: str
) -> None:
    seen = sent(world, owner, atelier)
    again(ports, seen)

    with pytest.raises(Moved):
        again(ports, seen)


def test_an_invitation_that_was_closed_is_not_sent_again(world: Any, owner: Any, ports: Ports, atelier: str) -> None:
    seen = sent(world, owner, atelier)
    transact(*ports.invitations.closing(seen, "cancelled"))

    with pytest.raises(Moved):
        again(ports, seen)
    with pytest.raises(Closed):
        transact(*ports.invitations.closing(seen, "accepted"))


def test_the_mail_of_each_sending_is_asked_for_once(world: Any, owner: Any, ports: Ports, atelier: str) -> None:
    seen = sent(world, owner, atelier)

    assert ports.invitations.mark_mailed(seen)
    assert not ports.invitations.mark_mailed(seen)
    again(ports, seen)
    assert ports.invitations.mark_mailed(replace(seen, sends=seen.sends + 1))


def test_the_mail_of_an_earlier_sending_is_not_wanted_any_more(
    world: Any, owner: Any, ports: Ports, atelier: str
) -> None:
    seen = sent(world, owner, atelier)
    again(ports, seen)

    assert not ports.invitations.mark_mailed(seen)
    assert ports.invitations.mark_mailed(replace(seen, sends=seen.sends + 1))


def test_no_mail_is_sent_for_an_invitation_that_was_closed(world: Any, owner: Any, ports: Ports, atelier: str) -> None:
    seen = sent(world, owner, atelier)
    transact(*ports.invitations.closing(seen, "cancelled"))

    assert not ports.invitations.mark_mailed(seen)


def test_an_invitation_that_ran_out_is_closed_but_not_accepted(
    world: Any, owner: Any, ports: Ports, atelier: str
) -> None:
    seen = sent(world, owner, atelier)
    world.time.advance(days=30)

    with pytest.raises(Closed):
        transact(*ports.invitations.closing(seen, "accepted", within_its_time=True))
    transact(*ports.invitations.closing(seen, "expired"))


# -- the organisation itself --------------------------------------------------


def changed(ports: Ports, organisation_id: str, *changes: Any, bump: bool = False) -> None:
    """Somebody else changes it."""
    ports.organisations.table.update(OrganisationRow, organisation_pk(organisation_id), META, *changes, bump=bump)


@pytest.mark.parametrize(
    ("change", "bump", "refusal"),
    [
        (OrganisationRow.epoch.add(1), False, Moved),
        (OrganisationRow.status.set(Status.DELETING.value), False, OrganisationDeleting),
        (OrganisationRow.seats.set(7), True, StaleVersion),
    ],
    ids=["a role", "deleted", "the settings"],
)
def test_an_organisation_is_changed_only_as_it_was_read(
    ports: Ports, atelier: str, change: Any, bump: bool, refusal: type[Exception]
) -> None:
    seen = ports.organisations.find(atelier)
    assert seen is not None
    changed(ports, atelier, change, bump=bump)

    with pytest.raises(refusal):
        transact(ports.organisations.changing(seen, OrganisationRow.name.set("Other"), expect=seen.version))


def test_nobody_comes_into_an_organisation_that_is_ending(ports: Ports, atelier: str) -> None:
    changed(ports, atelier, OrganisationRow.status.set(Status.DELETING.value))

    with pytest.raises(NotFound):
        transact(ports.organisations.counting(atelier, OrganisationRow.seats.set(7)))
    transact(ports.organisations.counting(atelier, OrganisationRow.seats.set(7), in_any_status=True))


# -- the end ------------------------------------------------------------------


def test_an_organisation_that_was_restored_is_not_erased(world: Any, owner: Any, ports: Ports, atelier: str) -> None:
    """Its grace had run out when the worker looked, and then it was restored: nothing is due any more."""
    owner.delete(f"/organisations/{atelier}")
    (due,) = [item["due_sk"] for item in world.due()]
    assert owner.post(f"/organisations/{atelier}/restore").status_code == 200

    assert not ports.organisations.begin_erasing(atelier, due, clock.now() + DAY)

    assert world.ports.organisations.find(atelier).status is Status.ACTIVE


def test_an_organisation_deleted_anew_has_its_whole_grace(world: Any, owner: Any, ports: Ports, atelier: str) -> None:
    owner.delete(f"/organisations/{atelier}")
    (old,) = [item["due_sk"] for item in world.due()]
    owner.post(f"/organisations/{atelier}/restore")
    owner.delete(f"/organisations/{atelier}")
    (new,) = [item["due_sk"] for item in world.due()]

    assert not ports.organisations.begin_erasing(atelier, old, clock.now() + DAY)
    assert ports.organisations.begin_erasing(atelier, new, clock.now() + DAY)


def test_an_active_organisation_is_not_erased_whatever_is_due(world: Any, ports: Ports, atelier: str) -> None:
    due = f"{clock.rfc3339(clock.now())}#{ids.new()}"
    ports.organisations.table.update(OrganisationRow, organisation_pk(atelier), META, OrganisationRow.due_sk.set(due))

    assert not ports.organisations.begin_erasing(atelier, due, clock.now() + DAY)
