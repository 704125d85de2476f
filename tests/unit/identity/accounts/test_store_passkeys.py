"""Passkeys and their challenges, shown or changed twice at once."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.events import MfaEnabled
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.relying_party import Asserted
from functions.identity.accounts.rules import PasskeyTaken
from functions.identity.accounts.store.factor_rows import PasskeyRow, passkey_sk
from functions.identity.accounts.store.passkeys import Regressed
from functions.identity.accounts.store.rows import UserRow
from tessera import clock, ids
from tessera.etags import StaleVersion
from tessera.problems import NotFound
from tessera.transact import transact


def registered(ports: Ports, user: UserRow, passkey_id: str, **fields: Any) -> PasskeyRow:
    row = PasskeyRow(
        pk=user.pk,
        sk=passkey_sk(passkey_id),
        passkey_id=passkey_id,
        cred_id="credential",
        pub="key",
        aaguid="0",
        name="Key",
        created=clock.millis(),
        **fields,
    )
    transact(*ports.passkeys.adding(row, user.user_id))
    return row


def shown(sign_count: int) -> Asserted:
    return Asserted(sign_count, is_eligible=False, is_backed_up=False, is_verified=True)


def test_a_challenge_is_answered_once(ports: Ports) -> None:
    ports.passkeys.ask("challenge", b"bytes", "login")

    assert ports.passkeys.answered("challenge", "login") == b"bytes"
    assert ports.passkeys.answered("challenge", "login") is None


@pytest.mark.parametrize(("purpose", "user_id"), [("mfa", "ann"), ("register", "bob")])
def test_a_challenge_is_answered_for_what_and_by_whom_it_was_made(ports: Ports, purpose: str, user_id: str) -> None:
    ports.passkeys.ask("challenge", b"bytes", "register", "ann")

    assert ports.passkeys.answered("challenge", purpose, user_id) is None
    assert ports.passkeys.answered("challenge", "register", "ann") == b"bytes"


def test_a_passkey_is_one_users(ports: Ports, standing: Callable[..., UserRow]) -> None:
    ann, bob = standing(), standing()
    registered(ports, ann, "key")

    with pytest.raises(PasskeyTaken):
        registered(ports, bob, "key")

    assert ports.passkeys.owner_of("key") == ann.user_id


def test_a_passkey_is_removed_once(ports: Ports, standing: Callable[..., UserRow]) -> None:
    ann = standing()
    registered(ports, ann, ids.new())
    there = registered(ports, ann, ids.new()).passkey_id
    transact(*ports.passkeys.removing(ann.user_id, [there]))

    with pytest.raises(NotFound):
        transact(*ports.passkeys.removing(ann.user_id, [there]))


def test_of_two_new_names_the_first_stands(ports: Ports, standing: Callable[..., UserRow]) -> None:
    ann = standing()
    passkey_id = registered(ports, ann, ids.new()).passkey_id
    read = ports.passkeys.get(ann.user_id, passkey_id)
    assert read is not None
    told = MfaEnabled(user_id=ann.user_id, method="passkey")
    ports.passkeys.rename(read, ann.user_id, "First", told)

    with pytest.raises(StaleVersion):
        ports.passkeys.rename(read, ann.user_id, "Second", told)


@pytest.mark.parametrize(("kept", "count"), [(5, 5), (5, 4), (5, 0)])
def test_a_count_that_does_not_grow_is_refused(
    ports: Ports, standing: Callable[..., UserRow], kept: int, count: int
) -> None:
    ann = standing()
    row = registered(ports, ann, ids.new(), sign_count=kept)

    with pytest.raises(Regressed):
        ports.passkeys.use(row, ann.user_id, shown(count))


def test_a_passkey_that_was_removed_meanwhile_opens_nothing(ports: Ports, standing: Callable[..., UserRow]) -> None:
    ann = standing()
    row = registered(ports, ann, ids.new(), be=True)
    transact(*ports.passkeys.removing(ann.user_id, [row.passkey_id]))

    with pytest.raises(Regressed):
        ports.passkeys.use(row, ann.user_id, shown(0))
