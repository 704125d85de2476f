"""Pages of posts: pointers first, then their cards, and for the facade what its viewer thinks of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tessera.listing import Listed, PointerRow, Source, lazy_merge, page, read
from tessera.settings import Bindings
from tessera.tables import Table

from ..config import BlogSettings
from ..rules.authors import Author
from ..rules.posts import FAVOURITE, Post, Status
from .authors import author_of, follow_key
from .counting import summed
from .places import of_author
from .rows import META, AnyRow, PostRow, author_pk, post_of, post_pk, reaction_sk


@dataclass(frozen=True)
class Shown:
    """A post in a list of the facade."""

    post: Post
    author: Author
    favourited: bool
    following: bool


@dataclass(frozen=True)
class Viewed:
    """Some posts as a viewer sees them, and the viewer, who was read with them."""

    posts: list[Shown]
    viewer: Author | None
    # Whatever else was asked for in the same request.
    beside: list[AnyRow]


class Reading:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def cards(self, name: str, *states: Status, limit: int, after: str | None) -> Listed[Post]:
        """A page of a list, as far as posts are still in one of these states. 2 requests."""

        def show(pointers: Sequence[PointerRow]) -> Mapping[str, Post]:
            keys = [(post_pk(one.id), META) for one in pointers]
            posts = summed(self.table, list(map(post_of, self.table.get_many(PostRow, keys))))
            return {post.id: post for post in posts if post.status in states}

        return page(self.table, name, show, limit=limit, after=after)

    def pointers(self, name: str, limit: int, after: str | None = None) -> list[PointerRow]:
        """The newest pointers of a list, strongly. 1 query."""
        return read(self.table, name, limit=limit, after=after, consistent=True)

    def merged(self, authors: Sequence[Author], limit: int) -> list[PointerRow]:
        """The newest posts of all these authors. At most one query more than there are authors, or posts wanted."""
        sources = [Source(of_author(one.id), one.last_published_at) for one in authors if one.post_count]
        return lazy_merge(sources, self.pointers, limit=limit)[0]

    def viewed(
        self, pointers: Sequence[PointerRow], viewer_id: str | None, beside: Sequence[tuple[str, str]] = ()
    ) -> Viewed:
        """Posts with their authors, and what the viewer thinks of both. 1 request per 100 items, all strong."""
        keys = [*beside, *((post_pk(one.id), META) for one in pointers)]
        writers = list(dict.fromkeys(one.a for one in pointers if one.a))
        keys += [(author_pk(one), META) for one in writers]
        if viewer_id is not None:
            keys += [(post_pk(one.id), reaction_sk(viewer_id)) for one in pointers]
            keys += [follow_key(viewer_id, one) for one in writers]
            keys.append((author_pk(viewer_id), META))
        rows = self.table.get_many(AnyRow, keys, consistent=True) if keys else []
        found = {(row.pk, row.sk): row for row in rows}
        cards = [found[key] for one in pointers if (key := (post_pk(one.id), META)) in found]
        by_id = {post.id: post for post in summed(self.table, list(map(post_of, cards)), consistent=True)}
        posts = []
        for one in pointers:
            post = by_id.get(one.id)
            if post is not None and post.is_published:
                reaction = found.get((post_pk(one.id), reaction_sk(viewer_id or "")))
                author = author_of(post.author_id, found.get((author_pk(post.author_id), META)))
                following = viewer_id is not None and follow_key(viewer_id, post.author_id) in found
                favourited = reaction is not None and reaction.kind == FAVOURITE
                posts.append(Shown(post, author, favourited, following))
        viewer = author_of(viewer_id, found.get((author_pk(viewer_id), META))) if viewer_id else None
        return Viewed(posts, viewer, [found[key] for key in beside if key in found])
