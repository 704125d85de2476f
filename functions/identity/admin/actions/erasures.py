"""Who has been forgotten by whom, and what `admin` itself forgets."""

from collections.abc import Sequence
from itertools import islice

from tessera.auth.roles import grants
from tessera.jobs import JobRow, jobs_of
from tessera.tables import Key
from tessera.transact import MAX_ACTIONS, deleting, transact

from ..ports import Ports
from ..store import Erasure
from . import exports

OURSELVES = "accounts"


def page(ports: Ports, *, open_ones: bool, limit: int, after: Key | None) -> tuple[list[Erasure], Key | None]:
    return ports.erasures.page(open_ones=open_ones, limit=limit, after=after)


def report(ports: Ports, user_id: str, capability: str, at: str) -> None:
    """A capability has erased somebody. What others have yet to do begins to count with the first report."""
    ports.erasures.report(user_id, capability, at, expected=capabilities())


def capabilities() -> frozenset[str]:
    """Every capability that may hold something of somebody: those that `accounts` asks, and itself."""
    return frozenset({OURSELVES} | {grant["callee"] for grant in grants() if grant["caller"] == OURSELVES})


def erase(ports: Ports, owner_id: str, addresses: Sequence[str]) -> tuple[bool, int]:
    """Delete some of what an owner has here: whether that was all, and how many. At most 100 at a time.

    Entries of the audit log stay: they name people only by an id that nothing leads back from.
    """
    found = ports.jobs.table.query_all(JobRow, jobs_of(owner_id), consistent=True)
    rows = list(islice(found, MAX_ACTIONS + 1))
    for row in rows[:MAX_ACTIONS]:
        if row.kind == exports.EXPORT:
            for file_format in ("csv", "ndjson"):
                ports.objects.delete(exports.object_key(row.sk, file_format))
    steps = [deleting(ports.jobs.table, JobRow, row.pk, row.sk) for row in rows[:MAX_ACTIONS]]
    if steps:
        transact(*steps)
    invited = sum(ports.invitations.forget(address) for address in addresses)
    return len(rows) <= MAX_ACTIONS and not invited, len(steps) + invited
