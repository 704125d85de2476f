"""What is kept, written by two at once or by who has read it too early."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.expressions.operand import Path

from functions.live.notifications.actions import unsubscribe
from functions.live.notifications.catalogue import KINDS
from functions.live.notifications.rules.decide import Decision
from functions.live.notifications.rules.kinds import Preferences, Words
from functions.live.notifications.store import NotifyStore
from functions.live.notifications.store.batches import Cancelled
from functions.live.notifications.store.deliveries import SK, BucketClosed, CapReached, Move, NotNow
from functions.live.notifications.store.feed import Collapsed, Unchanged
from functions.live.notifications.store.people import MAX_CODES_A_DAY, MAX_TRIES, TooManyCodes
from functions.live.notifications.store.rows import (
    COUNTS,
    META,
    SOLE,
    BatchRow,
    BucketRow,
    DeliveryRow,
    DeviceOwnerRow,
    FeedRow,
    PersonRow,
    user_pk,
)
from tessera import aws, clock, ids
from tessera.etags import StaleVersion
from tessera.tables import ConditionFailed
from tessera.transact import AlreadySeen, transact
from tests.kit.faults import meanwhile

LATER = timedelta(minutes=5)
ANN = "ann"


@pytest.fixture
def store(world: Any) -> NotifyStore:
    found: NotifyStore = world.store
    return found


def batch(**fields: Any) -> BatchRow:
    now = clock.rfc3339(clock.now())
    texts = {"type": "announcement", "priority": "normal", "values": "{}", "asked_by": "a test"}
    return BatchRow(pk=f"B#{ids.new()}", sk=META, send_at=now, created_at=now, **{**texts, **fields})


def kept(store: NotifyStore, batch_id: str) -> BatchRow:
    row = store.batches.get(batch_id)
    assert row is not None
    return row


def delivery(store: NotifyStore, decision: Decision | None = None, **fields: Any) -> DeliveryRow:
    """One that is due, as it stands in the table."""
    made = store.deliveries.new(
        ids.new(), "email", decision or Decision("pending"), user_id=ANN, kind="announcement", now=clock.now()
    )
    for name, value in fields.items():
        setattr(made, name, value)
    transact(store.deliveries.putting(made))
    return again(store, made)


def again(store: NotifyStore, row: DeliveryRow) -> DeliveryRow:
    found = store.deliveries.get(row.id, row.channel)
    assert found is not None
    return found


def changed(store: NotifyStore, row: DeliveryRow, **values: Any) -> None:
    """Somebody else moves it."""
    store.table.update(DeliveryRow, row.pk, SK, *(Path(name).set(value) for name, value in values.items()), bump=False)


def feed_row(store: NotifyStore, **fields: Any) -> FeedRow:
    notification_id = ids.new()
    row = FeedRow(
        pk=user_pk(ANN),
        sk=f"N#{notification_id}",
        type="announcement",
        priority="normal",
        values="{}",
        title="News",
        created_at=clock.rfc3339(clock.now()),
        batch_id="batch",
        **fields,
    )
    transact(store.feed.putting(row))
    return row


def test_an_event_makes_one_batch(store: NotifyStore) -> None:
    row = batch()
    store.batches.ask_once(row, [ANN])

    with pytest.raises(AlreadySeen):
        store.batches.ask_once(row, ["bob"])

    page = store.batches.page(row.id, 0)
    assert page is not None
    assert list(page.users) == [ANN]


def test_subscribers_are_added_by_one_of_two_who_have_read_the_same(store: NotifyStore) -> None:
    row = batch(topic="news")
    store.batches.ask_once(row, [])
    read = kept(store, row.id)

    assert store.batches.add_pages(read, [ANN], ".") is not None
    assert store.batches.add_pages(read, [ANN], ".") is None
    assert int(kept(store, row.id).recipients) == 1


def test_a_page_is_done_once(store: NotifyStore) -> None:
    row = batch(pages=2)
    store.batches.ask_once(row, [ANN])
    for _ in range(2):
        store.batches.done(row.id, 0)

    assert int(kept(store, row.id).expanded) == 1


def test_a_batch_that_has_got_more_pages_does_not_rest(store: NotifyStore) -> None:
    row = batch(pages=1)
    row.wait_until(clock.now(), row.id)
    store.batches.ask_once(row, [ANN])

    store.batches.rest(row)
    assert kept(store, row.id).due_sk is not None
    store.batches.done(row.id, 0)
    store.batches.rest(row)

    assert kept(store, row.id).due_sk is None


def test_nothing_leaves_of_a_batch_that_is_cancelled(store: NotifyStore) -> None:
    row = batch()
    store.batches.ask_once(row, [ANN])
    store.batches.cancel(row.id)

    with pytest.raises(Cancelled):
        transact(store.batches.counting(row.id, "a notification", {"email_sent": 1}, leaving=True))


def test_a_notification_and_its_delivery_are_made_once(store: NotifyStore) -> None:
    row, listed = delivery(store), feed_row(store)

    with pytest.raises(AlreadySeen):
        transact(store.deliveries.putting(row))
    with pytest.raises(AlreadySeen):
        transact(store.feed.putting(listed))


@pytest.mark.parametrize("meanwhile", [{"state": "sent"}, {"next_at": "9999"}], ids=["sent", "put off"])
def test_only_what_is_due_is_claimed(store: NotifyStore, meanwhile: dict[str, str]) -> None:
    row = delivery(store)
    changed(store, row, **meanwhile)

    with pytest.raises(NotNow):
        store.deliveries.claim(row, clock.now())


@pytest.mark.parametrize("meanwhile", [{"state": "dead"}, {"lease_until": "9999"}], ids=["given up", "claimed again"])
def test_who_has_lost_their_claim_settles_nothing(store: NotifyStore, meanwhile: dict[str, str]) -> None:
    row = store.deliveries.claim(delivery(store), clock.now())
    changed(store, row, **meanwhile)

    assert not store.deliveries.settle(row, Move("sent"))
    with pytest.raises(ConditionFailed):
        store.deliveries.reached(row, "a device")
    assert list(again(store, row).reached) == []


def test_what_was_put_off_meanwhile_is_not_turned(store: NotifyStore) -> None:
    row = delivery(store)
    changed(store, row, next_at="9999")

    assert not store.deliveries.turn(row, Move("skipped", "off"))


def test_a_claim_that_was_taken_over_is_not_turned(store: NotifyStore) -> None:
    row = store.deliveries.claim(delivery(store), clock.now())
    changed(store, row, lease_until="9999")

    assert not store.deliveries.turn(row, Move("skipped", "off"))


@pytest.mark.parametrize("meanwhile", [{"state": "sent"}, {"bucket": "another"}], ids=["sent", "moved"])
def test_a_digest_takes_what_waits_in_its_own_window(store: NotifyStore, meanwhile: dict[str, str]) -> None:
    row = delivery(store, Decision("digest"), bucket="bucket")
    changed(store, row, **meanwhile)

    assert not store.deliveries.include(row, "a message")


def test_what_was_revived_already_is_not_revived_again(store: NotifyStore) -> None:
    row = delivery(store, state="dead")

    assert store.deliveries.revive(row, clock.now())
    assert not store.deliveries.revive(row, clock.now())


def test_no_more_goes_out_than_a_window_holds(store: NotifyStore) -> None:
    transact(store.deliveries.capping(ANN, "sms", 1, 2, 3))

    with pytest.raises(CapReached):
        transact(store.deliveries.capping(ANN, "sms", 1, 2, 3))
    transact(store.deliveries.capping(ANN, "sms", 1, 1, 3))


def test_a_window_closes_when_its_time_has_come_and_then_takes_nothing_in(store: NotifyStore) -> None:
    row, closes_at = delivery(store), clock.now() + LATER
    for _ in range(2):
        transact(*store.deliveries.into_bucket(row, "bucket", closes_at))

    assert not store.deliveries.close_bucket("bucket", clock.now())
    assert store.deliveries.close_bucket("bucket", closes_at)
    with pytest.raises(BucketClosed):
        transact(*store.deliveries.into_bucket(row, "bucket", closes_at))


def test_a_window_is_finished_once_and_never_opens_again(store: NotifyStore) -> None:
    transact(*store.deliveries.into_bucket(delivery(store), "bucket", clock.now()))

    assert not store.deliveries.finish_bucket("bucket", None)
    store.deliveries.close_bucket("bucket", clock.now())
    assert store.deliveries.finish_bucket("bucket", None)
    assert not store.deliveries.finish_bucket("bucket", None)
    assert not store.deliveries.close_bucket("bucket", clock.now())
    assert store.table.get(BucketRow, "bucket", "H").state == "closed"  # type: ignore[union-attr]


def test_a_list_narrowed_by_two_things_keeps_to_both(store: NotifyStore) -> None:
    wanted = delivery(store)
    delivery(store, state="sent")
    delivery(store, type="another")

    rows = store.deliveries.of_user(ANN, 10, None, state="pending", type="announcement").rows

    assert [row.id for row in rows] == [wanted.id]


def test_a_device_is_dropped_by_who_has_it(store: NotifyStore) -> None:
    device_id = store.devices.register(ANN, "fcm", "token").id
    store.devices.register("bob", "fcm", "token")

    assert not store.devices.drop(ANN, device_id)
    assert [row.id for row in store.devices.of("bob")] == [device_id]


@pytest.mark.parametrize("first", ["", "carol"], ids=["new", "somebody's"])
def test_a_device_that_two_register_at_once_is_one_persons(store: NotifyStore, first: str) -> None:
    if first:
        store.devices.register(first, "fcm", "token")

    with meanwhile("TransactWriteItems", lambda: store.devices.register("bob", "fcm", "token")):
        device_id = store.devices.register(ANN, "fcm", "token").id

    assert [len(store.devices.of(one)) for one in (ANN, "bob", "carol")] == [1, 0, 0]
    owner = store.table.get(DeviceOwnerRow, f"UNQ#dev#{device_id}", SOLE)
    assert owner is not None
    assert owner.user_id == ANN


def test_a_key_is_one_notifications_until_another_takes_its_place(store: NotifyStore) -> None:
    first, second, third = (feed_row(store, dedupe_key="key") for _ in range(3))
    transact(store.feed.claiming_key(first))

    with pytest.raises(Collapsed) as held:
        transact(store.feed.claiming_key(second))
    assert held.value.notification_id == first.id
    transact(store.feed.claiming_key(second, instead_of=first.id))
    with pytest.raises(Collapsed):
        transact(store.feed.claiming_key(third, instead_of=first.id))


def test_what_was_read_or_joined_meanwhile_is_joined_by_nothing(store: NotifyStore) -> None:
    joined, read = feed_row(store), feed_row(store)
    transact(store.feed.grouping(joined, [Path("count").add(1)]))
    store.table.update(FeedRow, read.pk, read.sk, Path("read").set(1), bump=False)

    for row in (joined, read):
        with pytest.raises(Unchanged):
            transact(store.feed.grouping(row, [Path("count").add(1)]))


def test_what_is_read_or_unread_is_so_once(store: NotifyStore) -> None:
    row = feed_row(store)
    transact(store.feed.is_unread(row))
    with pytest.raises(Unchanged):
        transact(store.feed.unreading(row))
    transact(store.feed.reading(row))

    for step in (store.feed.reading(row), store.feed.is_unread(row)):
        with pytest.raises(Unchanged):
            transact(step)


def test_a_row_that_was_changed_meanwhile_is_neither_moved_nor_removed(store: NotifyStore) -> None:
    row = feed_row(store)
    transact(store.feed.reading(row))

    for steps in (store.feed.moving(row, "X#", unread=True), [store.feed.removing(row)]):
        with pytest.raises(Unchanged):
            transact(*steps)

    assert store.feed.find(ANN, row.id).sk == row.sk  # type: ignore[union-attr]


def test_who_is_greeted_again_keeps_their_count(store: NotifyStore) -> None:
    store.people.greet(ANN, "en")
    transact(store.people.counting(ANN, 3))
    store.people.greet(ANN, "de")

    row = store.table.get(PersonRow, user_pk(ANN), COUNTS)
    assert row is not None
    assert (int(row.unread), row.locale) == (3, "en")


def test_what_was_seen_and_read_only_moves_on(store: NotifyStore) -> None:
    earlier, later = sorted([ids.new(), ids.new()])

    for move in (store.people.see, store.people.read_up_to):
        assert move(ANN, later)
        assert not move(ANN, earlier)
        assert not move(ANN, later)


@pytest.mark.parametrize("version", [0, 1])
def test_of_two_choices_the_first_stands(store: NotifyStore, version: int) -> None:
    for before in range(version + 1):
        store.people.choose(ANN, Preferences(tz="UTC"), expect=before)

    with pytest.raises(StaleVersion):
        store.people.choose(ANN, Preferences(tz="Europe/Rome"), expect=version)


def test_switching_a_mail_off_keeps_what_is_chosen_at_that_moment(world: Any) -> None:
    rome = Preferences(tz="Europe/Rome")

    with meanwhile("UpdateItem", lambda: world.store.people.choose(ANN, rome, expect=0)):
        unsubscribe.switch_off(world.ports, ANN, "announcement")

    chosen = world.store.people.preferences(ANN)
    assert (chosen.tz, chosen.matrix["announcement"]["email"]) == ("Europe/Rome", False)


def ask_code(store: NotifyStore, code: str = "code", **later: float) -> None:
    store.people.ask_code(ANN, "+491701234567", code, clock.now() + timedelta(**later))


def test_each_day_has_its_own_codes(store: NotifyStore) -> None:
    ask_code(store, days=-1)
    for _ in range(MAX_CODES_A_DAY):
        ask_code(store)

    with pytest.raises(TooManyCodes):
        ask_code(store)
    ask_code(store, days=1)


def test_of_two_first_codes_of_a_day_one_counts(store: NotifyStore) -> None:
    calls: list[str] = []

    def other(service: str, name: str, parameters: dict[str, Any]) -> None:
        calls.append(name)
        # Between finding that there is no code of this day, and keeping the first one.
        if len(calls) == 2:
            ask_code(store, "theirs")

    with aws.intercepted(other), pytest.raises(TooManyCodes):
        ask_code(store, "ours")

    phone = store.people.phone(ANN)
    assert phone is not None
    assert phone.code == "theirs"


def test_a_code_is_tried_five_times_and_for_ten_minutes(store: NotifyStore) -> None:
    ask_code(store)
    assert store.people.try_code(ANN, clock.now() + timedelta(minutes=10)) is None
    for _ in range(MAX_TRIES):
        assert store.people.try_code(ANN, clock.now()) is not None

    assert store.people.try_code(ANN, clock.now()) is None


def test_a_code_is_good_once(store: NotifyStore) -> None:
    ask_code(store)
    row = store.people.try_code(ANN, clock.now())
    assert row is not None

    assert store.people.confirm_number(ANN, row)
    assert not store.people.confirm_number(ANN, row)
    assert store.people.try_code(ANN, clock.now()) is None


def test_a_type_and_its_words_are_changed_by_one_of_two(store: NotifyStore) -> None:
    kind = next(iter(KINDS.values()))
    first = store.types.put(replace(kind, title="First"), expect=0)
    store.types.put(replace(kind, title="Second"), expect=first.version)

    for version in (0, first.version):
        with pytest.raises(StaleVersion):
            store.types.put(replace(kind, title="Third"), expect=version)


@pytest.mark.parametrize("known", [0, 1], ids=["the first", "a later one"])
def test_two_who_publish_at_once_make_two_versions(store: NotifyStore, known: int) -> None:
    def publish(title: str) -> int:
        return store.types.publish("announcement", "email", "en", Words(title=title), "a test")

    for _ in range(known):
        publish("Before")
    theirs: list[int] = []

    with meanwhile("TransactWriteItems", lambda: theirs.append(publish("Theirs"))):
        ours = publish("Ours")

    assert (theirs, ours) == ([known + 1], known + 2)
