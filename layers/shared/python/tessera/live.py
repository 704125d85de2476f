"""`live.publish`: what a capability tells the clients that listen, in exact order and without a gap.

What must not be lost is appended to the topic's log in the transaction of the change itself (`also`).
What matters only now (a cursor, somebody typing) is told without being kept.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tessera import aws, clock, log
from tessera.bus import Event
from tessera.fanout import Fanout
from tessera.namespaces import may_append, namespace_of
from tessera.recent import Recent
from tessera.seqlog import Also, Appended, Entry, SeqLog, as_text, no_more
from tessera.settings import Bindings, Settings
from tessera.tables import Row, Table
from tessera.transact import Step, putting, transact

# How long a process believes that nobody listens to a topic, for what need not arrive.
ASKED_AGAIN_MS = 2_000
REVOKED_FOR_SECONDS = 86_400


class LiveSettings(Settings):
    realtime: str = ""


class GrantRow(Row):
    """Who may do what with a topic. Without permissions it says that they were taken away."""

    perms = UnicodeAttribute()
    expires_at = NumberAttribute(null=True)


class GrantRevoked(Event):
    type: ClassVar[str] = "realtime.grant.revoked.v1"
    topic: str
    user_id: str


class NotItsTopic(RuntimeError):
    """A capability tried to append to a namespace that is another's."""


class Live:
    """What one capability may tell."""

    def __init__(self, capability: str, seqlog: SeqLog, fanout: Fanout) -> None:
        self.capability, self.log, self.fanout = capability, seqlog, fanout
        self._listened: Recent[int] = Recent(1_000, kept_ms=ASKED_AGAIN_MS)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(LiveSettings)
        return cls(settings.capability, SeqLog(Table(settings.realtime)), bindings.get(Fanout))

    def publish(
        self,
        topic: str,
        data: Any,
        *,
        tags: Mapping[str, str] | None = None,
        info: Mapping[str, Any] | None = None,
        also: Also = no_more,
    ) -> Appended:
        """Append one entry, with the steps of `also` in the same transaction, and wake the delivery.

        1 request of 4 units for 1 KB, one more per shard that is listened on. `also` is given the entry's
        place and may be asked again after a lost race. Raises what its steps are refused with, `LogContended`.
        """
        return self.publish_all(topic, [Entry(data, tags or {}, info)], also=also)

    def publish_all(self, topic: str, entries: Sequence[Entry], *, also: Also = no_more) -> Appended:
        """The same for up to 25 entries, which keep this order."""
        made = self.log.append(topic, [self._traced(topic, entry) for entry in entries], also=also)
        aws.fault_point("live.appended")
        self._wake(topic, made)
        return made

    def publish_each(self, said: Mapping[str, Any], steps: Sequence[Step]) -> None:
        """Append one entry to each of these topics, with these steps, in one transaction, and wake the delivery.

        For many topics of which it is known where they stand (`log.look_at`). 1 request, and 4 units a topic. Raises
        what a step is refused with, and `LogContended` once one of the logs has moved on.
        """
        made = self.log.append_each({topic: self._traced(topic, Entry(data)) for topic, data in said.items()}, steps)
        aws.fault_point("live.appended")
        for topic, appended in made.items():
            self._wake(topic, appended)

    def tell(self, topic: str, data: Any, *, info: Mapping[str, Any] | None = None) -> None:
        """Tell those who listen now. Nothing is kept, and nothing is written; 1 or 2 requests, none mostly."""
        self._must_own(topic)
        shards = self._listened.get(topic)
        if shards is None:
            shards = self.log.head(topic).shards
            self._listened.put(topic, shards)
        if shards:
            self.fanout.tell(topic, data, dict(info) if info else None)

    def granting(self, topic: str, user_id: str, perms: str = "sh", *, until: datetime | None = None) -> Step:
        """A step that lets this user subscribe (s), publish (p), read the history (h) or see who is there (r)."""
        self._must_own(topic)
        ends = int(until.timestamp()) if until else None
        row = GrantRow(pk=grant_key(topic), sk=user_id, perms=perms, expires_at=ends, ttl=ends)
        return putting(self.log.table, row)

    def revoking(self, topic: str, user_id: str) -> Step:
        """A step that takes it all away; whoever listens is cut off within seconds."""
        self._must_own(topic)
        ends = int(clock.now().timestamp()) + REVOKED_FOR_SECONDS
        row = GrantRow(pk=grant_key(topic), sk=user_id, perms="", ttl=ends)
        return putting(self.log.table, row, event=GrantRevoked(topic=topic, user_id=user_id))

    def grant(self, topic: str, user_id: str, perms: str = "sh", *, until: datetime | None = None) -> None:
        """`granting` on its own. 1 request."""
        transact(self.granting(topic, user_id, perms, until=until))

    def revoke(self, topic: str, user_id: str) -> None:
        """`revoking` on its own. 1 request."""
        transact(self.revoking(topic, user_id))

    def _wake(self, topic: str, made: Appended) -> None:
        """What is appended has happened, whoever can be woken now: relay sees the entries too, and wakes once more."""
        try:
            self.fanout.poke(topic, made.last, made.shards)
        except (aws.ClientError, aws.BotoCoreError) as error:
            log.unexpected("poke", error)

    def _traced(self, topic: str, entry: Entry) -> Entry:
        self._must_own(topic)
        largest = namespace_of(topic).max_bytes
        if len(as_text(entry.data).encode()) > largest:
            raise ValueError(f"{topic.partition(':')[0]}: takes {largest} bytes an entry.")
        return Entry(entry.data, entry.tags, entry.info, entry.id, entry.trace or log.current().traceparent)

    def _must_own(self, topic: str) -> None:
        if not may_append(self.capability, topic):
            raise NotItsTopic(f"{self.capability} does not append to {topic.partition(':')[0]}:")


def grant_key(topic: str) -> str:
    return f"GRANT#{topic}"


def user_topic(user_id: str) -> str:
    """The topic that only this user listens to; every capability may append to it, naming a `kind`."""
    return f"user:{user_id}"
