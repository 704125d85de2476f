"""The items of the hub beside the logs.

CONN#<connection>        META           a socket
SUB#<topic>#<shard>      <connection>   somebody who listens
FAN#<topic>#<shard>      W              how far the delivery has come
ONLINE#<user>            MAIN           whether anybody of them is connected
TKT#<hash>               MAIN           a ticket: used up by a socket, or to listen with by HTTP
DUP#<key>                MAIN           a publication that may be asked for twice
WAITING                  <place>        a request that waits for something to happen
"""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.due import DueRow, due_keys
from tessera.tables import Row

META, MARK, MAIN = "META", "W", "MAIN"
# A connection lives two hours at most; what is left of one is gone soon after.
KEPT_SECONDS = 130 * 60
# How long after its token's end a connection or a subscription may still bring a new one.
GRACE_SECONDS = 25


class ConnectionRow(DueRow):
    state = UnicodeAttribute()
    born = NumberAttribute()
    address = UnicodeAttribute(null=True)
    client = UnicodeAttribute(null=True)
    user = UnicodeAttribute(null=True)
    session = UnicodeAttribute(null=True)
    # Who it is, as it was verified: what rules ask, and whom internal calls are made for.
    principal = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)
    pong_at = NumberAttribute(default=0)
    n_subs = NumberAttribute(default=0)
    bad = NumberAttribute(default=0)
    bad_at = NumberAttribute(default=0)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)

    @property
    def connection(self) -> str:
        return self.pk.removeprefix("CONN#")


class SubscriptionRow(DueRow):
    state = UnicodeAttribute()
    topic = UnicodeAttribute()
    shard = NumberAttribute()
    client = UnicodeAttribute()
    user = UnicodeAttribute(default="")
    born = NumberAttribute()
    at = NumberAttribute(default=0)
    # Whether it hears of who joins and leaves.
    hears = BooleanAttribute(default=False)
    # Made by the server with the connection, not counted among the client's own.
    own = BooleanAttribute(default=False)
    # When the token by which it listens ends; nothing where it needs none.
    expires_at = NumberAttribute(null=True)
    gs1_pk = UnicodeAttribute()
    gs1_sk = UnicodeAttribute()

    def end_at(self, expires_at: int) -> None:
        self.expires_at = expires_at
        self.due_pk, self.due_sk = ending_keys(expires_at, f"{self.connection}#{self.topic}")

    def is_over(self, now: int) -> bool:
        """Whether its token has ended, and no new one came in time."""
        return self.expires_at is not None and int(self.expires_at) + GRACE_SECONDS <= now

    @property
    def connection(self) -> str:
        return self.sk

    @property
    def info(self) -> dict[str, str]:
        return {"client": self.client, "user": self.user} if self.user else {"client": self.client}


class MarkRow(DueRow):
    """`off` is what every live listener of the shard has; `to` and `after` are where a delivery was interrupted."""

    off = NumberAttribute(default=0)
    epoch = UnicodeAttribute(null=True)
    subs_v = NumberAttribute(default=0)
    listeners = NumberAttribute(default=0)
    to = NumberAttribute(null=True)
    after = UnicodeAttribute(null=True)


class OnlineRow(Row):
    online = BooleanAttribute(default=False)
    since = NumberAttribute(default=0)


def ending_keys(expires_at: int, item_id: str) -> tuple[str, str]:
    """When a token has ended and no new one came in time."""
    return due_keys(clock.from_millis((expires_at + GRACE_SECONDS) * 1_000), item_id)


def connection_key(connection: str) -> str:
    return f"CONN#{connection}"


def subscribers_key(topic: str, shard: int) -> str:
    return f"SUB#{topic}#{shard}"


def mark_key(topic: str, shard: int) -> str:
    return f"FAN#{topic}#{shard}"


def user_key(user: str) -> str:
    return f"U#{user}"


def held_key(connection: str) -> str:
    return f"C#{connection}"


def online_key(user: str) -> str:
    return f"ONLINE#{user}"
