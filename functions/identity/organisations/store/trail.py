"""The organisation's own audit trail. Each entry also carries the event that brings it to everybody's."""

import json

from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.auth.audit import Detail, audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.transact import Step, putting

from ..rules.organisation import AUDIT_KEPT, Entry
from .rows import EntryRow, Stored, entry_of, organisation_pk


class Trail(Stored):
    def noting(
        self,
        organisation_id: str,
        action: str,
        target: str,
        *,
        by: Principal,
        call: Call | None = None,
        **detail: Detail,
    ) -> Step:
        """The step that keeps the entry of a change, for the transaction of the change. 2 write units."""
        made = audit(f"organisations.{action}", target, by=by, call=call)
        # It is about this organisation, whomever the token acts for.
        entry = made.model_copy(update={"organisation": organisation_id, "detail": detail})
        row = EntryRow(
            pk=organisation_pk(organisation_id),
            sk=entry_sk(entry.id),
            at=entry.occurred_at,
            action=action,
            target=target,
            actor=entry.actor.id,
            actor_kind=entry.actor.kind,
            on_behalf_of=entry.on_behalf_of,
            detail=json.dumps(detail) if detail else None,
        )
        row.ttl = int((clock.now() + AUDIT_KEPT).timestamp())
        return putting(self.table, row, event=entry)

    def page(self, organisation_id: str, limit: int, after: str | None) -> tuple[list[Entry], str | None]:
        """Entries, the newest first, and the id after which the next page starts. 1 request."""
        pk = organisation_pk(organisation_id)
        start = {"pk": pk, "sk": entry_sk(after)} if after else None
        begins = Path("sk").startswith("E#")
        page = self.table.query(EntryRow, pk, sort=begins, limit=limit, after=start, newest_first=True, consistent=True)
        return [entry_of(row) for row in page.rows], page.next["sk"].partition("#")[2] if page.next else None


def entry_sk(entry_id: str) -> str:
    return f"E#{entry_id}"
