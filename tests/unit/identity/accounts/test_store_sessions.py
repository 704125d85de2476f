"""Sign-ins and sign-ups, written by who has read them too early."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.events import UserUpdated
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.rules import MAX_SESSIONS, CodeInvalid
from functions.identity.accounts.store.devices import device_row
from functions.identity.accounts.store.rows import MAIN, FamilyRow, SignUpRow, UserRow, family_sk, sign_up_pk
from functions.identity.accounts.store.sessions import SessionStore, acting_for
from tessera import clock, ids
from tessera.auth.problems import AttemptsExhausted
from tessera.outbox import Event
from tessera.problems import Busy, Gone, NotFound
from tessera.tables import ConditionFailed
from tessera.transact import transact
from tests.kit.clocks import FakeClock

HOUR = 3_600_000


def told(user: UserRow) -> Event:
    return UserUpdated(user_id=user.user_id, roles=[])


def family_of(user: UserRow, **fields: Any) -> FamilyRow:
    now, family_id = clock.millis(), ids.new()
    times = {"rot_at": now, "idle_exp": now + HOUR, "abs_exp": now + HOUR, "auth_time": now, "created": now}
    return FamilyRow(
        pk=user.pk, sk=family_sk(family_id), family_id=family_id, amr={"pwd"}, client_id="web", **{**times, **fields}
    )


def kept(ports: Ports, user: UserRow, **fields: Any) -> FamilyRow:
    row = family_of(user, **fields)
    ports.users.table.put(row)
    return row


def sign_in(ports: Ports, user: UserRow) -> str:
    row = family_of(user)
    device = ports.devices.adding(device_row(user.user_id, ids.new(), None))
    ports.sessions.open(user, row, told(user), device=device, also=[], rehashed=None)
    return str(row.family_id)


def test_a_late_word_of_an_undelivered_token_takes_nothing_from_the_next(
    ports: Ports, standing: Callable[..., UserRow]
) -> None:
    user = standing()
    family = kept(ports, user)
    for counter in (0, 1):
        ports.sessions.rotate(user.user_id, family.family_id, counter)
    ports.sessions.keep_good(user.user_id, family.family_id, 1)

    ports.sessions.keep_good(user.user_id, family.family_id, 0)

    assert int(ports.sessions.get(user.user_id, family.family_id).undelivered) == 2


def test_a_session_that_opens_while_it_is_ended_beforehand_ends_whole(
    ports: Ports, standing: Callable[..., UserRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, ended = standing(), SessionStore.end
    row = family_of(user)
    over = family_of(user)
    over.sk, over.family_id = row.sk, row.family_id

    def opening_meanwhile(self: SessionStore, *given: Any, **more: Any) -> bool:
        monkeypatch.setattr(SessionStore, "end", ended)
        found = ended(self, *given, **more)
        device = ports.devices.adding(device_row(user.user_id, ids.new(), None))
        ports.sessions.open(user, row, told(user), device=device, also=[], rehashed=None)
        return found

    monkeypatch.setattr(SessionStore, "end", opening_meanwhile)
    ports.sessions.end_to_come(over, also=[])

    assert ports.users.get(user.user_id).open_families == frozenset()
    assert ports.sessions.of(user.user_id) == []


@pytest.mark.parametrize(
    ("password", "change"),
    [
        ("old", UserRow.status.set("locked")),
        ("old", UserRow.ep.set(2)),
        ("old", UserRow.pw.set("new")),
        (None, UserRow.pw.set("new")),
    ],
    ids=["locked", "epoch", "another password", "a first password"],
)
def test_who_was_changed_while_they_signed_in_is_not_signed_in(
    ports: Ports, standing: Callable[..., UserRow], password: str | None, change: Any
) -> None:
    read = standing(pw=password)
    ports.users.table.update(UserRow, read.pk, MAIN, change, bump=False)

    with pytest.raises(Busy):
        sign_in(ports, read)

    assert ports.sessions.of(read.user_id) == []


def test_who_was_locked_while_room_was_made_for_them_is_not_signed_in(
    ports: Ports, standing: Callable[..., UserRow]
) -> None:
    read = standing(families={ids.new() for _ in range(MAX_SESSIONS)})
    ports.users.table.update(UserRow, read.pk, MAIN, UserRow.status.set("locked"), bump=False)

    with pytest.raises(Busy):
        sign_in(ports, read)


def test_room_is_made_once_for_each_sign_in(ports: Ports, standing: Callable[..., UserRow], frozen: FakeClock) -> None:
    user = standing()
    for _ in range(MAX_SESSIONS):
        sign_in(ports, ports.users.get(user.user_id))
    full = ports.users.get(user.user_id)

    for _ in range(2):
        # Of one millisecond, any is the oldest.
        frozen.advance(milliseconds=1)
        sign_in(ports, full)

    left = ports.users.get(user.user_id).open_families
    assert len(left) == len(ports.sessions.of(user.user_id)) == MAX_SESSIONS
    assert len(left - full.open_families) == 2


@pytest.mark.parametrize(
    ("fields", "counter"),
    [({}, 1), ({"status": "revoked"}, 0), ({"idle_exp": 0}, 0), ({"abs_exp": 0}, 0)],
    ids=["moved on", "ended", "idle too long", "too old"],
)
def test_only_the_newest_token_of_an_open_sign_in_moves_it_on(
    ports: Ports, standing: Callable[..., UserRow], fields: dict[str, int], counter: int
) -> None:
    user = standing()
    row = kept(ports, user, **fields)

    with pytest.raises(ConditionFailed):
        ports.sessions.rotate(user.user_id, row.family_id, counter)


def test_a_sign_in_that_is_over_is_neither_proved_nor_changed(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = standing()
    family_id = str(kept(ports, user, status="revoked").family_id)

    with pytest.raises(NotFound):
        ports.sessions.prove(user.user_id, family_id)
    with pytest.raises(NotFound):
        ports.sessions.change(user.user_id, family_id, acting_for("an organisation"))
    with pytest.raises(Gone):
        transact(ports.sessions.showing(family_id, user.user_id, frozenset(["otp"]), refused=Gone("over")))


def test_a_sign_in_ends_once(ports: Ports, standing: Callable[..., UserRow]) -> None:
    user = standing()
    family_id = sign_in(ports, user)

    assert ports.sessions.end(user.user_id, family_id, reason="a test")
    assert not ports.sessions.end(user.user_id, family_id, reason="a test")


def waiting(ports: Ports, *, left: int) -> str:
    sign_up_id = ids.new()
    fields = dict.fromkeys(("email", "email_norm", "pw", "code_mac", "token_mac"), "x")
    row = SignUpRow(pk=sign_up_pk(sign_up_id), sk=MAIN, kind="new", pw_pv=1, left=left, **fields)
    ports.users.table.put(row)
    return sign_up_id


def test_each_attempt_at_a_sign_up_is_taken_away_and_none_is_left_after_the_last(ports: Ports) -> None:
    sign_up_id = waiting(ports, left=1)

    assert int(ports.sign_ups.attempt(sign_up_id).left) == 0
    with pytest.raises(AttemptsExhausted):
        ports.sign_ups.attempt(sign_up_id)


def test_a_sign_up_is_confirmed_once(ports: Ports) -> None:
    sign_up_id = waiting(ports, left=1)
    transact(ports.sign_ups.consuming(sign_up_id))

    with pytest.raises(CodeInvalid):
        transact(ports.sign_ups.consuming(sign_up_id))
