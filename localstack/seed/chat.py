"""Four rooms of the demo users: a public one, a private one with a thread, two conversations; one reported message."""

import base64
import json
from typing import Any

from localstack.seed import World, new_id

TALKERS = ("user", "support", "moderator", "admin", "owner")
SAID = (
    "Good morning, everybody.",
    "The release is planned for Thursday.",
    "I have moved the notes to the wiki.",
    "Who can look at the failing test?",
    "I can, after lunch.",
    "It was the clock again.",
    "Fixed, and there is a test for it now.",
    "Thank you!",
)
REPLIES = ("Let us do that.", "I am for it.", "What does it cost?", "Nothing.", "Then yes.")


async def seed_after_ready(world: World) -> None:
    """Through the API, one after the other, as they would have said it."""
    people = {role: await _signed_in(world, role) for role in TALKERS}
    ids = {role: found["user"] for role, found in people.items()}
    everybody = [ids[role] for role in TALKERS if role != "owner"]
    hall = await _room(world, people["owner"], {"name": "Hall", "kind": "public", "member_ids": everybody})
    team = await _room(world, people["owner"], {"name": "Team", "kind": "private", "member_ids": everybody[:3]})
    pairs = [("user", "support"), ("user", "admin")]
    dms = [await _post(world, "/chat/dms", {"user_ids": [ids[b]]}, people[a]) for a, b in pairs]
    for number, text in enumerate(SAID):
        await _say(world, hall, people[TALKERS[number % 4 + 1]], text)
    root = await _say(world, team, people["owner"], f"Shall we meet on Friday, <@{ids['user']}>?")
    for number, text in enumerate(REPLIES):
        await _say(world, team, people[TALKERS[number % 3]], text, thread_root=root["id"])
    for dm, (_, other) in zip(dms, pairs, strict=True):
        for text in ("Do you have a minute?", "It is about the invoice."):
            await _say(world, dm, people[other], text)
    rude = await _say(world, hall, people["support"], "Buy cheap watches at my shop!")
    path = f"/chat/rooms/{hall['id']}/messages/{rude['id']}/reports"
    await _post(world, path, {"reason": "spam", "note": "Not here, please."}, people["user"])


async def _signed_in(world: World, role: str) -> dict[str, Any]:
    """The token itself says whose it is."""
    headers = await world.headers_of(role)
    claims = headers["authorization"].split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return {"headers": headers, "user": told["sub"]}


async def _room(world: World, by: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    return await _post(world, "/chat/rooms", body, by)


async def _say(world: World, room: dict[str, Any], by: dict[str, Any], text: str, **fields: Any) -> dict[str, Any]:
    body = {"text": text, "client_msg_id": new_id(), **fields}
    return await _post(world, f"/chat/rooms/{room['id']}/messages", body, by)


async def _post(world: World, path: str, body: dict[str, Any], by: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await world.post(path, body, by["headers"])
    return found
