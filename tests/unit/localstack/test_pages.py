"""The local pages, in front of a stand-in for the emulator."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from localstack.door.app import STATIC, build
from localstack.door.settings import DoorSettings
from localstack.post_office import PostOffice

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PAGES = [
    *("/", "/mailbox", "/mailbox/m-1", "/mailbox/m-1/html", "/traces", f"/traces/{TRACE}", "/todo", "/demo.json"),
    "/demo/sign-in",
    "/demo/limits",
]
JSON = {"Accept": "application/json"}
Check = Callable[[TestClient], Awaitable[None]]


def mail(number: int, to: str, **fields: Any) -> dict[str, Any]:
    known = {"Source": "tessera@example.com", "To": [to], "CC": [], "Subject": f"Mail {number}", "BodyText": "Hello"}
    message_id = {"MessageId": f"m-{number}@email.amazonses.com", "Timestamp": 1795265300.0 + number}
    return {**message_id, **known, **fields}


MAILS = [
    mail(
        1,
        "ann@example.com",
        Subject="<b>Confirm</b>",
        BodyText="See http://127.0.0.1:8000/#verify=a<b>. Bye",
        BodyHtml='<!doctype html><html><head><title>x</title></head><p style="color:red">Hi</p><script>1</script>',
    ),
    mail(2, "bob@example.com"),
]
REQUEST = {
    "message": "request",
    "timestamp": "2026-11-21T12:48:20.500+00:00",
    "trace_id": TRACE,
    "span_id": "a" * 16,
    "capability": "tasks",
    "method": "POST",
    "route": "/tasks/<i>",
    "status": 201,
    "duration_ms": 20.5,
    "db_requests": 2,
    "db_read_units": 0.5,
    "db_write_units": 3,
}


class Emulator:
    """What the pages read of the emulator: mails, log lines, and rows, of which it has none."""

    def __init__(self) -> None:
        self.mails: Any = {"messages": {"000000000000": MAILS}}
        self.lines: list[dict[str, Any]] = [REQUEST]

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/_ministack/ses/messages":
            return web.json_response(self.mails)
        target = request.headers["x-amz-target"]
        if target == "DynamoDB_20120810.GetItem":
            return web.json_response({}, content_type="application/x-amz-json-1.0")
        assert target.endswith("FilterLogEvents")
        wanted = json.loads(await request.read())["filterPattern"].strip('"')
        messages = [json.dumps(line) for line in self.lines]
        found = [text for text in messages if wanted in text or wanted == "tessera_red"]
        events = [{"logStreamName": "s", "timestamp": 1795265300500, "message": text} for text in found]
        return web.json_response({"events": events}, content_type="application/x-amz-json-1.1")


def pages(
    check: Check, *, demo: Path = Path(), emulator: Emulator | None = None, office: PostOffice | None = None
) -> None:
    async def scene() -> None:
        behind = web.Application()
        behind.router.add_route("*", "/{tail:.*}", (emulator or Emulator()).answer)
        async with TestServer(behind) as server:
            settings = DoorSettings(
                port=0,
                endpoint=str(server.make_url("")).rstrip("/"),
                api_id="tessera",
                socket_id="tessera-live",
                stack="tessera",
                edge_secret="s3cret",
                capabilities=frozenset(["tasks", "docs", "openapi.json", "problems"]),
                folder=Path(),
                demo=demo,
                reply_domain="reply.example.com",
            )
            async with TestClient(TestServer(build(settings, office))) as client:
                await check(client)

    asyncio.run(scene())


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    path = tmp_path / "demo.json"
    path.write_text('{"users": [{"email": "user@example.com", "password": "p", "role": "user"}]}')
    return path


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_this_machine_alone(path: str, demo: Path) -> None:
    async def check(client: TestClient) -> None:
        async with client.get(path, headers={"Origin": "http://evil.example"}) as answer:
            assert answer.status == 200
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert answer.headers["cache-control"] == "no-store"
        async with client.get(path, headers={"Host": "evil.example:8000"}) as answer:
            assert answer.status == 421
        async with client.head(path) as answer:
            assert answer.status == 200

    pages(check, demo=demo)


@pytest.mark.parametrize("path", [path for path in PAGES if path not in ("/mailbox/m-1/html", "/demo.json")])
def test_no_script_or_style_stands_in_a_page_and_what_it_names_is_there(path: str) -> None:
    async def check(client: TestClient) -> None:
        async with client.get(path) as answer:
            text = await answer.text()
        assert "<style" not in text and " style=" not in text
        assert text.count("<script") == text.count('<script type="module" src="/assets/')
        assert all(f"<b>{word}" not in text for word in ("Confirm", "."))
        assert "/tasks/<i>" not in text
        for name in [part.split('"')[0] for part in text.split("/assets/")[1:]]:
            assert (STATIC / name).is_file()

    pages(check)


def test_every_field_has_a_label() -> None:
    async def check(client: TestClient) -> None:
        for path in ("/", "/mailbox", "/mailbox/m-1", "/todo", "/demo/sign-in"):
            async with client.get(path) as answer:
                text = await answer.text()
            for field in re.split("<(?:input|textarea) ", text)[1:]:
                before = text[: text.index(field)]
                name = field.split('id="')[1].split('"')[0] if 'id="' in field else ""
                inside = before.rfind("<label") > before.rfind("</label>")
                assert inside or f'for="{name}"' in text, field[:60]

    pages(check)


def test_home_says_what_is_running() -> None:
    async def check(client: TestClient) -> None:
        async with client.get("/") as answer:
            text = await answer.text()
        assert f"ws://127.0.0.1:{client.port}/live" in text
        assert 'data-capability="tasks"' in text
        assert 'data-capability="docs"' not in text
        assert f"/traces/{TRACE}" in text
        assert "/mailbox/m-2" in text

    pages(check)


def test_home_stands_while_the_emulator_is_away() -> None:
    async def scene() -> None:
        settings = DoorSettings(1, "http://127.0.0.1:1", "t", "t-live", "tessera", "s", frozenset(["tasks"]), Path())
        async with TestClient(TestServer(build(settings))) as client:
            statuses = []
            for path in ("/", "/todo", "/mailbox", "/traces"):
                async with client.get(path) as answer:
                    statuses.append(answer.status)
            assert statuses == [200, 200, 503, 503]

    asyncio.run(scene())


def test_the_demo_logins_are_served_as_they_are_and_only_where_they_exist(demo: Path) -> None:
    async def there(client: TestClient) -> None:
        async with client.get("/demo.json") as answer:
            assert answer.content_type == "application/json"
            assert (await answer.json())["users"][0]["role"] == "user"

    async def absent(client: TestClient) -> None:
        async with client.get("/demo.json") as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")

    pages(there, demo=demo)
    pages(absent)


def test_the_mailbox_lists_the_newest_mail_first_and_is_searched_by_address() -> None:
    async def check(client: TestClient) -> None:
        async with client.get("/mailbox", headers=JSON) as answer:
            assert [found["id"] for found in (await answer.json())["mails"]] == ["m-2", "m-1"]
        async with client.get("/mailbox", params={"to": "ANN@"}, headers=JSON) as answer:
            assert [found["to"] for found in (await answer.json())["mails"]] == [["ann@example.com"]]
        async with client.get("/mailbox", params={"to": '"><script>'}) as answer:
            assert "&quot;&gt;&lt;script&gt;" in await answer.text()

    pages(check)


def test_a_mail_is_shown_as_text_with_its_links_and_as_html_in_a_sandbox() -> None:
    async def check(client: TestClient) -> None:
        async with client.get("/mailbox/m-1") as answer:
            text = await answer.text()
        async with client.get("/mailbox/m-1/html") as answer:
            framed, policy = await answer.text(), answer.headers["content-security-policy"]

        assert '<a href="http://127.0.0.1:8000/#verify=a">' in text
        assert "&lt;b&gt;Confirm&lt;/b&gt;" in text
        assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in text
        assert "sandbox allow-popups" in policy
        assert "script-src" not in policy and "allow-scripts" not in policy and "allow-same-origin" not in policy
        assert '<head><base target="_blank">' in framed

    pages(check)


@pytest.mark.parametrize(
    "path", ["/mailbox/m-9", "/mailbox/m-1/other", "/traces/nothing", f"/traces/{'0' * 31}1", "/demo", "/demo/sign-up"]
)
def test_what_is_not_there_is_a_problem(path: str) -> None:
    async def check(client: TestClient) -> None:
        async with client.get(path) as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")

    pages(check)


def test_a_trace_is_a_timeline_and_for_programs_a_document() -> None:
    async def check(client: TestClient) -> None:
        async with client.get(f"/traces/{TRACE}") as answer:
            text = await answer.text()
        async with client.get(f"/traces/{TRACE}", headers=JSON) as answer:
            document = await answer.json()

        assert "2 table calls, 0.5 read and 3 write units" in text
        assert "POST /tasks/&lt;i&gt;" in text
        assert (document["trace_id"], document["duration_ms"]) == (TRACE, 20.5)
        step = document["steps"][0]
        assert (step["kind"], step["outcome"], step["db_requests"], step["db_write_units"]) == ("request", "201", 2, 3)

    pages(check)


def test_recent_requests_are_a_document_for_programs() -> None:
    async def check(client: TestClient) -> None:
        async with client.get("/traces", headers=JSON) as answer:
            assert [found["trace_id"] for found in (await answer.json())["requests"]] == [TRACE]

    pages(check)


def test_an_empty_stack_has_pages_too() -> None:
    async def check(client: TestClient) -> None:
        for path, told in (("/", "No request yet."), ("/mailbox", "No mail yet."), ("/traces", "No request yet.")):
            async with client.get(path) as answer:
                assert told in await answer.text()

    emulator = Emulator()
    emulator.mails, emulator.lines = {"messages": {}}, []
    pages(check, emulator=emulator)
