"""What a capability tells somebody of themselves, and that nothing of them is left afterwards.

    told = told_then_gone("tasks", handler, table, ann.id, unsaid={"U#*|P#*": "words to find a task by"})
    assert told["task"][0]["title"] == "Buy milk"

Reasons are given by patterns of `pk|sk`, in which `{user}` is the person; one that nothing matches is a defect too, so
that lists of reasons stay true.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

from tessera import aws
from tessera.tables import Table

from .apps import invocation
from .stores import everything_in

Item = dict[str, Any]
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
# Events on their way, kept for a week: an outcome is told by who it is about.
ON_THEIR_WAY = "OUT#*|*"
SECRET = re.compile(
    r"(^|_)(hash|h|mac|pw|password|secret|sealed|token|token_hash|code|secret_hash|p256dh|hashed|verifier|nonce|address_hash)$"
)
# What a page may cost: its own queries, and what shows them besides.
MOST_REQUESTS_A_PAGE = 120


def told_then_gone(
    name: str,
    handler: Handler,
    table: Table,
    user_id: str,
    *,
    unsaid: Mapping[str, str] | None = None,
    stays: Mapping[str, str] | None = None,
    address: str = "",
    between: Callable[[], object] = lambda: None,
) -> dict[str, list[Item]]:
    """Export somebody, erase them, and hold that what went was told, and that what is left of them is nothing.

    `unsaid` are items that go and are not told, `stays` those that are left and name them; each with its reason.
    `between` does what a capability does of itself after it was asked to erase. What was told comes back, by kind.
    """
    _keeps_others_out(handler, name, user_id)
    before = everything_in(table)
    extra = {"addresses": [address]} if address else {}
    with _read_keys(table) as (read, costs):
        told = _exported(handler, name, user_id, extra, costs)
    _has_no_secrets(told, before)
    for _ in range(100):
        answer = ask(handler, f"/{name}/internal/erase", {"owner_id": user_id, **extra})
        if answer["done"]:
            break
    else:
        raise AssertionError("It is never done.")
    between()
    after = {_key(item) for item in everything_in(table)}
    silent = [
        _key(item) for item in before if _key(item) not in after | read and not _matches(_key(item), ON_THEIR_WAY)
    ]
    wrong = _without_reasons(silent, dict(unsaid or {}), user_id, "went and was never told")
    wrong += _left(table, list(filter(None, (user_id, address))), stays or {}, user_id)
    assert not wrong, "\n".join(wrong)
    by_kind: dict[str, list[Item]] = defaultdict(list)
    for item in told:
        by_kind[item["kind"]].append(item)
    return by_kind


def assert_nothing_left(table: Table, user_id: str, allowed: Mapping[str, str] | None = None) -> None:
    """No item has this id in its keys or attributes, but for those that are allowed, each with its reason."""
    wrong = _left(table, [user_id], allowed or {}, user_id)
    assert not wrong, "\n".join(wrong)


def ask(handler: Handler, path: str, body: dict[str, Any], *, caller: str = "accounts") -> Any:
    answer = handler(invocation(path, body, caller=caller), None)
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


def _exported(handler: Handler, name: str, user_id: str, extra: Item, costs: list[str]) -> list[Item]:
    items: list[Item] = []
    after: str | None = None
    for _ in range(500):
        costs.clear()
        page = ask(handler, f"/{name}/internal/export", {"owner_id": user_id, "after": after, **extra})
        assert set(costs) <= {"Query", "GetItem", "BatchGetItem"}, f"An export reads, and never all: {sorted(costs)}"
        assert len(costs) <= MOST_REQUESTS_A_PAGE, f"A page costs {len(costs)} requests."
        items += page["items"]
        after = page["next"]
        if after is None:
            return items
    raise AssertionError("It never ends.")


def _keeps_others_out(handler: Handler, name: str, user_id: str) -> None:
    for caller in ("relay", "sweeper"):
        event = invocation(f"/{name}/internal/export", {"owner_id": user_id}, caller=caller)
        answer = handler(event, None)
        assert answer["statusCode"] == 403, answer


def _has_no_secrets(told: list[Item], kept: list[Item]) -> None:
    text = json.dumps(told, ensure_ascii=False)
    for item in kept:
        for attribute, value in item.items():
            held = value.get("S", "")
            if SECRET.search(attribute) and len(held) >= 8:
                assert held not in text, f"{attribute} of {_key(item)} is told."


@contextmanager
def _read_keys(table: Table) -> Iterator[tuple[set[str], list[str]]]:
    """The keys of all items that are read meanwhile, and the operations by which."""
    keys: set[str] = set()
    operations: list[str] = []

    def note(model: Any, parsed: dict[str, Any], **_: Any) -> None:
        operations.append(str(model.name))
        found = [*parsed.get("Items", ()), *parsed.get("Responses", {}).get(table.name, ())]
        if "Item" in parsed:
            found.append(parsed["Item"])
        keys.update(_key(item) for item in found if "pk" in item)

    events = aws.client("dynamodb").meta.events
    events.register("after-call.dynamodb.*", note)
    try:
        yield keys, operations
    finally:
        events.unregister("after-call.dynamodb.*", note)


def _left(table: Table, texts: Collection[str], allowed: Mapping[str, str], user_id: str) -> list[str]:
    left = [
        _key(item)
        for item in everything_in(table)
        if any(text in json.dumps(item, default=str, ensure_ascii=False) for text in texts)
    ]
    left = [key for key in left if not _matches(key, ON_THEIR_WAY)]
    return _without_reasons(left, dict(allowed), user_id, "is left of them")


def _without_reasons(keys: Collection[str], reasons: dict[str, str], user_id: str, told: str) -> list[str]:
    patterns = {pattern.replace("{user}", user_id) for pattern in reasons}
    without = [key for key in keys if not any(_matches(key, pattern) for pattern in patterns)]
    in_vain = [pattern for pattern in patterns if not any(_matches(key, pattern) for key in keys)]
    wrong = [f"This {told}: {sorted(without)}"] if without else []
    return wrong + ([f"Nothing {told} that these are reasons for: {sorted(in_vain)}"] if in_vain else [])


def _key(item: Item) -> str:
    return f"{item['pk']['S']}|{item['sk']['S']}"


def _matches(key: str, pattern: str) -> bool:
    return fnmatchcase(key, pattern)
