"""Demo data. One module a capability, named like its package, with `async def seed(world: World) -> None`.

They run after every fresh deploy, through the public API only; what needs a role that no route grants goes through
`World.invoke`, the internal route by direct invocation. `seed` is what one looks at first: these run at once,
and each waits for the people it needs. `seed_after_ready`, instead or besides, runs when `make run` is ready, one after
the other, beside whatever the person does.
"""

import asyncio
import json
import secrets
import time
from typing import Any, Self

import aiohttp
import botocore.session

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(bits: int) -> str:
    """A number of 128 bits as our ids are written."""
    return "".join(_ALPHABET[bits >> shift & 31] for shift in range(125, -1, -5))


def new_id(at: float | None = None) -> str:
    """One of this moment, or of another in seconds since 1970."""
    return ulid(int((time.time() if at is None else at) * 1000) << 80 | secrets.randbits(80))


class World:
    """The stack to be filled, and what the seeds before have left for the next."""

    def __init__(self, base_url: str, endpoint: str, stack: str) -> None:
        self.base_url, self.endpoint, self.stack = base_url, endpoint, stack
        # Each {"email", "password", "role"}, a "secret" where there is a second factor, and an "api_key" where one
        # was made; they end up in `.tessera/demo.json`.
        self.users: list[dict[str, str]] = []
        # By role, of the sign-in that each sign-up was: a refresh costs no password hash.
        self.refresh_tokens: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None
        self._arriving = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.base_url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        """A client whose paths begin at the front door."""
        assert self._session is not None, "`async with World(...)` comes first"
        return self._session

    async def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """What the API answers. A limit that is met is waited for, as any client would; raises `RuntimeError`."""
        while True:
            async with self.http.request(method, path, json=body, headers=headers) as answer:
                found = await answer.json(content_type=None)
                if answer.status == 429:
                    await asyncio.sleep(int(answer.headers["Retry-After"]))
                    continue
                if answer.status >= 400:
                    said = found.get("detail") or found.get("title")
                    raise RuntimeError(f"{method} {path} answered {answer.status}: {said}")
                return found

    async def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        return await self.ask("POST", path, body, headers)

    async def arrived(self, user: dict[str, str], refresh_token: str) -> None:
        """Who waits for this demo user goes on."""
        async with self._arriving:
            self.users.append(user)
            self.refresh_tokens[user["role"]] = refresh_token
            self._arriving.notify_all()

    async def headers_of(self, role: str) -> dict[str, str]:
        """A token of this demo user, as soon as there is one, from the sign-in that their sign-up was."""
        # One at a time: a token that is refreshed twice is taken for stolen.
        async with self._arriving:
            await self._arriving.wait_for(lambda: role in self.refresh_tokens)
            pair = await self.post("/accounts/token/refresh", {"refresh_token": self.refresh_tokens[role]})
            self.refresh_tokens[role] = pair["refresh_token"]
        return {"authorization": f"Bearer {pair['access_token']}"}

    async def upload(
        self, headers: dict[str, str], name: str, body: bytes, *, media_type: str, folder_id: str | None
    ) -> str:
        """The id of a new file with this in it, which is looked at from now on; raises `RuntimeError`."""
        asked = {"name": name, "type": media_type, "size": len(body), "folder_id": folder_id}
        made = await self.ask("POST", "/files", asked, headers)
        place = made["upload"]
        async with (
            aiohttp.ClientSession() as store,
            store.put(place["url"], data=body, headers=place["headers"]) as sent,
        ):
            if sent.status >= 400:
                raise RuntimeError(f"The store answered {sent.status} to {name}.")
        return str(made["id"])

    def client(self, service: str) -> Any:
        """Of a service of the emulator: for what no route can make, such as clicks of last month."""
        return botocore.session.Session().create_client(
            service,
            region_name="eu-central-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    async def post_inside(self, path: str, body: dict[str, Any], *, caller: str = "seed") -> None:
        """Ask an internal route as the function of that name may. Raises `RuntimeError`."""
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": "internal", "content-type": "application/json"},
            "requestContext": {
                "http": {
                    "method": "POST",
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "",
                },
                "tessera": {"internal": True, "caller": caller},
            },
            "body": json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = await self.invoke(path.split("/")[1], event)
        if int(answer.get("statusCode", 500)) >= 400:
            raise RuntimeError(f"POST {path} answered {answer}")

    async def invoke(self, capability: str, event: dict[str, Any]) -> Any:
        """Invoke a capability's function directly, as the account's owner may."""
        return await asyncio.to_thread(self._invoke, capability, event)

    def _invoke(self, capability: str, event: dict[str, Any]) -> Any:
        client = self.client("lambda")
        answer = client.invoke(FunctionName=f"{self.stack}-{capability}", Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())
