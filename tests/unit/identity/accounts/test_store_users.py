"""Users, written by who has read them too early."""

from collections.abc import Callable, Sequence

import pytest
from pynamodb.expressions.update import Action as Change

from functions.identity.accounts.actions import factors
from functions.identity.accounts.events import UserUpdated
from functions.identity.accounts.passwords import Kept
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.rules import HandleTaken, LastOwner, OwnerExists, ResetTokenInvalid
from functions.identity.accounts.store.rows import CLAIM, MAIN, RESET, ClaimRow, ResetRow, UserRow, claim_pk
from functions.identity.accounts.store.users import Changed
from tessera import clock
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.outbox import Event
from tessera.problems import Busy, Gone
from tessera.tables import ConditionFailed
from tessera.transact import transact
from tests.kit.faults import meanwhile

NEW = Kept("new", 1)
STAFF = Principal(kind="user", id="staff", user_id="staff")


def told(user: UserRow) -> Event:
    return UserUpdated(user_id=user.user_id, roles=[])


def changed(ports: Ports, user: UserRow, *changes: Change, bump: bool = False) -> UserRow:
    """Somebody else changes the user."""
    return ports.users.table.update(UserRow, user.pk, MAIN, *changes, bump=bump)


@pytest.mark.parametrize("before", ["old", None], ids=["another", "a first one"])
def test_a_hash_is_renewed_only_of_the_password_that_was_shown(
    ports: Ports, standing: Callable[..., UserRow], before: str | None
) -> None:
    read = standing(pw=before)
    changed(ports, read, UserRow.pw.set("meanwhile"))

    with pytest.raises(Busy):
        ports.users.proved(read, NEW)

    assert ports.users.get(read.user_id).pw == "meanwhile"


def test_a_users_item_is_never_written_over(ports: Ports, standing: Callable[..., UserRow]) -> None:
    there = standing(name="Ann")
    row = UserRow(
        pk=there.pk,
        sk=MAIN,
        user_id=there.user_id,
        roles={"user"},
        created=clock.millis(),
        updated=clock.millis(),
        email="free@example.com",
        email_norm="free@example.com",
    )

    with pytest.raises(ConditionFailed):
        transact(*ports.users.creating(row, told(there), taken=AssertionError()))

    assert ports.users.get(there.user_id).name == "Ann"
    assert ports.users.claim_of("free@example.com") is None


def test_an_address_belongs_to_who_came_first(ports: Ports, standing: Callable[..., UserRow]) -> None:
    guest = standing(email="a@example.com", email_norm="a@example.com")
    guest.roles = {"guest"}
    ports.users.table.put(guest)
    ports.users.table.put(ClaimRow(pk=claim_pk("a@example.com"), sk=CLAIM, uid="somebody", email="a@example.com"))
    taken = Gone("taken")

    with pytest.raises(Gone):
        transact(*ports.users.upgrading(guest, guest, told(guest), taken=taken))
    guest.pk, guest.user_id = "U#another", "another"
    with pytest.raises(Gone):
        transact(*ports.users.creating(guest, told(guest), taken=taken))


@pytest.mark.parametrize(
    ("families", "meanwhile"),
    [
        (None, [UserRow.ep.set(2)]),
        (None, [UserRow.roles.set({"user"})]),
        (None, [UserRow.families.set({"a"})]),
        ({"a"}, [UserRow.families.set({"a", "b"})]),
    ],
    ids=["changed", "no guest any more", "signed in", "signed in again"],
)
def test_a_guest_who_was_changed_meanwhile_does_not_become_a_user(
    ports: Ports, standing: Callable[..., UserRow], families: set[str] | None, meanwhile: Sequence[Change]
) -> None:
    read = standing(families=families)
    read = changed(ports, read, UserRow.roles.set({"guest"}))
    changed(ports, read, *meanwhile)
    row = ports.users.get(read.user_id)
    row.email = row.email_norm = "a@example.com"

    with pytest.raises(Busy):
        transact(*ports.users.upgrading(read, row, told(row), taken=AssertionError()))

    assert ports.users.get(read.user_id).email is None


