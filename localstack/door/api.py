"""The way to the HTTP API: the same target, method and body, with headers that can be believed."""

import aiohttp
import yarl
from aiohttp import web

from localstack.door import headers, problems, targets
from localstack.door.settings import DoorSettings
from localstack.door.turnstile import Turnstile

# API Gateway's own limits: 10 MB and 30 s.
LARGEST_BODY = 10 * 1024 * 1024
LONGEST_WAIT = 35


class Api:
    def __init__(self, settings: DoorSettings, client: aiohttp.ClientSession, turnstile: Turnstile) -> None:
        self._settings, self._client, self._turnstile = settings, client, turnstile

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Pass the request on and its answer back; every error comes as a problem document."""
        if headers.calls_aws(request.headers.items()):
            return problems.problem(403, "The front door takes bearer tokens and keys, not AWS signatures.")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return problems.problem(
                413, f"A request may have up to {LARGEST_BODY} bytes.", headers={"connection": "close"}
            )
        long_poll = "wait" in request.query or "text/event-stream" in request.headers.get("accept", "")
        async with self._turnstile.passing(targets.first_segment(request.raw_path), long_poll=long_poll):
            try:
                return await self._ask(request, body)
            except TimeoutError:
                return problems.problem(504, "There was no answer in time.")
            except aiohttp.ClientError:
                return problems.problem(503, "The local cloud does not answer.", headers={"retry-after": "1"})

    async def _ask(self, request: web.Request, body: bytes) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername")[0] if request.transport else ""
        # `encoded=True`: the target goes out byte for byte as it came in.
        url = yarl.URL(self._settings.api_base + request.raw_path, encoded=True)
        sent = headers.onwards(request.headers.items(), peer=peer, secret=self._settings.edge_secret)
        async with self._client.request(
            request.method,
            url,
            headers=sent,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=["User-Agent", "Content-Type", "Accept", "Accept-Encoding"],
        ) as answer:
            content = await answer.read()
            if problems.is_foreign(answer.status, answer.headers):
                response = problems.translated(answer.status, content)
                kept = [pair for pair in answer.headers.items() if pair[0].lower().startswith("access-control-")]
            else:
                response = web.Response(body=content, status=answer.status)
                # aiohttp would name one itself, even where there is no body.
                response.headers.popall("Content-Type", None)
                kept = headers.back(answer.headers.items())
            for name, value in kept:
                response.headers.add(name, value)
            return response
