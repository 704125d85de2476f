"""The end of an account, written by who has read it too early."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from functions.identity.accounts.events import UserUpdated
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.store.life_rows import ErasureRow
from functions.identity.accounts.store.lives import erasure_row
from functions.identity.accounts.store.rows import CLAIM, MAIN, ClaimRow, UserRow, claim_pk
from functions.identity.accounts.store.users import Changed
from tessera import clock
from tessera.due import DueItem, due_keys
from tessera.outbox import Event

DAY = timedelta(days=1)
LEAVING = {"status": "deleting", "erase_by": "user"}


def due(user: UserRow | ErasureRow) -> DueItem:
    return DueItem(user.pk, user.sk, str(user.due_pk), str(user.due_sk))


def told(user_id: str) -> Event:
    return UserUpdated(user_id=user_id, roles=[])


@dataclass
class Lives:
    ports: Ports
    standing: Callable[..., UserRow]

    def waiting(self, **fields: Any) -> UserRow:
        """A user who is due tomorrow."""
        user = self.standing(**fields)
        pk, sk = due_keys(clock.now() + DAY, user.user_id)
        return self.now(user, UserRow.due_pk.set(pk), UserRow.due_sk.set(sk))

    def now(self, user: UserRow, *changes: Any) -> UserRow:
        """Somebody else changes the user."""
        return self.ports.users.table.update(UserRow, user.pk, MAIN, *changes, bump=False)

    def put_off(self, user: UserRow) -> UserRow:
        """Somebody else lets the user wait for another day."""
        pk, sk = due_keys(clock.now() + 2 * DAY, user.user_id)
        return self.now(user, UserRow.due_pk.set(pk), UserRow.due_sk.set(sk))

    def begun(self, owner_id: str, *left: str) -> ErasureRow:
        """The erasure of an owner, of whom these capabilities have something."""
        self.ports.lives.open(erasure_row(owner_id, "organisation", asked=1, left=set(left), until=clock.now() + DAY))
        return self.again(owner_id)

    def again(self, owner_id: str) -> ErasureRow:
        row = self.ports.lives.erasure(owner_id)
        assert row is not None
        return row

    def begin(self, user: UserRow) -> None:
        row = erasure_row(user.user_id, "user", asked=1, left={"tasks"}, until=clock.now() + DAY)
        self.ports.lives.begin(user, row)


@pytest.fixture
def lives(ports: Ports, standing: Callable[..., UserRow]) -> Lives:
    return Lives(ports, standing)


def test_a_user_who_waits_for_something_else_by_now_is_left_alone(lives: Lives) -> None:
    read = lives.waiting()
    put_off = lives.put_off(read)

    lives.ports.lives.wait(read, due(read), clock.now() + 9 * DAY)

    assert lives.ports.users.get(read.user_id).due_sk == put_off.due_sk


@pytest.mark.parametrize(
    ("fields", "meanwhile"),
    [
        ({**LEAVING}, [UserRow.ep.set(2)]),
        ({**LEAVING}, [UserRow.erasing.set(1)]),
        ({**LEAVING}, [UserRow.erase_by.set("staff")]),
        ({**LEAVING}, [UserRow.status.set("locked")]),
    ],
    ids=["changed", "being erased", "deleted by staff", "locked"],
)
def test_an_account_is_kept_only_while_its_user_alone_lets_it_go(
    lives: Lives, fields: dict[str, Any], meanwhile: list[Any]
) -> None:
    read = lives.standing(**fields)
    lives.now(read, *meanwhile)

    with pytest.raises(Changed):
        lives.ports.lives.keep(read, event=told(read.user_id), steps=[])


@pytest.mark.parametrize(
    "meanwhile",
    [[UserRow.status.set("active")], [UserRow.ep.set(2)], [UserRow.erasing.set(1)]],
    ids=["kept", "changed", "begun"],
)
def test_an_erasure_begins_only_for_who_is_as_they_were_read(lives: Lives, meanwhile: list[Any]) -> None:
    read = lives.standing(**LEAVING)
    lives.now(read, *meanwhile)

    with pytest.raises(Changed):
        lives.begin(read)


def test_an_erasure_that_was_put_off_does_not_begin(lives: Lives) -> None:
    waiting, not_waiting = lives.waiting(**LEAVING), lives.standing(**LEAVING)
    for user in (waiting, not_waiting):
        lives.put_off(user)

        with pytest.raises(Changed):
            lives.begin(user)


def test_what_is_known_of_an_erasure_is_not_forgotten_by_beginning_it_again(lives: Lives) -> None:
    user = lives.standing(**LEAVING)
    lives.begun(user.user_id, "tasks", "chat")

    with pytest.raises(Changed):
        lives.begin(user)
    lives.begun(user.user_id, "files")

    assert lives.again(user.user_id).waiting == {"tasks", "chat"}


def test_of_two_deliveries_one_tries_again(lives: Lives) -> None:
    row = lives.begun("an owner", "tasks")
    lives.ports.lives.again_at(row, due(row), clock.now() + 2 * DAY)

    with pytest.raises(Changed):
        lives.ports.lives.again_at(row, due(row), clock.now() + 3 * DAY)

    assert int(lives.again("an owner").tries) == 1


def test_an_answer_counts_once(lives: Lives) -> None:
    lives.begun("an owner", "tasks", "chat")

    assert lives.ports.lives.answered("an owner", "tasks", 3) is not None
    assert lives.ports.lives.answered("an owner", "tasks", 0) is None
    assert len(lives.again("an owner").done) == 1


def test_a_claim_that_somebody_else_has_by_now_stays_theirs(lives: Lives) -> None:
    claim = ClaimRow(pk=claim_pk("a@example.com"), sk=CLAIM, uid="somebody else", email="a@example.com")
    lives.ports.users.table.put(claim)

    lives.ports.lives.forget("who is erased", claim.pk, CLAIM, shared=True)

    assert lives.ports.users.claim_of("a@example.com") is not None


def test_an_erasure_is_finished_once_and_not_before_everybody_has_answered(lives: Lives) -> None:
    row = lives.begun("an owner", "tasks")

    with pytest.raises(Changed):
        lives.ports.lives.finish(row, told=[told("an owner")], user_id=None)
    lives.ports.lives.answered("an owner", "tasks", 0)
    lives.ports.lives.finish(row, told=[told("an owner")], user_id=None)
    with pytest.raises(Changed):
        lives.ports.lives.finish(row, told=[told("an owner")], user_id=None)
