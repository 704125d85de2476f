"""What people think of posts: one reaction for each of them, and the posts they like as a list of their own."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_new
from tessera.listing import PointerRow, list_pk, pointer
from tessera.outbox import Event
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import BlogSettings
from ..rules.posts import FAVOURITE, Post
from .counting import counting, spread, uncounting
from .places import favourites_of, felt_of, place_of
from .rows import META, AuthorRow, ReactionRow, author_pk, post_pk, reaction_sk

TRIES = 6
# What was taken back stays for as long as its event may be on its way.
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Felt:
    """A reaction as it is kept: its kind, and whether the post stands among its user's favourites."""

    kind: str = ""
    listed: bool = False

    @property
    def is_apart(self) -> bool:
        return bool(self.kind) and not self.listed


class Another(Exception):
    """The reaction is not what it was taken for."""

    def __init__(self, felt: Felt) -> None:
        super().__init__()
        self.felt = felt


class ReactionStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def felt(self, post_id: str, user_id: str) -> Felt:
        return _felt(self.table.get(ReactionRow, post_pk(post_id), reaction_sk(user_id)))

    def react(self, post: Post, user_id: str, kind: str, event: Event) -> bool:
        """Make this somebody's one reaction, or with an empty `kind` take it back; False when it was so already.

        1 request for somebody's first. Raises `NotFound` for a post that is not published.
        """
        # Whoever takes something back has mostly given it; who gives something has mostly given nothing yet.
        before = Felt() if kind else self.felt(post.id, user_id)
        for _ in range(TRIES):
            if before.kind == kind:
                return False
            try:
                conflicts = transact(*self._changing(post, user_id, before, kind, event))
            except Another as another:
                before = another.felt
                continue
            spread(self.table, post, conflicts)
            return True
        raise Busy()

    def _changing(self, post: Post, user_id: str, before: Felt, kind: str, event: Event) -> list[Step]:
        listed = kind == FAVOURITE
        row = ReactionRow(
            pk=post_pk(post.id),
            sk=reaction_sk(user_id),
            user_id=user_id,
            kind=kind,
            at=clock.millis(),
            listed=int(listed),
            ttl=None if kind else int((clock.now() + KEPT).timestamp()),
        )
        counts = {name: by for name, by in ((before.kind, -1), (kind, 1)) if name}
        return [
            putting(self.table, row, only_if=_as(before), event=event, refused=lambda old: Another(_felt(old))),
            *counting(self.table, post, counts),
            *(self._listing(post, user_id, listed=listed) if listed is not before.listed else ()),
            *self._feeling(post, user_id, before, Felt(kind, listed)),
        ]

    def _feeling(self, post: Post, user_id: str, before: Felt, after: Felt) -> list[Step]:
        """A reaction stands in one list of its user's: among the favourites, or among all the others."""
        if before.is_apart is after.is_apart:
            return []
        one = pointer(felt_of(user_id), post.id, post.id, post.author_id)
        return [putting(self.table, one) if after.is_apart else deleting(self.table, PointerRow, one.pk, one.sk)]

    def _listing(self, post: Post, user_id: str, *, listed: bool) -> list[Step]:
        name, sort = favourites_of(user_id), place_of(post)
        change = Path("fav_count").add(1 if listed else -1)
        return [
            putting(self.table, pointer(name, sort, post.id, post.author_id))
            if listed
            else deleting(self.table, PointerRow, list_pk(name), sort),
            updating(self.table, AuthorRow, author_pk(user_id), META, change, upsert=True, bump=False),
        ]

    def forget(self, one: PointerRow, post: Post | None, user_id: str) -> None:
        """Take a reaction away whose post is not to be seen, or is no more, as if it had never been. 1 transaction."""
        felt = self.felt(one.id, user_id)
        key = (post_pk(one.id), reaction_sk(user_id))
        transact(
            deleting(self.table, ReactionRow, *key, only_if=_as(felt), refused=lambda old: Busy()),
            deleting(self.table, PointerRow, one.pk, one.sk),
            *([uncounting(self.table, post, felt.kind)] if post is not None and felt.kind else []),
        )

    def relist(self, post: Post, *, after: str | None, most: int) -> str | None:
        """Let favourites of a post follow it out of sight and back again, some at a time; where to go on.

        1 query, and 1 request for each reaction that is not as it should be.
        """
        found = self.table.query(
            ReactionRow,
            post_pk(post.id),
            sort=Path("sk").startswith("R#"),
            limit=most,
            after={"pk": post_pk(post.id), "sk": after} if after else None,
            consistent=True,
        )
        for row in found.rows:
            wanted = post.is_published and row.kind == FAVOURITE
            if wanted is not bool(row.listed):
                self._relist(post, row, listed=wanted)
        return found.next["sk"] if found.next else None

    def _relist(self, post: Post, row: ReactionRow, *, listed: bool) -> None:
        felt = _felt(row)
        try:
            transact(
                updating(
                    self.table,
                    ReactionRow,
                    row.pk,
                    row.sk,
                    Path("listed").set(int(listed)),
                    only_if=_as(felt),
                    refused=lambda old: Another(_felt(old)),
                    bump=False,
                ),
                *self._listing(post, row.user_id, listed=listed),
                *self._feeling(post, row.user_id, felt, Felt(felt.kind, listed)),
            )
        except Another:
            # They have changed their mind at this moment, and their own change keeps the list.
            return


def _felt(row: ReactionRow | None) -> Felt:
    return Felt(row.kind, bool(row.listed)) if row is not None else Felt()


def _as(felt: Felt) -> Condition:
    same: Condition = (Path("kind") == felt.kind) & (Path("listed") == int(felt.listed))
    return same if felt != Felt() else is_new() | same
