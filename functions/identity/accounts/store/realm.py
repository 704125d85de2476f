"""Accounts of a realm: made by the weak sign-up of another service's contract, and good for nothing but that service.

Their addresses are claimed under the realm's own name, because nobody has shown that they are theirs: whoever owns one
can still sign up with it here.
"""

from typing import Self

from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.auth.feed import Feed
from tessera.emails import Address
from tessera.expressions import is_free, is_new
from tessera.outbox import Event
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import AccountSettings
from ..passwords import Kept
from ..rules import HANDLE_KEPT, RealmEmailTaken, RealmNameTaken
from .addresses import addressed
from .rows import CLAIM, MAIN, ClaimRow, UserRow, claim_pk, expires_in, former_handle, handle_pk, user_pk
from .users import with_password

REALM = "conduit"


def realm_key(email_key: str) -> str:
    """No address is spelled so: a colon stands in none without quotes."""
    return f"{REALM}:{email_key}"


class RealmStore:
    def __init__(self, table: Table, feed: Feed) -> None:
        self.table, self.feed = table, feed

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table), bindings.get(Feed))

    def create(self, row: UserRow, event: Event) -> None:
        """A new account with its name and address. 1 request. Raises `RealmNameTaken`, `RealmEmailTaken`."""
        transact(
            self._naming(row.user_id, row.handle),
            self._addressing(row.user_id, Address(row.email, row.email_norm)),
            putting(self.table, row, only_if=is_new(), event=event),
        )

    def change(
        self, before: UserRow, *, handle: str | None, address: Address | None, kept: Kept | None, event: Event
    ) -> UserRow:
        """Change what is given; a new password makes every token stale. 1 request and 1 read.

        Raises `RealmNameTaken`, `RealmEmailTaken`, and `Busy` when somebody else changed the account meanwhile.
        """
        user_id, mine = before.user_id, ClaimRow.uid == before.user_id
        changes: list[Change] = []
        steps: list[Step] = []
        if handle is not None and handle != before.handle:
            changes.append(UserRow.handle.set(handle))
            steps.append(self._naming(user_id, handle))
            if handle_pk(handle) != handle_pk(before.handle):
                old = ClaimRow(pk=handle_pk(before.handle), sk=CLAIM, uid=user_id, ttl=expires_in(HANDLE_KEPT))
                steps.append(putting(self.table, old, only_if=mine, refused=Busy()))
                steps.append(putting(self.table, former_handle(user_id, before.handle)))
        if address is not None and address.key != before.email_norm:
            changes += addressed(address)
            steps.append(self._addressing(user_id, address))
            old_pk = claim_pk(before.email_norm)
            steps.append(deleting(self.table, ClaimRow, old_pk, CLAIM, only_if=mine, refused=Busy()))
        else:
            changes.append(UserRow.updated.set(clock.millis()))
        if kept is not None:
            changes += [*with_password(kept), UserRow.ep.set(int(before.ep) + 1)]
        same = (UserRow.ep == before.ep) & (UserRow.status == "active")
        transact(
            *steps,
            updating(
                self.table,
                UserRow,
                user_pk(user_id),
                MAIN,
                *changes,
                expect=int(before.version),
                only_if=same,
                event=event,
                refused=Busy(),
            ),
        )
        row = self.table.get(UserRow, user_pk(user_id), MAIN)
        if row is None:
            raise Busy()
        return row

    def upgrading(self, before: UserRow, row: UserRow, event: Event, *, taken: Exception) -> list[Step]:
        """Somebody of the realm becomes the user of this row: an address is theirs, and every token of theirs stale.

        Refused with `taken` for an address that somebody else has confirmed, with `Busy` when the account has changed.
        """
        same = (UserRow.ep == before.ep) & (UserRow.version == before.version) & (UserRow.status == "active")
        claim = ClaimRow(pk=claim_pk(row.email_norm), sk=CLAIM, uid=row.user_id, email=row.email)
        mine = ClaimRow.uid == row.user_id
        return [
            putting(self.table, claim, only_if=is_new(), refused=taken),
            putting(self.table, row, only_if=same, event=event, refused=Busy()),
            self.feed.revoke("u", row.user_id, min_ep=int(row.ep)),
            deleting(self.table, ClaimRow, claim_pk(before.email_norm), CLAIM, only_if=mine, refused=Busy()),
        ]

    def _naming(self, user_id: str, handle: str) -> Step:
        claim = ClaimRow(pk=handle_pk(handle), sk=CLAIM, uid=user_id)
        free = is_free() | (ClaimRow.uid == user_id)
        return putting(self.table, claim, only_if=free, refused=RealmNameTaken())

    def _addressing(self, user_id: str, address: Address) -> Step:
        claim = ClaimRow(pk=claim_pk(address.key), sk=CLAIM, uid=user_id, email=address.spelled)
        free = is_new() | (ClaimRow.uid == user_id)
        return putting(self.table, claim, only_if=free, refused=RealmEmailTaken())
