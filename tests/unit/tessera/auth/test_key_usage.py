"""What the limiter's write of an API key keeps besides, and that it costs nothing."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tessera import aws, clock, ids
from tessera.auth.call import Call
from tessera.auth.charging import Rate, charge
from tessera.auth.key_usage import USAGE_DAYS, KeyUsage
from tessera.auth.principal import Principal
from tessera.auth.problems import RateLimited
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.capacity import size_of
from tests.kit.clocks import FakeClock
from tests.kit.stores import everything_in

MakeCall = Callable[..., Call]


def a_key(key_id: str = "") -> Principal:
    return Principal(
        kind="api_key", id=key_id or ids.new(), user_id="anna", credential="key", plan="key:default", aal=1
    )


def answer(call: Call, status: int) -> None:
    for tell in call.on_answer:
        tell(status)


def use(call: MakeCall, key: Principal, *, status: int = 200, method: str = "GET", **given: Any) -> None:
    """One request from its charge to its answer."""
    made = call(method, **given)
    charge(made, key, None)
    answer(made, status)


@pytest.fixture
def limits_table(bindings: Bindings) -> Table:
    return Table(bindings.environment["RATELIMIT"])


def test_last_used_piggyback(call: MakeCall, frozen: FakeClock, bindings: Bindings) -> None:
    key = a_key()
    use(call, key)
    frozen.advance(seconds=5)

    with aws.metered() as meter:
        use(call, key, source_ip="198.51.100.23")

    assert meter.operations == ["UpdateItem"]
    used = bindings.get(KeyUsage).of([key.id])[key.id]
    assert (used.total, used.address) == (2, "198.51.100.23")
    assert used.last_at == clock.millis()


def test_the_write_stays_one_unit_however_the_key_is_used(
    call: MakeCall, frozen: FakeClock, limits_table: Table
) -> None:
    key = a_key()
    for _ in range(10):
        for method in ("GET", "POST"):
            for status in (200, 404, 429):
                use(call, key, method=method, status=status)
        frozen.advance(days=1)

    use(call, key)

    # A write costs one unit for each KB of its item.
    [item] = everything_in(limits_table)
    assert size_of(item) <= 1_024


def test_requests_are_counted_by_day_and_class_and_answers_come_with_the_next(
    call: MakeCall, frozen: FakeClock, bindings: Bindings
) -> None:
    key = a_key()
    today = frozen.now().date()
    use(call, key, status=200)
    use(call, key, status=304)
    use(call, key, status=404, method="POST")
    use(call, key, status=503, method="DELETE")

    used = bindings.get(KeyUsage).of([key.id])[key.id]

    assert used.requests == {(today, "read"): 2, (today, "write"): 2}
    assert used.answers == {(today, "read", 2): 1, (today, "read", 3): 1, (today, "write", 4): 1}


def test_a_class_that_a_route_names_is_counted_as_such(call: MakeCall, frozen: FakeClock, bindings: Bindings) -> None:
    key = a_key()
    made = call("POST")
    charge(made, key, Rate("expensive"))
    answer(made, 200)

    used = bindings.get(KeyUsage).of([key.id])[key.id]

    assert used.requests == {(frozen.now().date(), "expensive"): 1}


def test_what_a_process_still_has_to_say_counts_for_the_day_on_which_it_happened(
    call: MakeCall, frozen: FakeClock, bindings: Bindings
) -> None:
    key = a_key()
    monday = frozen.now().date()
    use(call, key)
    frozen.advance(days=1)
    use(call, key)

    used = bindings.get(KeyUsage).of([key.id])[key.id]

    assert used.answers == {(monday, "read", 2): 1}
    assert used.requests == {(monday, "read"): 1, (monday + timedelta(days=1), "read"): 1}


def test_two_processes_add_to_one_count(call: MakeCall, bindings: Bindings) -> None:
    key = a_key()
    another = Bindings(bindings.environment)
    for _ in range(3):
        use(call, key)
        use(call, key, within=another)

    used = bindings.get(KeyUsage).of([key.id])[key.id]

    assert used.total == 6
    assert sum(used.answers.values()) == 4


def test_a_second_charge_of_one_request_is_one_use(call: MakeCall, bindings: Bindings) -> None:
    key, made = a_key(), call()
    charge(made, key, None)
    charge(made, key, Rate("write"))
    answer(made, 403)
    use(call, key)

    used = bindings.get(KeyUsage).of([key.id])[key.id]

    assert used.total == 2
    assert list(used.answers.values()) == [1]


def test_a_refused_request_is_no_use_but_its_answer_is_told_later(
    call: MakeCall, frozen: FakeClock, bindings: Bindings
) -> None:
    key = a_key()
    today = frozen.now().date()
    for _ in range(100):
        use(call, key)
    refused = call()
    with pytest.raises(RateLimited):
        charge(refused, key, None)
    answer(refused, 429)
    frozen.advance(minutes=1)
    use(call, key)

    used = bindings.get(KeyUsage).of([key.id])[key.id]

    assert used.total == 101
    assert used.answers == {(today, "read", 2): 100, (today, "read", 4): 1}


def test_days_long_past_are_taken_away(call: MakeCall, frozen: FakeClock, bindings: Bindings) -> None:
    key = a_key()
    for _ in range(3 * USAGE_DAYS):
        use(call, key)
        use(call, key, method="POST")
        frozen.advance(days=1)
    use(call, key)

    used = bindings.get(KeyUsage).of([key.id])[key.id]

    oldest = min(day for day, _ in used.requests)
    assert frozen.now().date() - oldest <= timedelta(days=USAGE_DAYS + 1)
    assert used.total == 6 * USAGE_DAYS + 1


def test_a_process_that_slept_for_weeks_takes_nothing_away_that_it_adds(
    call: MakeCall, frozen: FakeClock, bindings: Bindings
) -> None:
    key = a_key()
    first = frozen.now().date()
    use(call, key)
    frozen.advance(days=USAGE_DAYS + 2)
    use(call, key)

    used = bindings.get(KeyUsage).of([key.id])[key.id]

    assert used.answers[first, "read", 2] == 1


def test_per_key_limit(call: MakeCall) -> None:
    one, other = a_key(), a_key()
    for _ in range(100):
        use(call, one)

    with pytest.raises(RateLimited):
        use(call, one)

    use(call, other)


def test_every_class_of_a_key_is_charged_to_one_bucket(call: MakeCall, limits_table: Table) -> None:
    key = a_key()
    use(call, key)
    use(call, key, method="POST")
    made = call("POST")
    charge(made, key, Rate("expensive"))

    assert len(everything_in(limits_table)) == 1
    assert made.answer_headers["RateLimit-Policy"].startswith('"key:default"')


def test_a_bucket_of_a_key_outlives_the_key(call: MakeCall, limits_table: Table) -> None:
    use(call, a_key())

    [item] = everything_in(limits_table)
    assert int(item["ttl"]["N"]) - clock.millis() // 1000 >= 366 * 86_400


def test_the_use_of_many_keys_is_read_by_one_request(call: MakeCall, bindings: Bindings) -> None:
    keys = [a_key() for _ in range(5)]
    for key in keys:
        use(call, key)

    with aws.metered() as meter:
        used = bindings.get(KeyUsage).of([key.id for key in keys] + [ids.new()])

    assert meter.operations == ["BatchGetItem"]
    assert set(used) == {key.id for key in keys}


def test_a_bucket_says_nothing_of_whose_it_is(call: MakeCall, limits_table: Table) -> None:
    key = a_key()
    use(call, key)

    [item] = everything_in(limits_table)
    assert key.id not in str({name: value for name, value in item.items() if name != "ip"})


def test_a_day_is_spelled_so_that_it_can_be_read_back(call: MakeCall, frozen: FakeClock, limits_table: Table) -> None:
    use(call, a_key())

    [item] = everything_in(limits_table)
    assert "u20300314r" in item
    assert date(2030, 3, 14) == frozen.now().date()
