"""The card of a link: one that is kept beside a bare handler that makes the same calls, and one that is read anew.

In one process, on the local cloud. The page is 200 KB of HTML, served from a socket of this machine.
"""

import contextlib
import http.client
import io
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from functions.outside.linkpreview.app import app, handler
from tessera.safehttp import Gate, SafeHTTP
from tests.kit.apps import Caller, Served, serving
from tests.kit.queues import make_queue
from tests.kit.stand_ins import Answer, Asked, WireStandIn
from tests.performance.latency import bare_handler, calls_of, event, in_turns, local_cloud, quietly, unlimited

HIT_TARGET, MISS_TARGET_MS = 1.6, 60
PAGE_BYTES, ROUNDS = 200_000, 40


class Site(WireStandIn):
    """The same page wherever one looks, and no icon."""

    def __init__(self) -> None:
        super().__init__()
        head = "".join(
            f'<meta property="og:{name}" content="{said}">'
            for name, said in (("title", "Bread"), ("description", "How to bake it"), ("site_name", "The baker"))
        )
        words = "<p>What a baker knows of <a href='/flour'>flour</a>, water and salt.</p>\n"
        body = words * (PAGE_BYTES // len(words))
        self._page = f"<!doctype html><html lang=en><head><title>Bread</title>{head}</head><body>{body}".encode()

    def answer(self, asked: Asked) -> Answer:
        if asked.path.startswith("/page/"):
            return Answer(200, {"content-type": "text/html; charset=utf-8"}, self._page)
        return Answer(404, {"content-type": "text/html"}, b"gone")


def report(folder: Path) -> str:
    # The logger keeps the stream it begins with, and a terminal would be what is measured.
    with contextlib.redirect_stdout(io.StringIO()):
        (hit_ms, bare_ms), (miss_ms, fetch_ms) = measure(folder)
    ratio, more = hit_ms / bare_ms, miss_ms - fetch_ms
    return "\n".join(
        (
            f"  {'kept':<12} {hit_ms:>7.2f} ms, bare {bare_ms:>7.2f} ms {ratio:>5.2f} x"
            + (f"  over {HIT_TARGET}" if ratio > HIT_TARGET else ""),
            f"  {'read anew':<12} {miss_ms:>7.2f} ms, the fetch alone {fetch_ms:>7.2f} ms, {more:.1f} ms more"
            + (f"  over {MISS_TARGET_MS}" if more > MISS_TARGET_MS else ""),
        )
    )


def measure(folder: Path) -> tuple[tuple[float, float], tuple[float, float]]:
    """The medians of a card that is kept and of the bare handler; of one that is read and of the fetch alone."""
    with local_cloud(folder), Site() as site:
        variables = {"QUEUE": make_queue("linkpreview"), "PUBLIC_BASE_URL": "https://app.test"}
        with serving(app, "Linkpreview", **variables) as served:
            for policy in ("user:read", "linkpreview:user", "linkpreview:host"):
                unlimited(policy, served)
            gate = Gate(opened=frozenset([urlsplit(site.url).netloc]), own=frozenset(["app.test"]))
            served.bindings.replace(SafeHTTP, SafeHTTP(gate))
            return kept(served, f"{site.url}/page/kept"), read_anew(served.person(), site)


def kept(served: Served, url: str) -> tuple[float, float]:
    caller = served.person()
    calls = calls_of(asking(caller, url), handler)
    return in_turns(lambda: asking(caller, url), handler, bare_handler("GET", calls, status=200))


def read_anew(caller: Caller, site: Site) -> tuple[float, float]:
    pages = (f"{site.url}/page/{number}" for number in itertools.count())

    def ours() -> None:
        answer = quietly(handler, asking(caller, next(pages)))
        assert answer["statusCode"] == 200 and answer["headers"]["x-cache"] == "miss", answer

    def fetch() -> None:
        there = urlsplit(next(pages))
        connection = http.client.HTTPConnection(there.netloc, timeout=5)
        connection.request("GET", there.path)
        assert len(connection.getresponse().read()) > PAGE_BYTES * 0.9
        connection.close()

    taken: dict[Callable[[], None], list[float]] = {ours: [], fetch: []}
    for round_number in range(ROUNDS + 3):
        for do, milliseconds in taken.items():
            began = time.perf_counter()
            do()
            if round_number >= 3:
                milliseconds.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[ours]), statistics.median(taken[fetch])


def asking(caller: Caller, url: str) -> dict[str, Any]:
    return event(caller, "GET", f"/linkpreview?url={quote(url, safe='')}")
