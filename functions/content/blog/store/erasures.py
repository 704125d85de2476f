"""Who is erased, or was a short while ago: nothing is begun for them any more, by a request or a message on its way."""

from tessera import clock
from tessera.expressions import is_free
from tessera.tables import Row, Table
from tessera.transact import Refusal, Step, checking

# Longer than a message lives or a token is good.
KEPT_SECONDS = 30 * 86_400


def erased_pk(owner_id: str) -> str:
    return f"ERASED#{owner_id}"


def begin(table: Table, owner_id: str) -> None:
    """From now on they are gone. 1 write; again changes nothing."""
    ttl = int(clock.now().timestamp()) + KEPT_SECONDS
    table.put(Row(pk=erased_pk(owner_id), sk="MAIN", ttl=ttl))


def holding_there(table: Table, owner_id: str, refused: Refusal) -> Step:
    """A step that refuses what would be begun for somebody who is gone."""
    return checking(table, Row, erased_pk(owner_id), "MAIN", only_if=is_free(), refused=refused)
