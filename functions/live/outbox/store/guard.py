"""What came back of the mails sent last. Too much of it, and bulk waits: the provider would stop everything."""

from tessera.expressions import is_new
from tessera.tables import Row, Table
from tessera.transact import Step, putting

from ..rules import Reputation
from .rows import GUARD_KEY, PACE_KEY, GuardRow, PaceRow
from .suppressions import Contended


class _Both(PaceRow, GuardRow):
    """Either of the two, which are read together."""


class Guard:
    def __init__(self, table: Table) -> None:
        self.table = table

    def reputation(self) -> tuple[Reputation, int]:
        """How it stands, and until when nothing is sent at all (seconds since 1970, 0 mostly). 1 request."""
        rows = {row.pk: row for row in self.table.get_many(_Both, [PACE_KEY, GUARD_KEY], consistent=True)}
        pace, guard = rows.get(PACE_KEY[0]), rows.get(GUARD_KEY[0])
        found = Reputation(
            total=int(pace.total) if pace else 0,
            bounced=tuple(map(int, guard.bounced)) if guard else (),
            complained=tuple(map(int, guard.complained)) if guard else (),
            version=int(guard.version) if guard else None,
        )
        return found, int(pace.paused_until) if pace else 0

    def changing(self, before: Reputation, after: Reputation) -> Step:
        """The step that notes it unless somebody changed it since; then the transaction raises `Contended`."""
        unchanged = is_new() if before.version is None else (Row.version == before.version)
        row = GuardRow(
            pk=GUARD_KEY[0],
            sk=GUARD_KEY[1],
            version=(before.version or 0) + 1,
            bounced=list(after.bounced),
            complained=list(after.complained),
        )
        return putting(self.table, row, only_if=unchanged, refused=Contended())

    def forget(self) -> None:
        """Begin to count anew: a person has seen to it. 1 write unit."""
        changes = [GuardRow.bounced.set([]), GuardRow.complained.set([])]
        self.table.update(GuardRow, *GUARD_KEY, *changes, upsert=True)
