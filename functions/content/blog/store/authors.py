"""Who writes, follows and favours: a projection of accounts, and what the blog counts of each."""

from collections.abc import Sequence
from typing import Any, Self

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera.expressions import is_new
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import BlogSettings
from ..rules.authors import Author, unnamed
from ..rules.problems import refused
from .erasures import holding_there
from .rows import META, AnyRow, AuthorRow, author_pk

MAX_FOLLOWS = 1_000
UN = "UN"


class NameRow(Row):
    user_id = UnicodeAttribute()


class NameTaken(Exception):
    """Somebody else has this name."""


class Erased(Exception):
    """They are gone, and nothing of them is kept anew."""


class NothingToDo(Exception):
    """It is so already."""


def author_of(user_id: str, row: AuthorRow | AnyRow | None) -> Author:
    """Somebody of whom nothing is known has a name all the same, made of their id."""
    if row is None:
        return Author(user_id, unnamed(user_id), is_known=False)
    return Author(
        id=user_id,
        username=row.username or unnamed(user_id),
        name=row.name,
        bio=row.bio,
        image=row.image,
        email=row.email,
        realm=row.realm,
        epoch=int(row.ep or 0),
        kept_session=row.kept_sid,
        post_count=max(0, int(row.post_count or 0)),
        fav_count=max(0, int(row.fav_count or 0)),
        follows=max(0, int(row.follows or 0)),
        approved=int(row.approved or 0),
        last_published_at=int(row.last_published_at or 0),
        is_known=row.username is not None,
    )


def name_pk(username: str) -> str:
    return f"UN#{username.casefold()}"


def follow_key(user_id: str, author_id: str) -> tuple[str, str]:
    return f"F#{user_id}", author_id


class AuthorStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(BlogSettings).table))

    def get(self, user_id: str) -> Author:
        """1 strong read; somebody unknown is shown under a name made of their id."""
        return author_of(user_id, self.table.get(AuthorRow, author_pk(user_id), META))

    def many(self, user_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Author]:
        keys = [(author_pk(one), META) for one in user_ids]
        rows = self.table.get_many(AuthorRow, keys, consistent=consistent) if keys else []
        found = {row.pk.partition("#")[2]: row for row in rows}
        return {one: author_of(one, found.get(one)) for one in user_ids}

    def named(self, username: str) -> str | None:
        """The id of who has this name. 1 read."""
        row = self.table.get(NameRow, name_pk(username), UN)
        return row.user_id if row else None

    def know(self, user_id: str, username: str, fields: dict[str, Any], *, before: Author) -> None:
        """Take over what accounts says of somebody. 1 request. Raises `NameTaken`, `Erased`."""
        changes: list[Change] = [Path("user_id").set(user_id), Path("username").set(username)]
        changes += [Path(name).remove() if value is None else Path(name).set(value) for name, value in fields.items()]
        name = NameRow(pk=name_pk(username), sk=UN, user_id=user_id)
        mine = is_new() | (NameRow.user_id == user_id)
        steps = [
            putting(self.table, name, only_if=mine, refused=NameTaken()),
            updating(self.table, AuthorRow, author_pk(user_id), META, *changes, upsert=True),
            holding_there(self.table, user_id, Erased()),
        ]
        if before.is_known and name_pk(before.username) != name_pk(username):
            own = NameRow.user_id == user_id
            steps.append(deleting(self.table, NameRow, name_pk(before.username), UN, only_if=own, refused=NameTaken()))
        transact(*steps)

    def change(self, user_id: str, fields: dict[str, Any]) -> None:
        """Change what is the blog's own to know: bio, image, which tokens are good. 1 write."""
        changes = [Path(name).remove() if value is None else Path(name).set(value) for name, value in fields.items()]
        self.table.update(AuthorRow, author_pk(user_id), META, *changes, upsert=True)

    def follow(self, user_id: str, author_id: str) -> None:
        """Doing it twice changes nothing. 1 request. Raises `InvalidRequest` past 1 000 of them."""
        row = Row(pk=follow_key(user_id, author_id)[0], sk=author_id)
        full = refused("/username", f"You follow {MAX_FOLLOWS} authors, which is the most.")
        room = Path("follows").does_not_exist() | (Path("follows") < MAX_FOLLOWS)
        try:
            transact(
                putting(self.table, row, only_if=is_new(), refused=NothingToDo()),
                self._counting_follows(user_id, 1, only_if=room, refused=full),
            )
        except NothingToDo:
            return

    def unfollow(self, user_id: str, author_id: str) -> None:
        pk, sk = follow_key(user_id, author_id)
        try:
            transact(
                deleting(self.table, Row, pk, sk, only_if=Path("pk").exists(), refused=NothingToDo()),
                self._counting_follows(user_id, -1),
            )
        except NothingToDo:
            return

    def _counting_follows(self, user_id: str, by: int, **more: Any) -> Step:
        change = Path("follows").add(by)
        return updating(self.table, AuthorRow, author_pk(user_id), META, change, upsert=True, bump=False, **more)

    def is_following(self, user_id: str, author_id: str) -> bool:
        return self.table.get(Row, *follow_key(user_id, author_id)) is not None

    def followed(self, user_id: str) -> list[str]:
        """Whom somebody follows: at most 1 000. 1 query."""
        return [row.sk for row in self.table.query_all(Row, f"F#{user_id}", consistent=True)]

    def told(self, user_id: str, at: str) -> bool:
        """Note when accounts last spoke of somebody the blog knows; False for older news and for strangers. 1 write."""
        newer = Path("told_at").does_not_exist() | (Path("told_at") < at)
        try:
            change = Path("told_at").set(at)
            self.table.update(AuthorRow, author_pk(user_id), META, change, only_if=newer, bump=False)
        except ConditionFailed:
            return False
        return True

    def forget(self, user_id: str) -> None:
        """The name and everything personal go; what is counted stays for those who are left."""
        before = self.get(user_id)
        if before.is_known:
            row = self.table.get(NameRow, name_pk(before.username), UN)
            if row is not None and row.user_id == user_id:
                self.table.delete(NameRow, row.pk, row.sk)
        self.table.delete(AuthorRow, author_pk(user_id), META)
