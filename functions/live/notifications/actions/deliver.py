"""One delivery: looked at again, claimed, handed to its provider, written down.

A provider cannot tell a repeated call from a new one, so the claim must: one claim, one call for each address.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from tessera import aws, clock, log, queues
from tessera.transact import Step

from ..ports import Ports
from ..providers.outcomes import Failed, Gone, NotSent, Refused, Target, Unsure
from ..rules import attempts, decide, sms
from ..rules.decide import Asked, Decision
from ..rules.kinds import Kind, Preferences, Priority
from ..store.batches import Cancelled
from ..store.deliveries import BucketClosed, CapReached, Move, NotNow
from ..store.feed import Unchanged
from ..store.rows import DeliveryRow, bucket_pk
from .addressed import Letterbox, letterbox_of
from .content import Content, content_of

UNKNOWN_OUTCOME = "unknown-outcome"
WHO_PAYS = "all"


class OverBudget(Exception):
    """So many texts went out today that no more does."""


def deliver(ports: Ports, notification_id: str, channel: str) -> None:
    """Send a delivery, if it is waiting, its time has come, and nobody else is at it.

    7 requests when all goes well. A crash anywhere leaves it claimed; when the claim has run out, `wake` takes it up.
    """
    store, now = ports.store, clock.now()
    row = store.deliveries.get(notification_id, channel)
    if row is None or row.state not in ("pending", "deferred") or row.next_at > clock.rfc3339(now):
        return
    preferences = store.people.preferences(row.user_id)
    kind = store.types.get(row.type)
    if kind is None:
        store.deliveries.turn(row, Move("cancelled", "type-gone"))
        return
    decision = _decide(row, kind, preferences, now)
    if decision.state != "pending":
        _turn(ports, row, decision)
        return
    content = content_of(ports, row, kind, preferences)
    if content is None:
        store.deliveries.turn(row, Move("cancelled", "read" if row.is_digest else "gone"))
        return
    if _claim(ports, row, content, now):
        aws.fault_point("notify.claimed")
        _attempt(ports, row, content, preferences)


def wake(ports: Ports, notification_id: str, channel: str) -> None:
    """What the sweeper brings: a delivery whose time has come, whose message was lost, or whose claim ran out."""
    row = ports.store.deliveries.get(notification_id, channel)
    if row is None:
        return
    now = clock.now()
    if row.state != "sending":
        deliver(ports, notification_id, channel)
    elif row.lease_until is not None and row.lease_until <= clock.rfc3339(now):
        _lost(ports, row, now)


def announce(ports: Ports, notification_id: str, channel: str, when: datetime) -> None:
    """A message for the worker at this time. 1 request; none for what the sweeper will bring."""
    delay = when - clock.now()
    if delay <= attempts.LONGEST_DELAY:
        # Rounded up: a message that comes early finds nothing to claim, and the sweeper is a minute away.
        seconds = max(0, -(-int(delay.total_seconds() * 1_000) // 1_000))
        body = {"id": notification_id, "channel": channel}
        queues.send(ports.settings.queue_of(channel), "deliver", body, delay_seconds=seconds)


def _decide(row: DeliveryRow, kind: Kind, preferences: Preferences, now: datetime) -> Decision:
    expires = clock.parse(row.expires_at) if row.expires_at else None
    asked = Asked(kind, cast(Priority, row.priority), expires_at=expires)
    if row.is_digest:
        return decide.decide_digest(preferences, now)
    if row.state == "deferred":
        if not asked.is_critical and not preferences.wants(kind, row.channel):
            return Decision("skipped", "off")
        return decide.decide(asked, preferences, row.channel, now, has_waited=True)
    if int(row.attempts) > 0:
        return decide.decide_again(asked, preferences, now)
    return Decision("skipped", "expired") if expires is not None and expires <= now else Decision("pending")


def _turn(ports: Ports, row: DeliveryRow, decision: Decision) -> None:
    """Put it where it belongs now. What comes too late for a window of a digest goes into the next one."""
    store = ports.store.deliveries
    if decision.state != "digest" or decision.at is None:
        store.turn(row, Move(decision.state, decision.reason, decision.at))
        return
    bucket = bucket_pk(row.user_id, row.type, row.channel, clock.rfc3339(decision.at))
    try:
        store.turn(
            row,
            Move("digest", decision.reason, decision.at),
            more=store.into_bucket(row, bucket, decision.at),
            bucket=bucket,
        )
    except BucketClosed:
        announce(ports, row.id, row.channel, clock.now() + timedelta(seconds=2))


def _claim(ports: Ports, row: DeliveryRow, content: Content, now: datetime) -> bool:
    store = ports.store.deliveries
    try:
        store.claim(row, now, more=_conditions(ports, row, content, now))
        return True
    except NotNow:
        return False
    except Cancelled:
        store.turn(row, Move("cancelled", "batch"))
    except Unchanged:
        store.turn(row, Move("cancelled", "read"))
    except CapReached:
        store.turn(row, Move("skipped", "rate-cap"))
    except OverBudget:
        store.turn(row, Move("skipped", "budget"))
    return False


def _conditions(ports: Ports, row: DeliveryRow, content: Content, now: datetime) -> list[Step]:
    """What else must hold at the moment of the claim: unread, where that matters, and within what may go out."""
    store, steps = ports.store, []
    if row.unless_read and content.row is not None:
        steps.append(store.feed.is_unread(content.row))
    if int(row.attempts) == 0:
        cost = sms.segments(content.words.body)[0] if row.channel == "sms" else 1
        window = attempts.cap_window(row.channel, now)
        if row.priority != "critical":
            most = attempts.CAPS[row.channel][0]
            steps.append(store.deliveries.capping(row.user_id, row.channel, window, cost, most))
        if row.channel == "sms":
            most = ports.settings.sms_daily_segments
            steps.append(store.deliveries.capping(WHO_PAYS, "sms", window, cost, most, refused=OverBudget()))
    return steps


@dataclass
class _Results:
    """What has become of the addresses of one attempt."""

    failed: Failed | None = None
    refused: NotSent | None = None
    is_unsure: bool = False
    provider_id: str = ""
    reached: int = 0


def _attempt(ports: Ports, row: DeliveryRow, content: Content, preferences: Preferences) -> None:
    results = _Results(reached=len(row.reached))
    try:
        box = letterbox_of(ports, row, content, preferences)
    except Failed as failed:
        results.failed = failed
    else:
        if not box.targets and not results.reached:
            ports.store.deliveries.settle(row, Move("skipped", box.why_none))
            return
        for target in box.targets:
            if target.id not in row.reached:
                _call(ports, row, box, target, results=results)
    _settle(ports, row, results)


def _call(ports: Ports, row: DeliveryRow, box: Letterbox, target: Target, *, results: _Results) -> None:
    try:
        results.provider_id = box.send(target) or results.provider_id
    except Gone as gone:
        box.forget(target)
        results.refused = gone
    except Refused as refused:
        results.refused = refused
    except Failed as failed:
        results.failed = failed
    except Unsure as unsure:
        if row.channel == "sms":
            results.is_unsure = True
        results.failed = Failed(str(unsure))
    except (aws.ClientError, aws.BotoCoreError) as error:
        # What reads the credentials of a provider; the provider itself answers with one of ours.
        results.failed = Failed(type(error).__name__)
    else:
        aws.fault_point("notify.called")
        results.reached += 1
        if len(box.targets) > 1:
            ports.store.deliveries.reached(row, target.id)


def _settle(ports: Ports, row: DeliveryRow, results: _Results) -> None:
    store, tried = ports.store.deliveries, int(row.attempts)
    if results.is_unsure:
        # It may have arrived, and another would cost again: a person decides.
        store.settle(row, Move("dead", UNKNOWN_OUTCOME, note=UNKNOWN_OUTCOME))
    elif results.failed is None and results.reached:
        store.settle(row, Move("sent", note="sent"), provider_id=results.provider_id)
    elif results.failed is None:
        reason = results.refused.reason if results.refused else "nobody-left"
        store.settle(row, Move("failed", reason, note=reason))
        log.line("delivery failed", outcome="failed", cause=reason)
    elif tried >= attempts.MAX_ATTEMPTS:
        reason = results.failed.reason
        state = "sent" if results.reached else "dead"
        store.settle(row, Move(state, reason, note=reason), provider_id=results.provider_id)
        log.line("delivery dead", outcome=state, cause=reason)
    else:
        _again(ports, row, results.failed)


def _again(ports: Ports, row: DeliveryRow, failed: Failed) -> None:
    pause = max(attempts.pause_seconds(int(row.attempts), random.uniform), failed.after_seconds)
    when = clock.now() + timedelta(seconds=pause)
    if ports.store.deliveries.settle(row, Move("pending", failed.reason, when, failed.reason)):
        announce(ports, row.id, row.channel, when)


def _lost(ports: Ports, row: DeliveryRow, now: datetime) -> None:
    """Whoever had claimed it is gone, perhaps after the call. An SMS is not sent again by itself."""
    if row.channel == "sms":
        ports.store.deliveries.settle(row, Move("dead", UNKNOWN_OUTCOME, note="lost"))
    elif int(row.attempts) >= attempts.MAX_ATTEMPTS:
        ports.store.deliveries.settle(row, Move("dead", "lost", note="lost"))
    else:
        _again(ports, row, Failed("lost"))
