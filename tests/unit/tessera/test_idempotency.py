import hashlib
import hmac
import uuid
from datetime import timedelta

import pytest
from pynamodb.attributes import UnicodeAttribute

from tessera import aws, clock, idempotency, ids
from tessera.idempotency import IdempotencyMismatch, asked_before, create, gone_row, intend
from tessera.problems import Gone, InvalidRequest
from tessera.tables import Row
from tests.kit.races import together
from tests.kit.stores import everything_in


class NoteRow(Row):
    text = UnicodeAttribute()


def mac(message: bytes) -> bytes:
    return hmac.digest(b"key", message, hashlib.sha256)


@pytest.fixture
def table(table_of):
    return table_of("Tasks")


def asked(table, key, text="milk", owner="ann", route="POST /notes"):
    intent = intend(key, owner=owner, route=route, body={"text": text}, mac=mac)
    return create(table, NoteRow(pk=f"U#{owner}", sk=f"N#{intent.id}", text=text), intent)


def asked_again(table, key, text="milk", owner="ann", route="POST /notes"):
    intent = intend(key, owner=owner, route=route, body={"text": text}, mac=mac)
    return asked_before(table, NoteRow, f"U#{owner}", f"N#{intent.id}", intent)


def timed_key(offset_ms=0):
    return ids.at(clock.millis() + offset_ms, b"0123456789")


KEYS = {"a key with its time": timed_key, "a plain key": lambda: f"plain-{ids.new()}-"}


@pytest.fixture(params=KEYS)
def key(request):
    return KEYS[request.param]()


def test_the_same_request_makes_one_thing(table, key):
    first, second = asked(table, key), asked(table, key)

    assert (first.replayed, second.replayed) == (False, True)
    assert first.row.sk == second.row.sk


def test_a_replay_shows_the_thing_as_it_is_now(table, key):
    made = asked(table, key).row
    table.update(NoteRow, made.pk, made.sk, NoteRow.text.set("bread"), expect=1)

    again = asked(table, key)

    assert (again.row.text, again.row.version, again.replayed) == ("bread", 2, True)


def test_another_body_under_the_same_key_is_refused(table, key):
    asked(table, key)

    with pytest.raises(IdempotencyMismatch):
        asked(table, key, text="bread")


def test_a_replay_after_the_thing_was_deleted_says_gone(table, key):
    made = asked(table, key).row
    table.put(gone_row(made))

    with pytest.raises(Gone):
        asked(table, key)
    assert table.get(NoteRow, made.pk, made.sk) is None


def test_many_requests_at_once_with_one_key_make_one_thing(table, key):
    results = together(lambda: asked(table, key), times=10)

    assert [result.error for result in results if result.error] == []
    assert sum(not result.value.replayed for result in results) == 1
    assert len({result.value.row.sk for result in results}) == 1


def test_the_same_key_of_another_owner_or_route_is_another_request(table):
    key = timed_key()

    made = [asked(table, key), asked(table, key, owner="bob"), asked(table, key, route="POST /lists")]

    assert [each.replayed for each in made] == [False, False, False]
    assert len({each.row.sk for each in made}) == 3


def test_a_key_with_its_time_costs_one_write_and_no_record(table):
    with aws.metered() as meter:
        asked(table, timed_key())

    assert meter.operations == ["PutItem"]
    assert len(everything_in(table)) == 1


@pytest.mark.parametrize("offset_ms", [-86_500_000, 400_000], ids=["older than a day", "too far ahead"])
def test_a_key_whose_time_cannot_be_trusted_is_kept_on_a_record(table, offset_ms):
    key = timed_key(offset_ms)

    first, second = asked(table, key), asked(table, key)

    assert second.replayed
    assert abs(ids.timestamp_ms(first.row.sk[2:]) - clock.millis()) < 60_000


MOMENTS = {
    "just too far ahead": {"minutes": 5, "seconds": 20},
    "ahead": {"minutes": 2, "seconds": 40},
    "soon too old": {"hours": -23, "minutes": -59, "seconds": -50},
    "almost soon too old": {"hours": -22, "minutes": -59, "seconds": -50},
}


@pytest.mark.parametrize("offset", MOMENTS.values(), ids=MOMENTS)
def test_a_request_is_known_again_when_its_time_is_trusted_no_more_or_only_now(table, frozen, offset):
    key = timed_key(timedelta(**offset) // timedelta(milliseconds=1))
    first = asked(table, key)
    frozen.advance(seconds=30)

    second = asked(table, key)

    assert second.replayed and second.row.sk == first.row.sk
    assert asked_again(table, key).sk == first.row.sk


def test_a_uuid7_carries_its_time(table):
    stamp = clock.millis()
    key = str(uuid.UUID(int=(stamp << 80) | (7 << 76) | (2 << 62) | 12345))

    made = asked(table, key)

    assert ids.timestamp_ms(made.row.sk[2:]) == stamp


def test_a_record_ends_after_a_day(table, frozen):
    first = asked(table, "plain")
    frozen.advance(hours=25)

    second = asked(table, "plain")

    assert not second.replayed and second.row.sk != first.row.sk


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"], ids=["empty", "too long", "control character"])
def test_a_key_no_client_should_send_is_refused(key):
    with pytest.raises(InvalidRequest):
        intend(key, owner="ann", route="POST /notes", body={}, mac=mac)


def test_without_a_key_every_request_is_its_own(table):
    assert asked(table, None).row.sk != asked(table, None).row.sk
    assert idempotency.intend(None, owner="a", route="r", body={}, mac=mac).record_key == ""
