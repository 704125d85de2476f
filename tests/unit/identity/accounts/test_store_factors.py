"""Second factors and passkeys, used twice at once or changed by who has read them too early."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pynamodb.expressions.update import Action as Change

from functions.identity.accounts.events import MfaDisabled
from functions.identity.accounts.mfa_tokens import MfaToken
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.rules import (
    MFA_ATTEMPTS,
    MfaFailed,
    MfaTokenInvalid,
    TotpCodeInvalid,
    TotpEnrolled,
)
from functions.identity.accounts.store.factor_rows import HeldRow
from functions.identity.accounts.store.rows import MAIN, UserRow
from functions.identity.accounts.store.users import Changed
from tessera import ids
from tessera.auth.problems import AttemptsExhausted
from tessera.transact import transact

SECRET = "JBSWY3DPEHPK3PXP"
STEP = 58_000_000


def token_of(user: UserRow) -> MfaToken:
    return MfaToken(ids.new(), user.user_id, int(user.ep), ("pwd",), "web", None)


def begun(ports: Ports, user: UserRow) -> HeldRow:
    ports.factors.begin_totp(user.user_id, SECRET)
    row = ports.factors.held(user.user_id).totp
    assert row is not None
    return row


def confirmed(ports: Ports, user: UserRow, step: int = STEP) -> None:
    transact(ports.factors.confirming_totp(begun(ports, user), user.user_id, step))


def last_step(ports: Ports, user: UserRow) -> int:
    row = ports.factors.held(user.user_id).totp
    assert row is not None
    return int(row.last_step or 0)


def told(user: UserRow) -> MfaDisabled:
    return MfaDisabled(user_id=user.user_id, method="all")


def test_attempts_at_a_second_factor_run_out(ports: Ports, standing: Callable[..., UserRow]) -> None:
    token = token_of(standing())

    left = [ports.factors.attempt(token) for _ in range(MFA_ATTEMPTS)]

    assert left == sorted(range(MFA_ATTEMPTS), reverse=True)
    with pytest.raises(AttemptsExhausted):
        ports.factors.attempt(token)


def test_after_the_right_one_no_attempt_is_taken(ports: Ports, standing: Callable[..., UserRow]) -> None:
    token = token_of(standing())
    ports.factors.attempt(token)
    transact(ports.factors.ending(token))

    with pytest.raises(MfaTokenInvalid):
        ports.factors.attempt(token)


def test_of_two_right_attempts_at_once_one_ends_the_sign_in(ports: Ports, standing: Callable[..., UserRow]) -> None:
    token = token_of(standing())
    for _ in range(2):
        ports.factors.attempt(token)
    transact(ports.factors.ending(token))

    with pytest.raises(MfaTokenInvalid):
        transact(ports.factors.ending(token))


def test_an_app_that_is_confirmed_is_not_replaced(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = standing()
    begun(ports, user)
    confirmed(ports, user)

    with pytest.raises(TotpEnrolled):
        ports.factors.begin_totp(user.user_id, SECRET)


def test_an_app_is_confirmed_once(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = standing()
    row = begun(ports, user)
    transact(ports.factors.confirming_totp(row, user.user_id, STEP))
    ports.factors.use_step(user.user_id, STEP + 1)

    with pytest.raises(TotpCodeInvalid):
        transact(ports.factors.confirming_totp(row, user.user_id, STEP))

    assert last_step(ports, user) == STEP + 1


def test_a_code_of_the_app_that_was_begun_first_does_not_confirm_the_second(
    ports: Ports, standing: Callable[..., UserRow]
) -> None:
    user = standing()
    first = begun(ports, user)
    begun(ports, user)

    with pytest.raises(TotpCodeInvalid):
        transact(ports.factors.confirming_totp(first, user.user_id, STEP))


def test_an_app_that_waits_for_its_confirmation_opens_nothing(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = standing()
    begun(ports, user)

    with pytest.raises(MfaFailed):
        ports.factors.use_step(user.user_id, STEP)


@pytest.mark.parametrize("step", [STEP - 1, STEP])
def test_a_code_is_good_once_and_none_before_it(ports: Ports, standing: Callable[..., UserRow], step: int) -> None:
    user = standing()
    confirmed(ports, user)

    with pytest.raises(MfaFailed):
        ports.factors.use_step(user.user_id, step)
    ports.factors.burn(user.user_id, step)

    assert last_step(ports, user) == STEP


def test_a_recovery_code_is_good_once(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = standing()
    transact(ports.factors.keeping_codes(user.user_id, ["one", "two"]))
    ports.factors.take_code(user.user_id, "one", event=told(user), also=told(user))

    with pytest.raises(MfaFailed):
        ports.factors.take_code(user.user_id, "one", event=told(user), also=told(user))


@pytest.mark.parametrize(
    ("fields", "meanwhile"),
    [
        ({}, [UserRow.status.set("locked")]),
        ({}, [UserRow.ep.set(2)]),
        ({"pw": "old"}, [UserRow.pw.set("new")]),
        ({}, [UserRow.pw.set("new")]),
        ({"mfa": {"totp"}}, [UserRow.mfa.remove()]),
        ({}, [UserRow.mfa.set({"totp"})]),
        ({"passkeys": 2}, [UserRow.passkeys.set(1)]),
    ],
    ids=["locked", "epoch", "another password", "a first password", "an app less", "an app more", "a passkey less"],
)
def test_what_opens_an_account_changes_only_as_it_was_read(
    ports: Ports, standing: Callable[..., UserRow], fields: dict[str, Any], meanwhile: Sequence[Change]
) -> None:
    read = standing(**fields)
    ports.users.table.update(UserRow, read.pk, MAIN, *meanwhile, bump=False)

    with pytest.raises(Changed):
        ports.factors.change(read, UserRow.name.set("Ann"))
