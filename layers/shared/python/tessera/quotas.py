"""Calendar quotas: so many a month, counted on the bucket's item by the same write as its rate."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tessera import clock
from tessera.tallies import MICROS, Clause, Figures, State

DAY = 86_400
# Counters of months that are over go with the next write.
SWEPT = (2, 3, 4)


@dataclass(frozen=True)
class Quota:
    """At most `limit` in each month of the calendar, in UTC."""

    limit: int

    @property
    def label(self) -> str:
        return "month"

    @property
    def capacity(self) -> int:
        return self.limit

    def wait(self, state: State, cost: int, now: int) -> int:
        used = state.get(_counter(_month(now)), 0)
        return 0 if used + cost <= self.limit else _ends_in(now)

    def clause(self, state: State, cost: int, now: int) -> Clause:
        month = _month(now)
        counter = _counter(month)
        return Clause(
            (f"(attribute_not_exists({counter}) OR {counter} <= :mostq)",),
            (f"{counter} = if_not_exists({counter}, :noneq) + :costq",),
            {":mostq": self.limit - cost, ":noneq": 0, ":costq": cost},
            tuple(_counter(month - ago) for ago in SWEPT),
        )

    def after(self, state: State, cost: int, now: int) -> dict[str, int]:
        counter = _counter(_month(now))
        return {counter: state.get(counter, 0) + cost}

    def refund(self, cost: int, now: int) -> Clause:
        counter = _counter(_month(now))
        return Clause((f"{counter} >= :costq",), (f"{counter} = {counter} - :costq",), {":costq": cost})

    def figures(self, state: State, now: int) -> Figures:
        month = _month(now)
        used = state.get(_counter(month), 0)
        seconds = int((_first_of(month + 1) - _first_of(month)).total_seconds())
        return Figures(self.limit, seconds, max(0, self.limit - used), _ends_in(now) if used else 0)

    def keeps(self, now: int) -> int:
        return _ends_in(now)


def _month(now: int) -> int:
    """Months since year 0."""
    moment = datetime.fromtimestamp(now // MICROS, UTC)
    return moment.year * 12 + moment.month - 1


def _counter(month: int) -> str:
    return f"q_{month // 12:04d}{month % 12 + 1:02d}"


def _first_of(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _ends_in(now: int) -> int:
    return (_first_of(_month(now) + 1) - clock.EPOCH) // timedelta(microseconds=1) - now
