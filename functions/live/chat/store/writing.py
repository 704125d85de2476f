"""What the stores share: a change is written as the difference of two states, if nobody else wrote first."""

from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera.outbox import Event
from tessera.settings import Settings
from tessera.tables import Row, Table
from tessera.transact import Step, updating


class ChatSettings(Settings):
    table: str
    queue: str = ""
    bucket: str = ""


class Changed(Exception):
    """Somebody else wrote first: read again and decide anew."""


def changed(_: object = None) -> Changed:
    return Changed()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The changes that make the one of the other."""
    return [
        Path(name).remove() if value is None else Path(name).set(value)
        for name, value in after.items()
        if value != before[name]
    ]


def turning(
    table: Table,
    row: type[Row],
    key: tuple[str, str],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    event: Event | None = None,
    more: tuple[Change, ...] = (),
) -> Step:
    """A step that makes the one state of the other, refused with `Changed` unless the item is in the first."""
    pk, sk = key
    changes = [*differences(before, {**after, "rev": before["rev"] + 1}), *more]
    as_read = Path("rev") == before["rev"]
    return updating(table, row, pk, sk, *changes, only_if=as_read, event=event, refused=changed, bump=False)
