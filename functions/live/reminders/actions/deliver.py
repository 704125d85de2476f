"""The webhook of a run: signed, tried up to five times, each attempt begun by one worker alone.

The form and the headers are those of Standard Webhooks, so that receivers have a library for it.
"""

import base64
import hmac
import json
from datetime import datetime, timedelta

from tessera import aws, clock
from tessera.due import DueItem
from tessera.safehttp import AddressRefused, FetchFailed, SchemeRefused, URLInvalid
from tessera.sealed import SealBroken

from ..ports import Ports
from ..rules.reminder import Reminder, Result
from ..store.rows import RunRow

# What the next attempt waits after each failed one; there is none after the last.
PAUSES = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
ATTEMPTS = len(PAUSES) + 1
LEASE = timedelta(seconds=90)
# A queue may be this early.
EARLY = timedelta(seconds=1)
SECONDS, MAX_ANSWER_BYTES = 10.0, 65_536
# Trying again changes nothing about these.
_FINAL = (AddressRefused, SchemeRefused, URLInvalid)


class _Refused(Exception):
    """An attempt failed; the text is for whoever made the reminder."""

    def __init__(self, told: str, *, is_final: bool = False) -> None:
        super().__init__(told)
        self.is_final = is_final


def attempt(ports: Ports, seen: DueItem) -> None:
    """Try the webhook of a run, unless somebody else does or it is settled."""
    run = ports.reminders.run(seen.pk, seen.sk)
    if run is None or run.due_sk != seen.due_sk:
        return
    if seen.due - clock.now() > EARLY:
        ports.queue.send([seen])
        return
    claimed = ports.reminders.claim(run, clock.now() + LEASE)
    if claimed is None:
        return
    aws.fault_point("reminders.claimed")
    try:
        _post(ports, ports.reminders.find(run.pk.removeprefix("R#")), claimed)
    except _Refused as refused:
        _note(ports, claimed, refused)
        return
    ports.reminders.settle(claimed, Result.DONE)


def _note(ports: Ports, claimed: RunRow, refused: _Refused) -> None:
    if refused.is_final or int(claimed.attempts) >= ATTEMPTS:
        ports.reminders.settle(claimed, Result.FAILED, error=str(refused))
        return
    again_at = clock.now() + PAUSES[int(claimed.attempts) - 1]
    waiting = ports.reminders.settle(claimed, Result.PENDING, again_at=again_at, error=str(refused))
    if waiting is not None:
        ports.queue.send([DueItem(waiting.pk, waiting.sk, str(waiting.due_pk), str(waiting.due_sk))])


def _post(ports: Ports, reminder: Reminder | None, run: RunRow) -> None:
    """Raises `_Refused`."""
    webhook = None if reminder is None else reminder.action.get("webhook")
    if reminder is None or webhook is None:
        raise _Refused("The reminder has no webhook any more.", is_final=True)
    try:
        key = ports.secrets.key_of(reminder.owner_id, webhook["secret_id"])
    except SealBroken:
        key = None
    except (aws.ClientError, aws.BotoCoreError):
        raise _Refused("The secret could not be read.") from None
    if key is None:
        raise _Refused("The secret is gone.", is_final=True)
    body = _body(reminder, run)
    headers = {"content-type": "application/json", **signed(key, f"{reminder.id}.{run.sk}", clock.now(), body)}
    try:
        answer = ports.web.fetch(
            webhook["url"],
            purpose="reminder-webhook",
            method="POST",
            headers=headers,
            body=body,
            max_bytes=MAX_ANSWER_BYTES,
            total_seconds=SECONDS,
            redirects=0,
            truncate=True,
        )
    except FetchFailed as failed:
        raise _Refused(failed.detail or failed.title, is_final=isinstance(failed, _FINAL)) from None
    if not answer.ok:
        raise _Refused(f"The other side answered {answer.status}.", is_final=answer.status == 410)


def signed(key: bytes, message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows who sent the body, and that it was just now."""
    stamp = str(int(now.timestamp()))
    code = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(code).decode()}",
    }


def _body(reminder: Reminder, run: RunRow) -> bytes:
    data = {
        "reminder_id": reminder.id,
        "title": reminder.title,
        "due_at": run.due_at,
        "occurrence_at": run.occurrence_at,
        "attempt": int(run.attempts),
    }
    return json.dumps({"type": "reminder.fired", "timestamp": run.fired_at, "data": data}, ensure_ascii=False).encode()
