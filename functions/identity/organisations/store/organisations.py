"""Organisations, their slugs, and how many somebody may have made."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.due import due_keys
from tessera.etags import StaleVersion
from tessera.expressions import all_of, is_free, is_new
from tessera.idempotency import Created, Intent, create
from tessera.outbox import Event
from tessera.problems import NotFound, Problem
from tessera.tables import ConditionFailed, Row
from tessera.transact import Step, deleting, putting, updating

from ..rules.organisation import (
    MAX_ORGANISATIONS,
    SLUG_KEPT,
    Member,
    Organisation,
    OrganisationDeleting,
    OrganisationQuota,
    SlugTaken,
    Status,
)
from ..rules.slugs import skeleton
from .rows import (
    CLAIM,
    META,
    ClaimRow,
    EitherRow,
    OrganisationRow,
    SlotRow,
    Stored,
    member_of,
    member_sk,
    organisation_of,
    organisation_pk,
    slot_sk,
    user_pk,
)


class Moved(Exception):
    """What was decided on has changed since it was read, such as somebody's role: read it again and decide anew."""


class OrganisationStore(Stored):
    def find(self, organisation_id: str) -> Organisation | None:
        """1 read unit."""
        row = self.table.get(OrganisationRow, organisation_pk(organisation_id), META)
        return organisation_of(row) if row else None

    def standing(self, organisation_id: str, user_id: str) -> tuple[Organisation | None, Member | None]:
        """The organisation and somebody's membership in it, as they are now. 1 request, 2 read units."""
        pk = organisation_pk(organisation_id)
        rows = self.table.get_many(EitherRow, [(pk, META), (pk, member_sk(user_id))], consistent=True)
        found = {row.sk: row for row in rows}
        meta, member = found.get(META), found.get(member_sk(user_id))
        return organisation_of(meta) if meta else None, member_of(member) if member else None

    def many(self, organisation_ids: Sequence[str]) -> list[Organisation]:
        """Those that exist, in this order. 1 request, half a read unit each."""
        rows = self.table.get_many(OrganisationRow, [(organisation_pk(one), META) for one in organisation_ids])
        return [organisation_of(row) for row in rows]

    def create(self, new: Organisation, intent: Intent, *more: Step, event: Event) -> Created[OrganisationRow]:
        """1 transaction. Raises `IdempotencyMismatch` and `Gone`."""
        row = OrganisationRow(
            pk=organisation_pk(new.id),
            sk=META,
            name=new.name,
            slug=new.slug,
            seats=new.seats,
            quota_of=new.quota_of,
            quota_slot=new.quota_slot,
            created_at=clock.rfc3339(new.created_at),
        )
        return create(self.table, row, intent, *more, event=event)

    def changing(
        self,
        seen: Organisation,
        *changes: Change,
        also: Condition | None = None,
        refused: Problem | None = None,
        event: Event | None = None,
        expect: int | None = None,
        from_status: Status = Status.ACTIVE,
        bump: bool = False,
    ) -> Step:
        """The step of whoever decided on the organisation as it was `seen`: nobody's role has changed since.

        Raises `Moved` when somebody's has, `OrganisationDeleting` or `NotFound` when it is not there any
        more, `StaleVersion` when it is not in the version its caller read, else `refused`.
        """
        holds = all_of(Path("epoch") == seen.epoch, Path("status") == from_status.value, also)
        return updating(
            self.table,
            OrganisationRow,
            organisation_pk(seen.id),
            META,
            *changes,
            only_if=all_of(holds, None if expect is None else Path("version") == expect),
            event=event,
            refused=_refusal(refused, from_status, epoch=seen.epoch, expect=expect),
            bump=bump,
        )

    def counting(
        self,
        organisation_id: str,
        *changes: Change,
        also: Condition | None = None,
        refused: Problem | None = None,
        in_any_status: bool = False,
    ) -> Step:
        """The step of who comes in from outside, or of what happens by itself: no role of theirs decides."""
        return updating(
            self.table,
            OrganisationRow,
            organisation_pk(organisation_id),
            META,
            *changes,
            only_if=all_of(None if in_any_status else Path("status") == Status.ACTIVE.value, also),
            refused=_refusal(refused, None),
            bump=False,
        )

    def seating(self, seen: Organisation, seats: int, event: Event) -> Step:
        """Who is in stays in, also above the new number. Raises `NotFound`, and `Moved` when it has another by now."""

        def judge(old: OrganisationRow | None) -> Exception:
            is_there = old is not None and old.status != Status.ERASING.value
            return Moved() if is_there else NotFound("There is no such organisation.")

        return updating(
            self.table,
            OrganisationRow,
            organisation_pk(seen.id),
            META,
            OrganisationRow.seats.set(seats),
            only_if=(OrganisationRow.seats == seen.seats) & (OrganisationRow.status != Status.ERASING.value),
            event=event,
            refused=judge,
            bump=False,
        )

    def begin_erasing(self, organisation_id: str, seen_due: str, again_at: datetime) -> bool:
        """Past its grace: nobody restores it from here on. False when it is not due any more. 1 write."""
        due_pk, due_sk = due_keys(again_at, organisation_id)
        past = (Path("status") == Status.DELETING.value) | (Path("status") == Status.ERASING.value)
        try:
            self.table.update(
                OrganisationRow,
                organisation_pk(organisation_id),
                META,
                OrganisationRow.status.set(Status.ERASING.value),
                OrganisationRow.due_pk.set(due_pk),
                OrganisationRow.due_sk.set(due_sk),
                only_if=(Path("due_sk") == seen_due) & past,
            )
        except ConditionFailed:
            return False
        return True

    def claiming_slug(self, organisation_id: str, slug: str) -> Step:
        row = ClaimRow(pk=slug_pk(slug), sk=CLAIM, organisation_id=organisation_id)
        mine = Path("organisation_id") == organisation_id
        return putting(self.table, row, only_if=is_free() | mine, refused=SlugTaken)

    def leaving_slug(self, organisation_id: str, slug: str) -> Step:
        """Nobody else gets it for a while, so that what links to it does not lead to strangers."""
        row = ClaimRow(pk=slug_pk(slug), sk=CLAIM, organisation_id=organisation_id)
        row.ttl = int((clock.now() + SLUG_KEPT).timestamp())
        return putting(self.table, row)

    def slots(self, user_id: str) -> dict[int, str]:
        """The organisations that somebody has made, by slot. 1 request."""
        begins = Path("sk").startswith("SLOT#")
        page = self.table.query(SlotRow, user_pk(user_id), sort=begins, consistent=True)
        return {int(row.sk.partition("#")[2]): row.organisation_id for row in page.rows}

    def taking_slot(self, user_id: str, slot: int | None, organisation_id: str) -> Step:
        """`None` stands for a slot that is not free: the step fails, and with it the transaction."""
        row = SlotRow(pk=user_pk(user_id), sk=slot_sk(slot or 0), organisation_id=organisation_id)
        refused: Callable[[Row | None], Exception] | type[Problem]
        refused = OrganisationQuota if slot is None else lambda old: Moved()
        return putting(self.table, row, only_if=is_new(), refused=refused)

    def freeing_slot(self, seen: Organisation) -> list[Step]:
        if seen.quota_of is None or seen.quota_slot is None:
            return []
        return [deleting(self.table, SlotRow, user_pk(seen.quota_of), slot_sk(seen.quota_slot))]


