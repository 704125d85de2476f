"""The rows of the table and their keys."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, cast

from pynamodb.attributes import AttributeContainerMeta, ListAttribute, NumberAttribute, UnicodeAttribute

from tessera.due import DueRow
from tessera.tables import Row

from ..rules.kinds import CHANNELS, STATES

FEED_KEPT = timedelta(days=180)
DELIVERY_KEPT = timedelta(days=60)
BATCH_KEPT = timedelta(days=60)
DEDUPE_KEPT = timedelta(hours=24)
META, COUNTS, PREFERENCES, PHONE, SOLE = "META", "CNT", "PREF", "PHONE", "-"
INBOX, ARCHIVE, HIDDEN = "N#", "X#", "H#"
SHARDS = 8
# States of which an administrator sees a list without naming a person.
LISTED = frozenset(["dead", "failed"])


def _texts() -> Any:
    # PynamoDB's stub wants the class of the items where the code wants the class of their attribute.
    return ListAttribute(of=cast(Any, UnicodeAttribute), default=list)


class PersonRow(Row):
    """`U#<user>` `CNT`: how many are unread, up to where they were seen, and that the user exists."""

    unread = NumberAttribute(default=0)
    seen_id = UnicodeAttribute(null=True)
    read_before = UnicodeAttribute(null=True)
    locale = UnicodeAttribute(null=True)


class PreferenceRow(Row):
    """`U#<user>` `PREF`"""

    chosen = UnicodeAttribute()


class EitherRow(PersonRow):
    """One of the two, where both are read in one request."""

    chosen = UnicodeAttribute(null=True)


class PhoneRow(Row):
    """`U#<user>` `PHONE`: a number, and the code that waits until it is typed in."""

    number = UnicodeAttribute(null=True)
    waiting = UnicodeAttribute(null=True)
    code = UnicodeAttribute(null=True)
    code_until = NumberAttribute(null=True)
    tries = NumberAttribute(default=0)
    asked_day = UnicodeAttribute(null=True)
    asked = NumberAttribute(default=0)


class FeedRow(DueRow):
    """`U#<user>` `N#<id>` in the inbox, `X#<id>` archived, `H#<id>` for who wants none in the feed.

    In gs1 only while it is unread. An unread one has no `ttl`, for its going must be counted.
    """

    type = UnicodeAttribute()
    priority = UnicodeAttribute()
    values = UnicodeAttribute()
    title = UnicodeAttribute()
    body = UnicodeAttribute(null=True)
    link = UnicodeAttribute(null=True)
    actors = _texts()
    count = NumberAttribute(default=1)
    read = NumberAttribute(default=0)
    created_at = UnicodeAttribute()
    batch_id = UnicodeAttribute()
    dedupe_key = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)

    @property
    def user_id(self) -> str:
        return str(self.pk)[2:]

    @property
    def id(self) -> str:
        return str(self.sk)[2:]


class DeliveryRow(DueRow):
    """`D#<id>#<channel>` `A`. gs1 lists those of a person, gs2 those that failed or are dead."""

    user_id = UnicodeAttribute()
    type = UnicodeAttribute()
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    attempts = NumberAttribute(default=0)
    next_at = UnicodeAttribute()
    lease_until = UnicodeAttribute(null=True)
    provider_id = UnicodeAttribute(null=True)
    batch_id = UnicodeAttribute(null=True)
    priority = UnicodeAttribute(default="normal")
    expires_at = UnicodeAttribute(null=True)
    unless_read = NumberAttribute(default=0)
    # Who of several has got it already, so that a second attempt leaves them alone.
    reached = _texts()
    history = _texts()
    # The bucket it waits in, or the items of a digest that it is the message of.
    bucket = UnicodeAttribute(null=True)
    items = _texts()
    more = NumberAttribute(default=0)
    created_at = UnicodeAttribute()
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)

    @property
    def id(self) -> str:
        return str(self.pk).split("#")[1]

    @property
    def channel(self) -> str:
        return str(self.pk).split("#")[2]

    @property
    def is_digest(self) -> bool:
        return bool(self.items)


class BucketRow(DueRow):
    """`DIG#<user>#<type>#<channel>#<end>` `H`: one window of a digest."""

    state = UnicodeAttribute()
    closes_at = UnicodeAttribute()


class BucketItemRow(Row):
    """`DIG#…` `I#<id>`"""


class DedupeRow(Row):
    """`DK#<user>#<type>#<key>` `-`"""

    notification_id = UnicodeAttribute()


class BatchRow(DueRow):
    """`B#<id>` `META`: what was asked to be sent, and how far it has come."""

    type = UnicodeAttribute()
    priority = UnicodeAttribute()
    values = UnicodeAttribute()
    channels = UnicodeAttribute(null=True)
    topic = UnicodeAttribute(null=True)
    send_at = UnicodeAttribute()
    expires_at = UnicodeAttribute(null=True)
    dedupe_key = UnicodeAttribute(null=True)
    actor_id = UnicodeAttribute(null=True)
    asked_by = UnicodeAttribute()
    created_at = UnicodeAttribute()
    recipients = NumberAttribute(default=0)
    pages = NumberAttribute(default=0)
    expanded = NumberAttribute(default=0)
    # Of a topic: where its list of subscribers goes on, and "." when all of it is cut into pages.
    cursor = UnicodeAttribute(null=True)
    cancelled = NumberAttribute(null=True)

    @property
    def id(self) -> str:
        return str(self.pk)[2:]

    @property
    def is_planned(self) -> bool:
        return not self.topic or self.cursor == "."

    @property
    def is_expanded(self) -> bool:
        return self.is_planned and int(self.expanded) >= int(self.pages)


class PageRow(Row):
    """`B#<id>` `P#<number>`: some of the recipients."""

    users = _texts()
    done = NumberAttribute(null=True)


class _ShardRow(Row):
    """`B#<id>` `C#<0..7>`: how many are in which state. Whoever lets something leave counts it here, on condition
    that the batch is not cancelled: this is what keeps a cancelled one from being sent."""

    cancelled = NumberAttribute(null=True)

    def counts(self) -> dict[str, int]:
        return {name: int(getattr(self, name)) for name in COUNTERS if getattr(self, name)}


SKIPS = ("unknown", "self", "muted_actor", "duplicate", "grouped", "off", "expired")
COUNTERS: tuple[str, ...] = (
    *(f"{channel}_{state}" for channel in CHANNELS for state in STATES),
    *(f"skip_{reason}" for reason in SKIPS),
)
ShardRow = cast(
    type[_ShardRow],
    cast(Any, AttributeContainerMeta)(
        "ShardRow", (_ShardRow,), {name: NumberAttribute(default=0) for name in COUNTERS}
    ),
)


class DeviceRow(Row):
    """`U#<user>` `DEV#<hash>`"""

    platform = UnicodeAttribute()
    address = UnicodeAttribute()
    p256dh = UnicodeAttribute(null=True)
    secret = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()

    @property
    def id(self) -> str:
        return str(self.sk).removeprefix("DEV#")


class DeviceOwnerRow(Row):
    """`UNQ#dev#<hash>` `-`: whose a device is. Whoever registers it last has it."""

    user_id = UnicodeAttribute()


class AddressRow(Row):
    """`MA#<hash>` `<user>` for an address a mail went to, `PH#<hash>` `<user>` for a number."""


class StopRow(Row):
    """`STOP#<hash>` `-`: the number has asked for no more messages."""


class CapRow(Row):
    """`CAP#<user or all>#<channel>#<window>` `-`: how many went out in this window."""

    used = NumberAttribute(default=0)


class TypeRow(Row):
    """`T#<type>` `META`"""

    kind = UnicodeAttribute()


class TemplateRow(Row):
    """`T#<type>` `<channel>#<locale>#v<n>`, and a copy of the published one at `<channel>#<locale>#CUR`."""

    words = UnicodeAttribute(null=True)
    number = NumberAttribute(default=0)
    # On `CUR`: the highest number that was given out.
    newest = NumberAttribute(null=True)
    by = UnicodeAttribute(null=True)
    at = UnicodeAttribute(null=True)


class SubscriberRow(Row):
    """`TOPIC#<topic>` `<user>`. gs1 lists the topics of a person."""

    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


def user_pk(user_id: str) -> str:
    return f"U#{user_id}"


def unread_pk(user_id: str) -> str:
    return f"UNREAD#{user_id}"


def delivery_pk(notification_id: str, channel: str) -> str:
    return f"D#{notification_id}#{channel}"


def batch_pk(batch_id: str) -> str:
    return f"B#{batch_id}"


def bucket_pk(user_id: str, kind: str, channel: str, closes_at: str) -> str:
    return f"DIG#{user_id}#{kind}#{channel}#{closes_at}"


def shard_sk(notification_id: str) -> str:
    return f"C#{digest_number(notification_id) % SHARDS}"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest_number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def expiry(now: datetime, kept: timedelta) -> int:
    return int((now + kept).timestamp())


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
