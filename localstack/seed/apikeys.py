"""Three API keys of the plain demo user: one that works, one that ends in two days, one that was revoked."""

from typing import Any

from localstack.seed import World

SCOPES = ["tasks:read", "tasks:write", "ratelimit:check"]


async def seed(world: World) -> None:
    """The one that works is printed with the demo logins."""
    user = next(user for user in world.users if user["role"] == "user")
    pair = await _post(world, "/accounts/token/refresh", {"refresh_token": world.refresh_tokens["user"]}, {})
    world.refresh_tokens["user"] = pair["refresh_token"]
    headers = {"authorization": f"Bearer {pair['access_token']}"}
    wanted: list[dict[str, Any]] = [
        {"name": "Home automation"},
        {"name": "Old laptop", "expires_in_days": 2},
        {"name": "Lost phone", "env": "test"},
    ]
    # One after the other: what is asked at once starts a process each, which costs more than it saves.
    active, _, revoked = [await _post(world, "/apikeys", {**one, "scopes": SCOPES}, headers) for one in wanted]
    await _post(world, f"/apikeys/{revoked['id']}/revoke", None, headers)
    user["api_key"] = active["key"]


async def _post(world: World, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> dict[str, Any]:
    async with world.http.post(path, json=body, headers=headers) as answer:
        found: dict[str, Any] = await answer.json(content_type=None)
        if answer.status >= 400:
            raise RuntimeError(f"POST {path} answered {answer.status}: {found.get('detail') or found.get('title')}")
        return found
