"""The rows of the table and their keys."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from pynamodb.attributes import BooleanAttribute, ListAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock, ids
from tessera.due import DueRow
from tessera.settings import Settings
from tessera.tables import Row

from ..addresses import digest
from ..rules import Entry, Mail, Suppression

RETENTION = timedelta(days=30)
META, BODY = "META", "BODY"
PACE_KEY, GUARD_KEY = ("PACE", "-"), ("GUARD", "-")


def _texts() -> ListAttribute[Any]:
    # PynamoDB's stub wants the class of the items where the code wants the class of their attribute.
    return ListAttribute(of=cast(Any, UnicodeAttribute), default=list)


def _numbers() -> ListAttribute[Any]:
    return ListAttribute(of=cast(Any, NumberAttribute), default=list)


class OutboxSettings(Settings):
    table: str
    queue: str
    dead_queue: str
    bulk_queue: str
    bulk_dead_queue: str
    mail_from: str
    mail_key: str
    mail_name: str = "Tessera"
    stack: str = ""
    # Further addresses that mail may be sent from, separated by commas.
    mail_senders: str = ""
    # The domain that takes answers; without it no mail is answered to a place of its own.
    reply_domain: str = ""
    # Where bodies over 200 KB are kept; without it they are refused.
    bucket: str = ""

    @property
    def senders(self) -> frozenset[str]:
        return frozenset(part.strip() for part in f"{self.mail_from},{self.mail_senders}".split(",") if part.strip())


class MailRow(DueRow):
    """`M#<id>` `META`. gs1 lists by state and day of creation, gs2 by recipient, `due` by what is waited for."""

    state = UnicodeAttribute()
    category = UnicodeAttribute()
    on_unknown = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    sender = UnicodeAttribute()
    to = _texts()
    cc = _texts()
    bcc = _texts()
    subject = UnicodeAttribute()
    created_at = UnicodeAttribute()
    next_at = UnicodeAttribute()
    lease_until = UnicodeAttribute(null=True)
    attempt = NumberAttribute(default=0)
    failures = NumberAttribute(default=0)
    deferrals = NumberAttribute(default=0)
    resends = NumberAttribute(default=0)
    possible_duplicate = BooleanAttribute(default=False)
    message_ids = _texts()
    reason = UnicodeAttribute(null=True)
    history = _texts()
    # Who was named and gets no mail from here.
    left_out = _texts()
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)
    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)


class BodyRow(Row):
    """`M#<id>` `BODY`: what it says, or the key of the object that says it."""

    content = UnicodeAttribute(null=True)
    stored_at = UnicodeAttribute(null=True)


class RecipientRow(Row):
    """`M#<id>` `R#<hash>`: a recipient after the first, who is on the mail itself. gs2 lists by address."""

    gs2_pk = UnicodeAttribute(null=True)
    gs2_sk = UnicodeAttribute(null=True)


class ReceiptRow(Row):
    """`M#<id>` `E#<digest>`: news of the provider, once however often it comes."""

    kind = UnicodeAttribute(null=True)
    at = UnicodeAttribute(null=True)
    message_id = UnicodeAttribute(null=True)
    receipt_attempt = NumberAttribute(null=True)
    recipient = UnicodeAttribute(null=True)
    detail = UnicodeAttribute(null=True)


class TimelineRow(MailRow, ReceiptRow):
    """A mail and its receipts, which one query reads together."""


class ProviderRow(Row):
    """`P#<message id>` `-`: which mail the provider means."""

    mail_id = UnicodeAttribute()
    attempt = NumberAttribute()


class SuppressionRow(Row):
    """`S#<hash>` `-`. In gs1 only while there is a reason."""

    address = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    bulk_only = BooleanAttribute(default=False)
    until = UnicodeAttribute(null=True)
    hits = NumberAttribute(default=0)
    recent = _texts()
    rests_until = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    gs1_pk = UnicodeAttribute(null=True)
    gs1_sk = UnicodeAttribute(null=True)


class StatRow(Row):
    """`STAT#<day>#<0..9>` `-`: counters of a day, spread so that no one item takes every write."""

    sent = NumberAttribute(default=0)
    delivered = NumberAttribute(default=0)
    bounced = NumberAttribute(default=0)
    complained = NumberAttribute(default=0)
    dead = NumberAttribute(default=0)
    received = NumberAttribute(default=0)
    dropped = NumberAttribute(default=0)


class PaceRow(Row):
    """`PACE` `-`: the mails of this second, all there ever were, and until when nothing is sent at all."""

    second = NumberAttribute(default=0)
    sent = NumberAttribute(default=0)
    bulk = NumberAttribute(default=0)
    total = NumberAttribute(default=0)
    paused_until = NumberAttribute(default=0)


class GuardRow(Row):
    """`GUARD` `-`: how many mails had been sent when the last ones came back."""

    bounced = _numbers()
    complained = _numbers()


def mail_pk(mail_id: str) -> str:
    return f"M#{mail_id}"


def day_of(mail_id: str) -> str:
    return f"{clock.from_millis(ids.timestamp_ms(mail_id)):%Y%m%d}"


def state_pk(state: str, day: str) -> str:
    return f"ST#{state}#{day}"


def recipient_sk(address_hash: str) -> str:
    return f"R#{address_hash}"


def recipient_pk(address: str) -> str:
    return f"TO#{digest(address)}"


def expiry(start: datetime, span: timedelta = RETENTION) -> int:
    return int((start + span).timestamp())


def entry_text(entry: Entry) -> str:
    made = {"at": clock.rfc3339(entry.at), "attempt": entry.attempt, "outcome": entry.outcome, "detail": entry.detail}
    return json.dumps({name: value for name, value in made.items() if value != ""}, ensure_ascii=False)


def _entry(text: str) -> Entry:
    found: dict[str, Any] = json.loads(text)
    return Entry(clock.parse(found["at"]), found["attempt"], found["outcome"], found.get("detail", ""))


def mail_of(row: MailRow) -> Mail:
    return Mail(
        id=row.pk.removeprefix("M#"),
        state=cast(Any, row.state),
        category=cast(Any, row.category),
        on_unknown=cast(Any, row.on_unknown),
        asked_by=row.asked_by,
        sender=row.sender,
        to=tuple(row.to),
        cc=tuple(row.cc),
        bcc=tuple(row.bcc),
        subject=row.subject,
        created_at=clock.parse(row.created_at),
        next_at=clock.parse(row.next_at),
        lease_until=clock.parse(row.lease_until) if row.lease_until else None,
        attempt=int(row.attempt),
        failures=int(row.failures),
        deferrals=int(row.deferrals),
        resends=int(row.resends),
        possible_duplicate=bool(row.possible_duplicate),
        message_ids=tuple(row.message_ids),
        reason=row.reason,
        left_out=tuple(row.left_out),
        history=tuple(_entry(text) for text in row.history),
        version=int(row.version),
    )


def suppression_of(row: SuppressionRow | None) -> Suppression:
    if row is None:
        return Suppression()
    return Suppression(
        reason=cast(Any, row.reason),
        bulk_only=bool(row.bulk_only),
        until=clock.parse(row.until) if row.until else None,
        hits=int(row.hits),
        recent=tuple(clock.parse(text) for text in row.recent),
        rests_until=clock.parse(row.rests_until) if row.rests_until else None,
    )


def days_back(start: datetime) -> list[str]:
    """Every day on which a mail that is still kept may have been made, newest first."""
    today = start.astimezone(UTC)
    return [f"{today - timedelta(days=back):%Y%m%d}" for back in range(RETENTION.days + 1)]
