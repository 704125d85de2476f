"""Tickets to listen with, for what sends no headers. Only their hash is kept."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Self

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.auth.principal import Principal
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table

from ..settings import RealtimeSettings
from .rows import MAIN

PREFIX = "rlt_"
SECRET_BYTES = 32
# To be used for the first time within half a minute; from then on the same listener comes back with it for an hour.
UNUSED_SECONDS, USED_SECONDS = 30, 3_600


class TicketRow(Row):
    topics = UnicodeAttribute()
    principal = UnicodeAttribute()
    used = BooleanAttribute(default=False)


@dataclass(frozen=True)
class Ticket:
    principal: Principal
    topics: tuple[str, ...]


class Tickets:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(RealtimeSettings).table))

    def issue(self, ticket: Ticket) -> str:
        """The text of a new ticket. 1 write unit."""
        text = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        row = TicketRow(
            pk=_key(text),
            sk=MAIN,
            topics=json.dumps(ticket.topics),
            principal=json.dumps(ticket.principal.snapshot(), separators=(",", ":")),
            ttl=clock.millis() // 1_000 + UNUSED_SECONDS,
        )
        self.table.put(row)
        return text

    def use(self, text: str) -> Ticket | None:
        """What a ticket stands for; None for what is none, or none any more. 1 read, the first time 1 write."""
        row = self.table.get(TicketRow, _key(text), MAIN) if text.startswith(PREFIX) else None
        if row is None:
            return None
        if not row.used:
            self._note_first(row)
        return Ticket(Principal.of_snapshot(json.loads(row.principal)), tuple(json.loads(row.topics)))

    def _note_first(self, row: TicketRow) -> None:
        until = clock.millis() // 1_000 + USED_SECONDS
        try:
            self.table.update(
                TicketRow,
                row.pk,
                MAIN,
                Path("used").set(True),
                Path("ttl").set(until),
                only_if=Path("used") == False,  # noqa: E712
                bump=False,
            )
        except ConditionFailed:
            # Another of the listener's requests was first, which counts for this one too.
            return


def _key(text: str) -> str:
    return f"TKT#{hashlib.sha256(text.encode()).hexdigest()}"
