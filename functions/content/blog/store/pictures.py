"""Which pictures stand in which posts: written with the post, read by whoever shows one or hears that it is gone."""

from collections.abc import Collection, Iterator
from typing import Self

from tessera.settings import Bindings
from tessera.tables import Row, Table
from tessera.transact import Step, deleting, putting

from ..config import BlogSettings
from ..rules.posts import Post
from .rows import META, AnyRow, post_of, post_pk


def picture_pk(file_id: str) -> str:
    return f"MEDIA#{file_id}"


class PictureStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def changing(self, post_id: str, before: Collection[str], after: Collection[str]) -> list[Step]:
        """Steps that take a post from the pictures it had to those it has."""
        come, gone = sorted(set(after) - set(before)), sorted(set(before) - set(after))
        return [
            *(putting(self.table, Row(pk=picture_pk(one), sk=post_id)) for one in come),
            *(deleting(self.table, Row, picture_pk(one), post_id) for one in gone),
        ]

    def shown(self, post_id: str, file_id: str) -> Post | None:
        """The post, if this picture stands in it. 1 request."""
        keys = [(post_pk(post_id), META), (picture_pk(file_id), post_id)]
        rows = {row.pk: row for row in self.table.get_many(AnyRow, keys)}
        card = rows.get(post_pk(post_id))
        return post_of(card) if card is not None and picture_pk(file_id) in rows else None

    def posts_with(self, file_id: str) -> Iterator[str]:
        """The posts that it stands in. 1 query for some thousands."""
        return (row.sk for row in self.table.query_all(Row, picture_pk(file_id), consistent=True))

    def forget(self, post_id: str, file_ids: Collection[str]) -> None:
        """1 write for each."""
        for one in file_ids:
            self.table.delete(Row, picture_pk(one), post_id)
