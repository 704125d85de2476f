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

from tessera.due import DueRow
from tessera.tables import Row

META, MARK, MAIN = "META", "W", "MAIN"
# A connection lives two hours at most; what is left of one is gone soon after.
KEPT_SECONDS = 130 * 60


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


class SubscriptionRow(Row):
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
    gs1_pk = UnicodeAttribute()
    gs1_sk = UnicodeAttribute()

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
