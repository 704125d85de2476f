"""People to administer, a role and an open invitation; `DEMO=full` makes it forty users and ten days of audit."""

import asyncio
import hashlib
import json
import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from localstack.seed import World, ulid

FEW = ("Ada Lovelace", "Alan Turing", "Grace Hopper", "Katherine Johnson")
FIRST = "Ann Ben Cleo Dan Eva Finn Gia Hal Ina Jon".split()
LAST = "Alder Birch Cedar Downy".split()
DAYS, ENTRIES = 10, 300


async def seed_after_ready(world: World) -> None:
    """As the owner, through the public API; the days that are over are put there as the consumer would have."""
    full = os.environ.get("DEMO") == "full"
    headers = await world.headers_of("owner")
    names = [f"{first} {last}" for last in LAST for first in FIRST] if full else FEW
    lines = [json.dumps({"email": f"{name.lower().replace(' ', '.')}@example.com", "name": name}) for name in names]
    role = {"name": "newsroom", "permissions": ["blog:publish", "blog:write"], "description": "Writes and publishes"}
    # One after the other: several at once would start a process each, which takes longer.
    await world.post("/admin/roles", role, headers)
    await world.post("/admin/invitations", {"email": "helper@example.com", "roles": ["support"]}, headers)
    await world.post("/admin/users/import", {"format": "ndjson", "content": "\n".join(lines)}, headers)
    if full:
        await asyncio.to_thread(_past, world)
        await world.invoke("admin", {"schedule": "seal"})


def _past(world: World) -> None:
    """Entries of the last days. No route makes any: an entry is recorded on the day it comes."""
    client = world.client("dynamodb")
    dice = random.Random(20260101)
    items = [_item(number, dice) for number in range(ENTRIES)]
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        client.batch_write_item(RequestItems={f"{world.stack}-admin": puts})


def _item(number: int, dice: random.Random) -> dict[str, dict[str, str]]:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight - timedelta(days=1 + number % DAYS) + timedelta(seconds=dice.randint(0, 86_399))
    millis, when = int(at.timestamp() * 1000), f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
    actor, target = (_ulid(kind, dice.randint(0, 9)) for kind in ("actor", "target"))
    action = dice.choice(
        ["accounts.login", "accounts.locked", "accounts.roles-set", "admin.user-viewed", "tasks.cleared"]
    )
    entry: dict[str, Any] = {
        "id": _ulid("entry", number),
        "occurred_at": when,
        "recorded_at": when,
        "capability": action.partition(".")[0],
        "action": action,
        "outcome": "success",
        "actor": {
            "kind": "user",
            "id": actor,
            "via": "bearer",
            "sid": None,
            "ip": "203.0.113.7",
            "net": "203.0.113.0/24",
            "ua": "demo",
        },
        "on_behalf_of": None,
        "organisation": None,
        "target": {"type": "user", "id": target},
        "reason": None,
        "changes": [],
        "request_id": "demo",
        "trace_id": "0" * 32,
        "detail": {},
    }
    texts = {
        "pk": f"AUD#{at:%Y-%m-%d}",
        "sk": f"{millis:013d}#{entry['id']}",
        "entry": json.dumps(entry, ensure_ascii=False, sort_keys=True),
        "recorded_at": when,
        "action": action,
        "outcome": "success",
        "gs1_pk": f"A#{actor}",
        "gs1_sk": f"{when}#{entry['id']}",
        "gs2_pk": f"T#user#{target}",
        "gs2_sk": f"{when}#{entry['id']}",
    }
    return {**{name: {"S": text} for name, text in texts.items()}, "version": {"N": "1"}}


def _ulid(kind: str, number: int) -> str:
    """The same id for the same number, in the shape of ours."""
    return ulid(int.from_bytes(hashlib.sha256(f"{kind} {number}".encode()).digest()[:16], "big") >> 3)
