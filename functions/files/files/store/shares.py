"""Links to files, and who else was let in."""

from contextlib import suppress
from datetime import datetime
from typing import Any, Self

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock, idempotency
from tessera.bus import Event
from tessera.idempotency import Intent
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Row, Table
from tessera.transact import telling, transact, updating

from ..config import FilesSettings
from ..rules.problems import PasswordLocked
from ..rules.shares import LOCKED, MAX_FAILS, Share
from .files import Changed
from .rows import (
    MAIN,
    GrantRow,
    ShareRow,
    file_pk,
    grant_sk,
    millis_of,
    share_of,
    share_pk,
    share_row,
    ttl_of,
)

MAX_TRIES = 3


class ShareStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(FilesSettings).table))

    def create(self, share: Share, intent: Intent) -> tuple[Share, bool]:
        """The link, and whether an earlier request made it."""
        made = idempotency.create(self.table, share_row(share), intent)
        return share_of(made.row), made.replayed

    def find(self, share_id: str) -> Share | None:
        """1 read unit."""
        row = self.table.get(ShareRow, share_pk(share_id), MAIN)
        return share_of(row) if row else None

    def of_file(self, file_id: str, limit: int, after: Key | None) -> tuple[list[Share], Key | None]:
        """The newest first. 1 request."""
        page = self.table.query(ShareRow, file_pk(file_id), index="gs2", limit=limit, after=after, newest_first=True)
        return [share_of(row) for row in page.rows], page.next

    def consume(self, share: Share, now: datetime, told: Event, exhausted: Event) -> bool:
        """Take one download; False when there is none left to take. 1 write unit, 6 for the last one.

        Whether it may be had is decided here and not by what was read before. The last one is told apart by a
        condition of its own, so that exactly one says that there are no more.
        """
        changes: list[Change] = [Path("downloads").add(1)]
        if share.password is not None:
            changes += [Path("fails").set(0), Path("fail_until").remove()]
        left = Path("left")
        open_now = (Path("exp") > _millis(now)) & Path("revoked").does_not_exist()
        if share.left is None:
            return self._update(share.id, changes, open_now & left.does_not_exist(), told) is not None
        changes.append(left.add(-1))
        if share.left > 1 and self._update(share.id, changes, open_now & (left > 1), told) is not None:
            return True
        last = updating(
            self.table,
            ShareRow,
            share_pk(share.id),
            MAIN,
            *changes,
            only_if=open_now & (left == 1),
            event=exhausted,
            bump=False,
        )
        try:
            transact(last, telling(self.table, told))
        except ConditionFailed:
            return False
        return True

    def try_password(self, share: Share, now: datetime) -> None:
        """Note one more try before it is looked at, so that many at once are no more than ten. 1 write unit.

        Raises `PasswordLocked`, after which the tries begin anew when the lock has ended.
        """
        fails, until = Path("fails"), Path("fail_until")
        few, locks = fails.does_not_exist() | (fails < MAX_FAILS), until.set(_millis(now + LOCKED))
        # Every try moves the end on, so that one in the past is of a lock that nobody has taken away yet.
        has_ended = until <= _millis(now)
        for _ in range(MAX_TRIES):
            if self._update(share.id, [fails.add(1), locks], few) is not None:
                return
            if self._update(share.id, [fails.set(1), locks], has_ended) is not None:
                return
            found = self.find(share.id)
            if found is None or found.fails >= MAX_FAILS:
                break
            # Somebody else was the first after the lock.
        left = (found.locked_until - now).total_seconds() if found and found.locked_until else LOCKED.total_seconds()
        raise PasswordLocked(max(1, int(left)))

    def change(self, share: Share, changes: dict[str, Any], expect: int | None) -> Share:
        """1 write unit. Raises `NotFound`, `StaleVersion`, or `Changed` for a limit when it was followed meanwhile."""
        actions: list[Change] = []
        for name, value in changes.items():
            if name == "expires_at":
                actions.append(Path("exp").set(millis_of(value)))
                ttl = ttl_of(value)
                actions.append(Path("ttl").remove() if ttl is None else Path("ttl").set(ttl))
            else:
                actions.append(Path(name).remove() if value is None else Path(name).set(value))
        only_if = Path("revoked").does_not_exist()
        if "left" in changes:
            # Reckoned from how often it was followed, which keeps the version.
            only_if &= Path("downloads") == share.downloads
        try:
            row = self.table.update(ShareRow, share_pk(share.id), MAIN, *actions, only_if=only_if, expect=expect)
        except ConditionFailed as failed:
            if failed.old is not None and not failed.old.revoked:
                raise Changed from None
            raise NotFound("There is no such link.") from None
        return share_of(row)

    def revoke(self, share: Share, expect: int | None) -> None:
        """It opens nothing from now on. 1 write unit. Raises `StaleVersion`."""
        gone = Path("revoked").set(1)
        # One that is not there any more opens nothing either.
        with suppress(ConditionFailed):
            self.table.update(ShareRow, share_pk(share.id), MAIN, gone, expect=expect, bump=False)

    def delete_of_file(self, file_id: str) -> int:
        """Every link to a file that is gone, and everybody who was let in."""
        gone = 0
        for row in self.table.query_all(ShareRow, file_pk(file_id), index="gs2"):
            self.table.delete(Row, row.pk, row.sk)
            gone += 1
        for grant in self.grants(file_id):
            self.table.delete(Row, grant.pk, grant.sk)
            gone += 1
        return gone

    def role(self, file_id: str, user_id: str) -> str | None:
        """What this user may do with the file: `viewer`, `editor` or None. 1 read unit."""
        row = self.table.get(GrantRow, file_pk(file_id), grant_sk(user_id))
        return row.role if row else None

    def roles(self, file_ids: list[str], user_id: str) -> dict[str, str]:
        """1 request per 100."""
        keys = [(file_pk(file_id), grant_sk(user_id)) for file_id in file_ids]
        found = self.table.get_many(GrantRow, keys, consistent=True) if keys else []
        return {row.pk.partition("#")[2]: row.role for row in found}

    def grants(self, file_id: str) -> list[GrantRow]:
        """Everybody who was let in: at most 100."""
        return list(self.table.query_all(GrantRow, file_pk(file_id), sort=Path("sk").startswith("G#"), consistent=True))

    def grant(self, file_id: str, user_id: str, *, role: str, owner_id: str) -> None:
        """1 write unit and 1 of the index."""
        now = clock.rfc3339(clock.now())
        row = GrantRow(pk=file_pk(file_id), sk=grant_sk(user_id), role=role, owner_id=owner_id, created_at=now)
        row.gs1_pk, row.gs1_sk = f"G#{user_id}", f"{now}#{file_id}"
        self.table.put(row)

    def withdraw(self, file_id: str, user_id: str) -> bool:
        return self.table.delete(GrantRow, file_pk(file_id), grant_sk(user_id)) is not None

    def granted_to(self, user_id: str, limit: int, after: Key | None) -> tuple[list[str], Key | None]:
        """The files that others have opened to somebody, the last first. 1 request."""
        page = self.table.query(GrantRow, f"G#{user_id}", index="gs1", limit=limit, after=after, newest_first=True)
        return [row.pk.partition("#")[2] for row in page.rows], page.next

    def _update(
        self, share_id: str, changes: list[Change], only_if: Any = None, event: Event | None = None
    ) -> Share | None:
        try:
            # The version is of what its owner sets, and a download changes none of that.
            row = self.table.update(
                ShareRow, share_pk(share_id), MAIN, *changes, only_if=only_if, event=event, bump=False
            )
        except ConditionFailed:
            return None
        return share_of(row)


def _millis(when: datetime) -> int:
    return millis_of(when)
