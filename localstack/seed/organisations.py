"""The organisation "Atelier": four of the demo users in its four roles, and one invitation that is still open.

Its people come in by the domain of their addresses, which is proven first: no mail has to be waited for.
"""

import base64
import json
from typing import Any

from localstack.seed import World

NAME, SLUG, DOMAIN = "Atelier", "atelier", "example.com"
GUEST = "guest@example.com"
# The demo users that are in it, by their role on the platform.
OWNER, ADMIN, MEMBER, VIEWER = "owner", "admin", "user", "support"


async def seed(world: World) -> None:
    """The domain goes on letting in, as viewer, whoever signs up with an address there: that can be tried."""
    # One after the other: each that came beside another would start a process of its own.
    people = {role: await _headers(world, role) for role in (OWNER, ADMIN, MEMBER, VIEWER)}
    mine = people[OWNER]
    made = await _ask(world, "POST", "/organisations", {"name": NAME, "slug": SLUG}, mine)
    path = f"/organisations/{made['id']}"
    await _ask(world, "PUT", f"{path}/domains/{DOMAIN}", {"join": "role", "role": "viewer"}, mine)
    await _ask(world, "POST", f"{path}/domains/{DOMAIN}/verify", None, mine)
    for role in (ADMIN, MEMBER, VIEWER):
        await _ask(world, "POST", f"{path}/join", None, people[role])
    for role, there in ((ADMIN, "admin"), (MEMBER, "member")):
        member = f"{path}/members/{_user_id(people[role])}"
        await _ask(world, "PATCH", member, {"role": there}, {**mine, "if-match": "*"})
    await _ask(world, "POST", f"{path}/invitations", {"email": GUEST, "role": "member"}, mine)


async def _headers(world: World, role: str) -> dict[str, str]:
    """A token of this demo user, from the sign-in that their sign-up was."""
    asked = {"refresh_token": world.refresh_tokens[role]}
    pair = await _ask(world, "POST", "/accounts/token/refresh", asked, {})
    world.refresh_tokens[role] = pair["refresh_token"]
    return {"authorization": f"Bearer {pair['access_token']}"}


def _user_id(headers: dict[str, str]) -> str:
    """Whom this token names, without a request."""
    payload = headers["authorization"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


async def _ask(world: World, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> Any:
    async with world.http.request(method, path, json=body, headers=headers) as answer:
        found = await answer.json(content_type=None)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {found.get('detail') or found.get('title')}")
        return found
