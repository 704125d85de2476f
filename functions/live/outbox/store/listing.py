"""Mails as people look at them: one with its history, lists, sums of a day; and forgetting an address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.etags import StaleVersion
from tessera.problems import NotFound
from tessera.tables import Key, Row, Table
from tessera.transact import Step, deleting, transact, updating

from ..addresses import digest
from ..rules import Mail
from .bodies import Bodies
from .rows import (
    META,
    MailRow,
    ReceiptRow,
    RecipientRow,
    StatRow,
    TimelineRow,
    days_back,
    mail_of,
    mail_pk,
    recipient_pk,
    recipient_sk,
    state_pk,
)

# A page may be short: no request looks at more than this many days.
DAYS_A_PAGE = 8
COUNTERS = ("sent", "delivered", "bounced", "complained", "dead", "received", "dropped")


@dataclass(frozen=True)
class News:
    kind: str
    at: datetime
    message_id: str
    attempt: int
    recipient_hash: str
    detail: str


@dataclass(frozen=True)
class Place:
    """Where a list goes on: a day, and the last mail of it that was shown."""

    day: str
    after: Key | None = None


class Listing:
    def __init__(self, table: Table, bodies: Bodies) -> None:
        self.table, self.bodies = table, bodies

    def timeline(self, mail_id: str) -> tuple[Mail, list[News]] | None:
        """The mail and what the provider said of it: 1 request, because their keys are neighbours."""
        between = TimelineRow.sk.between("E#", META)
        rows = list(self.table.query_all(TimelineRow, mail_pk(mail_id), sort=between, consistent=True))
        mails = [row for row in rows if row.sk == META]
        if not mails:
            return None
        news = [_news(row) for row in rows if row.sk != META]
        return mail_of(mails[0]), sorted(news, key=lambda one: (one.at, one.kind))

    def in_state(
        self, state: str, limit: int, place: Place | None, *, category: str | None = None, asked_by: str | None = None
    ) -> tuple[list[Mail], Place | None]:
        """Mails in this state, newest first: 1 request a day, at most 8."""
        days = days_back(clock.now())
        if place is not None:
            days = [day for day in days if day <= place.day]
        found: list[Mail] = []
        for number, day in enumerate(days):
            if number == DAYS_A_PAGE:
                return found, Place(day)
            after = place.after if place is not None and place.day == day else None
            page = self.table.query(
                MailRow, state_pk(state, day), index="gs1", limit=limit - len(found), after=after, newest_first=True
            )
            found += [mail for mail in map(mail_of, page.rows) if _wanted(mail, category, asked_by)]
            if page.next is not None:
                return found, Place(day, page.next)
            if len(found) == limit:
                return found, Place(days[number + 1]) if number + 1 < len(days) else None
        return found, None

    def to_address(
        self, address: str, limit: int, after: Key | None, *, category: str | None = None, asked_by: str | None = None
    ) -> tuple[list[Mail], Key | None]:
        """Mails to this address, newest first: 2 requests."""
        page = self.table.query(
            RecipientRow, recipient_pk(address), index="gs2", limit=limit, after=after, newest_first=True
        )
        rows = self.table.get_many(MailRow, [(row.pk, META) for row in page.rows])
        return [mail for mail in map(mail_of, rows) if _wanted(mail, category, asked_by)], page.next

    def totals(self, day: str) -> dict[str, int]:
        """The counters of a day: 1 request."""
        rows = self.table.get_many(StatRow, [(f"STAT#{day}#{shard}", "-") for shard in range(10)])
        return {name: sum(int(getattr(row, name) or 0) for row in rows) for name in COUNTERS}

    def forget(self, address: str, *, at_most: int) -> bool:
        """Delete the mails to this address alone and take it off the others, at most so many; whether none is left.

        About 4 requests a mail.
        """
        page = self.table.query(RecipientRow, recipient_pk(address), index="gs2", limit=at_most)
        done = [self._forget(row.pk, address) for row in page.rows]
        return all(done) and page.next is None

    def _forget(self, pk: str, address: str) -> bool:
        """False when the mail has gone on at the same time, and is to be read again."""
        row = self.table.get(MailRow, pk, META)
        others = [one for one in mail_of(row).recipients if digest(one) != digest(address)] if row else []
        if row is None or not others:
            self._delete(pk.removeprefix("M#"))
            return True
        # What was told of them goes first, and by itself: it may be more than one transaction holds.
        told = self.table.query_all(ReceiptRow, pk, sort=ReceiptRow.sk.startswith("E#"))
        self._delete_all([one for one in told if one.recipient == digest(address)])
        try:
            transact(*self._taking_off(row, others, address))
        except (StaleVersion, NotFound):
            return False
        return True

    def _taking_off(self, row: MailRow, others: list[str], address: str) -> list[Step]:
        """The mail goes on to the others, or has gone to them."""
        left = {name: [one for one in getattr(row, name) if one in others] for name in ("to", "cc", "bcc", "left_out")}
        changes: list[Change] = [getattr(MailRow, name).set(addresses) for name, addresses in left.items()]
        listed = address
        if row.gs2_pk == recipient_pk(address):
            # The mail itself stands for one of its recipients in the list by address.
            listed = others[0]
            changes.append(MailRow.gs2_pk.set(recipient_pk(listed)))
        return [
            updating(self.table, MailRow, row.pk, META, *changes, expect=int(row.version)),
            deleting(self.table, RecipientRow, row.pk, recipient_sk(digest(listed))),
        ]

    def _delete(self, mail_id: str) -> None:
        self.bodies.forget(mail_id)
        self._delete_all(list(self.table.query_all(TimelineRow, mail_pk(mail_id), consistent=True)))

    def _delete_all(self, rows: Sequence[Row]) -> None:
        for start in range(0, len(rows), 100):
            transact(*(deleting(self.table, Row, row.pk, row.sk) for row in rows[start : start + 100]))


def _wanted(mail: Mail, category: str | None, asked_by: str | None) -> bool:
    return category in (None, mail.category) and asked_by in (None, mail.asked_by)


def _news(row: ReceiptRow) -> News:
    return News(
        kind=row.kind or "",
        at=clock.parse(row.at or ""),
        message_id=row.message_id or "",
        attempt=int(row.receipt_attempt or 0),
        recipient_hash=row.recipient or "",
        detail=row.detail or "",
    )
