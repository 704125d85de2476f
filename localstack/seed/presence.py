"""A document that everybody may open, with three demo users in it for as long as two minutes."""

from localstack.seed import World

DOC = "demo-plan"
PEOPLE = (("user", 0.2, 0.3), ("support", 0.6, 0.4), ("moderator", 0.4, 0.8))


async def seed_after_ready(world: World) -> None:
    """The room belongs to the owner; who looks at it first sees three cursors that stand still."""
    owner = await world.headers_of("owner")
    wanted = {"visibility": "public", "max_members": 50, "ttl_s": 120}
    await world.ask("PUT", f"/presence/rooms/{DOC}", wanted, owner)
    for role, x, y in PEOPLE:
        headers = await world.headers_of(role)
        body = {"client": f"demo-{role}", "meta": {"name": role.title()}}
        joined = await world.post(f"/presence/rooms/{DOC}/sessions", body, headers)
        state = {"cursor": {"x": x, "y": y}, "status": "reading"}
        path = f"/presence/rooms/{DOC}/sessions/{joined['session_id']}/beat"
        await world.ask("PUT", path, {"v": 1, "state": state}, headers)
