"""Domains that owners make links under, and domains that nothing may lead to."""

from collections.abc import Sequence
from typing import Self

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_new
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Row, Table
from tessera.transact import deleting, putting, transact, updating

from ..config import ShortenerSettings
from ..rules.problems import DomainTaken
from .rows import BlockedRow, DomainRow, blocked_pk, domain_pk, domains_of

MAIN = "MAIN"
BLOCKED = "BD"


class NameRow(Row):
    """What is known of a name, as somebody's domain or as one that is blocked."""

    reason = UnicodeAttribute(null=True)
    host = UnicodeAttribute(null=True)


class Domains:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ShortenerSettings).table))

    def claim(self, owner_id: str, host: str) -> DomainRow:
        """Note that somebody says it is theirs. Said again, nothing changes. 1 or 2 write units."""
        now = clock.rfc3339(clock.now())
        row = DomainRow(pk=domains_of(owner_id), sk=f"D#{host}", owner_id=owner_id, host=host, created_at=now)
        try:
            self.table.put(row, only_if=is_new())
        except ConditionFailed as failed:
            found: DomainRow = failed.old
            return found
        return row

    def domains(self, owner_id: str) -> list[DomainRow]:
        """1 request: they are few."""
        sort = Path("sk").startswith("D#")
        return list(self.table.query_all(DomainRow, domains_of(owner_id), sort=sort, consistent=True))

    def domain(self, owner_id: str, host: str) -> DomainRow | None:
        return self.table.get(DomainRow, domains_of(owner_id), f"D#{host}")

    def owner_of(self, host: str) -> str | None:
        """Whose a domain was shown to be. 1 read unit."""
        row = self.table.get(DomainRow, domain_pk(host), MAIN)
        return row.owner_id if row else None

    def prove(self, row: DomainRow) -> DomainRow:
        """It is theirs. 1 transaction. Raises `DomainTaken` when it is somebody else's."""
        now = clock.rfc3339(clock.now())
        mine = DomainRow(pk=domain_pk(row.host), sk=MAIN, owner_id=row.owner_id, host=row.host, created_at=now)
        mine.verified_at = now
        transact(
            putting(
                self.table,
                mine,
                only_if=is_new() | (Path("owner_id") == row.owner_id),
                refused=DomainTaken("Somebody else has shown that it is theirs."),
            ),
            updating(self.table, DomainRow, row.pk, row.sk, Path("verified_at").set(now), refused=NotFound),
        )
        row.verified_at = now
        return row

    def give_up(self, row: DomainRow) -> None:
        """Links under it no longer can be made. 1 transaction."""
        steps = [deleting(self.table, DomainRow, row.pk, row.sk)]
        if row.verified_at:
            steps.append(deleting(self.table, DomainRow, domain_pk(row.host), MAIN))
        transact(*steps)

    def verdicts(self, hosts: Sequence[str]) -> tuple[dict[str, str], set[str]]:
        """Why nothing may lead to these, of those that are blocked; and those that people make short links under.

        1 request, a read unit for each name.
        """
        keys = [(pk(name), MAIN) for name in dict.fromkeys(hosts) for pk in (blocked_pk, domain_pk)]
        found = self.table.get_many(NameRow, keys)
        reasons = {row.pk.partition("#")[2]: row.reason for row in found if row.reason}
        return reasons, {row.host for row in found if row.host}

    def block(self, host: str, reason: str, by: str) -> BlockedRow:
        """2 transactional writes: where it is looked up and where it is listed."""
        now = clock.rfc3339(clock.now())
        pairs = ((blocked_pk(host), MAIN), (BLOCKED, host))
        rows = [BlockedRow(pk=pk, sk=sk, reason=reason, by=by, created_at=now) for pk, sk in pairs]
        transact(*(putting(self.table, row) for row in rows))
        return rows[1]

    def unblock(self, host: str) -> bool:
        if self.table.get(BlockedRow, BLOCKED, host) is None:
            return False
        transact(deleting(self.table, Row, blocked_pk(host), MAIN), deleting(self.table, Row, BLOCKED, host))
        return True

    def blocked(self, limit: int, after: Key | None) -> tuple[list[BlockedRow], Key | None]:
        page = self.table.query(BlockedRow, BLOCKED, limit=limit, after=after)
        return page.rows, page.next
