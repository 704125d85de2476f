"""Posts: every write keeps the card, what it says, its slug, its places and its counts in step, in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.due import due_keys
from tessera.expressions import is_new
from tessera.idempotency import Intent, create
from tessera.outbox import Event
from tessera.problems import Gone, NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import BlogSettings
from ..rules.pictures import pictures_of
from ..rules.posts import Body, Post, Revision
from .counting import summed
from .pictures import PictureStore
from .places import moving
from .rows import (
    BODY,
    META,
    SLUG,
    AnyRow,
    BodyRow,
    PostRow,
    RevisionRow,
    SlugRow,
    author_pk,
    body_of,
    body_row,
    kept_of,
    post_of,
    post_pk,
    reaction_sk,
    revision_of,
    revision_row,
    revision_sk,
    row_of,
    slug_pk,
)


class Taken(Exception):
    """Another post has this slug."""


@dataclass(frozen=True)
class Write:
    """One change of a post. Without a `body` it says what it said; `by` is who changed it.

    The event goes on the revision, because what lists read stays small.
    """

    before: Post
    after: Post
    by: str
    body: Body | None = None
    source: str | None = None
    event: Event | None = None


@dataclass(frozen=True)
class Opened:
    """A post as somebody sees it: `author` is None while the blog knows nothing of them."""

    post: Post
    body: Body
    reaction: str
    author: AnyRow | None
    viewer: AnyRow | None
    follows: bool


class PostStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def find(self, post_id: str) -> Post | None:
        row = self.table.get(PostRow, post_pk(post_id), META)
        return post_of(row) if row else None

    def get(self, post_id: str) -> Post:
        """1 read. Raises `NotFound`, and `Gone` for one that was purged a short while ago."""
        row = self.table.get(PostRow, post_pk(post_id), META)
        if row is None:
            if self.table.get(Row, post_pk(post_id), "GONE") is not None:
                raise Gone("It was in the trash for 30 days.")
            raise NotFound("There is no such post.")
        return post_of(row)

    def whole(self, post_id: str) -> tuple[Post, Body]:
        """1 request. Raises `NotFound`."""
        keys = [(post_pk(post_id), META), (post_pk(post_id), BODY)]
        rows = {row.sk: row for row in self.table.get_many(AnyRow, keys, consistent=True)}
        if META not in rows or BODY not in rows:
            raise NotFound("There is no such post.")
        return post_of(rows[META]), body_of(rows[BODY])

    def slug(self, slug: str, *, consistent: bool = False) -> SlugRow | None:
        return self.table.get(SlugRow, slug_pk(slug), SLUG, consistent=consistent)

    def open(
        self, post_id: str, author_id: str, viewer_id: str | None, *, consistent: bool = False, social: bool = False
    ) -> Opened | None:
        """A post, what it says, who wrote it, and what the viewer thinks of it. 1 request.

        `social` also reads the viewer and whether they follow the author, which the facade shows.
        """
        pk = post_pk(post_id)
        keys = [(pk, META), (pk, BODY), (author_pk(author_id), META)]
        if viewer_id is not None:
            keys.append((pk, reaction_sk(viewer_id)))
        if viewer_id is not None and social:
            keys += [(author_pk(viewer_id), META), (f"F#{viewer_id}", author_id)]
        found = {(row.pk, row.sk): row for row in self.table.get_many(AnyRow, keys, consistent=consistent)}
        card, body = found.get((pk, META)), found.get((pk, BODY))
        if card is None or body is None:
            return None
        reaction = found.get((pk, reaction_sk(viewer_id))) if viewer_id else None
        post, *_ = summed(self.table, [post_of(card)], consistent=consistent)
        return Opened(
            post,
            body_of(body),
            reaction.kind if reaction else "",
            found.get((author_pk(author_id), META)),
            found.get((author_pk(viewer_id), META)) if viewer_id else None,
            (f"F#{viewer_id}", author_id) in found,
        )

    def cards(self, post_ids: Iterable[str], *, consistent: bool = False) -> dict[str, Post]:
        """Those that there are. 1 request per 100."""
        keys = [(post_pk(one), META) for one in post_ids]
        rows = self.table.get_many(PostRow, keys, consistent=consistent) if keys else []
        return {row.id: post_of(row) for row in rows}

    def wholes(self, post_ids: Iterable[str]) -> list[tuple[Post, Body]]:
        """Those that there are, in this order, with what they say. 1 request per 50."""
        wanted = list(post_ids)
        keys = [(post_pk(one), sk) for one in wanted for sk in (META, BODY)]
        rows = {(row.pk, row.sk): row for row in self.table.get_many(AnyRow, keys)} if keys else {}
        pairs = [(rows.get((post_pk(one), META)), rows.get((post_pk(one), BODY))) for one in wanted]
        return [(post_of(card), body_of(body)) for card, body in pairs if card and body]

    def create(self, post: Post, body: Body, intent: Intent, event: Event | None, *more: Step) -> tuple[Post, bool]:
        """The post, and whether an earlier request had made it. 1 request.

        Raises `Taken`, and what `more` of the same transaction is refused with.
        """
        lock = SlugRow(pk=slug_pk(post.slug), sk=SLUG, post_id=post.id, author_id=post.author_id)
        made = create(
            self.table,
            row_of(post),
            intent,
            putting(self.table, lock, only_if=is_new(), refused=Taken()),
            putting(self.table, body_row(post.id, body)),
            putting(self.table, revision_row(post, body.source, post.author_id), event=event),
            *moving(self.table, None, post),
            *more,
        )
        return post_of(made.row), made.replayed

    def save(self, write: Write, *more: Step) -> Post:
        """The post as it is then. 1 request. Raises `StaleVersion`, `NotFound`, `Taken`, `InvalidRequest`."""
        before, after = write.before, write.after
        steps = [
            updating(
                self.table,
                PostRow,
                post_pk(before.id),
                META,
                *_changes(before, after),
                expect=before.version,
            ),
            *moving(self.table, before, after),
            *self._telling(write),
            *more,
        ]
        if write.body is not None:
            steps.append(putting(self.table, body_row(after.id, replace(write.body, rev=after.rev))))
        if after.slug != before.slug:
            steps += self._renaming(before, after)
        # Refused here when it would be too large, as a new one is.
        row_of(after)
        transact(*steps)
        return post_of(_raised(row_of(after), before))

    def _telling(self, write: Write) -> list[Step]:
        """The revision that this change makes or is about, with what is told of the change."""
        after = write.after
        if write.source is not None:
            return [putting(self.table, revision_row(after, write.source, write.by), event=write.event)]
        if write.event is None and not after.is_published:
            return []
        change = Path("published").set(1) if after.is_published else Path("number").set(after.rev)
        sk = revision_sk(after.rev)
        return [updating(self.table, RevisionRow, post_pk(after.id), sk, change, event=write.event, bump=False)]

    def _renaming(self, before: Post, after: Post) -> list[Step]:
        """The new slug is taken, and the old one kept for those who know it; a post may have its own ones back."""
        lock = SlugRow(pk=slug_pk(after.slug), sk=SLUG, post_id=after.id, author_id=after.author_id)
        mine = is_new() | (SlugRow.post_id == after.id)
        return [
            putting(self.table, lock, only_if=mine, refused=Taken()),
            # Purging the post frees every slug it ever had.
            putting(self.table, Row(pk=post_pk(after.id), sk=f"S#{before.slug}")),
        ]

    def revisions(self, post_id: str, limit: int, before: int | None) -> list[Revision]:
        """The newest first, at most one more than `limit`. 1 query."""
        last = revision_sk(before if before is not None else 10**8 - 1)
        between = Path("sk").between(revision_sk(0), last)
        rows = self.table.query(
            RevisionRow, post_pk(post_id), sort=between, limit=limit + 2, newest_first=True, consistent=True
        ).rows
        return [revision_of(row) for row in rows if before is None or int(row.number) < before][: limit + 1]

    def revision(self, post_id: str, number: int) -> Revision:
        row = self.table.get(RevisionRow, post_pk(post_id), revision_sk(number))
        if row is None:
            raise NotFound("There is no such revision.")
        return revision_of(row)

    def trim(self, post_id: str, oldest_kept: int) -> int:
        """Delete revisions older than this one that were never published. 1 query and 1 write for each."""
        between = Path("sk").between(revision_sk(0), revision_sk(oldest_kept - 1))
        unpublished = [
            row for row in self.table.query_all(RevisionRow, post_pk(post_id), sort=between) if not row.published
        ]
        for row in unpublished:
            self.table.delete(RevisionRow, row.pk, row.sk)
        return len(unpublished)

    def rerender(self, post_id: str, before: Body, after: Body) -> None:
        """Keep what an older gate has let through as the present one does, unless somebody has written it anew."""
        same = (BodyRow.markup_version == before.markup_version) & (BodyRow.version == before.rev)
        try:
            self.table.put(body_row(post_id, replace(after, rev=before.rev)), only_if=same)
        except ConditionFailed:
            return

    def purge(self, post: Post, most: int) -> bool:
        """Delete some of what a trashed post consists of; True when nothing is left. Its card goes last of all."""
        rows = self.table.query(Row, post_pk(post.id), limit=most, consistent=True).rows
        parts = [row for row in rows if row.sk not in (META, "GONE")]
        for row in parts:
            if row.sk.startswith("S#"):
                self._free(row.sk.removeprefix("S#"), post.id)
            if row.sk == BODY:
                self._unpicture(post)
            self.table.delete(Row, row.pk, row.sk)
        if len(rows) == most:
            return False
        self._free(post.slug, post.id)
        trace = Row(pk=post_pk(post.id), sk="GONE", ttl=int(clock.now().timestamp()) + 365 * 86_400)
        transact(
            deleting(self.table, PostRow, post_pk(post.id), META, only_if=Path("version") == post.version),
            putting(self.table, trace),
            *moving(self.table, post, None),
        )
        return True

    def _unpicture(self, post: Post) -> None:
        _, said = self.whole(post.id)
        PictureStore(self.table).forget(post.id, pictures_of(post, said.html))

    def _free(self, slug: str, post_id: str) -> None:
        row = self.slug(slug, consistent=True)
        if row is not None and row.post_id == post_id:
            self.table.delete(SlugRow, slug_pk(slug), SLUG)


def _changes(before: Post, after: Post) -> list[Change]:
    old, new = kept_of(before), kept_of(after)
    changes: list[Change] = [
        Path(name).remove() if value is None else Path(name).set(value)
        for name, value in new.items()
        if value != old[name]
    ]
    if after.due_at != before.due_at:
        keys = due_keys(clock.from_millis(after.due_at), after.id) if after.due_at is not None else (None, None)
        for name, value in zip(("due_pk", "due_sk"), keys, strict=True):
            changes.append(Path(name).remove() if value is None else Path(name).set(value))
    return changes


def _raised(row: PostRow, before: Post) -> PostRow:
    """The card as it stands once written: one version further, its counts as they were read."""
    row.version, row.comments, row.shards, row.made_by = (
        before.version + 1,
        before.comments,
        before.shards,
        before.made_by,
    )
    for kind, count in before.reactions.items():
        setattr(row, kind, count)
    return row
