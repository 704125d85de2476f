"""Publications that may be asked for twice and are made once."""

from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.expressions import is_free
from tessera.idempotency import Intent
from tessera.seqlog import Appended
from tessera.tables import Row, Table
from tessera.transact import Step, putting

from .rows import MAIN

KEPT_SECONDS = 86_400


class RepeatRow(Row):
    epoch = UnicodeAttribute()
    offset = NumberAttribute()


class Repeated(Exception):
    """The same was asked before. `row` says what came of it; None when nobody can say."""

    def __init__(self, row: Any) -> None:
        super().__init__("It was published before.")
        self.row: RepeatRow | None = row


def noting(table: Table, intent: Intent, made: Appended) -> Step:
    """A step of the append that holds the key of the request. Refused with `Repeated`."""
    row = RepeatRow(
        pk=f"DUP#{intent.mark}",
        sk=MAIN,
        epoch=made.epoch,
        offset=made.last,
        made_by=intent.made_by,
        ttl=clock.millis() // 1_000 + KEPT_SECONDS,
    )
    return putting(table, row, only_if=is_free(), refused=Repeated)
