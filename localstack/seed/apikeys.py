"""Three API keys of the plain demo user: one that works, one that ends in two days, one that was revoked."""

from typing import Any

from localstack.seed import World

SCOPES = ["tasks:read", "tasks:write", "ratelimit:check"]


async def seed(world: World) -> None:
    """The one that works is printed with the demo logins."""
    headers = await world.headers_of("user")
    user = next(user for user in world.users if user["role"] == "user")
    wanted: list[dict[str, Any]] = [
        {"name": "Home automation"},
        {"name": "Old laptop", "expires_in_days": 2},
        {"name": "Lost phone", "env": "test"},
    ]
    # One after the other: what is asked at once starts a process each, which costs more than it saves.
    active, _, revoked = [await world.post("/apikeys", {**one, "scopes": SCOPES}, headers) for one in wanted]
    await world.post(f"/apikeys/{revoked['id']}/revoke", None, headers)
    user["api_key"] = active["key"]
