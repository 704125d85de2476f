"""Addresses and exports, written by who has read them too early."""

from collections.abc import Callable

import pytest

from functions.identity.accounts.events import EmailChanged
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.rules import CodeInvalid, EmailTaken
from functions.identity.accounts.store.life_rows import EMAIL_CHANGE, EXPORT, EmailChangeRow, RevertRow, revert_sk
from functions.identity.accounts.store.rows import CLAIM, MAIN, ClaimRow, UserRow, claim_pk, user_pk
from functions.identity.accounts.store.users import Changed
from tessera import clock
from tessera.auth.problems import AttemptsExhausted
from tessera.emails import Address
from tessera.transact import transact

HOUR = 3_600_000


def with_address(ports: Ports, user: UserRow, key: str) -> UserRow:
    ports.users.table.put(ClaimRow(pk=claim_pk(key), sk=CLAIM, uid=user.user_id, email=key))
    set_to = [UserRow.email.set(key), UserRow.email_norm.set(key)]
    return ports.users.table.update(UserRow, user.pk, MAIN, *set_to, bump=False)


def asked(ports: Ports, user: UserRow, key: str, *, left: int = 5, mac: str = "mac") -> EmailChangeRow:
    row = EmailChangeRow(
        pk=user_pk(user.user_id),
        sk=EMAIL_CHANGE,
        kind="new",
        email=key,
        email_norm=key,
        code_mac=mac,
        left=left,
        exp=clock.millis() + HOUR,
    )
    ports.users.table.put(row)
    return row


def way_back(user: UserRow, *, mac: str = "back", milliseconds: int = HOUR) -> RevertRow:
    now = clock.millis()
    address = {"email": user.email, "email_norm": user.email_norm}
    return RevertRow(
        pk=user_pk(user.user_id), sk=revert_sk(mac), created=now, exp=now + milliseconds, ttl=now, **address
    )


def confirm(ports: Ports, user: UserRow, row: EmailChangeRow) -> None:
    told = EmailChanged(user_id=user.user_id, email=row.email, old_email=user.email)
    ports.addresses.confirm(user, row, event=told, revert=way_back(user), notice=told, also=[])


def test_each_attempt_at_a_change_is_taken_away_and_none_is_left_after_the_last(
    ports: Ports, standing: Callable[..., UserRow]
) -> None:
    user = standing()
    asked(ports, user, "new@example.com", left=1)

    assert int(ports.addresses.attempt(user.user_id).left) == 0
    with pytest.raises(AttemptsExhausted):
        ports.addresses.attempt(user.user_id)


def test_a_change_that_was_asked_for_anew_is_not_confirmed_by_the_first(
    ports: Ports, standing: Callable[..., UserRow]
) -> None:
    user = with_address(ports, standing(), "old@example.com")
    first = asked(ports, user, "first@example.com", mac="first")
    asked(ports, user, "second@example.com", mac="second")

    with pytest.raises(CodeInvalid):
        confirm(ports, user, first)

    assert ports.users.get(user.user_id).email_norm == "old@example.com"


def test_a_new_spelling_does_not_undo_a_move_that_came_first(ports: Ports, standing: Callable[..., UserRow]) -> None:
    read = with_address(ports, standing(), "old@example.com")
    row = asked(ports, read, "old@example.com")
    moved = with_address(ports, read, "moved@example.com")

    with pytest.raises(Changed):
        confirm(ports, read, row)

    assert ports.users.get(read.user_id).email_norm == moved.email_norm


def test_an_address_that_somebody_else_has_by_now_stays_theirs(ports: Ports, standing: Callable[..., UserRow]) -> None:
    read, other = with_address(ports, standing(), "old@example.com"), standing()
    with_address(ports, other, "old@example.com")

    with pytest.raises(Changed):
        transact(*ports.addresses.moving(read, Address("new@example.com", "new@example.com")))

    claim = ports.users.claim_of("old@example.com")
    assert claim is not None
    assert claim.uid == other.user_id


def test_an_address_that_somebody_else_has_cannot_be_taken(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user, other = standing(), with_address(ports, standing(), "wanted@example.com")

    with pytest.raises(EmailTaken):
        transact(*ports.addresses.moving(user, Address("wanted@example.com", "wanted@example.com")))

    claim = ports.users.claim_of("wanted@example.com")
    assert claim is not None
    assert claim.uid == other.user_id


def test_a_way_back_is_good_once_and_until_its_time(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = with_address(ports, standing(), "old@example.com")
    good, over = way_back(user), way_back(user, mac="over", milliseconds=0)
    for row in (good, over):
        ports.users.table.put(row)

    transact(ports.addresses.consuming(good))

    for row in (good, over):
        with pytest.raises(CodeInvalid):
            transact(ports.addresses.consuming(row))


def test_an_export_that_was_begun_later_is_not_finished_by_the_earlier(
    ports: Ports, standing: Callable[..., UserRow]
) -> None:
    user = standing()
    transact(ports.exports.opening(user.user_id, "later", taken=AssertionError()))

    assert not ports.exports.done(user.user_id, "earlier", "an object")
    assert ports.exports.done(user.user_id, "later", "the object")
    row = ports.exports.last(user.user_id)
    assert row is not None
    assert row.object_key == "the object"


def test_nothing_is_kept_of_an_export_whose_account_is_gone(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = standing()

    assert not ports.exports.done(user.user_id, "job", "an object")
    assert ports.exports.table.get(UserRow, user.pk, EXPORT) is None
