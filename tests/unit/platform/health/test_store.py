import pytest

from functions.platform.health import triggers
from functions.platform.health.rules import Recent
from functions.platform.health.store import Checks, Counters
from tessera import aws, clock
from tests.kit.faults import Crash

from .conftest import delivered, line


def total(bindings, capability="tasks"):
    return sum(sums.count for sums in bindings.get(Counters).series(capability).values())


def test_counters_add_up_over_deliveries(bindings, frozen):
    triggers.absorb(delivered(line(), line(status=404), stream="a"), bindings)
    triggers.absorb(delivered(line(), stream="b"), bindings)

    found = bindings.get(Counters).series("tasks")
    assert {series.code: sums.count for series, sums in found.items()} == {200: 2, 404: 1}
    assert sum(sums.micros for sums in found.values()) == 3 * 12_340


def test_a_delivery_that_comes_twice_counts_once(bindings, frozen):
    delivery = delivered(line(), line(capability="accounts"))

    for _ in range(3):
        triggers.absorb(delivery, bindings)

    assert (total(bindings), total(bindings, "accounts")) == (1, 1)
    assert bindings.get(Counters).recent(clock.now())["tasks"] == Recent(1, 0)


def test_more_series_than_one_transaction_holds_count_once_though_the_first_try_was_cut_short(bindings, frozen):
    delivery = delivered(*(line(route=f"/tasks/{number}") for number in range(150)))
    calls = []

    def cut_short(service, operation, parameters):
        calls.append(operation)
        if calls.count("TransactWriteItems") == 2:
            raise Crash("between two transactions")

    with aws.intercepted(cut_short), pytest.raises(Crash):
        triggers.absorb(delivery, bindings)
    assert 0 < total(bindings) < 150
    triggers.absorb(delivery, bindings)

    assert total(bindings) == 150


def test_the_probe_of_the_log_service_counts_for_nothing(bindings, frozen):
    assert triggers.absorb(delivered(line(), kind="CONTROL_MESSAGE"), bindings) == 0


def test_only_the_last_five_minutes_are_recent(bindings, frozen):
    triggers.absorb(delivered(line(status=500), stream="old"), bindings)
    frozen.advance(minutes=5)
    triggers.absorb(delivered(line(), line(), stream="new"), bindings)

    assert bindings.get(Counters).recent(clock.now()) == {"tasks": Recent(2, 0)}


def test_a_table_that_is_not_there_is_found_out(bindings):
    tables = bindings.environment
    assert bindings.get(Checks).run() == {"table": True, "keys": True}

    assert Checks({"table": tables["TABLE"], "keys": "nobody-made-this"}).run() == {"table": True, "keys": False}
