"""Links: one item each under domain and code, and the entries of the lists it stands in."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Self

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock, idempotency
from tessera.bus import Event
from tessera.due import DueItem, due_keys
from tessera.etags import StaleVersion
from tessera.expressions import is_free
from tessera.idempotency import Intent, gone_row
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting, telling, transact, updating

from ..config import ShortenerSettings
from ..rules.links import RESERVED_FOR, SPREAD, Link
from .rows import (
    META,
    LinkRow,
    PointerRow,
    attributes_of,
    leading_to,
    link_of,
    link_pk,
    owned,
    pointer,
    row_of,
    spelled,
    spelled_sk,
    tagged,
)

# For so long after one such create, another one may not see the link that it made.
RETURN_GUARD_SECONDS = 60
GUARD = "!"


class CodeTaken(Exception):
    """Something stands at the code: a link, or what keeps the code of a deleted one."""


class JustMade(Exception):
    """Another request has made a link to the same URL a moment ago."""

    def __init__(self, link_id: str) -> None:
        super().__init__(link_id)
        self.link_id = link_id


class LinkStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(ShortenerSettings).table))

    def create(self, link: Link, intent: Intent, event: Event, *, once: str | None = None) -> tuple[Link, bool]:
        """The link, and whether an earlier request made it. 1 transaction of 8 units, 2 more for each tag.

        With `once`, another one to the same URL may not be made at the same moment: it is the id of the link that was
        in the way before, or nothing. Raises `CodeTaken`, `JustMade`, and what `idempotency.create` raises.
        """
        steps = [
            putting(self.table, row_of(link), only_if=is_free(), event=event, refused=CodeTaken()),
            putting(self.table, pointer(spelled(link.owner_id), spelled_sk(link.domain, link.code), link)),
            putting(self.table, self._leading(link)),
            *(putting(self.table, pointer(tagged(link.owner_id, tag), link.id, link)) for tag in link.tags),
        ]
        if once is not None:
            steps.append(self._guarding(link, once))
        first = pointer(owned(link.owner_id), link.id, link)
        made = idempotency.create(self.table, first, intent, *steps)
        if not made.replayed:
            return link, False
        return self.at(made.row.domain, made.row.code), True

    def find(self, domain: str, code: str, *, consistent: bool = False) -> Link | None:
        """What a redirect reads: 1 request, half a read unit for each 4 KB."""
        row = self.table.get(LinkRow, link_pk(domain, code), META, consistent=consistent)
        return link_of(row) if row else None

    def at(self, domain: str, code: str) -> Link:
        """As it is this moment. 1 read unit. Raises `NotFound`."""
        found = self.find(domain, code, consistent=True)
        if found is None:
            raise NotFound("There is no such link.")
        return found

    def get(self, owner_id: str, link_id: str) -> Link:
        """2 requests. Raises `NotFound`, also for what belongs to somebody else."""
        entry = self.table.get(PointerRow, owned(owner_id), link_id)
        if entry is None:
            raise NotFound("There is no such link.")
        return self.at(entry.domain, entry.code)

    def many(self, keys: list[tuple[str, str]], *, consistent: bool = False) -> list[Link]:
        """Those that there are of these domains and codes. 1 request per 100."""
        found = self.table.get_many(LinkRow, [(link_pk(*key), META) for key in keys], consistent=consistent)
        return [link_of(row) for row in found]

    def to(self, owner_id: str, url: str) -> Link | None:
        """A link of this owner to this URL. 1 request, 2 when there is one."""
        page = self.table.query(
            PointerRow, leading_to(owner_id, url), sort=Path("sk") > GUARD + GUARD, limit=1, consistent=True
        )
        return self.find(page.rows[0].domain, page.rows[0].code, consistent=True) if page.rows else None

    def change(self, before: Link, after: Link, event: Event, *, more: int = 0) -> Link:
        """What an owner changes, with the lists that follow. 1 request. Raises `NotFound`, `StaleVersion`.

        `more` clicks are left than before, which counts from whatever is left by now.
        """
        changes = _sets(before, after)
        if after.max_clicks is None and before.max_clicks is not None:
            changes.append(Path("left").remove())
        elif after.max_clicks is not None and before.max_clicks is None:
            changes.append(Path("left").set(after.max_clicks))
        elif more:
            changes.append(Path("left").add(more))
        here = updating(
            self.table,
            LinkRow,
            link_pk(before.domain, before.code),
            META,
            *changes,
            expect=before.version,
            event=event,
        )
        transact(here, *self._lists(before, after))
        if after.max_clicks != before.max_clicks:
            # How many are left, the visitors of this moment decide as well.
            return self.at(before.domain, before.code)
        return replace(after, version=before.version + 1)

    def delete(self, link: Link, event: Event) -> None:
        """Nothing is left but the code, which nobody gets for a year. 1 transaction. Raises `StaleVersion`."""
        kept = Row(pk=link_pk(link.domain, link.code), sk=META, version=link.version + 1, gone=1)
        kept.ttl = int((clock.now() + RESERVED_FOR).timestamp())
        entry = pointer(owned(link.owner_id), link.id, link)
        transact(
            putting(self.table, kept, only_if=Path("version") == link.version, refused=StaleVersion),
            # Not on the item itself, which stays for a year and says nothing of whose it was.
            telling(self.table, event),
            putting(self.table, gone_row(entry)),
            deleting(self.table, Row, spelled(link.owner_id), spelled_sk(link.domain, link.code)),
            deleting(self.table, Row, leading_to(link.owner_id, link.url), _leading_sk(link)),
            *(deleting(self.table, Row, tagged(link.owner_id, tag), link.id) for tag in link.tags),
        )

    def use(self, link: Link) -> Link | None:
        """Take one of the clicks that are left; None when there is none. 1 write unit.

        Whether it may be had is decided here and not by what was read before.
        """
        return self._change(link, Path("left").add(-1), only_if=Path("left") > 0)

    def spread(self, domain: str, code: str) -> None:
        """Many clicks come at once: let them be counted in several places from now on. 1 write unit."""
        path = Path("shards")
        try:
            self.table.update(LinkRow, link_pk(domain, code), META, path.set(SPREAD), only_if=_is_link(), bump=False)
        except ConditionFailed:
            return

    def block(self, link: Link, reason: str, event: Event) -> bool:
        """Whether it was this call that blocked it. 1 write unit."""
        path = Path("blocked")
        not_yet = path.does_not_exist() & _is_link()
        return self._change(link, path.set(reason), only_if=not_yet, event=event, bump=True) is not None

    def unblock(self, link: Link) -> bool:
        path = Path("blocked")
        return self._change(link, path.remove(), only_if=path.exists(), bump=True) is not None

    def come_due(self, item: DueItem) -> Link | None:
        """The link whose time it is, unless it has been changed since. 1 read unit."""
        row = self.table.get(LinkRow, item.pk, item.sk)
        return link_of(row) if row is not None and row.due_sk == item.due_sk else None

    def expired(self, link: Link, item: DueItem, event: Event) -> bool:
        """Say once that it is over. 1 write unit and 1 of the index."""
        path = Path("due_sk")
        removed = (Path("due_pk").remove(), path.remove())
        return self._change(link, *removed, only_if=path == item.due_sk, event=event) is not None

    def _change(
        self, link: Link, *changes: Change, only_if: Any, event: Event | None = None, bump: bool = False
    ) -> Link | None:
        try:
            row = self.table.update(
                LinkRow,
                link_pk(link.domain, link.code),
                META,
                *changes,
                only_if=only_if,
                event=event,
                bump=bump,
            )
        except ConditionFailed:
            return None
        return link_of(row)

    def _lists(self, before: Link, after: Link) -> list[Step]:
        steps: list[Step] = []
        if before.url != after.url:
            steps.append(deleting(self.table, Row, leading_to(before.owner_id, before.url), _leading_sk(before)))
            steps.append(putting(self.table, self._leading(after)))
        for tag in sorted({*before.tags} - {*after.tags}):
            steps.append(deleting(self.table, Row, tagged(before.owner_id, tag), before.id))
        for tag in sorted({*after.tags} - {*before.tags}):
            steps.append(putting(self.table, pointer(tagged(after.owner_id, tag), after.id, after)))
        return steps

    def _leading(self, link: Link) -> PointerRow:
        return pointer(leading_to(link.owner_id, link.url), _leading_sk(link), link)

    def _guarding(self, link: Link, once: str) -> Step:
        row = pointer(leading_to(link.owner_id, link.url), GUARD, link)
        row.ttl = int(clock.now().timestamp()) + RETURN_GUARD_SECONDS
        free = is_free() | (Path("link_id") == once)
        return putting(self.table, row, only_if=free, refused=_just_made)


def _just_made(old: PointerRow | None) -> Exception:
    return JustMade(old.link_id if old is not None else "")


def _leading_sk(link: Link) -> str:
    return f"{link.domain}#{link.code}"


def _is_link() -> Any:
    """Not only what keeps the code of a deleted one."""
    return Path("link_id").exists()


def _sets(before: Link, after: Link) -> list[Change]:
    old, new = attributes_of(before), attributes_of(after)
    changes: list[Change] = [
        Path(name).remove() if value is None else Path(name).set(value)
        for name, value in new.items()
        if value != old[name]
    ]
    if before.expires_at != after.expires_at:
        changes += _waiting(after.expires_at, after.id)
    return changes


def _waiting(when: datetime | None, link_id: str) -> list[Change]:
    paths = Path("due_pk"), Path("due_sk")
    if when is None:
        return [path.remove() for path in paths]
    return [path.set(value) for path, value in zip(paths, due_keys(when, link_id), strict=True)]