def as_read(version: int, expect: int | None) -> Condition:
    """An item is as it was seen, and so is what its caller has read, where they say so."""
    seen = Path("version") == version
    return seen if expect is None else seen & (Path("version") == expect)


def judging(expect: int | None, gone: Problem | None = None) -> Callable[[Row | None], Exception]:
    """Why an item is not as it was read: what the caller is told, or `Moved`."""

    def judge(old: Row | None) -> Exception:
        if old is None:
            return gone or Moved()
        if expect is not None and int(old.version) != expect:
            return StaleVersion(f"You read version {expect}; it is at {old.version} now. Read it again.")
        return Moved()

    return judge


def free_slot(taken: dict[int, str]) -> int | None:
    return next((slot for slot in range(MAX_ORGANISATIONS) if slot not in taken), None)


def slug_pk(slug: str) -> str:
    return f"SLUG#{skeleton(slug)}"


def _refusal(
    refused: Problem | None, wanted: Status | None, *, epoch: int | None = None, expect: int | None = None
) -> Callable[[OrganisationRow | None], Exception]:
    """Why a condition on the organisation failed. Who is outside (`wanted` is None) is not told that it is ending."""

    def judge(old: OrganisationRow | None) -> Exception:
        if old is None or old.status == Status.ERASING.value:
            return NotFound("There is no such organisation.")
        if wanted is None and old.status != Status.ACTIVE.value:
            return NotFound("There is no such organisation.")
        if wanted is not None and old.status != wanted.value:
            return OrganisationDeleting() if wanted is Status.ACTIVE else Moved()
        if epoch is not None and int(old.epoch) != epoch:
            return Moved()
        if expect is not None and int(old.version) != expect:
            return StaleVersion(f"You read version {expect}; it is at {old.version} now. Read it again.")
        return refused or Moved()

    return judge
