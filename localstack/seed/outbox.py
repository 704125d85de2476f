"""Sixty mails in every state that lasts, one to be answered, three addresses that get none, two dead letters."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from localstack.seed import World, new_id

LETTERS = ("Your invoice", "Your booking", "A summary of your week", "What is new in spring")
BOUNCED, COMPLAINED, REFUSED = "moved-away@example.com", "annoyed@example.com", "no-thanks@example.com"
SENT, DELIVERED, QUEUED, CANCELLED, BOUNCES, COMPLAINTS, DEAD = 9, 31, 8, 4, 3, 2, 2
WAIT_SECONDS, SOON_SECONDS = 60.0, 2


async def seed_after_ready(world: World) -> None:
    """Through the API as somebody who runs the mail; what the mail service would report goes to the worker itself."""
    staff = await world.headers_of("admin")
    mails = [_mail(number, f"reader{number}@example.com") for number in range(SENT + DELIVERED)]
    mails += [_mail(0, BOUNCED) for _ in range(BOUNCES)] + [_mail(3, COMPLAINED) for _ in range(COMPLAINTS)]
    made = await _ask(world, staff, mails)
    later = _at(days=7)
    await _ask(world, staff, [_mail(2, f"planned{number}@example.com", send_at=later) for number in range(QUEUED)])
    for mail_id in await _ask(world, staff, [_mail(1, "changed@example.com", send_at=later)] * CANCELLED):
        await world.ask("POST", f"/outbox/emails/{mail_id}/cancel", None, staff)
    await _bury(world, staff)
    await _sent(world, staff, set(made))
    delivered, rest = made[SENT : SENT + DELIVERED], made[SENT + DELIVERED :]
    reports = [_report("Delivery", mail_id, f"reader{SENT + n}@example.com") for n, mail_id in enumerate(delivered)]
    reports += [_report("Bounce", mail_id, BOUNCED) for mail_id in rest[:BOUNCES]]
    reports += [_report("Complaint", mail_id, COMPLAINED) for mail_id in rest[BOUNCES:]]
    for start in range(0, len(reports), 10):
        await _tell(world, reports[start : start + 10])
    # One complaint among the last thousand holds bulk, until somebody has seen to it.
    await world.ask("POST", "/outbox/sending/resume", None, staff)
    await _ask_back(world)


def _mail(number: int, to: str, **more: Any) -> dict[str, Any]:
    subject = LETTERS[number % len(LETTERS)]
    category = "transactional" if number % len(LETTERS) < 2 else "bulk"
    return {"to": [to], "subject": subject, "text": f"Hello,\n\n{subject}.\n", "category": category, **more}


async def _ask(world: World, staff: dict[str, str], mails: list[dict[str, Any]]) -> list[str]:
    made = await world.ask("POST", "/outbox/emails/batch", {"items": mails}, staff)
    return [str(item["id"]) for item in made["items"]]


async def _ask_back(world: World) -> None:
    """The newest mail of the mailbox has a form for an answer. Only another of our services may ask for one."""
    body = {
        "id": new_id(),
        "to": "traveller@example.com",
        "subject": "How was your stay?",
        "text": "Hello,\n\nyou were with us last week. What should we do better?\n\nJust answer this mail.\n",
        "reply_ref": new_id(),
    }
    await world.post_inside("/outbox/internal/emails", body, caller="notifications")


async def _bury(world: World, staff: dict[str, str]) -> None:
    """Whoever wants no more mail by the time it is sent leaves a dead letter."""
    buried = await _ask(world, staff, [_mail(0, REFUSED, send_at=_at(seconds=SOON_SECONDS))] * DEAD)
    await world.ask("POST", "/outbox/suppressions", {"address": REFUSED}, staff)
    await asyncio.sleep(SOON_SECONDS)
    await _tell(world, [{"kind": "send", "data": {"mail_id": mail_id}} for mail_id in buried])


async def _sent(world: World, staff: dict[str, str], wanted: set[str]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        page = await world.ask("GET", "/outbox/emails?state=sent&limit=100", None, staff)
        if wanted <= {item["id"] for item in page["items"]}:
            return
        await asyncio.sleep(1)
    raise RuntimeError("The mails of the demo were not sent in time.")


async def _tell(world: World, messages: list[dict[str, Any]]) -> None:
    records = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(message)}
        for number, message in enumerate(messages)
    ]
    answer = await world.invoke("outbox", {"Records": records})
    if answer["batchItemFailures"]:
        raise RuntimeError("The mail worker did not take what the mail service would report.")


def _report(kind: str, mail_id: str, to: str) -> dict[str, Any]:
    """As SES says it."""
    when = _at()
    every: dict[str, dict[str, Any]] = {
        "Delivery": {"delivery": {"timestamp": when, "recipients": [to], "smtpResponse": "250 ok"}},
        "Bounce": {
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": to, "diagnosticCode": "smtp; 550 user unknown"}],
                "timestamp": when,
                "feedbackId": mail_id,
            }
        },
        "Complaint": {
            "complaint": {
                "complainedRecipients": [{"emailAddress": to}],
                "timestamp": when,
                "feedbackId": mail_id,
                "complaintFeedbackType": "abuse",
            }
        },
    }
    tags = {"mail_id": [mail_id], "attempt": ["1"]}
    return {"eventType": kind, "mail": {"timestamp": when, "messageId": f"demo-{mail_id}", "tags": tags}, **every[kind]}


def _at(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat().replace("+00:00", "Z")
