"""Sign-ins: token families."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.auth.feed import Feed
from tessera.expressions import has_fewer_than, is_new
from tessera.outbox import Event
from tessera.problems import Busy, NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, checking, deleting, putting, transact, updating

from ..config import AccountSettings
from ..events import SessionRevoked
from ..passwords import Kept
from ..rules import MAX_FAILURES, MAX_SESSIONS, MfaTokenInvalid
from .activity import telling
from .rows import MAIN, FamilyRow, UserRow, family_sk, user_pk

# Rivals at the limit come in one after the other.
OPEN_TRIES = 8
# It opens once, so whoever finds it open ends it in the next round.
END_TRIES = 2


class _Moved(Exception):
    """The user is not as they were read."""


class SessionStore:
    def __init__(self, table: Table, feed: Feed, *, idle_ms: int) -> None:
        self.table, self.feed, self._idle_ms = table, feed, idle_ms

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AccountSettings)
        return cls(Table(settings.table), bindings.get(Feed), idle_ms=settings.refresh_idle_days * 86_400_000)

    def opening(self, row: FamilyRow, event: Event, *device: Step) -> list[Step]:
        """The items of a new sign-in."""
        return [putting(self.table, row, only_if=is_new(), event=event, refused=MfaTokenInvalid), *device]

    def open(
        self,
        user: UserRow,
        row: FamilyRow,
        event: Event,
        *,
        device: Step,
        also: Sequence[Event],
        rehashed: Kept | None,
    ) -> None:
        """Sign the user in as they were read: 1 transaction, and 1 query when they have 25 sessions already.

        Raises `Busy` when the user was changed meanwhile, other than by signing in or out, and what `device` names.
        """
        shown = (user.ep, user.pw)
        for _ in range(OPEN_TRIES):
            changes, same, ended = self._counting(user, row.family_id)
            if rehashed is not None:
                changes += [UserRow.pw.set(rehashed.phc), UserRow.pw_pv.set(rehashed.pepper)]
            # Past the limit only a new password opens the account to unknown devices again.
            if int(user.fails) <= MAX_FAILURES:
                changes.append(UserRow.fails.set(0))
            pk = user_pk(user.user_id)
            try:
                transact(
                    updating(self.table, UserRow, pk, MAIN, *changes, only_if=same, refused=_Moved(), bump=False),
                    *self.opening(row, event, device),
                    *(telling(self.table, more) for more in also),
                    *ended,
                )
            except _Moved:
                now = self.table.get(UserRow, pk, MAIN)
                if now is None or now.status != "active" or (now.ep, now.pw) != shown:
                    break
                user = now
            else:
                return
        raise Busy()

    def rotate(self, user_id: str, family_id: str, counter: int, *changes: Change) -> FamilyRow:
        """Move the counter on, if it is still at `counter` and the sign-in still open. 1 write.

        Raises `ConditionFailed` with the family as it stands.
        """
        now = clock.millis()
        is_open = (FamilyRow.status == "active") & (FamilyRow.idle_exp > now) & (FamilyRow.abs_exp > now)
        return self.table.update(
            FamilyRow,
            user_pk(user_id),
            family_sk(family_id),
            FamilyRow.ctr.add(1),
            FamilyRow.rot_at.set(now),
            FamilyRow.idle_exp.set(now + self._idle_ms),
            *changes,
            only_if=(FamilyRow.ctr == counter) & is_open,
        )

    def keep_good(self, user_id: str, family_id: str, counter: int) -> None:
        """The token of this count stays good until its successor is used: nobody was given that one. 1 write.

        Unless somebody was given it meanwhile, and has used it.
        """
        with suppress(ConditionFailed):
            self.table.update(
                FamilyRow,
                user_pk(user_id),
                family_sk(family_id),
                FamilyRow.undelivered.set(counter + 1),
                only_if=FamilyRow.ctr == counter + 1,
            )

    def prove(self, user_id: str, family_id: str, amr: frozenset[str] = frozenset(), aal: int = 1) -> FamilyRow:
        """The user has just proved again who they are; what they showed adds to what they had shown. 1 write.

        Raises `NotFound` when the session is over.
        """
        now = clock.millis()
        shown: list[Change] = [FamilyRow.amr.add(set(amr))] if amr else []
        # A password shown again takes nothing away from a second factor shown before.
        shown += [FamilyRow.aal.set(aal)] if aal > 1 else []
        try:
            return self.table.update(
                FamilyRow,
                user_pk(user_id),
                family_sk(family_id),
                FamilyRow.auth_time.set(now),
                *shown,
                only_if=FamilyRow.status == "active",
            )
        except ConditionFailed:
            raise NotFound("The session is over.") from None

    def showing(self, family_id: str, user_id: str, amr: frozenset[str], *, refused: Exception) -> Step:
        """The step by which a sign-in that sets a second factor up has shown it."""
        return updating(
            self.table,
            FamilyRow,
            user_pk(user_id),
            family_sk(family_id),
            FamilyRow.aal.set(2),
            FamilyRow.amr.add(set(amr)),
            only_if=FamilyRow.status == "active",
            refused=refused,
        )

    def change(self, user_id: str, family_id: str, *changes: Change) -> FamilyRow:
        """Change a sign-in that goes on. 1 write. Raises `NotFound` when the session is over."""
        is_open = FamilyRow.status == "active"
        try:
            return self.table.update(FamilyRow, user_pk(user_id), family_sk(family_id), *changes, only_if=is_open)
        except ConditionFailed:
            raise NotFound("The session is over.") from None

    def get(self, user_id: str, family_id: str) -> FamilyRow:
        """1 read. Raises `NotFound` when the session is over."""
        row = self.table.get(FamilyRow, user_pk(user_id), family_sk(family_id))
        if row is None or not row.is_open(clock.millis()):
            raise NotFound("The session is over.")
        return row

    def of(self, user_id: str) -> list[FamilyRow]:
        """Every open sign-in, newest first. 1 request: there are at most 25, and those that ended lately."""
        families = Path("sk").startswith("F#")
        rows = self.table.query_all(FamilyRow, user_pk(user_id), sort=families, newest_first=True, consistent=True)
        return [row for row in rows if row.is_open(clock.millis())]

    def end(
        self, user_id: str, family_id: str, *, reason: str, event: Event | None = None, also: Sequence[Event] = ()
    ) -> bool:
        """End one sign-in in 1 transaction; False when it was over already."""
        revoked = SessionRevoked(user_id=user_id, session_id=family_id, reason=reason)
        try:
            transact(
                updating(
                    self.table,
                    FamilyRow,
                    user_pk(user_id),
                    family_sk(family_id),
                    FamilyRow.status.set("revoked"),
                    only_if=FamilyRow.status == "active",
                    event=event or revoked,
                    refused=NotFound(),
                ),
                updating(self.table, UserRow, user_pk(user_id), MAIN, UserRow.families.delete({family_id}), bump=False),
                self.feed.revoke("s", family_id),
                *(telling(self.table, more) for more in (*([revoked] if event else []), *also)),
            )
        except NotFound:
            return False
        return True

    def end_to_come(self, row: FamilyRow, *, also: Sequence[Event]) -> None:
        """End a sign-in that may still wait for its second factor: its item, as ended, stands where it would open.

        1 transaction for one that is open, else 2. Nothing for one that is over, or whose user is gone.
        """
        row.status = "revoked"
        for _ in range(END_TRIES):
            if self.end(row.pk.partition("#")[2], row.family_id, reason="signed out at the provider", also=also):
                return
            try:
                transact(
                    putting(self.table, row, only_if=is_new(), refused=_opened),
                    checking(self.table, UserRow, row.pk, MAIN, refused=NotFound()),
                )
            except NotFound:
                return
            except _Moved:
                continue
            return

    def _counting(self, user: UserRow, family_id: str) -> tuple[list[Change], Condition, list[Step]]:
        """One more sign-in of a user who is as they were read: the change, what it needs, and what ends for it.

        However many begin at once, there are never more than 25: all of them have to end in one transaction.
        """
        same = (UserRow.status == "active") & (UserRow.ep == user.ep)
        same &= UserRow.pw == user.pw if user.pw else UserRow.pw.does_not_exist()
        if len(user.open_families) < MAX_SESSIONS:
            same &= has_fewer_than(MAX_SESSIONS, UserRow.families)
            return [UserRow.families.add({family_id})], same, []
        dropped, ended = self._making_room(user)
        open_now = UserRow.families.set(set(user.open_families - dropped | {family_id}))
        return [open_now], same & (UserRow.families == set(user.open_families)), ended

    def _making_room(self, user: UserRow) -> tuple[frozenset[str], list[Step]]:
        """Which sign-ins end so that one more may begin: those that ran out, else the oldest."""
        running = {row.family_id for row in self.of(user.user_id)}
        over = user.open_families - running
        surplus = max(0, len(user.open_families) - len(over) - (MAX_SESSIONS - 1))
        oldest = sorted(user.open_families & running)[:surplus]
        steps: list[Step] = []
        for family_id in oldest:
            told = SessionRevoked(user_id=user.user_id, session_id=family_id, reason="too many sessions")
            steps += [
                deleting(self.table, FamilyRow, user_pk(user.user_id), family_sk(family_id)),
                self.feed.revoke("s", family_id),
                telling(self.table, told),
            ]
        return frozenset(over | set(oldest)), steps


def acting_for(organisation_id: str | None) -> Change:
    """Whom a sign-in acts for from now on: this organisation, or nobody but its user."""
    return FamilyRow.org.set(organisation_id) if organisation_id else FamilyRow.org.remove()


def _opened(old: FamilyRow) -> Exception:
    return _Moved() if old.status == "active" else NotFound()
