"""The feed: rows and the steps that move them. Every step that changes what is unread comes with its count."""

from datetime import datetime, timedelta

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock, ids
from tessera.due import due_keys
from tessera.expressions import is_free, is_new
from tessera.tables import Key, Page, Table
from tessera.transact import AlreadySeen, Step, checking, deleting, putting, updating

from .rows import ARCHIVE, DEDUPE_KEPT, FEED_KEPT, HIDDEN, INBOX, SOLE, DedupeRow, FeedRow, expiry, unread_pk, user_pk

# An archived or read row is left to DynamoDB's own clock; it may be gone a little late.
_SPARE = timedelta(days=2)


class Collapsed(Exception):
    """One with the same key is there already."""

    def __init__(self, notification_id: str) -> None:
        super().__init__(notification_id)
        self.notification_id = notification_id


class Unchanged(Exception):
    """Somebody else did it first, so there is nothing to count."""


class Feed:
    def __init__(self, table: Table) -> None:
        self.table = table

    def find(self, user_id: str, notification_id: str) -> FeedRow | None:
        """The row wherever it stands. 1 request."""
        keys = [(user_pk(user_id), prefix + notification_id) for prefix in (INBOX, ARCHIVE, HIDDEN)]
        return next(iter(self.table.get_many(FeedRow, keys, consistent=True)), None)

    def find_all(self, user_id: str, notification_ids: list[str]) -> dict[str, FeedRow]:
        keys = [(user_pk(user_id), prefix + one) for one in notification_ids for prefix in (INBOX, ARCHIVE, HIDDEN)]
        return {row.id: row for row in self.table.get_many(FeedRow, keys, consistent=True)}

    def page(
        self, user_id: str, limit: int, after: Key | None, *, archived: bool = False, kind: str | None = None
    ) -> Page[FeedRow]:
        """The newest first. 1 request. With a type a page may be short."""
        return self.table.query(
            FeedRow,
            user_pk(user_id),
            sort=Path("sk").startswith(ARCHIVE if archived else INBOX),
            limit=limit,
            after=after,
            newest_first=True,
            consistent=True,
            only=Path("type") == kind if kind else None,
        )

    def unread(
        self, user_id: str, limit: int, after: Key | None, *, before_id: str = "", kind: str | None = None
    ) -> Page[FeedRow]:
        """Those that are unread, the newest first. 1 request."""
        return self.table.query(
            FeedRow,
            unread_pk(user_id),
            index="gs1",
            sort=Path("gs1_sk") <= before_id if before_id else None,
            limit=limit,
            after=after,
            newest_first=True,
            only=Path("type") == kind if kind else None,
        )

    def after(self, user_id: str, notification_id: str | None, limit: int) -> int:
        """How many have come since, up to this limit. 1 request."""
        first = INBOX + (notification_id or "")
        sort = Path("sk").between(first, INBOX + "~")
        rows = self.table.query(FeedRow, user_pk(user_id), sort=sort, limit=limit + 1, consistent=True).rows
        return min(limit, sum(row.id != notification_id for row in rows))

    def putting(self, row: FeedRow) -> Step:
        """Refused with `AlreadySeen` when this very one was made before."""
        return putting(self.table, row, only_if=is_new(), refused=AlreadySeen())

    def claiming_key(self, row: FeedRow, *, instead_of: str = "") -> Step:
        """The step after which the key is taken. Refused with `Collapsed`, naming who has it."""
        holder = Path("notification_id")
        free = is_free() | (holder == instead_of) if instead_of else is_free()
        made = DedupeRow(
            pk=f"DK#{row.user_id}#{row.type}#{row.dedupe_key}",
            sk=SOLE,
            notification_id=row.id,
            ttl=expiry(clock.now(), DEDUPE_KEPT),
        )
        return putting(self.table, made, only_if=free, refused=lambda old: Collapsed(old.notification_id))

    def grouping(self, row: FeedRow, changes: list[Change]) -> Step:
        """Another one joins this row, which must still be unread and as it was read. Refused with `Unchanged`."""
        unread = (Path("read") == 0) & (Path("version") == int(row.version))
        return updating(self.table, FeedRow, row.pk, row.sk, *changes, only_if=unread, refused=lambda old: Unchanged())

    def reading(self, row: FeedRow) -> Step:
        """Refused with `Unchanged` when it is read, or gone."""
        changes = [
            Path("read").set(1),
            Path("ttl").set(_ttl(row.id)),
            *(Path(name).remove() for name in ("gs1_pk", "gs1_sk", "due_pk", "due_sk")),
        ]
        return updating(
            self.table,
            FeedRow,
            row.pk,
            row.sk,
            *changes,
            only_if=Path("read") == 0,
            refused=lambda old: Unchanged(),
        )

    def unreading(self, row: FeedRow) -> Step:
        due_pk, due_sk = due_keys(ends_at(row.id), row.id)
        return updating(
            self.table,
            FeedRow,
            row.pk,
            row.sk,
            Path("read").set(0),
            Path("gs1_pk").set(unread_pk(row.user_id)),
            Path("gs1_sk").set(row.id),
            Path("due_pk").set(due_pk),
            Path("due_sk").set(due_sk),
            Path("ttl").remove(),
            only_if=Path("read") == 1,
            refused=lambda old: Unchanged(),
        )

    def moving(self, row: FeedRow, prefix: str, *, unread: bool) -> list[Step]:
        """The steps to the archive and back. Refused with `Unchanged` when the row is not as it was read."""
        as_read = Path("version") == int(row.version)
        moved = copy_of(row)
        moved.sk = prefix + row.id
        shape_unread(moved) if unread else shape_read(moved)
        return [
            deleting(self.table, FeedRow, row.pk, row.sk, only_if=as_read, refused=lambda old: Unchanged()),
            putting(self.table, moved),
        ]

    def removing(self, row: FeedRow) -> Step:
        as_read = Path("version") == int(row.version)
        return deleting(self.table, FeedRow, row.pk, row.sk, only_if=as_read, refused=lambda old: Unchanged())

    def is_unread(self, row: FeedRow) -> Step:
        """A step that changes nothing and is refused with `Unchanged` when the row has been read."""
        return checking(self.table, FeedRow, row.pk, row.sk, only_if=Path("read") == 0, refused=lambda old: Unchanged())


def copy_of(row: FeedRow) -> FeedRow:
    made = FeedRow()
    made.from_dynamodb_dict(row.to_dynamodb_dict())
    return made


def shape_unread(row: FeedRow) -> None:
    """Unread: in the index, due when it grows old, and never deleted by DynamoDB itself."""
    row.read, row.ttl = 0, None
    row.gs1_pk, row.gs1_sk = unread_pk(row.user_id), row.id
    row.wait_until(ends_at(row.id), row.id)


def shape_read(row: FeedRow) -> None:
    row.read, row.ttl = 1, _ttl(row.id)
    row.gs1_pk = row.gs1_sk = None
    row.wait_until(None, row.id)


def ends_at(notification_id: str) -> datetime:
    return clock.from_millis(ids.timestamp_ms(notification_id)) + FEED_KEPT


def _ttl(notification_id: str) -> int:
    return int((ends_at(notification_id) + _SPARE).timestamp())
