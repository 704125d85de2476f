"""Sockets: opened, made ready by their first command, and gone."""

import hashlib
from dataclasses import dataclass

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.expressions import is_new
from tessera.tables import ConditionFailed, Row, Table

from .rows import KEPT_SECONDS, MAIN, META, ConnectionRow, connection_key, ending_keys, user_key

# How many partitions the pings of one minute are spread over.
PING_PARTITIONS = 8
BAD_WITHIN_MS = 60_000


@dataclass(frozen=True)
class Identity:
    """Whose connection it is. An empty `user` is nobody in particular."""

    user: str
    session: str
    principal: str
    expires_at: int | None


class Connections:
    def __init__(self, table: Table) -> None:
        self.table = table

    def open(self, connection: str, address: str, identity: Identity | None) -> None:
        """A socket that has said nothing yet. 1 write unit."""
        now = clock.millis()
        row = ConnectionRow(
            pk=connection_key(connection),
            sk=META,
            state="open",
            born=now,
            pong_at=now,
            address=address,
            ttl=now // 1_000 + KEPT_SECONDS,
        )
        if identity is not None:
            row.user, row.session, row.principal = identity.user, identity.session, identity.principal
            row.expires_at = identity.expires_at
        self.table.put(row)

    def redeem(self, ticket_id: str, expires_at: int) -> None:
        """Let a ticket be good only once. 1 write unit. Raises `ConditionFailed` the second time."""
        self.table.put(Row(pk=f"TKT#{ticket_id}", sk=MAIN, ttl=expires_at + 1), only_if=is_new())

    def get(self, connection: str) -> ConnectionRow | None:
        return self.table.get(ConnectionRow, connection_key(connection), META)

    def make_ready(self, row: ConnectionRow, client: str, identity: Identity, ping_minutes: int) -> ConnectionRow:
        """The first `connect` of the socket. 1 write unit and those of the indexes. Raises `ConditionFailed`."""
        connection = row.connection
        changes: list[Change] = [
            Path("state").set("ready"),
            Path("client").set(client),
            Path("principal").set(identity.principal),
            Path("session").set(identity.session),
            Path("gs2_pk").set(ping_slot(client, int(row.born), ping_minutes)),
            Path("gs2_sk").set(client),
        ]
        if identity.user:
            changes += [
                Path("user").set(identity.user),
                Path("gs1_pk").set(user_key(identity.user)),
                Path("gs1_sk").set(connection),
            ]
        changes += _ending(connection, identity.expires_at)
        return self.table.update(ConnectionRow, row.pk, META, *changes, only_if=Path("state") == "open", bump=False)

    def extend(self, connection: str, identity: Identity) -> None:
        """A new token for the same user. Raises `ConditionFailed` when it has ended."""
        changes: list[Change] = [Path("principal").set(identity.principal), Path("session").set(identity.session)]
        changes += _ending(connection, identity.expires_at)
        only_if = (Path("state") == "ready") & (Path("user") == identity.user)
        self.table.update(ConnectionRow, connection_key(connection), META, *changes, only_if=only_if, bump=False)

    def heard(self, connection: str) -> None:
        """It has answered a ping. 1 write unit; nothing when it is gone."""
        try:
            self.table.update(
                ConnectionRow, connection_key(connection), META, Path("pong_at").set(clock.millis()), bump=False
            )
        except ConditionFailed:
            return

    def count_bad(self, row: ConnectionRow) -> int:
        """How many frames of the last minute made no sense, with this one."""
        now = clock.millis()
        is_recent = now - int(row.bad_at) < BAD_WITHIN_MS
        bad = int(row.bad) + 1 if is_recent else 1
        changes = [Path("bad").set(bad)] + ([] if is_recent else [Path("bad_at").set(now)])
        try:
            self.table.update(ConnectionRow, row.pk, META, *changes, bump=False)
        except ConditionFailed:
            return bad
        row.bad, row.bad_at = bad, row.bad_at if is_recent else now
        return bad

    def take_place(self, connection: str, at_most: int) -> None:
        """Room for one more subscription. 1 write unit. Raises `ConditionFailed` when there is none."""
        only_if = (Path("state") == "ready") & (Path("n_subs") < at_most)
        self.table.update(
            ConnectionRow, connection_key(connection), META, Path("n_subs").add(1), only_if=only_if, bump=False
        )

    def free_place(self, connection: str) -> None:
        try:
            self.table.update(
                ConnectionRow,
                connection_key(connection),
                META,
                Path("n_subs").add(-1),
                only_if=Path("n_subs") > 0,
                bump=False,
            )
        except ConditionFailed:
            return

    def close(self, connection: str) -> bool:
        """Let nothing more be done with it, while its last push is on its way. False when another has."""
        try:
            self.table.update(
                ConnectionRow,
                connection_key(connection),
                META,
                Path("state").set("closing"),
                Path("due_pk").remove(),
                Path("due_sk").remove(),
                Path("gs2_pk").remove(),
                Path("gs2_sk").remove(),
                only_if=Path("state") != "closing",
                bump=False,
            )
        except ConditionFailed:
            return False
        return True

    def delete(self, connection: str) -> ConnectionRow | None:
        """Forget it, and what it was. 1 write unit."""
        return self.table.delete(ConnectionRow, connection_key(connection), META)

    def of_user(self, user: str, *, at_most: int) -> list[ConnectionRow]:
        """The connections of a user, as far as the index knows. 1 request."""
        return self.table.query(ConnectionRow, user_key(user), index="gs1", limit=at_most).rows

    def of_client(self, client: str, ping_minutes: int) -> ConnectionRow | None:
        """The connection that clients know by this name, as far as the index knows. 1 to 4 requests."""
        for minute in range(ping_minutes):
            slot = f"PING#{minute}#{_partition(client)}"
            rows = self.table.query(ConnectionRow, slot, index="gs2", sort=Path("gs2_sk") == client, limit=1).rows
            if rows:
                return rows[0]
        return None

    def in_slot(self, minute: int, partition: int) -> list[str]:
        """The connections whose turn to be pinged it is. 1 request per page."""
        rows = self.table.query_all(ConnectionRow, f"PING#{minute}#{partition}", index="gs2", limit=1_000)
        return [row.connection for row in rows]


def ping_slot(client: str, born: int, minutes: int) -> str:
    """The minute of each round, and the partition of it, in which a client is pinged."""
    # The minute before the one it was made in comes round last, so that no new connection is pinged at once.
    return f"PING#{(born // 60_000 - 1) % minutes}#{_partition(client)}"


def _partition(client: str) -> int:
    return hashlib.sha256(client.encode()).digest()[0] % PING_PARTITIONS


def _ending(connection: str, expires_at: int | None) -> list[Change]:
    if expires_at is None:
        return [Path("expires_at").remove(), Path("due_pk").remove(), Path("due_sk").remove()]
    due_pk, due_sk = ending_keys(expires_at, connection)
    return [Path("expires_at").set(expires_at), Path("due_pk").set(due_pk), Path("due_sk").set(due_sk)]
