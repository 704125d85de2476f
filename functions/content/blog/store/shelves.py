"""Tags, categories, and how many posts there are: what sorts posts and counts them."""

from collections import Counter
from collections.abc import Sequence
from typing import Self, cast

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import exists, is_new
from tessera.listing import PointerRow, ShardRow, by_time, list_pk, pointer, read, shard_keys
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import deleting, putting, transact, updating

from ..config import BlogSettings
from ..rules.posts import tag_key
from ..rules.problems import CategoryInUse
from .places import (
    MONTHS_PK,
    TAG_SHARDS,
    TAGS_LIST,
    TOTAL_PK,
    TOTAL_SHARDS,
    CategoryRow,
    TagRow,
    category_pk,
    tag_pk,
)
from .rows import META

CATEGORIES = "CATEGORIES"


class Raced(Exception):
    """Somebody else has made or taken it at the same moment."""


class ShelfStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def tags(self, keys: Sequence[str]) -> dict[str, TagRow]:
        """1 request per 100."""
        rows = self.table.get_many(TagRow, [(tag_pk(key), META) for key in keys], consistent=True) if keys else []
        return {row.pk.partition("#")[2]: row for row in rows}

    def settle(self, tags: Sequence[str]) -> tuple[str, ...]:
        """These tags as they are called now, those that are new being made. 1 request, and 1 for each new one."""
        known, named = self.tags([tag_key(tag) for tag in tags]), []
        for tag in tags:
            row = known.get(tag_key(tag))
            if row is None:
                self.make_tag(tag)
            named.append(row.into if row and row.into else tag)
        return tuple(named)

    def make_tag(self, tag: str) -> None:
        """A tag, in the list of all that there are. 1 request; nothing for one that is there."""
        now, key = clock.millis(), tag_key(tag)
        row = TagRow(pk=tag_pk(key), sk=META, name=tag, created_at=now)
        try:
            transact(
                putting(self.table, row, only_if=is_new(), refused=Raced()),
                # The spelling is what lists show; the key follows from it.
                putting(self.table, pointer(TAGS_LIST, by_time(now, key), tag)),
            )
        except Raced:
            return

    def respell(self, row: TagRow, name: str) -> None:
        """The same tag in another spelling. 1 request."""
        key, sort = tag_key(name), by_time(int(row.created_at), tag_key(name))
        transact(
            updating(self.table, TagRow, tag_pk(key), META, Path("name").set(name)),
            putting(self.table, pointer(TAGS_LIST, sort, name)),
        )

    def merge(self, row: TagRow, into: str) -> None:
        """From now on the tag leads to another one, and stands in no list. 1 request."""
        key = tag_key(row.name)
        transact(
            updating(self.table, TagRow, tag_pk(key), META, Path("into").set(into)),
            deleting(self.table, PointerRow, list_pk(TAGS_LIST), by_time(int(row.created_at), key)),
        )

    def tag_count(self, key: str) -> int:
        """1 request."""
        return self._sum(shard_keys(tag_pk(key), TAG_SHARDS))

    def tag_counts(self, keys: Sequence[str]) -> dict[str, int]:
        """1 request per 25 tags."""
        wanted = [pair for key in keys for pair in shard_keys(tag_pk(key), TAG_SHARDS)]
        found: Counter[str] = Counter()
        for row in self.table.get_many(ShardRow, wanted) if wanted else []:
            found[row.pk.partition("#")[2]] += int(row.count)
        return {key: max(0, found[key]) for key in keys}

    def newest_tags(self, limit: int, after: str | None = None, *, consistent: bool = False) -> list[PointerRow]:
        return read(self.table, TAGS_LIST, limit=limit, after=after, consistent=consistent)

    def prune_tag(self, key: str) -> None:
        """Take a tag that no post has off the list. Whoever uses it again puts it back. 3 requests."""
        row = self.tags([key]).get(key)
        if row is None or row.into or self.tag_count(key) > 0:
            return
        unused = [
            deleting(self.table, ShardRow, pk, sk, only_if=_nothing(), refused=Raced())
            for pk, sk in shard_keys(tag_pk(key), TAG_SHARDS)
        ]
        sort = by_time(int(row.created_at), key)
        try:
            transact(
                deleting(self.table, TagRow, tag_pk(key), META),
                deleting(self.table, PointerRow, list_pk(TAGS_LIST), sort),
                *unused,
            )
        except Raced:
            return

    def total(self) -> int:
        """How many posts are published: 1 request."""
        return self._sum(shard_keys(TOTAL_PK, TOTAL_SHARDS))

    def months(self) -> dict[str, int]:
        """How many were published in each month. 1 query."""
        found: Counter[str] = Counter()
        for row in self.table.query_all(ShardRow, MONTHS_PK):
            found[row.sk.partition("#")[0]] += int(row.count)
        return {month: count for month, count in sorted(found.items(), reverse=True) if count > 0}

    def categories(self) -> list[CategoryRow]:
        """All of them, by their order. 1 query and 1 request per 100."""
        slugs = [row.sk for row in self.table.query_all(Row, list_pk(CATEGORIES))]
        rows = self.table.get_many(CategoryRow, [(category_pk(slug), META) for slug in slugs]) if slugs else []
        return sorted(rows, key=lambda row: (int(row.order), row.name))

    def category(self, slug: str) -> CategoryRow | None:
        return self.table.get(CategoryRow, category_pk(slug), META)

    def put_category(
        self, slug: str, *, name: str, description: str | None, parent: str | None, order: int
    ) -> CategoryRow:
        """Make or change a category. 1 request."""
        changes = [
            Path("slug").set(slug),
            Path("name").set(name),
            Path("order").set(order),
            *(
                Path(field).remove() if value is None else Path(field).set(value)
                for field, value in (("description", description), ("parent", parent))
            ),
        ]
        transact(
            updating(self.table, CategoryRow, category_pk(slug), META, *changes, upsert=True),
            putting(self.table, Row(pk=list_pk(CATEGORIES), sk=slug)),
        )
        row = self.category(slug)
        if row is None:
            raise NotFound("The category was deleted at the same moment.")
        return row

    def delete_category(self, slug: str) -> None:
        """Raises `NotFound`, and `CategoryInUse` while posts are in it. 1 request."""
        unused = exists() & (Path("post_count").does_not_exist() | (Path("post_count") <= 0))
        transact(
            deleting(self.table, CategoryRow, category_pk(slug), META, only_if=unused, refused=_still_used),
            deleting(self.table, Row, list_pk(CATEGORIES), slug),
        )

    def _sum(self, keys: Sequence[tuple[str, str]]) -> int:
        return max(0, sum(int(row.count) for row in self.table.get_many(ShardRow, keys, consistent=True)))


def _nothing() -> Condition:
    return cast(Condition, Path("count").does_not_exist() | (Path("count") <= 0))


def _still_used(old: CategoryRow | None) -> Exception:
    return NotFound("There is no such category.") if old is None else CategoryInUse()
