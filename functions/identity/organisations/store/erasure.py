"""What goes when an organisation is gone for good, and when somebody is."""

from collections.abc import Iterator
from contextlib import suppress

from pynamodb.expressions.operand import Path

from tessera.tables import ConditionFailed, Row
from tessera.transact import telling, transact

from ..events import DataErased
from ..rules.organisation import Organisation
from .domains import claim_pk, domain_sk
from .organisations import slug_pk
from .rows import CLAIM, META, OrganisationRow, SlotRow, Stored, organisation_pk, slot_sk, user_pk


class Eraser(Stored):
    def erase_organisation(self, seen: Organisation, at_most: int) -> int:
        """Delete up to this many of its items, and return how many. The organisation itself goes last."""
        erased = 0
        mine = Path("organisation_id") == seen.id
        for pk, sk in self._items(seen):
            if erased == at_most:
                return erased
            inside = pk == organisation_pk(seen.id)
            try:
                self.table.delete(Row, pk, sk, only_if=None if inside else mine)
            except ConditionFailed:
                # A domain that was never proven, or a slot that was given up: it is another's, or nobody's.
                continue
            erased += 1
        return erased

    def _items(self, seen: Organisation) -> Iterator[tuple[str, str]]:
        """Claims go before the rows that name them, so that a crash loses track of none."""
        pk = organisation_pk(seen.id)
        for row in self.table.query_all(Row, pk, sort=Path("sk").startswith(domain_sk("")), consistent=True):
            yield claim_pk(row.sk.removeprefix(domain_sk(""))), CLAIM
            yield pk, row.sk
        if seen.quota_of is not None and seen.quota_slot is not None:
            yield user_pk(seen.quota_of), slot_sk(seen.quota_slot)
        yield slug_pk(seen.slug), CLAIM
        for row in self.table.query_all(Row, pk, consistent=True):
            if row.sk != META:
                yield row.pk, row.sk
        yield pk, META

    def erase_slots(self, user_id: str) -> int:
        """How many organisations somebody had made is of no use without them."""
        begins = Path("sk").startswith("SLOT#")
        rows = list(self.table.query_all(SlotRow, user_pk(user_id), sort=begins, consistent=True))
        for row in rows:
            self._unname(row.organisation_id, user_id)
            self.table.delete(Row, row.pk, row.sk)
        return len(rows)

    def _unname(self, organisation_id: str, user_id: str) -> None:
        """The organisation counts for nobody from now on."""
        theirs = OrganisationRow.quota_of == user_id
        gone = [OrganisationRow.quota_of.remove(), OrganisationRow.quota_slot.remove()]
        with suppress(ConditionFailed):
            self.table.update(
                OrganisationRow, organisation_pk(organisation_id), META, *gone, only_if=theirs, bump=False
            )

    def tell(self, owner_id: str) -> None:
        """The proof that nothing is left, on an item of its own."""
        transact(telling(self.table, DataErased(owner_id=owner_id, capability="organisations")))
