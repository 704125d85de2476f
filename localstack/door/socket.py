"""`/live`: the WebSocket API, with the one thing the emulator leaves out, the choice of a subprotocol."""

import asyncio

import aiohttp
import yarl
from aiohttp import WSMsgType, web

from localstack.door import headers, problems
from localstack.door.settings import DoorSettings

# What the hub speaks beside its own frames, which need no name.
SUBPROTOCOLS = ("graphql-transport-ws", "centrifuge-json", "tessera.v1")
# API Gateway's largest message; larger ones end the connection.
LARGEST_FRAME = 128 * 1024
HANDSHAKE = ("sec-websocket-", "cookie2")


class Socket:
    def __init__(self, settings: DoorSettings, client: aiohttp.ClientSession) -> None:
        self._settings, self._client = settings, client

    async def forward(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() != "websocket":
            return problems.problem(400, "This is a WebSocket. Connect with ws://, not http://.")
        if headers.calls_aws(request.headers.items()):
            return problems.problem(403, "The front door takes bearer tokens and keys, not AWS signatures.")
        peer = request.transport.get_extra_info("peername")[0] if request.transport else ""
        sent = headers.onwards(request.headers.items(), peer=peer, secret=self._settings.edge_secret)
        sent = [(name, value) for name, value in sent if not name.lower().startswith(HANDSHAKE)]
        # As it came: read and written again, an escaped `&` or `#` would mean something else.
        raw = request.rel_url.raw_query_string
        target = yarl.URL(f"{self._settings.socket_url}?{raw}" if raw else self._settings.socket_url, encoded=True)
        offered = [
            part.strip() for part in request.headers.get("sec-websocket-protocol", "").split(",") if part.strip()
        ]
        try:
            upstream = await self._client.ws_connect(
                target, headers=sent, protocols=offered, max_msg_size=LARGEST_FRAME
            )
        except aiohttp.WSServerHandshakeError as refused:
            return problems.problem(refused.status, "The socket was refused.")
        except aiohttp.ClientError:
            return problems.problem(503, "The local cloud does not answer.", headers={"retry-after": "1"})
        chosen = [name for name in offered if name in SUBPROTOCOLS][:1]
        downstream = web.WebSocketResponse(protocols=chosen, max_msg_size=LARGEST_FRAME)
        await downstream.prepare(request)
        await _join(downstream, upstream)
        return downstream


async def _join(one: web.WebSocketResponse, other: aiohttp.ClientWebSocketResponse) -> None:
    """Carry frames both ways until either side ends."""
    ways = [asyncio.create_task(_carry(one, other)), asyncio.create_task(_carry(other, one))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await asyncio.gather(one.close(code=other.close_code or 1000), other.close(code=1000))


async def _carry(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        else:
            return
