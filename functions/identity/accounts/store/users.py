"""Users, what they claim, and their credentials."""

from collections.abc import Iterable, Sequence
from typing import Self, cast

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock, ids
from tessera.auth.feed import Feed
from tessera.expressions import all_of, is_free, is_new
from tessera.outbox import Event
from tessera.problems import Busy, NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Key, Page, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import AccountSettings
from ..events import SessionRevoked
from ..passwords import Kept
from ..rules import HANDLE_KEPT, MAX_FAILURES, HandleTaken, ResetTokenInvalid
from .activity import riding, telling
from .rows import (
    CLAIM,
    MAIN,
    RESET,
    ClaimRow,
    FamilyRow,
    ResetRow,
    UserRow,
    claim_pk,
    expires_in,
    family_sk,
    former_handle,
    handle_pk,
    user_pk,
)

# A sign-in of the same user may be in the middle of its transaction just now.
CONFLICT_TRIES = 4


class Changed(Exception):
    """The user was changed since it was read: read it again."""


class UserStore:
    def __init__(self, table: Table, feed: Feed) -> None:
        self.table, self.feed = table, feed

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table), bindings.get(Feed))

    def get(self, user_id: str) -> UserRow:
        """1 consistent read. Raises `NotFound`."""
        row = self.table.get(UserRow, user_pk(user_id), MAIN)
        if row is None:
            raise NotFound("There is no such user.")
        return row

    def many(self, user_ids: Sequence[str]) -> list[UserRow]:
        """1 request for 100 of them."""
        return self.table.get_many(UserRow, [(user_pk(user_id), MAIN) for user_id in user_ids])

    def claim_of(self, email_key: str) -> ClaimRow | None:
        return self.table.get(ClaimRow, claim_pk(email_key), CLAIM)

    def owner_of(self, handle: str) -> str:
        """1 read. Raises `NotFound`."""
        claim = self.table.get(ClaimRow, handle_pk(handle), CLAIM)
        if claim is None:
            raise NotFound("Nobody has this handle.")
        return claim.uid

    def of_month(self, month: str, *, limit: int, after: Key | None) -> Page[UserRow]:
        """Who came in this month, the newest first. 1 query."""
        return self.table.query(UserRow, f"UC#{month}", index="gs1", limit=limit, after=after, newest_first=True)

    def with_prefix(self, prefix: str, *, limit: int, after: Key | None) -> Page[UserRow]:
        """Whose address begins so, by address. 1 query. The prefix has two characters at least."""
        begins = Path("gs2_sk").startswith(prefix)
        return self.table.query(UserRow, f"EP#{prefix[:2]}", index="gs2", sort=begins, limit=limit, after=after)

    def attempted(self, user_id: str | None) -> UserRow | None:
        """The user, one attempt counted against them before anything is compared. 1 write.

        For nobody the same write is refused at a key that never exists, so that both cost the same.
        """
        for _ in range(CONFLICT_TRIES):
            try:
                return self.table.update(UserRow, user_pk(user_id or ids.new()), MAIN, UserRow.fails.add(1), bump=False)
            except ConditionFailed:
                return None
            except Busy:
                continue
        raise Busy()

    def forgive(self, user_id: str) -> None:
        """Take the attempt back: it was a good one, only nobody could sign for it. 1 write."""
        self.table.update(UserRow, user_pk(user_id), MAIN, UserRow.fails.add(-1), bump=False)

    def proved(self, user: UserRow, rehashed: Kept | None) -> None:
        """The password was right, whatever comes of it: the count begins anew. 1 write.

        Raises `Busy` when the password was changed meanwhile.
        """
        changes: list[Change] = [UserRow.fails.set(0)] if 0 < int(user.fails) <= MAX_FAILURES else []
        if rehashed is not None:
            changes += [UserRow.pw.set(rehashed.phc), UserRow.pw_pv.set(rehashed.pepper)]
        if not changes:
            return
        try:
            same = UserRow.pw == user.pw if user.pw else UserRow.pw.does_not_exist()
            self.table.update(UserRow, user_pk(user.user_id), MAIN, *changes, only_if=same, bump=False)
        except ConditionFailed:
            raise Busy() from None

    def tell(self, *events: Event) -> None:
        """Something that happened without a change. 1 write."""
        transact(*(telling(self.table, event) for event in events))

    def creating(self, row: UserRow, event: Event, *, taken: Exception, attempt: str | None = None) -> list[Step]:
        """A new user and the claim on their address, which is what makes the address unique."""
        claim = ClaimRow(pk=claim_pk(row.email_norm), sk=CLAIM, uid=row.user_id, email=row.email, attempt=attempt)
        return [
            putting(self.table, claim, only_if=is_new(), refused=taken),
            putting(self.table, row, only_if=is_new(), event=event),
        ]

    def upgrading(self, guest: UserRow, row: UserRow, event: Event, *, taken: Exception) -> list[Step]:
        """A guest becomes the user of this row: what they were signed in with ends, and their id stays."""
        same = (UserRow.ep == guest.ep) & UserRow.roles.contains("guest") & self._same_families(guest)
        claim = ClaimRow(pk=claim_pk(row.email_norm), sk=CLAIM, uid=row.user_id, email=row.email)
        return [
            putting(self.table, claim, only_if=is_new(), refused=taken),
            putting(self.table, row, only_if=same, event=event, refused=Busy()),
            self.feed.revoke("u", row.user_id, min_ep=int(row.ep)),
            *self._ending(guest.user_id, sorted(guest.open_families), reason="signed up"),
        ]

    def _same_families(self, before: UserRow) -> Condition:
        """Nobody has signed in or out since the user was read."""
        if not before.open_families:
            return cast(Condition, UserRow.families.does_not_exist())
        return cast(Condition, UserRow.families == set(before.open_families))

    def _ending(self, user_id: str, family_ids: Sequence[str], *, reason: str) -> list[Step]:
        gone = [deleting(self.table, FamilyRow, user_pk(user_id), family_sk(ended)) for ended in family_ids]
        told = [SessionRevoked(user_id=user_id, session_id=ended, reason=reason) for ended in family_ids]
        return [*gone, *(telling(self.table, one) for one in told)]

    def save_profile(self, before: UserRow, changes: Iterable[Change], *, handle: str | None, event: Event) -> UserRow:
        """Write a profile read at `before.version`: 1 write, a transaction when the handle changes.

        Raises `StaleVersion`, `HandleTaken`.
        """
        pk, version = user_pk(before.user_id), int(before.version)
        every = [*changes, UserRow.updated.set(clock.millis())]
        if handle == before.handle:
            return self.table.update(UserRow, pk, MAIN, *every, expect=version, event=event)
        steps = [updating(self.table, UserRow, pk, MAIN, *every, expect=version, event=event)]
        steps += self._claiming(before, handle)
        transact(*steps)
        return self.get(before.user_id)

    def keep_reset(self, row: ResetRow, mail: Event | None) -> None:
        """A reset and its mail in one item. 1 write. Nobody's reset is written too, and expires unseen."""
        self.table.put(row, event=mail)

    def reset_of(self, user_id: str) -> ResetRow | None:
        return self.table.get(ResetRow, user_pk(user_id), RESET)

    def consuming_reset(self, row: ResetRow) -> Step:
        unused = (ResetRow.mac == row.mac) & (ResetRow.exp > clock.millis())
        return deleting(self.table, ResetRow, row.pk, row.sk, only_if=unused, refused=ResetTokenInvalid())

    def end_sessions(
        self,
        before: UserRow,
        *changes: Change,
        event: Event,
        also: Sequence[Event] = (),
        steps: Sequence[Step] = (),
        keep: str | None = None,
        reason: str,
        bump: bool = False,
        only_if: Condition | None = None,
    ) -> int:
        """Change the user and end every session but `keep`, in 1 transaction; returns the new epoch.

        Every access token given out before is refused within 15 seconds, that of the kept session too, which
        its refresh token renews. Raises `Changed` when somebody signed in or out meanwhile.
        """
        epoch = int(before.ep) + 1
        ended = sorted(before.open_families - {keep})
        kept = before.open_families & {keep}
        families = UserRow.families.set(set(kept)) if kept else UserRow.families.remove()
        carried, noted = riding(self.table, event)
        transact(
            updating(
                self.table,
                UserRow,
                user_pk(before.user_id),
                MAIN,
                *changes,
                UserRow.ep.set(epoch),
                # For whoever keeps sessions of its own: news of this may reach it late, or never.
                UserRow.ended_at.set(clock.millis()),
                UserRow.spared.set(keep) if keep else UserRow.spared.remove(),
                *([families] if ended else []),
                only_if=all_of((UserRow.ep == before.ep) & self._same_families(before), only_if),
                event=carried,
                refused=Changed(),
                bump=bump,
            ),
            self.feed.revoke("u", before.user_id, min_ep=epoch),
            *self._ending(before.user_id, ended, reason=reason),
            *noted,
            *(telling(self.table, more) for more in also),
            *steps,
        )
        return epoch

    def restamp(
        self, before: UserRow, *changes: Change, event: Event, also: Sequence[Event], steps: Sequence[Step] = ()
    ) -> None:
        """Change the user and make their access tokens stale; sessions go on. 1 transaction.

        Raises `Busy` when the user was changed meanwhile.
        """
        epoch = int(before.ep) + 1
        carried, noted = riding(self.table, event)
        transact(
            updating(
                self.table,
                UserRow,
                user_pk(before.user_id),
                MAIN,
                *changes,
                UserRow.ep.set(epoch),
                expect=int(before.version),
                only_if=UserRow.ep == before.ep,
                event=carried,
                refused=Busy,
            ),
            self.feed.revoke("u", before.user_id, min_ep=epoch),
            *noted,
            *(telling(self.table, more) for more in also),
            *steps,
        )

    def _claiming(self, before: UserRow, handle: str | None) -> list[Step]:
        """The new handle is taken; the old one stays its owner's for a month, so that links to it lead somewhere."""
        steps = []
        if handle is not None:
            claim = ClaimRow(pk=handle_pk(handle), sk=CLAIM, uid=before.user_id)
            free = is_free() | (ClaimRow.uid == before.user_id)
            steps.append(putting(self.table, claim, only_if=free, refused=HandleTaken))
        if before.handle is not None and (handle is None or handle_pk(handle) != handle_pk(before.handle)):
            old = ClaimRow(pk=handle_pk(before.handle), sk=CLAIM, uid=before.user_id, ttl=expires_in(HANDLE_KEPT))
            steps += [putting(self.table, old), putting(self.table, former_handle(before.user_id, before.handle))]
        return steps


def with_password(kept: Kept) -> list[Change]:
    return [
        UserRow.pw.set(kept.phc),
        UserRow.pw_pv.set(kept.pepper),
        UserRow.pw_at.set(clock.millis()),
        UserRow.fails.set(0),
    ]
