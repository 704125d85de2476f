"""Pages of an owner's links: entries of a list, and then the links themselves."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Self

from pynamodb.expressions.operand import Path

from tessera.settings import Bindings
from tessera.tables import Table

from ..config import ShortenerSettings
from ..rules.links import Link, State
from .links import LinkStore
from .rows import PointerRow, owned, spelled, tagged

MAX_ROUNDS = 4


@dataclass(frozen=True)
class Wanted:
    tag: str | None = None
    domain: str | None = None
    prefix: str | None = None
    state: State | None = None

    def holds(self, link: Link, now: datetime) -> bool:
        return (
            (self.tag is None or self.tag in link.tags)
            and (self.domain is None or self.domain == link.domain)
            and (self.prefix is None or link.code.startswith(self.prefix))
            and (self.state is None or self.state is link.state(now))
        )


class Lists:
    def __init__(self, table: Table) -> None:
        self.table, self._links = table, LinkStore(table)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ShortenerSettings).table))

    def page(
        self, owner_id: str, wanted: Wanted, limit: int, after: str | None, now: datetime
    ) -> tuple[list[Link], str | None]:
        """Links, and the key after which the next page starts. 2 requests, up to 8 where a filter leaves much out."""
        pk, options = owned(owner_id), dict[str, Any](newest_first=True)
        if wanted.prefix:
            # By their codes; the first character behind all those that a code may hold ends the range.
            pk, options = spelled(owner_id), {"sort": Path("sk").startswith(wanted.prefix)}
        elif wanted.tag:
            pk = tagged(owner_id, wanted.tag)
        links: list[Link] = []
        for _ in range(MAX_ROUNDS):
            start = {"pk": pk, "sk": after} if after else None
            page = self.table.query(PointerRow, pk, limit=limit - len(links), after=start, consistent=True, **options)
            found = self._links.many([(row.domain, row.code) for row in page.rows], consistent=True)
            links += [link for link in found if wanted.holds(link, now)]
            after = page.next["sk"] if page.next else None
            if after is None or len(links) == limit:
                break
        return links, after

    def some(self, owner_id: str, at_most: int) -> list[Link]:
        """Some links of an owner: for erasing them."""
        # Page by page, because what stands for deleted ones fills pages and is not seen.
        rows = islice(self.table.query_all(PointerRow, owned(owner_id), consistent=True), at_most)
        return self._links.many([(row.domain, row.code) for row in rows], consistent=True)
