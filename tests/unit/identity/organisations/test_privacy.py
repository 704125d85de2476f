"""What a member is told of themselves, and that nothing but the trail is left."""

from functions.identity.organisations.app import handler
from functions.identity.organisations.store.rows import SlotRow, slot_sk, user_pk
from tests.kit.privacy import told_then_gone


def test_everything_of_a_member_is_told_and_then_gone(world, owner, atelier):
    second = world.member(atelier, "owner")
    world.invited(owner, atelier, "new@example.com")
    theirs = world.organisation(second)
    world.member(theirs, "admin")

    told = told_then_gone(
        "organisations",
        handler,
        world.served.table,
        owner.id,
        stays={
            "ORG#*|E#*": "the organisation's trail, which names people by an id that nothing leads back from",
            "ORG#*|I#*": "who has invited somebody, until the invitation ends",
        },
    )

    assert [(one["organisation_id"], one["name"], one["role"]) for one in told["membership"]] == [
        (atelier, "Atelier", "owner")
    ]
    assert [one["organisation_id"] for one in told["made"]] == [atelier]
    assert second.get(f"/organisations/{atelier}").status_code == 200


def test_an_organisation_that_counts_for_somebody_else_by_now_goes_on_counting(world, owner, atelier):
    gone = world.somebody()
    table = world.served.table
    table.put(SlotRow(pk=user_pk(gone.id), sk=slot_sk(0), organisation_id=atelier))

    assert world.ports.eraser.erase_slots(gone.id) == 1

    found = world.ports.organisations.find(atelier)
    assert (found.quota_of, found.quota_slot) == (owner.id, 0)
