"""Comments: a post's thread is one partition in the order it is read, and what waits for a decision is in another."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Self

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.expressions import is_free, is_new
from tessera.listing import PointerRow, by_time, pointer
from tessera.outbox import Event
from tessera.problems import NotFound
from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import AlreadySeen, Step, deleting, putting, telling, transact, updating

from ..config import BlogSettings
from ..rules.comments import SEPARATOR, Comment, State, ancestors
from ..rules.posts import Post
from ..rules.problems import AlreadySo, CommentingBanned, ParentNotVisible
from .bans import holding_unbanned
from .comment_arrivals import NumberInUse, locating, queueing, unqueueing
from .comment_rows import (
    CID,
    TREE,
    CommentIdRow,
    CommentRow,
    NumberRow,
    comment_of,
    comment_row,
    id_pk,
    mine,
    number_sk,
    path_sk,
    queue_of,
    tree_pk,
    waiting_pk,
)
from .counting import COMMENTS, counting, spread, uncounting
from .rows import META, AuthorRow, author_pk
from .visits import Visit, forgetting, keeping

SAME_BODY_SECONDS, REPORTED_SECONDS = 86_400, 180 * 86_400


class Changed(Exception):
    """Somebody else wrote first: read again and decide anew."""


class CommentStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def get(self, comment_id: str) -> Comment:
        """2 reads. Raises `NotFound`, also for what is only the place of something deleted."""
        # Between the two reads it may have moved from where it waited to where it is seen.
        for _ in range(2):
            where = self.where(comment_id)
            if where is None:
                break
            pk = tree_pk(where.post_id) if where.place == TREE else waiting_pk(where.post_id)
            row = self.table.get(CommentRow, pk, path_sk(where.path))
            if row is not None and row.state != State.DELETED.value:
                return comment_of(row)
        raise NotFound("There is no such comment.")

    def at(self, post_id: str, path: str) -> Comment | None:
        row = self.table.get(CommentRow, tree_pk(post_id), path_sk(path))
        return comment_of(row) if row else None

    def numbered(self, post_id: str, number: int) -> Comment | None:
        """2 reads."""
        row = self.table.get(NumberRow, tree_pk(post_id), number_sk(number))
        return self.at(post_id, row.path) if row else None

    def where(self, comment_id: str) -> CommentIdRow | None:
        return self.table.get(CommentIdRow, id_pk(comment_id), CID)

    def thread(self, post_id: str, limit: int, after: str | None) -> tuple[list[Comment], str | None]:
        """Comments in the order they are read, answers below what they answer. 1 query."""
        pk, start = tree_pk(post_id), after and {"pk": tree_pk(post_id), "sk": path_sk(after)}
        page = self.table.query(CommentRow, pk, sort=Path("sk").startswith("T#"), limit=limit, after=start or None)
        rest = page.next["sk"].partition("#")[2] if page.next else None
        return [comment_of(row) for row in page.rows], rest

    def all_of(self, post_id: str, most: int) -> list[Comment]:
        """Those of a post that are seen, in the order they are read, then those that wait. 2 queries for some 1 MB."""
        rows = chain.from_iterable(
            self.table.query_all(CommentRow, pk, sort=Path("sk").startswith("T#"), limit=1_000)
            for pk in (tree_pk(post_id), waiting_pk(post_id))
        )
        return [comment_of(row) for row in islice(rows, most)]

    def newest(
        self, post_id: str, limit: int, after: str | None, *, consistent: bool = False
    ) -> tuple[list[Comment], str | None]:
        """The newest first, wherever they stand. 1 query and 1 request per 100."""
        pk, start = tree_pk(post_id), after and {"pk": tree_pk(post_id), "sk": after}
        page = self.table.query(
            NumberRow,
            pk,
            sort=Path("sk").startswith("N#"),
            limit=limit,
            after=start or None,
            newest_first=True,
            consistent=consistent,
        )
        keys = [(pk, path_sk(row.path)) for row in page.rows]
        rows = self.table.get_many(CommentRow, keys, consistent=consistent) if keys else []
        return [comment_of(row) for row in rows], page.next["sk"] if page.next else None

    def said_before(self, digest: str) -> bool:
        """Whether somebody has written this within a day. 1 read."""
        return self.table.get(Row, f"DUP#{digest}", "MAIN") is not None

    def add(self, post: Post, comment: Comment, event: Event, *, digest: str, visit: Visit | None = None) -> None:
        """Put a comment where it is seen, or where it waits. 1 request.

        Raises `NotFound` for a post that is not published, `ParentNotVisible`, `CommentingBanned`, `NumberInUse`.
        """
        steps = [
            putting(self.table, comment_row(comment), only_if=is_new(), event=event),
            locating(self.table, comment),
        ]
        if comment.author_id is not None:
            steps.append(holding_unbanned(self.table, comment.author_id, CommentingBanned()))
            steps.append(putting(self.table, mine(comment)))
        if visit is not None:
            steps.append(keeping(self.table, comment.id, visit))
        ttl = int(clock.now().timestamp()) + SAME_BODY_SECONDS
        steps.append(putting(self.table, Row(pk=f"DUP#{digest}", sk="MAIN", ttl=ttl)))
        if comment.state.is_in_thread:
            steps += self._appearing(post, comment)
        else:
            steps.append(queueing(self.table, comment))
        spread(self.table, post, transact(*steps))

    def approve(self, post: Post, comment: Comment, event: Event) -> Comment:
        """Let what waits be seen. 1 request. Raises `AlreadySo`, `ParentNotVisible`, `NumberInUse`, `NotFound`."""
        shown = replace(comment, state=State.APPROVED)
        known = comment.author_id
        steps = [
            deleting(
                self.table,
                CommentRow,
                waiting_pk(comment.post_id),
                path_sk(comment.path),
                only_if=Path("state") == comment.state.value,
                refused=AlreadySo(),
            ),
            putting(self.table, comment_row(shown), event=event),
            locating(self.table, shown),
            unqueueing(self.table, comment),
            *self._appearing(post, shown),
        ]
        if known is not None:
            change = Path("approved").add(1)
            steps.append(updating(self.table, AuthorRow, author_pk(known), META, change, upsert=True, bump=False))
        spread(self.table, post, transact(*steps))
        return shown

    def judge(self, comment: Comment, state: State) -> Comment:
        """Put what waits among spam, or back. 1 request. Raises `AlreadySo`."""
        after = replace(comment, state=state)
        transact(
            updating(
                self.table,
                CommentRow,
                waiting_pk(comment.post_id),
                path_sk(comment.path),
                Path("state").set(state.value),
                only_if=Path("state") == comment.state.value,
                refused=AlreadySo(),
            ),
            unqueueing(self.table, comment),
            queueing(self.table, after),
        )
        return after

    def change(self, comment: Comment, after: Comment, event: Event | None = None) -> Comment:
        """Write a comment whose place stays. 1 write. Raises `Changed`."""
        pk = tree_pk(comment.post_id) if comment.state.is_in_thread else waiting_pk(comment.post_id)
        fields = ("state", "body", "html", "edited_at", "pinned", "reports")
        old, new = comment_row(comment), comment_row(after)
        changes = [
            Path(name).remove() if getattr(new, name) is None else Path(name).set(getattr(new, name))
            for name in fields
            if getattr(new, name) != getattr(old, name)
        ]
        steps = [
            updating(
                self.table,
                CommentRow,
                pk,
                path_sk(comment.path),
                *changes,
                only_if=Path("version") == comment.version,
                event=event,
                refused=Changed(),
            )
        ]
        if comment.reports and not after.reports:
            steps.append(deleting(self.table, PointerRow, *self._reported_key(comment)))
        transact(*steps)
        return replace(after, version=comment.version + 1)

    def show(self, post: Post, comment: Comment, after: Comment) -> Comment:
        """Hide a comment, or show it again; it is counted while it is seen. 1 request. Raises `Changed`."""
        changing = updating(
            self.table,
            CommentRow,
            tree_pk(comment.post_id),
            path_sk(comment.path),
            Path("state").set(after.state.value),
            only_if=Path("version") == comment.version,
            refused=Changed(),
        )
        seen = after.state is State.APPROVED
        transact(changing, uncounting(self.table, post, COMMENTS, -1 if seen else 1))
        return replace(after, version=comment.version + 1)

    def report(self, comment: Comment, user_id: str) -> None:
        """Note that somebody reported it, and bring it before the moderators. 1 request.

        Raises `AlreadySeen` when they have done so before, `Changed` for a comment that is not seen any more.
        """
        ttl = int(clock.now().timestamp()) + REPORTED_SECONDS
        told = Row(pk=f"REPORTS#{comment.id}", sk=user_id, ttl=ttl)
        transact(
            putting(self.table, told, only_if=is_free(), refused=AlreadySeen()),
            updating(
                self.table,
                CommentRow,
                tree_pk(comment.post_id),
                path_sk(comment.path),
                Path("reports").add(1),
                only_if=Path("state") == State.APPROVED.value,
                refused=Changed(),
            ),
            putting(self.table, self._reported(comment)),
        )

    def remove(self, post: Post, comment: Comment, event: Event) -> None:
        """Take a comment away: with answers below it its place stays. 1 read and 1 request. Raises `Changed`."""
        if not comment.state.is_in_thread:
            self._remove_waiting(comment, event)
            return
        rest = [
            deleting(self.table, NumberRow, tree_pk(comment.post_id), number_sk(comment.number)),
            telling(self.table, event),
            *([uncounting(self.table, post, COMMENTS)] if comment.state is State.APPROVED else ()),
            *([deleting(self.table, PointerRow, *self._reported_key(comment))] if comment.reports else ()),
            *([self._unmine(comment)] if comment.author_id else ()),
            *([forgetting(self.table, comment.id)] if comment.asked else ()),
        ]
        if comment.replies > 0:
            transact(self._emptying(comment), *rest)
        else:
            transact(*self._pruning(comment), *rest)

    def _remove_waiting(self, comment: Comment, event: Event) -> None:
        same = Path("version") == comment.version
        transact(
            deleting(
                self.table,
                CommentRow,
                waiting_pk(comment.post_id),
                path_sk(comment.path),
                only_if=same,
                refused=Changed(),
            ),
            deleting(self.table, CommentIdRow, id_pk(comment.id), CID),
            unqueueing(self.table, comment),
            telling(self.table, event),
            *([self._unmine(comment)] if comment.author_id else ()),
            *([forgetting(self.table, comment.id)] if comment.asked else ()),
        )

    def _emptying(self, comment: Comment) -> Step:
        """What was said and by whom is gone; the answers below keep their place."""
        gone = [Path(name).remove() for name in ("body", "html", "author_id", "guest", "email")]
        return updating(
            self.table,
            CommentRow,
            tree_pk(comment.post_id),
            path_sk(comment.path),
            Path("state").set(State.DELETED.value),
            Path("pinned").set(0),
            *gone,
            only_if=(Path("replies") > 0) & (Path("version") == comment.version),
            refused=Changed(),
        )

    def _pruning(self, comment: Comment) -> list[Step]:
        """The comment goes, and with it the empty places above it that nothing stands below any more."""
        pk = tree_pk(comment.post_id)
        childless = Path("replies").does_not_exist() | (Path("replies") <= 0)
        same = Path("version") == comment.version
        steps = [
            deleting(self.table, CommentRow, pk, path_sk(comment.path), only_if=childless & same, refused=Changed()),
            deleting(self.table, CommentIdRow, id_pk(comment.id), CID),
        ]
        rows = self.table.get_many(
            CommentRow, [(pk, path_sk(path)) for path in ancestors(comment.path)], consistent=True
        )
        for row in rows:
            if row.state == State.DELETED.value and int(row.replies) == 1:
                # Its one answer is the one that goes, whose own condition holds this too.
                steps.append(deleting(self.table, CommentRow, pk, row.sk))
                steps.append(deleting(self.table, CommentIdRow, id_pk(row.id), CID))
                continue
            more = (Path("state") != State.DELETED.value) | (Path("replies") > 1)
            one_less = Path("replies").add(-1)
            steps.append(
                updating(self.table, CommentRow, pk, row.sk, one_less, only_if=more, refused=Changed(), bump=False)
            )
            break
        return steps

    def _appearing(self, post: Post, comment: Comment) -> list[Step]:
        pk = tree_pk(comment.post_id)
        number = NumberRow(pk=pk, sk=number_sk(comment.number), id=comment.id, path=comment.path)
        steps = [
            *counting(self.table, post, {COMMENTS: 1}),
            putting(self.table, number, only_if=is_new(), refused=NumberInUse()),
        ]
        if SEPARATOR in comment.path:
            visible = Path("state") == State.APPROVED.value
            one_more = Path("replies").add(1)
            above = path_sk(comment.above)
            refused = ParentNotVisible()
            steps.append(
                updating(self.table, CommentRow, pk, above, one_more, only_if=visible, refused=refused, bump=False)
            )
        return steps

    def _reported(self, comment: Comment) -> PointerRow:
        return pointer(queue_of("reported"), by_time(comment.created_at, comment.id), comment.id, comment.author_id)

    def _reported_key(self, comment: Comment) -> tuple[str, str]:
        row = self._reported(comment)
        return row.pk, row.sk

    def _unmine(self, comment: Comment) -> Step:
        row = mine(comment)
        return deleting(self.table, PointerRow, row.pk, row.sk)

    def many(self, comment_ids: Sequence[str]) -> dict[str, Comment]:
        """2 requests for up to 100 of them."""
        places = self.table.get_many(CommentIdRow, [(id_pk(one), CID) for one in comment_ids]) if comment_ids else []
        keys = [
            (tree_pk(row.post_id) if row.place == TREE else waiting_pk(row.post_id), path_sk(row.path))
            for row in places
        ]
        rows = self.table.get_many(CommentRow, keys) if keys else []
        return {row.id: comment_of(row) for row in rows}
