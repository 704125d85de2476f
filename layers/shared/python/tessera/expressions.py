"""DynamoDB expressions from PynamoDB's conditions and changes."""

from collections.abc import Sequence
from typing import Any, cast

from pynamodb.attributes import UnicodeSetAttribute
from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change
from pynamodb.expressions.update import Update

from tessera import clock, outbox


def is_new() -> Condition:
    """Nothing stands at this key."""
    return cast(Condition, Path("pk").does_not_exist())


def is_free() -> Condition:
    """Nothing stands at this key, or only something whose time has run out."""
    return cast(Condition, is_new() | (Path("ttl") <= int(clock.now().timestamp())))


def exists() -> Condition:
    return cast(Condition, Path("pk").exists())


def has_fewer_than(count: int, entries: UnicodeSetAttribute) -> Condition:
    """A set of fewer than this many, or none at all."""
    how_many = cast(Any, size)(entries)
    return cast(Condition, entries.does_not_exist() | (how_many < count))


def all_of(*conditions: Condition | None) -> Condition | None:
    """These conditions together; None stands for no condition."""
    together: Condition | None = None
    for condition in conditions:
        if condition is not None:
            together = condition if together is None else together & condition
    return together


class Expressions:
    """The expressions of one call and the names and values they share."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def condition(self, condition: Condition) -> str:
        return condition.serialize(self.names, cast(Any, self.values))

    def update(self, changes: Sequence[Change], event: outbox.Event | None) -> str:
        """The update expression of these changes, with the event set or the last one cleared."""
        text = Update(*changes).serialize(self.names, cast(Any, self.values)) or ""
        self.names.update({"event_id": "#event_id", "event": "#event"})
        if event is None:
            return _joined(text, "REMOVE", "#event_id, #event")
        for name, value in outbox.attributes(event).items():
            self.values[f":{name}"] = value
        return _joined(text, "SET", "#event_id = :event_id, #event = :event")

    def parameters(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.names:
            made["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self.names.items()}
        if self.values:
            made["ExpressionAttributeValues"] = self.values
        return made


def _joined(text: str, clause: str, more: str) -> str:
    """Add to a clause of an update expression, which may hold each clause only once."""
    head, found, tail = text.partition(f"{clause} ")
    return f"{head}{clause} {more}, {tail}" if found else f"{text} {clause} {more}".strip()


def update_parameters(
    changes: Sequence[Change],
    *,
    only_if: Condition | None,
    expect: int | None,
    event: outbox.Event | None,
    upsert: bool,
    bump: bool,
) -> dict[str, Any]:
    """The expressions of an update, alone or in a transaction."""
    expressions = Expressions()
    condition = all_of(None if upsert else exists(), None if expect is None else Path("version") == expect, only_if)
    if bump:
        changes = [*changes, Path("version").add(1)]
    made: dict[str, Any] = {"UpdateExpression": expressions.update(changes, event)}
    if condition is not None:
        made["ConditionExpression"] = expressions.condition(condition)
    return {**made, **expressions.parameters()}
