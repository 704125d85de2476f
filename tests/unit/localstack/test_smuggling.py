"""Requests that a front door and what stands behind it could read differently, byte for byte over a socket."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient

from .test_door import Emulator, at_the_door

START = b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
HIDDEN = b"GET /accounts/internal/users HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"


def spoken(sent: bytes) -> tuple[bytes, list[tuple[str, dict[str, str]]]]:
    """What the door answered, and the path and headers of each request that came out behind it."""
    answers: list[bytes] = []
    passed: list[tuple[str, dict[str, str]]] = []

    async def check(client: TestClient, emulator: Emulator) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(sent)
        answers.append(await asyncio.wait_for(reader.read(), timeout=10))
        writer.close()
        passed.extend(
            (asked.path, {name.lower(): value for name, value in asked.headers.items()}) for asked in emulator.asked
        )

    at_the_door(check)
    return answers[0], passed


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 90\r\n\r\n",
        b"Content-Length: +0\r\n\r\n",
        b"Content-Length: 0x0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    ],
    ids=["CL.TE", "TE.CL", "two lengths", "signed", "hexadecimal", "not last", "unknown", "space", "chunk of 0x0"],
)
def test_a_request_whose_end_is_in_doubt_is_refused_and_hides_no_other(framing: bytes) -> None:
    answer, passed = spoken(START + framing + HIDDEN)

    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")), answer[:60]
    assert passed == []


@pytest.mark.parametrize(
    "line",
    [
        b"X-Tessera-Edge: guessed",
        b"X_Tessera_Edge: guessed",
        b"x-tessera_edge: guessed",
        b"X-Forwarded-For: 6.6.6.6",
        b"X_Forwarded-For: 6.6.6.6",
        b"Forwarded: for=6.6.6.6",
        b"X-Amz-Target: DynamoDB_20120810.Scan",
        b"Connection: X-Forwarded-For, X-Tessera-Edge",
    ],
)
def test_what_only_an_edge_may_say_stays_outside_however_it_is_spelled(line: bytes) -> None:
    _, passed = spoken(START + line + b"\r\nContent-Length: 0\r\n\r\n")

    ((_, headers),) = passed
    assert (headers["x-forwarded-for"], headers["x-tessera-edge"]) == ("127.0.0.1", "s3cret")
    assert not any(claim in str(headers) for claim in ("guessed", "6.6.6.6", "DynamoDB"))


@pytest.mark.parametrize(
    "line",
    [b"X-A: b\x00X-Tessera-Edge: c", b"X-A b: c", b"X-A : c", b": c", b"X-A: b\r\n\tX-Forwarded-For: 6.6.6.6"],
    ids=["nul", "space in a name", "space before the colon", "no name", "folded"],
)
def test_a_header_that_two_parsers_may_read_differently_goes_no_further(line: bytes) -> None:
    answer, passed = spoken(START + line + b"\r\nContent-Length: 0\r\n\r\n")

    assert b" 400 " in answer[:20] or not any("x-forwarded-for: 6" in str(headers).lower() for _, headers in passed)
    assert all(
        (headers["x-forwarded-for"], headers["x-tessera-edge"]) == ("127.0.0.1", "s3cret") for _, headers in passed
    )
