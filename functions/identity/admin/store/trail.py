"""The audit log: entries by the day on which they were recorded. Nothing here changes or deletes one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock, ids
from tessera.expressions import all_of, is_new
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Table
from tessera.transact import AlreadySeen, checking, putting, telling, transact

from ..config import AdminSettings
from .rows import AuditRow, day_pk

# A message is in flight for this long at most: four days in its queue and fourteen among the dead letters.
LATEST_DAYS = 31
# Who began to record an entry of yesterday has ended by then.
SETTLED_AFTER = timedelta(minutes=1)
EMPTY_DAYS = 7
# How many entries a page with a filter looks through.
LOOKED_AT = 500


class TooEarly(Exception):
    """The day has just ended and another delivery of this event may be at work: look at it again later."""


@dataclass(frozen=True)
class Wanted:
    """Which entries. `actor` or `target` (`type:id`) finds them; the rest leaves out some of what was found."""

    actor: str | None = None
    target: str | None = None
    action: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def only(self) -> Condition | None:
        """What is left of the entries found. An action that ends in a dot stands for all that begin so."""
        action = self.action or ""
        named = Path("action").startswith(action) if action.endswith(".") else Path("action") == action
        return all_of(
            named if action else None,
            Path("outcome") == self.outcome if self.outcome else None,
            Path("recorded_at") >= clock.rfc3339(self.since) if self.since else None,
            Path("recorded_at") <= clock.rfc3339(self.until) if self.until else None,
        )


class Trail:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AdminSettings).table))

    def append(self, entry: dict[str, Any], event_id: str) -> None:
        """Record what happened, once per event. 1 write, 3 units with both indexes.

        The key says when the event was made, so a second delivery meets the first. One that comes on a later day
        must not change a day that may be sealed: it goes to the day it comes on, in a transaction that looks for
        it on the days between. Raises `AlreadySeen`, and `TooEarly` in the first minute of the next day.
        """
        now, happened = clock.now(), clock.from_millis(ids.timestamp_ms(event_id))
        row = _row(entry, event_id, happened, recorded=now)
        if now.date() <= happened.date():
            row.pk = day_pk(f"{happened:%Y-%m-%d}")
            try:
                self.table.put(row, only_if=is_new())
            except ConditionFailed:
                raise AlreadySeen() from None
            return
        midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
        if now - midnight < SETTLED_AFTER:
            raise TooEarly()
        between = [now.date() - timedelta(days=back) for back in range(1, LATEST_DAYS)]
        transact(
            putting(self.table, row, only_if=is_new(), refused=AlreadySeen),
            *(
                checking(self.table, AuditRow, day_pk(day.isoformat()), row.sk, only_if=is_new(), refused=AlreadySeen)
                for day in between
                if day >= happened.date()
            ),
        )

    def tell(self, event: Event) -> None:
        """Something that happened without a change of ours. 1 write."""
        transact(telling(self.table, event))

    def by_index(self, wanted: Wanted, *, limit: int, after: Key | None) -> tuple[list[AuditRow], Key | None]:
        """The entries of an actor, or about a target, the newest first. 1 query."""
        # By a target and an actor at once: the target finds, the actor leaves out.
        by_target = wanted.target is not None
        index = "gs2" if by_target else "gs1"
        pk = _target_pk(wanted.target or "") if by_target else f"A#{wanted.actor}"
        also = Path("gs1_pk") == f"A#{wanted.actor}" if wanted.actor and by_target else None
        return self._some(pk, all_of(wanted.only(), also), limit=limit, after=after, index=index)

    def by_day(
        self, wanted: Wanted, *, first: date, day: date, limit: int, after: Key | None
    ) -> tuple[list[AuditRow], date, Key | None]:
        """Entries back from this day on, the newest first, and where the next page starts.

        1 query, 2 across the end of a day; at most seven empty days are passed over, then the page is short. When
        the day that comes back is before `first`, that was all.
        """
        rows: list[AuditRow] = []
        crossed = empty = 0
        while True:
            pk = day_pk(day.isoformat())
            found, following = self._some(pk, wanted.only(), limit=limit - len(rows), after=after)
            rows += found
            if following is not None:
                return rows, day, following
            day, after = day - timedelta(days=1), None
            empty += not found
            crossed += bool(rows)
            if day < first or len(rows) >= limit or empty >= EMPTY_DAYS or crossed > 1:
                return rows, day, None

    def _some(
        self, pk: str, only: Condition | None, *, limit: int, after: Key | None, index: str = ""
    ) -> tuple[list[AuditRow], Key | None]:
        """Up to `limit` entries of a partition. A filter may look through more than it shows, so that pages fill."""
        looked_at = limit if only is None else max(limit, LOOKED_AT)
        options: dict[str, Any] = {"index": index, "limit": looked_at, "after": after, "newest_first": True}
        page = self.table.query(AuditRow, pk, only=only, **options)
        if len(page.rows) <= limit:
            return page.rows, page.next
        return page.rows[:limit], _place(page.rows[limit - 1], index)

    def of_day(self, day: str, *, only: Condition | None = None) -> Iterator[AuditRow]:
        """Every entry of a day in its order: for sealing, verifying and exporting."""
        return self.table.query_all(AuditRow, day_pk(day), consistent=True, limit=1000, only=only)

    def has_entries(self, day: str) -> bool:
        return bool(self.table.query(AuditRow, day_pk(day), limit=1).rows)


def content(row: AuditRow) -> dict[str, Any]:
    """What a seal covers of an entry: all that anybody could want to change."""
    return {
        name: getattr(row, name)
        for name in ("pk", "sk", "entry", "recorded_at", "action", "outcome", "gs1_pk", "gs1_sk", "gs2_pk", "gs2_sk")
    }


def _place(row: AuditRow, index: str) -> Key:
    """The key after which the next page starts."""
    names = ("pk", "sk", *((f"{index}_pk", f"{index}_sk") if index else ()))
    return {name: str(getattr(row, name)) for name in names}


def _row(entry: dict[str, Any], event_id: str, happened: datetime, *, recorded: datetime) -> AuditRow:
    at = clock.rfc3339(recorded)
    # Whom nobody knows did what a crowd does, and one partition of the index could not take it all.
    is_known = entry["actor"]["kind"] != "anonymous"
    sort = f"{ids.timestamp_ms(event_id):013d}#{event_id}"
    return AuditRow(
        pk=day_pk(f"{recorded:%Y-%m-%d}"),
        sk=sort,
        entry=json.dumps({**entry, "recorded_at": at}, ensure_ascii=False, sort_keys=True),
        recorded_at=at,
        action=entry["action"],
        outcome=entry["outcome"],
        gs1_pk=f"A#{entry['actor']['id']}" if is_known else None,
        gs1_sk=f"{at}#{event_id}" if is_known else None,
        gs2_pk=_target_pk(f"{entry['target']['type']}:{entry['target']['id']}"),
        gs2_sk=f"{at}#{event_id}",
    )


def _target_pk(target: str) -> str:
    kind, _, target_id = target.partition(":")
    return f"T#{kind}#{target_id}"
