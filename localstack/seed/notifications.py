"""A bell with twelve unread notifications, a digest that fills up, and a number that has got an SMS."""

import asyncio
from typing import Any

from localstack.seed import World

NUMBER = "+491701234567"
ORDERS = ("is confirmed", "is on its way", "was delivered")


async def seed_after_ready(world: World) -> None:
    """For the plain demo user; what goes out lands in the mailbox and the stand-ins of the local cloud."""
    mine = await world.headers_of("user")
    me = (await _call(world, "GET", "/accounts/me", mine))["id"]
    staff = await world.headers_of("admin")
    code = await _code(world, mine)
    if code:
        await _call(world, "POST", "/notifications/phone/confirm", mine, {"code": code})
    chosen = {
        "tz": "Europe/Berlin",
        "digests": {"comment-reply": {"cadence": "daily", "at": "09:00"}},
        "matrix": {"alert": {"sms": True}},
    }
    await _call(world, "PUT", "/notifications/preferences", mine, chosen, **{"if-match": "*"})
    for number in range(7):
        data = {"number": str(1_000 + number), "what": ORDERS[number % 3], "order_id": str(1_000 + number)}
        await _send(world, staff, me, "order", data, channels=["inapp"])
    for preview in ("Great post!", "I had the same question.", "Thank you."):
        await _send(world, staff, me, "comment-reply", {"preview": preview, "link": "/blog"})
    await _send(world, staff, me, "announcement", {"title": "Welcome to Tessera", "body": "This is your bell."})
    await _send(world, staff, me, "alert", {"title": "Frost tonight", "detail": "-4 degrees"}, priority="critical")


async def _send(world: World, staff: dict[str, str], user: str, kind: str, data: dict[str, str], **more: Any) -> None:
    body = {"type": kind, "recipients": [user], "data": data, **more}
    await _call(world, "POST", "/notifications/send", staff, body)


async def _code(world: World, token: dict[str, str]) -> str:
    """The code that the stand-in of the SMS provider has got; none where there is no stand-in."""
    async with world.http.put("/notifications/phone", json={"number": NUMBER}, headers=token) as answer:
        if answer.status != 202:
            return ""
    for _ in range(10):
        async with world.http.get("/stand-ins/twilio/control/inbox") as answer:
            sent = [one for one in await answer.json() if one["to"] == NUMBER] if answer.status == 200 else []
        if sent:
            return str(sent[-1]["body"])[:6]
        await asyncio.sleep(0.2)
    return ""


async def _call(
    world: World, method: str, path: str, token: dict[str, str], body: dict[str, Any] | None = None, **headers: str
) -> dict[str, Any]:
    found: dict[str, Any] = await world.ask(method, path, body, {**token, **headers})
    return found
