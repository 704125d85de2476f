"""What a decision is made of: one tally for each limit of a policy, all of them charged by one write or none.

A tally is pure. It knows the attributes that it keeps on the bucket's item; of an item as it was last seen it says how
long a charge would have to wait, and which write would make it. The write's condition holds only where the tally's
formula is right, so that an item which has changed since costs another write and never a wrong answer.

Times are whole microseconds, and one `now` serves the whole decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

MICROS = 1_000_000
MAX_WINDOWS = 3
# The item outlives the moment when it says no more than its absence would.
TTL_SLACK_SECONDS = 3_600

# The numbers on an item, by attribute. What is not there has never been charged.
State = Mapping[str, int]


@dataclass(frozen=True)
class Clause:
    """One tally's part of a conditional update: expressions, and the values that they name."""

    conditions: tuple[str, ...]
    sets: tuple[str, ...]
    values: dict[str, int]
    drops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figures:
    """How a tally stands: `left` whole requests, and microseconds until nothing of it is used."""

    limit: int
    period_seconds: int
    left: int
    full_in: int


class Tally(Protocol):
    @property
    def label(self) -> str:
        """What tells it from the other tallies of its policy."""
        ...

    @property
    def capacity(self) -> int:
        """The most that one charge may cost."""
        ...

    def wait(self, state: State, cost: int, now: int) -> int:
        """Microseconds until the charge would be admitted, 0 when it is now: enough, and not one less would do."""
        ...

    def clause(self, state: State, cost: int, now: int) -> Clause:
        """The write that this state asks for."""
        ...

    def after(self, state: State, cost: int, now: int) -> dict[str, int]:
        """The attributes once the charge is admitted."""
        ...

    def refund(self, cost: int, now: int) -> Clause:
        """The write that takes back a charge made at `now`."""
        ...

    def figures(self, state: State, now: int) -> Figures: ...

    def keeps(self, now: int) -> int:
        """How many microseconds a charge of now may matter."""
        ...


class CostTooHigh(ValueError):
    """It is more than one request may ever cost, so that no waiting would help."""

    def __init__(self, cost: int, capacity: int) -> None:
        super().__init__(f"A cost of {cost} could never be admitted: 1 to {capacity} is possible.")
        self.capacity = capacity


@dataclass(frozen=True)
class Note:
    """What the write of an admitted decision leaves on the bucket besides, at no cost of its own.

    `sets` are attributes put, `adds` are counters raised, `drops` are attributes removed; with `days` the item lives
    that long after its last write. No attribute may be one of a tally's.
    """

    sets: Mapping[str, str | int] = field(default_factory=dict)
    adds: Mapping[str, int] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    days: int = 0


@dataclass(frozen=True)
class Charge:
    """One decision to be made. Raises `CostTooHigh`, and `ValueError` for no or too many tallies."""

    tallies: tuple[Tally, ...]
    cost: int
    now: int

    def __post_init__(self) -> None:
        if not 1 <= len(self.tallies) <= MAX_WINDOWS + 1:
            raise ValueError(f"A policy has one to {MAX_WINDOWS} windows, and a quota.")
        if not 1 <= self.cost <= capacity_of(self.tallies):
            raise CostTooHigh(self.cost, capacity_of(self.tallies))

    def wait(self, state: State) -> int:
        return max(tally.wait(state, self.cost, self.now) for tally in self.tallies)

    def refused_by(self, state: State) -> tuple[Tally, ...]:
        return tuple(tally for tally in self.tallies if tally.wait(state, self.cost, self.now) > 0)

    def after(self, state: State) -> dict[str, int]:
        """The attributes that count, once the charge is admitted."""
        made: dict[str, int] = {}
        for tally in self.tallies:
            made.update(tally.after(state, self.cost, self.now))
        return made

    def figures(self, state: State) -> list[Figures]:
        return [tally.figures(state, self.now) for tally in self.tallies]

    def left(self, state: State) -> int:
        """Whole requests of cost 1 that would be admitted now."""
        return min(figures.left for figures in self.figures(state))

    def update(self, state: State, *, version: int = 0, note: Note | None = None) -> dict[str, Any]:
        """The `UpdateItem` that charges an item which looks like this: its expressions and values."""
        clauses = [tally.clause(state, self.cost, self.now) for tally in self.tallies]
        lasts = max(tally.keeps(self.now) for tally in self.tallies) // MICROS + TTL_SLACK_SECONDS
        note = note or Note()
        ttl = self.now // MICROS + max(lasts, note.days * 86_400)
        return _parameters(clauses, replace(note, sets={"ttl": ttl, "pv": version, **note.sets}))

    def refund(self) -> dict[str, Any]:
        """The `UpdateItem` that takes the charge back. It never leaves more than there was at first."""
        return _parameters([tally.refund(self.cost, self.now) for tally in self.tallies], Note())


def capacity_of(tallies: Sequence[Tally]) -> int:
    return min(tally.capacity for tally in tallies)


def numbers_of(item: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """The state of an item in DynamoDB's notation."""
    return {name: int(value["N"]) for name, value in item.items() if "N" in value}


def _parameters(clauses: Sequence[Clause], note: Note) -> dict[str, Any]:
    values: dict[str, dict[str, str]] = {
        name: {"N": str(value)} for clause in clauses for name, value in clause.values.items()
    }
    sets = [one for clause in clauses for one in clause.sets] + [f"#{name} = :{name}" for name in note.sets]
    adds = [f"#{name} :{name}" for name in note.adds]
    drops = [one for clause in clauses for one in clause.drops] + [f"#{name}" for name in note.drops]
    for name, value in (*note.sets.items(), *note.adds.items()):
        values[f":{name}"] = {"N": str(value)} if isinstance(value, int) else {"S": value}
    parts = (("SET", sets), ("ADD", adds), ("REMOVE", drops))
    made: dict[str, Any] = {
        "ConditionExpression": " AND ".join(one for clause in clauses for one in clause.conditions),
        "UpdateExpression": " ".join(f"{verb} {', '.join(some)}" for verb, some in parts if some),
        "ExpressionAttributeValues": values,
    }
    # Some of a note's names are reserved words, so all of them go by another.
    names = {f"#{name}": name for name in (*note.sets, *note.adds, *note.drops)}
    return {**made, "ExpressionAttributeNames": names} if names else made
