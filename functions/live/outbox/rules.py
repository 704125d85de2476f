"""What a mail may become, how long it waits, and who gets no more mail. Pure decisions.

Problem
├── AllSuppressed        409 all-recipients-suppressed
├── NotCancellable       409 mail-not-cancellable
├── NotRetryable         409 mail-not-retryable
└── SenderNotVerified    422 sender-not-verified
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from tessera.problems import Problem

State = Literal["queued", "claimed", "unknown", "sent", "delivered", "bounced", "complained", "cancelled", "dead"]
Category = Literal["transactional", "bulk"]
OnUnknown = Literal["resend", "hold"]
Reason = Literal["bounce", "soft-bounces", "complaint", "unsubscribed", "manual"]

# How long what a mail says is there, and the mail in lists.
KEPT = timedelta(days=30)
LEASE = timedelta(minutes=5)
# SES publishes its events within seconds as a rule; a quarter of an hour leaves room for a bad day.
WAIT_FOR_EVENTS = timedelta(minutes=15)
# How long a queued mail waits for its message before the sweeper looks after it.
OVERDUE = timedelta(seconds=60)
PAUSE = timedelta(seconds=60)
# How long bulk waits while too much comes back. The sweeper brings it, so that nothing is paid for in between.
HELD = timedelta(minutes=10)
# A provider looks at the share of what comes back; these are where others have been warned or stopped.
WINDOW = 1_000
STOPS_BULK_AT = {"bounced": 50, "complained": 1}
MAX_FAILURES = 5
MAX_RESENDS = 1
LONGEST_BACKOFF_SECONDS = 300
SOFT_BOUNCES = 3
SOFT_BOUNCE_WINDOW = timedelta(days=7)
SOFT_SUPPRESSION = timedelta(days=14)

# How far a mail has come once the provider has it. It only ever moves up: a delivery that is heard of
# late never hides a bounce, and a complaint may follow a delivery.
RANKS: dict[str, int] = {"sent": 1, "delivered": 2, "bounced": 3, "complained": 4}
# States in which nobody has recorded yet that the provider took the mail.
UNRECORDED: frozenset[str] = frozenset(["queued", "claimed", "unknown"])
UNKNOWN_OUTCOME = "unknown-outcome"
RETRYABLE: frozenset[str] = frozenset(["dead", "unknown"])


class AllSuppressed(Problem):
    status, slug, title = 409, "all-recipients-suppressed", "None of these recipients gets mail from here"


class NotCancellable(Problem):
    status, slug, title = 409, "mail-not-cancellable", "The mail can no longer be cancelled"


class NotRetryable(Problem):
    status, slug, title = 409, "mail-not-retryable", "The mail is not waiting for another try"


class SenderNotVerified(Problem):
    status, slug, title = 422, "sender-not-verified", "Nothing may be sent from this address"


def state_after(state: str, reported: str | None) -> str:
    """The state of a mail of which the provider reports this. Unchanged when it knew better already."""
    if reported is None or state in ("cancelled", "dead"):
        return state
    return reported if RANKS.get(reported, 0) > RANKS.get(state, 0) else state


def backoff_seconds(tries: int, chance: Callable[[float, float], float]) -> int:
    """How long to wait before try number `tries` + 1: full jitter between 1 second and 5 minutes."""
    return round(chance(1, min(LONGEST_BACKOFF_SECONDS, 2 ** min(tries, 16))))


def bulk_share(most: int, second: int) -> int:
    """How many of the `most` mails of this second may be bulk: half, or the one of every other second."""
    return most // 2 if most > 1 else second % 2


@dataclass(frozen=True)
class Reputation:
    """How many mails there were ever, and after how many of them the last ones came back."""

    total: int = 0
    bounced: tuple[int, ...] = ()
    complained: tuple[int, ...] = ()
    version: int | None = None

    @property
    def stops_bulk(self) -> bool:
        """Whether so much of the last thousand came back that bulk has to wait."""
        return any(self.recent(what) >= most for what, most in STOPS_BULK_AT.items())

    def recent(self, what: str) -> int:
        """How many of the last thousand came back so."""
        return sum(number > self.total - WINDOW for number in getattr(self, what))

    def after(self, what: str) -> "Reputation":
        kept = (*getattr(self, what), self.total)[-STOPS_BULK_AT[what] :]
        return replace(self, bounced=kept) if what == "bounced" else replace(self, complained=kept)


def on_unknown_of(category: str) -> OnUnknown:
    """What happens when nobody knows whether the mail was sent, unless somebody has said it."""
    return "resend" if category == "transactional" else "hold"


def after_unknown(policy: str, resends: int) -> Literal["resend", "hold"]:
    """What becomes of a mail of which no event was heard in time."""
    return "resend" if policy == "resend" and resends < MAX_RESENDS else "hold"


def recipient_state(mail: "Mail", address: str, told: Sequence[str]) -> str:
    """What became of a mail for one of its recipients, of whom the provider `told` these states."""
    if address in mail.left_out:
        return "left-out"
    if mail.state not in RANKS:
        return mail.state
    return max(("sent", *told), key=lambda state: RANKS[state])


@dataclass(frozen=True)
class Suppression:
    """Why an address gets no mail, and until when. Without a reason it only counts soft bounces.

    Beside a suppression of bulk mail, every mail may rest for a while.
    """

    reason: Reason | None = None
    bulk_only: bool = False
    until: datetime | None = None
    hits: int = 0
    recent: tuple[datetime, ...] = ()
    rests_until: datetime | None = None

    def holds(self, category: str, now: datetime) -> bool:
        if self.rests_until is not None and self.rests_until > now:
            return True
        return self.stands(now) and (not self.bulk_only or category == "bulk")

    def stands(self, now: datetime) -> bool:
        return self.reason is not None and (self.until is None or self.until > now)

    @property
    def is_lasting(self) -> bool:
        return self.reason is not None and self.until is None and not self.bulk_only


def after_hard_bounce(known: Suppression) -> Suppression:
    return replace(known, reason="bounce", bulk_only=False, until=None, hits=known.hits + 1, recent=())


def after_soft_bounce(known: Suppression, at: datetime, now: datetime) -> Suppression:
    """The third soft bounce within a week suppresses for two weeks, whatever else holds; that goes on afterwards."""
    recent = (*(past for past in known.recent if past > at - SOFT_BOUNCE_WINDOW), at)[-SOFT_BOUNCES:]
    counted = replace(known, hits=known.hits + 1, recent=recent)
    if known.is_lasting or len(recent) < SOFT_BOUNCES:
        return counted
    counted, until = replace(counted, recent=()), now + SOFT_SUPPRESSION
    if known.stands(now):
        return replace(counted, rests_until=_later(known.rests_until, until))
    return replace(counted, reason="soft-bounces", bulk_only=False, until=until)


def after_complaint(known: Suppression) -> Suppression:
    """Whoever complains gets no more bulk mail. What they ask for themselves, such as a reset, still arrives."""
    if known.is_lasting:
        return replace(known, hits=known.hits + 1)
    return replace(_without_bulk(known, "complaint"), hits=known.hits + 1)


def after_unsubscribing(known: Suppression) -> Suppression:
    """No more bulk mail; a suppression that lasts and says more stays as it is."""
    if known.is_lasting or (known.bulk_only and known.until is None):
        return known
    return _without_bulk(known, "unsubscribed")


def _without_bulk(known: Suppression, reason: Reason) -> Suppression:
    """No bulk mail for good; a suppression of every mail that ends some day goes on until then."""
    rests = _later(known.rests_until, None if known.bulk_only else known.until)
    return replace(known, reason=reason, bulk_only=True, until=None, rests_until=rests)


def _later(*times: datetime | None) -> datetime | None:
    return max((at for at in times if at is not None), default=None)


@dataclass(frozen=True)
class Entry:
    """One line of a mail's history, from us."""

    at: datetime
    attempt: int
    outcome: str
    detail: str = ""


@dataclass(frozen=True)
class Mail:
    """A mail as it stands, without what it says."""

    id: str
    state: State
    category: Category
    on_unknown: OnUnknown
    asked_by: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    subject: str
    created_at: datetime
    next_at: datetime
    lease_until: datetime | None = None
    attempt: int = 0
    failures: int = 0
    deferrals: int = 0
    resends: int = 0
    possible_duplicate: bool = False
    message_ids: tuple[str, ...] = ()
    reason: str | None = None
    left_out: tuple[str, ...] = ()
    history: tuple[Entry, ...] = ()
    version: int = 1

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.to, *self.cc, *self.bcc)))
