"""One user per role, one who is locked, and two with a second factor: an authenticator app, and a passkey.

Each signs up through the public API with the code from their mail.
"""

import asyncio
import base64
import hmac
import json
import re
import secrets
import time
from typing import Any

import aiohttp

from localstack.seed import World
from localstack.seed.software_passkey import SoftwarePasskey

ROLES = ("user", "support", "moderator", "admin", "owner")
LOCKED, APP, PASSKEY = "locked", "totp", "passkey"
ALL = (*ROLES, LOCKED, APP, PASSKEY)
MAIL_WITHIN_SECONDS = 30.0
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")


async def seed(world: World) -> None:
    """Their names say what they are; their passwords are new each time."""
    # Two at a time: every further one would start a process of its own, and two cores have two to give.
    turns = asyncio.Semaphore(2)
    await asyncio.gather(*(_person(world, role, turns) for role in ALL))
    world.users.sort(key=lambda user: ALL.index(user["role"]))


async def _person(world: World, role: str, turns: asyncio.Semaphore) -> None:
    # The role stands in the address, and a password must not hold what the address says.
    email, password = f"{role}@example.com", f"demo-{secrets.token_urlsafe(12)}"
    async with turns:
        asked = await world.post("/accounts/sign-up", {"email": email, "password": password, "name": role.title()})
    # It is nobody's turn while all wait for their mails, which come together.
    code = await _code(world, email)
    async with turns:
        verified = {"sign_up_id": asked["sign_up_id"], "code": code, "device_name": "demo"}
        signed_in = await world.post("/accounts/sign-up/verify", verified)
        made = {"email": email, "password": password, "role": role}
        await world.arrived(made, signed_in["refresh_token"])
        await _become(world, role, signed_in, made)


async def _become(world: World, role: str, signed_in: dict[str, Any], made: dict[str, str]) -> None:
    user_id = signed_in["user"]["id"]
    if role in (APP, PASSKEY):
        headers = {"authorization": f"Bearer {signed_in['access_token']}"}
        made["secret"] = await (_app if role == APP else _passkey)(world, headers)
    elif role == LOCKED:
        await world.post_inside(f"/accounts/internal/users/{user_id}/lock", {"reason": "A locked account to look at."})
    elif role != "user":
        await world.post_inside(f"/accounts/internal/users/{user_id}/roles", {"roles": [role]})


async def _app(world: World, headers: dict[str, str]) -> str:
    """An authenticator app, set up; its secret is for typing into a real one."""
    secret: str = (await world.post("/accounts/me/mfa/totp", None, headers))["secret"]
    step = int(time.time()) // 30
    tag = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    number = int.from_bytes(tag[tag[-1] & 15 :][:4], "big") & 0x7FFF_FFFF
    await world.post("/accounts/me/mfa/totp/confirm", {"code": f"{number % 10**6:06d}"}, headers)
    return secret


async def _passkey(world: World, headers: dict[str, str]) -> str:
    """A passkey, registered; its key is for a virtual authenticator."""
    passkey = SoftwarePasskey(world.base_url)
    asked = await world.post("/accounts/me/passkeys/options", None, headers)
    made = {"challenge_id": asked["challenge_id"], "credential": passkey.create(asked["publicKey"]), "name": "Demo"}
    await world.post("/accounts/me/passkeys", made, headers)
    return json.dumps(passkey.kept())


async def _code(world: World, email: str) -> str:
    """The code of the newest mail to this address, as soon as it has come."""
    async with asyncio.timeout(MAIL_WITHIN_SECONDS), aiohttp.ClientSession() as emulator:
        while True:
            async with emulator.get(f"{world.endpoint}/_tessera/mails", params={"to": email}) as answer:
                sent = (await answer.json())["messages"]
            if sent:
                return str(_CODE.findall(sent[-1]["BodyText"])[0])
            await asyncio.sleep(0.1)