@pytest.mark.parametrize("handle", [None, "ann"], ids=["the same handle", "another handle"])
def test_of_two_profiles_the_first_stands(ports: Ports, standing: Callable[..., UserRow], handle: str | None) -> None:
    read = standing()
    ports.users.save_profile(read, [UserRow.name.set("First")], handle=None, event=told(read))

    with pytest.raises(StaleVersion):
        ports.users.save_profile(read, [UserRow.name.set("Second")], handle=handle, event=told(read))


def test_a_handle_is_one_users(ports: Ports, standing: Callable[..., UserRow]) -> None:
    ann, bob = standing(), standing()
    ports.users.save_profile(ann, [], handle="ann", event=told(ann))

    with pytest.raises(HandleTaken):
        ports.users.save_profile(bob, [], handle="Ann", event=told(bob))

    assert ports.users.owner_of("ann") == ann.user_id


def reset_of(user: UserRow, mac: str, *, milliseconds: int = 60_000) -> ResetRow:
    return ResetRow(pk=user.pk, sk=RESET, mac=mac, exp=clock.millis() + milliseconds)


def test_only_the_newest_link_to_a_new_password_is_good_and_once(
    ports: Ports, standing: Callable[..., UserRow]
) -> None:
    user = standing()
    first, second = reset_of(user, "first"), reset_of(user, "second")
    ports.users.keep_reset(first, None)
    ports.users.keep_reset(second, None)

    with pytest.raises(ResetTokenInvalid):
        transact(ports.users.consuming_reset(first))
    transact(ports.users.consuming_reset(second))
    with pytest.raises(ResetTokenInvalid):
        transact(ports.users.consuming_reset(second))


def test_a_link_to_a_new_password_is_not_good_for_ever(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = standing()
    over = reset_of(user, "over", milliseconds=0)
    ports.users.keep_reset(over, None)

    with pytest.raises(ResetTokenInvalid):
        transact(ports.users.consuming_reset(over))


@pytest.mark.parametrize(
    ("families", "meanwhile"),
    [
        (None, [UserRow.ep.set(2)]),
        (None, [UserRow.families.set({"a"})]),
        ({"a", "b"}, [UserRow.families.set({"a"})]),
    ],
    ids=["changed", "signed in", "signed out"],
)
def test_sessions_end_only_as_they_were_read(
    ports: Ports, standing: Callable[..., UserRow], families: set[str] | None, meanwhile: Sequence[Change]
) -> None:
    read = standing(families=families)
    changed(ports, read, *meanwhile)

    with pytest.raises(Changed):
        ports.users.end_sessions(read, event=told(read), reason="a test")


@pytest.mark.parametrize(
    ("change", "bump"), [(UserRow.ep.set(2), False), (UserRow.name.set("Ann"), True)], ids=["epoch", "profile"]
)
def test_tokens_are_made_stale_only_of_who_is_as_they_were_read(
    ports: Ports, standing: Callable[..., UserRow], change: Change, bump: bool
) -> None:
    read = standing()
    changed(ports, read, change, bump=bump)

    with pytest.raises(Busy):
        ports.users.restamp(read, UserRow.status.set("locked"), event=told(read), also=[])

    assert ports.users.get(read.user_id).status == "active"


def test_a_passkey_that_comes_while_staff_take_all_away_is_not_lost_from_the_count(
    ports: Ports, standing: Callable[..., UserRow], call: Call
) -> None:
    read = standing(passkeys=1, mfa={"totp"}, email="a@example.com", email_norm="a@example.com")

    with meanwhile("TransactWriteItems", lambda: changed(ports, read, UserRow.passkeys.set(2))), pytest.raises(Busy):
        factors.reset(ports, read, caller=STAFF, call=call)

    assert int(ports.users.get(read.user_id).passkeys) == 2


def test_the_last_owner_stays_and_the_first_is_one(ports: Ports) -> None:
    transact(ports.owners.first())

    with pytest.raises(LastOwner):
        transact(ports.owners.one_less())
    with pytest.raises(OwnerExists):
        transact(ports.owners.first())
    transact(ports.owners.one_more())
    transact(ports.owners.one_less())

    assert ports.owners.count() == 1
