"""The front door in front of a stand-in for the emulator."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import yarl
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from localstack.door.app import SERVED, build
from localstack.door.settings import DoorSettings

Check = Callable[[TestClient, "Emulator"], Awaitable[None]]
API = "/_aws/execute-api/tessera/$default"


class Emulator:
    """Answers like the emulator's gateway, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.most_at_once = 0
        self._now = 0
        self.protocols: list[str] = []
        self.connected: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._echo(request)
        self.asked.append(request)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        # As long as an answer takes: others come in between.
        await asyncio.sleep(0.005)
        self._now -= 1
        if request.path.endswith("/broken"):
            return web.json_response({"message": "Internal Server Error"}, status=500)
        if request.path.endswith("/unknown"):
            return web.json_response({"message": "Not Found"}, status=404, headers={"Access-Control-Allow-Origin": "*"})
        return web.json_response({"size": len(await request.read())}, headers={"ETag": '"1"'})

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        self.connected.append(request.raw_path)
        self.protocols = request.headers.get("sec-websocket-protocol", "").split(",")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(f"heard {message.data}")
        return socket


async def started(app: web.Application) -> TestServer:
    server = TestServer(app)
    await server.start_server(**SERVED)
    return server


def at_the_door(check: Check) -> None:
    async def scene() -> None:
        emulator = Emulator()
        behind = web.Application(client_max_size=20 * 1024 * 1024)
        behind.router.add_route("*", "/{tail:.*}", emulator.answer)
        async with await started(behind) as server:
            settings = DoorSettings(
                port=0,
                endpoint=str(server.make_url("")).rstrip("/"),
                api_id="tessera",
                socket_id="tessera-live",
                stack="tessera",
                edge_secret="s3cret",
                capabilities=frozenset(["tasks"]),
                folder=Path(),
            )
            async with TestClient(await started(build(settings))) as client:
                await check(client, emulator)

    asyncio.run(scene())


def test_a_request_goes_on_byte_for_byte() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async with client.request("PUT", "/tasks/a%2Fb?q=%20x&q=y", data=b"12345") as answer:
            assert (answer.status, await answer.json(), answer.headers["etag"]) == (200, {"size": 5}, '"1"')

        asked = emulator.asked[0]
        assert (asked.method, asked.raw_path) == ("PUT", f"{API}/tasks/a%2Fb?q=%20x&q=y")
        assert (asked.headers["x-forwarded-for"], asked.headers["x-tessera-edge"]) == ("127.0.0.1", "s3cret")

    at_the_door(check)


@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "zstd"])
def test_a_packed_body_goes_on_packed_whatever_it_holds(packing: str) -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async with client.post("/tasks", data=b"not packed", headers={"Content-Encoding": packing}) as answer:
            assert (answer.status, await answer.json()) == (200, {"size": len(b"not packed")})

        assert emulator.asked[0].headers["content-encoding"] == packing

    at_the_door(check)


def test_a_refused_target_never_reaches_the_emulator() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"GET /../../_ministack/reset HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()

        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in answer
        assert emulator.asked == []

    at_the_door(check)


def test_a_body_above_ten_megabytes_is_refused_as_a_problem() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async with client.post("/tasks", data=b"x" * (10 * 1024 * 1024 + 1)) as answer:
            assert (answer.status, answer.content_type) == (413, "application/problem+json")
        assert emulator.asked == []

    at_the_door(check)


def test_an_error_of_the_emulator_becomes_a_problem_and_keeps_its_cors_headers() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async with client.get("/tasks/unknown") as missing, client.get("/tasks/broken") as broken:
            assert (missing.status, missing.content_type) == (404, "application/problem+json")
            assert (await missing.json())["type"] == "/problems/not-found"
            assert missing.headers["access-control-allow-origin"] == "*"
            assert (broken.status, (await broken.json())["status"]) == (500, 500)

    at_the_door(check)


def test_at_most_four_requests_of_one_capability_are_under_way() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async def once() -> int:
            async with client.get("/tasks") as answer:
                return answer.status

        assert set(await asyncio.gather(*(once() for _ in range(20)))) == {200}
        assert emulator.most_at_once <= 4

    at_the_door(check)


def test_an_emulator_that_is_away_gives_503() -> None:
    async def scene() -> None:
        settings = DoorSettings(1, "http://127.0.0.1:1", "tessera", "tessera-live", "tessera", "s", frozenset(), Path())
        async with TestClient(TestServer(build(settings))) as client, client.get("/tasks") as answer:
            assert (answer.status, answer.content_type) == (503, "application/problem+json")

    asyncio.run(scene())


def test_local_pages_are_served_under_local_names_without_cors_and_with_a_strict_policy() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async with client.get("/todo", headers={"Origin": "http://evil.example"}) as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "access-control-allow-origin" not in answer.headers
        async with client.get("/todo", headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421
        assert emulator.asked == []

    at_the_door(check)


def test_a_file_outside_the_static_folder_is_not_served() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async with client.get("/assets/tessera.css") as there, client.get("/assets/%2Fetc%2Fpasswd") as away:
            assert (there.status, away.status) == (200, 404)

    at_the_door(check)


def test_the_socket_carries_frames_and_the_subprotocol_is_negotiated() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async with client.ws_connect("/live", protocols=("unknown", "graphql-transport-ws")) as socket:
            assert socket.protocol == "graphql-transport-ws"
            await socket.send_str("hello")
            assert (await socket.receive(timeout=5)).data == "heard hello"
        assert "graphql-transport-ws" in emulator.protocols

    at_the_door(check)


def test_the_socket_is_asked_for_with_the_query_as_it_came() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        query = "ticket=a%26b%3Dc%23d&x=%2B+1%25"
        async with client.session.ws_connect(yarl.URL(f"{client.make_url('/live')}?{query}", encoded=True)):
            assert [path.partition("?")[2] for path in emulator.connected] == [query]

    at_the_door(check)


def test_a_socket_signed_for_aws_does_not_get_through() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        signed = {"authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/eu-central-1/s3/aws4_request"}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(client.make_url("/live"), headers=signed)
        assert (refused.value.status, emulator.connected) == (403, [])

    at_the_door(check)


def test_a_plain_request_to_the_socket_is_told_what_it_is() -> None:
    async def check(client: TestClient, emulator: Emulator) -> None:
        async with client.get("/live") as answer:
            assert (answer.status, answer.content_type) == (400, "application/problem+json")

    at_the_door(check)


def test_a_refused_handshake_passes_its_status_on() -> None:
    async def scene() -> None:
        async def refuse(_: web.Request) -> web.Response:
            return web.Response(status=403)

        behind = web.Application()
        behind.router.add_route("*", "/{tail:.*}", refuse)
        async with TestServer(behind) as server:
            endpoint = str(server.make_url("")).rstrip("/")
            settings = DoorSettings(1, endpoint, "tessera", "tessera-live", "tessera", "s", frozenset(), Path())
            async with TestClient(await started(build(settings))) as client:
                try:
                    await client.ws_connect("/live")
                    status = 101
                except aiohttp.WSServerHandshakeError as refused:
                    status = refused.status
        assert status == 403

    asyncio.run(scene())
