"""The limiter's items without DynamoDB: its own conditions and updates, evaluated, for simulations of many thousand."""

import re
from functools import cache
from typing import Any

from tessera import outbox
from tessera.auth.mac import Mac, MacKeys
from tessera.buckets import Buckets
from tessera.limits import Limits
from tessera.overrides import Policies, PolicyRow

Numbers = dict[str, int]
_TOKEN = re.compile(
    r"(attribute_not_exists|attribute_exists|if_not_exists)\(|([:#]?[A-Za-z][A-Za-z0-9_]*)|(<=|>=|=|<|>)"
)
_WORDS = {"AND": "and", "OR": "or"}


class _Missing:
    """An attribute that is not there: no comparison with it holds."""

    def _never(self, other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _never
    __eq__ = _never

    def __hash__(self) -> int:
        return 0


MISSING = _Missing()


@cache
def compiled(text: str) -> Any:
    """A condition or a value of an update as Python."""

    def turned(match: re.Match[str]) -> str:
        function, name, comparison = match.groups()
        if function:
            return f"{function}("
        if comparison:
            return "==" if comparison == "=" else comparison
        return _WORDS.get(name) or (f"values[{name!r}]" if name.startswith(":") else f"item({name!r})")

    return compile(_TOKEN.sub(turned, text), text, "eval")


def evaluated(text: str, item: Numbers, values: Numbers) -> Any:
    def of(name: str) -> Any:
        return item.get(name.removeprefix("#"), MISSING)

    functions = {
        "attribute_not_exists": lambda found: found is MISSING,
        "attribute_exists": lambda found: found is not MISSING,
        "if_not_exists": lambda found, other: other if found is MISSING else found,
    }
    return eval(compiled(text), {"item": of, "values": values, **functions})


@cache
def changes_of(text: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """What an update sets, as name and value, and what it removes."""
    head, _, removed = text.partition(" REMOVE ")
    sets = re.split(r", (?![^(]*\))", head.removeprefix("SET "))
    pairs = tuple(tuple(one.split(" = ", 1)) for one in sets)
    return pairs, tuple(removed.split(", ")) if removed else ()


class InMemory(Buckets):
    """The table, in this process. Numbers only."""

    def __init__(self) -> None:
        super().__init__("none", 1_000)
        self.items: dict[str, Numbers] = {}
        self.writes = 0
        self.told: list[outbox.Event] = []

    def charge(self, bucket: str, name: str, update: dict[str, Any]) -> tuple[bool, Numbers]:
        self.writes += 1
        values = {key: int(value["N"]) for key, value in update["ExpressionAttributeValues"].items()}
        item = self.items.get(f"{bucket}/{name}", {})
        if not evaluated(update["ConditionExpression"], item, values):
            return False, dict(item)
        sets, removed = changes_of(update["UpdateExpression"])
        new = {name.removeprefix("#"): evaluated(value, item, values) for name, value in sets}
        gone = {name.removeprefix("#") for name in removed}
        self.items[f"{bucket}/{name}"] = {key: value for key, value in {**item, **new}.items() if key not in gone}
        return True, new

    def tell(self, bucket: str, name: str, minute: int, event: outbox.Event) -> bool:
        self.told.append(event)
        return True

    def override(self, name: str) -> PolicyRow | None:
        return None


def mac() -> Mac:
    return Mac(lambda: MacKeys({"current": "1", "1": "secret"}))


def limiter(store: Buckets, *, budget_ms: int = 5_000, factor: int = 1) -> Limits:
    """The limiter of one more process on these buckets."""
    return Limits(store, mac(), Policies(store.override, factor=factor), budget_ms=budget_ms, stack="test")


class ReferenceGcra:
    """The algorithm as its definition says it, with the maximum that DynamoDB lacks."""

    def __init__(self, interval: int, burst: int) -> None:
        self.interval, self.burst, self.tat = interval, burst, 0

    def admit(self, now: int, cost: int) -> bool:
        tat = max(self.tat, now) + cost * self.interval
        if tat - now > self.burst * self.interval:
            return False
        self.tat = tat
        return True
