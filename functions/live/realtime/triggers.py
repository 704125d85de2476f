"""The worker of the hub: deliveries from the fan-out queues, upkeep from its own, and the minute."""

from tessera.due import DueItem
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On, worker
from tessera.types import Model

from .actions import deliver, leave, upkeep
from .actions.deliver import Shard
from .ports import Ports
from .store.online import Online


class Poke(Model):
    topic: str
    shard: int


class Join(Poke):
    connection: str
    after: int
    born: int


class Announce(Poke):
    happened: str
    info: dict[str, str]
    connection: str


class EndSubscription(Poke):
    connection: str
    code: int


class Ephemeral(Model):
    topic: str
    data: object
    info: dict[str, str] | None = None


class OfConnection(Model):
    connection: str


class Cut(OfConnection):
    code: int


class Pinged(Model):
    connections: list[str]


class OfUser(Model):
    """`user` in messages of our own, `user_id` in events."""

    user: str


class CutUser(OfUser):
    code: int


class OfUserAndTopic(OfUser):
    topic: str


class Ended(OfUser):
    client: str
    documents: list[str]


class UserEnded(Model):
    user_id: str


class SessionEnded(UserEnded):
    session_id: str


class KeyEnded(UserEnded):
    key_id: str


class GrantEnded(UserEnded):
    topic: str


def poke(message: Poke, received: Envelope, bindings: Bindings) -> None:
    deliver.poke(bindings.get(Ports), Shard(message.topic, message.shard))


def join(message: Join, received: Envelope, bindings: Bindings) -> None:
    at = Shard(message.topic, message.shard)
    deliver.join(bindings.get(Ports), at, message.connection, message.after, message.born)


def announce(message: Announce, received: Envelope, bindings: Bindings) -> None:
    at = Shard(message.topic, message.shard)
    deliver.announce_to(bindings.get(Ports), at, message.happened, message.info, message.connection)


def end_subscription(message: EndSubscription, received: Envelope, bindings: Bindings) -> None:
    at = Shard(message.topic, message.shard)
    deliver.end_subscription(bindings.get(Ports), at, message.connection, message.code)


def tell(message: Ephemeral, received: Envelope, bindings: Bindings) -> None:
    deliver.tell(bindings.get(Ports), message.topic, message.data, message.info)


def opened(message: OfConnection, received: Envelope, bindings: Bindings) -> None:
    upkeep.drop_unless_ready(bindings.get(Ports), message.connection)


def drop(message: OfConnection, received: Envelope, bindings: Bindings) -> None:
    upkeep.drop(bindings.get(Ports), message.connection)


def ping(message: Pinged, received: Envelope, bindings: Bindings) -> None:
    upkeep.ping(bindings.get(Ports), message.connections)


def cut(message: Cut, received: Envelope, bindings: Bindings) -> None:
    leave.cut(bindings.get(Ports), message.connection, message.code)


def cut_user(message: CutUser, received: Envelope, bindings: Bindings) -> None:
    upkeep.cut_user(bindings.get(Ports), message.user, code=message.code)


def unsubscribe(message: OfUserAndTopic, received: Envelope, bindings: Bindings) -> None:
    upkeep.revoke(bindings.get(Ports), message.topic, message.user)


def online(message: OfUser, received: Envelope, bindings: Bindings) -> None:
    upkeep.look_whether_online(bindings.get(Ports), _online(bindings), message.user)


def ended(message: Ended, received: Envelope, bindings: Bindings) -> None:
    upkeep.tell_closed(_online(bindings), message.user, message.client, message.documents)


def user_ended(event: UserEnded, received: Envelope, bindings: Bindings) -> None:
    upkeep.cut_user(bindings.get(Ports), event.user_id)


def member_removed(event: UserEnded, received: Envelope, bindings: Bindings) -> None:
    # Who comes again does so with a token that knows it.
    upkeep.cut_user(bindings.get(Ports), event.user_id, code=3011)


def session_ended(event: SessionEnded, received: Envelope, bindings: Bindings) -> None:
    upkeep.cut_user(bindings.get(Ports), event.user_id, event.session_id)


def key_ended(event: KeyEnded, received: Envelope, bindings: Bindings) -> None:
    upkeep.cut_user(bindings.get(Ports), event.user_id, event.key_id)


def grant_ended(event: GrantEnded, received: Envelope, bindings: Bindings) -> None:
    upkeep.end_what_is_not_granted(bindings.get(Ports), event.topic, event.user_id)


def come_due(item: DueItem, bindings: Bindings) -> None:
    upkeep.come_due(bindings.get(Ports), item)


def each_minute(bindings: Bindings) -> None:
    upkeep.ping_all(bindings.get(Ports))


def _online(bindings: Bindings) -> Online:
    return Online(bindings.get(Ports).connections.table)


ENTRIES = Entries(
    events=[
        On("accounts.session.revoked.v1", SessionEnded, session_ended),
        On("accounts.user.locked.v1", UserEnded, user_ended),
        On("accounts.user.deleted.v1", UserEnded, user_ended),
        On("apikeys.key.revoked.v1", KeyEnded, key_ended),
        On("organisations.member.removed.v1", UserEnded, member_removed),
        On("realtime.grant.revoked.v1", GrantEnded, grant_ended),
    ],
    jobs=[
        On("poke", Poke, poke),
        On("join", Join, join),
        On("announce", Announce, announce),
        On("end", EndSubscription, end_subscription),
        On("ephemeral", Ephemeral, tell),
        On("opened", OfConnection, opened),
        On("drop", OfConnection, drop),
        On("cut", Cut, cut),
        On("cut-user", CutUser, cut_user),
        On("unsubscribe", OfUserAndTopic, unsubscribe),
        On("ping", Pinged, ping),
        On("online", OfUser, online),
        On("ended", Ended, ended),
    ],
    due=come_due,
    schedules={"minute": each_minute},
)
handler = worker("realtime", ENTRIES)
