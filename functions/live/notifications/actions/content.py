"""What a delivery says, put into words at the moment it is sent, of what the notification says by then."""

import json
from dataclasses import dataclass, replace
from typing import Any

from tessera import clock

from ..ports import Ports
from ..providers.outcomes import Message
from ..rules.kinds import Kind, Preferences, Words
from ..rules.words import digest_words, fill
from ..store.rows import DeliveryRow, FeedRow, digest

TTL_SECONDS = 86_400


@dataclass(frozen=True)
class Content:
    """`row` is the notification, unless the message stands for several."""

    words: Words
    locale: str
    row: FeedRow | None = None
    count: int = 1

    def message(self, delivery: DeliveryRow) -> Message:
        ttl = TTL_SECONDS
        if delivery.expires_at:
            left = (clock.parse(delivery.expires_at) - clock.now()).total_seconds()
            ttl = max(60, min(ttl, int(left)))
        key = self.row.dedupe_key if self.row is not None else None
        return Message(
            id=delivery.id,
            type=delivery.type,
            words=self.words,
            created_at=clock.parse(delivery.created_at),
            is_urgent=delivery.priority in ("high", "critical"),
            # Short and of letters alone, as every provider takes it.
            collapse=digest(f"{delivery.type}#{key}")[:32] if key else "",
            count=self.count,
            ttl_seconds=ttl,
        )


def content_of(ports: Ports, row: DeliveryRow, kind: Kind, preferences: Preferences) -> Content | None:
    """None when there is nothing to say any more: it is erased, or all of a digest has been read."""
    locale = preferences.locale or _locale(ports, row.user_id)
    if not row.is_digest:
        found = ports.store.feed.find(row.user_id, row.id)
        return None if found is None else _single(ports, found, kind, row.channel, locale)
    found_all = ports.store.feed.find_all(row.user_id, list(row.items))
    unread = [found_all[one] for one in row.items if one in found_all and not found_all[one].read]
    more = int(row.more)
    if not unread:
        return None
    if len(unread) == 1 and not more:
        return _single(ports, unread[0], kind, row.channel, locale)
    items = [_words(ports, one, kind, "inapp", locale) for one in unread]
    words = digest_words(kind.title, items, more)
    if row.channel == "sms":
        words = Words(body=words.title)
    return Content(words, locale, count=len(items) + more)


def _single(ports: Ports, found: FeedRow, kind: Kind, channel: str, locale: str) -> Content:
    return Content(_words(ports, found, kind, channel, locale), locale, found, int(found.count))


def _words(ports: Ports, row: FeedRow, kind: Kind, channel: str, locale: str) -> Words:
    data: dict[str, Any] = json.loads(row.values)
    count = int(row.count)
    templates = ports.store.types.words(kind, channel, locale)
    words = fill(channel, templates, {**data, "count": count, "others": count - 1})
    # A mail without a subject is refused, and data may leave one empty.
    return words if words.title or channel == "sms" else replace(words, title=kind.title)


def _locale(ports: Ports, user_id: str) -> str:
    person = ports.store.people.get(user_id)
    return (person.locale if person is not None else "") or "en"
