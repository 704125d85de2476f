"""Mails and their pace, written by two at once or by who has read them too early."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.live.outbox.actions.report import _noting
from functions.live.outbox.drafts import Content, Draft
from functions.live.outbox.receipts import Receipt
from functions.live.outbox.rules import Mail, Reputation, Suppression
from functions.live.outbox.store import Contended, MailStore
from functions.live.outbox.store.rows import META, PACE_KEY, MailRow, PaceRow, SuppressionRow
from tessera import aws, clock, ids
from tessera.etags import StaleVersion
from tessera.tables import Table
from tessera.transact import AlreadySeen, transact
from tests.kit.clocks import FakeClock

from .conftest import MAIL_FROM

Ask = Callable[..., Mail]


def as_it_is(store: MailStore, mail: Mail) -> Mail:
    found = store.mails.get(mail.id)
    assert found is not None
    return found


def changed(store: MailStore, mail: Mail, *changes: Any) -> None:
    """Somebody else moves it."""
    store.table.update(MailRow, f"M#{mail.id}", META, *changes)


def claimed(store: MailStore, mail: Mail) -> Mail:
    found = store.mails.claim(mail.id, clock.now())
    assert found is not None
    return found


LOST = pytest.mark.parametrize(
    "change", [MailRow.state.set("cancelled"), MailRow.attempt.add(1)], ids=["cancelled", "another attempt"]
)


@contextmanager
def before_write(number: int, do: Callable[[], object]) -> Iterator[None]:
    """Somebody else does this right before the write of this number goes out."""
    seen: list[str] = []

    def hook(service: str, name: str, parameters: dict[str, Any]) -> None:
        if name == "UpdateItem":
            seen.append(name)
            if len(seen) == number:
                do()

    with aws.intercepted(hook):
        yield


def test_an_event_makes_one_mail(store: MailStore) -> None:
    draft = Draft(sender=MAIL_FROM, to=("ann@example.com",), subject="News", content=Content(text="Hello."))
    event_id = ids.new()
    store.mails.ask_once(draft, event_id, "an event")

    with pytest.raises(AlreadySeen):
        store.mails.ask_once(draft, event_id, "an event")


def test_a_mail_is_claimed_once_and_not_before_its_time(store: MailStore, ask: Ask) -> None:
    now, later = ask(), ask(send_at=clock.now() + timedelta(hours=1))
    claimed(store, now)

    assert store.mails.claim(now.id, clock.now()) is None
    assert store.mails.claim(later.id, clock.now()) is None


@LOST
def test_who_has_lost_a_mail_gives_nothing_back_and_loses_nothing(store: MailStore, ask: Ask, change: Any) -> None:
    mail = claimed(store, ask())
    changed(store, mail, change)

    assert store.mails.give_back(mail, clock.now(), "failed", "", counts=True) is None
    assert store.mails.lose(mail, clock.now()) is None
    assert store.mails.send_again(mail, clock.now(), of=["claimed"], resends=1) is None
    assert store.mails.bury(mail, "a test") is None


@LOST
def test_what_is_sent_all_the_same_is_noted_and_changes_nothing_else(store: MailStore, ask: Ask, change: Any) -> None:
    mail = claimed(store, ask())
    changed(store, mail, change)
    before = as_it_is(store, mail)

    for _ in range(2):
        store.mails.record_sent(mail, "an id")

    after = as_it_is(store, mail)
    assert (after.state, after.attempt, list(after.message_ids)) == (before.state, before.attempt, ["an id"])


def test_only_a_mail_that_waits_is_postponed_or_cancelled(store: MailStore, ask: Ask) -> None:
    mail = claimed(store, ask())

    assert store.mails.postpone(mail.id, clock.now()) is None
    assert store.mails.cancel(mail.id) is None
    assert as_it_is(store, mail).state == "claimed"


def test_a_report_of_a_mail_that_went_on_meanwhile_is_read_anew(store: MailStore, ask: Ask) -> None:
    mail = claimed(store, ask())
    store.mails.record_sent(mail, "an id")

    with pytest.raises(StaleVersion):
        transact(store.mails.reporting(mail, "delivered", "an id", None))


def test_a_report_counts_once(store: MailStore, ask: Ask) -> None:
    mail, receipt = ask(), Receipt("an id", "delivery", clock.now())
    transact(_noting(store, receipt, mail, 1))

    with pytest.raises(AlreadySeen):
        transact(_noting(store, receipt, mail, 1))


def test_a_mail_that_comes_in_counts_once(store: MailStore) -> None:
    store.mails.note_arrival("an id", None)

    with pytest.raises(AlreadySeen):
        store.mails.note_arrival("an id", None)


def test_what_comes_back_is_counted_by_one_of_two_who_have_read_the_same(store: MailStore) -> None:
    nothing = store.guard.reputation()[0]
    transact(store.guard.changing(nothing, replace(nothing, bounced=(1,))))
    one = store.guard.reputation()[0]
    transact(store.guard.changing(one, replace(one, bounced=(1, 2))))

    for read in (nothing, one):
        with pytest.raises(Contended):
            transact(store.guard.changing(read, Reputation()))


def test_an_address_is_suppressed_by_one_of_two_who_have_read_the_same(store: MailStore) -> None:
    def change(before: SuppressionRow | None) -> None:
        transact(store.suppressions.changing(before, "hash", Suppression("hard_bounce"), "ann@example.com"))

    change(None)
    read = store.suppressions.get("hash")
    change(read)

    for before in (None, read):
        with pytest.raises(Contended):
            change(before)


def counted(table: Table) -> tuple[int, int]:
    row = table.get(PaceRow, *PACE_KEY)
    assert row is not None
    return int(row.sent), int(row.total)


def test_each_second_has_room_for_as_many(store: MailStore, frozen: FakeClock) -> None:
    for sent in (5, 9):
        assert [store.pace.take(10).wait_seconds for _ in range(sent)] == [0] * sent
        frozen.advance(seconds=1)
    for _ in range(9):
        store.pace.take(10)

    assert store.pace.take(10).wait_seconds == 1


def test_bulk_leaves_half_of_each_second(store: MailStore) -> None:
    assert [store.pace.take(10, bulk=True).wait_seconds for _ in range(5)] == [0, 0, 0, 0, 1]
    assert store.pace.take(10).wait_seconds == 0


def test_bulk_goes_not_beyond_what_a_second_holds(store: MailStore) -> None:
    for _ in range(9):
        store.pace.take(10)

    assert store.pace.take(10, bulk=True).wait_seconds == 1


def test_nothing_is_sent_while_it_is_paused(store: MailStore) -> None:
    store.pace.take(10)
    store.pace.pause(clock.now().timestamp() + 60)

    assert store.pace.take(10).wait_seconds == 60


def test_of_two_who_begin_a_second_both_are_counted(store: MailStore, frozen: FakeClock) -> None:
    for total in (2, 4):
        with before_write(2, lambda: store.pace.take(10)):
            store.pace.take(10)

        assert counted(store.table) == (2, total)
        frozen.advance(seconds=1)


def test_a_pause_that_comes_while_a_second_begins_holds(store: MailStore, frozen: FakeClock) -> None:
    store.pace.take(10)
    frozen.advance(seconds=1)

    with before_write(2, lambda: store.pace.pause(clock.now().timestamp() + 60)):
        slot = store.pace.take(10)

    assert slot.wait_seconds == 60


def test_after_a_pause_one_mail_is_tried(store: MailStore, frozen: FakeClock) -> None:
    store.pace.pause(clock.now().timestamp() + 60)
    frozen.advance(seconds=61)
    theirs = []

    with before_write(2, lambda: theirs.append(store.pace.take(10))):
        ours = store.pace.take(10)

    assert [slot.is_probe for slot in (*theirs, ours)] == [True, False]
    assert ours.wait_seconds > 0
