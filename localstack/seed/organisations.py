"""The organisation "Atelier": four of the demo users in its four roles, and one invitation that is still open.

Its people come in by the domain of their addresses, which is proven first: no mail has to be waited for.
"""

import base64
import json

from localstack.seed import World

NAME, SLUG, DOMAIN = "Atelier", "atelier", "example.com"
GUEST = "guest@example.com"
# The demo users that are in it, by their role on the platform.
OWNER, ADMIN, MEMBER, VIEWER = "owner", "admin", "user", "support"


async def seed_after_ready(world: World) -> None:
    """The domain goes on letting in, as viewer, whoever signs up with an address there: that can be tried."""
    # One after the other: each that came beside another would start a process of its own.
    people = {role: await world.headers_of(role) for role in (OWNER, ADMIN, MEMBER, VIEWER)}
    mine = people[OWNER]
    made = await world.ask("POST", "/organisations", {"name": NAME, "slug": SLUG}, mine)
    path = f"/organisations/{made['id']}"
    await world.ask("PUT", f"{path}/domains/{DOMAIN}", {"join": "role", "role": "viewer"}, mine)
    await world.ask("POST", f"{path}/domains/{DOMAIN}/verify", None, mine)
    for role in (ADMIN, MEMBER, VIEWER):
        await world.ask("POST", f"{path}/join", None, people[role])
    for role, there in ((ADMIN, "admin"), (MEMBER, "member")):
        member = f"{path}/members/{_user_id(people[role])}"
        await world.ask("PATCH", member, {"role": there}, {**mine, "if-match": "*"})
    await world.ask("POST", f"{path}/invitations", {"email": GUEST, "role": "member"}, mine)


def _user_id(headers: dict[str, str]) -> str:
    """Whom this token names, without a request."""
    payload = headers["authorization"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])
