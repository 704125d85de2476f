"""Routes cost their declaration; they are made whole by the first request that takes them."""

import asyncio
from collections.abc import Callable
from copy import copy
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from pydantic import JsonValue

from tessera import auth
from tessera.auth.guards import Guard
from tessera.auth.principal import Principal
from tessera.entry import Router, build_app
from tessera.entry.guard import UnguardedRoute, guard_of
from tessera.entry.routing import Route
from tessera.types import In

Anyone = Annotated[Principal, auth.public(limited=False)]
ENVIRONMENT = {"STAGE": "test"}


class NoteIn(In):
    text: str


class AnyIn(In):
    data: dict[str, JsonValue]


def _name_of(caller: Anyone) -> str:
    return caller.kind


def _shouted(name: Annotated[str, Depends(_name_of)]) -> str:
    return name.upper()


def notes() -> Router:
    router = Router(prefix="/notes", tags=["notes"])

    @router.get("/{note_id}")
    async def read(note_id: str, caller: Anyone) -> dict[str, str]:
        """Read."""
        return {"read": note_id}

    @router.get("/{note_id}/lines/{line:int}")
    async def line(note_id: str, line: int, caller: Anyone) -> dict[str, object]:
        """Read a line."""
        return {"read": note_id, "line": line}

    @router.post("", status_code=201)
    async def write(body: NoteIn, caller: Anyone) -> dict[str, str]:
        """Write."""
        return {"wrote": body.text}

    @router.get("/who/asks")
    async def who(name: Annotated[str, Depends(_shouted)]) -> dict[str, str]:
        """Say who asks, by what a dependency of a dependency requires."""
        return {"who": name}

    return router


def ask(app: FastAPI, method: str, path: str, **options: Any) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)

    return asyncio.run(run())


def is_whole(route: Route) -> bool:
    return "whole" in vars(route)


def test_only_what_is_asked_is_made_whole():
    router = notes()
    app = build_app("notes", router, environment=ENVIRONMENT)
    assert not any(is_whole(route) for route in (*router.routes, *app.router.routes))

    assert ask(app, "POST", "/notes", json={"text": "a"}).json() == {"wrote": "a"}

    assert [route.path for route in router.routes if is_whole(route)] == ["/notes"]


@pytest.mark.parametrize(
    ("method", "path", "status", "answer"),
    [
        ("GET", "/notes/7", 200, {"read": "7"}),
        ("GET", "/notes/7/lines/3", 200, {"read": "7", "line": 3}),
        ("GET", "/notes/who/asks", 200, {"who": "ANONYMOUS"}),
        ("GET", "/notes/7/lines/three", 404, None),
        ("GET", "/notes/", 404, None),
        ("GET", "/notesX", 404, None),
        ("POST", "/notes/7", 405, None),
        ("POST", "/notes", 422, None),
    ],
)
def test_a_path_finds_its_route_and_no_other(method, path, status, answer):
    app = build_app("notes", notes(), environment=ENVIRONMENT)

    given = ask(app, method, path, json={} if method == "POST" else None)

    assert given.status_code == status
    assert answer is None or given.json() == answer
    assert status != 405 or given.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("either", [False, True], ids=["one model", "one of two"])
def test_a_model_keeps_its_settings_in_every_depth(either):
    router = Router(prefix="/notes")

    async def keep(body: AnyIn, caller: Anyone) -> None:
        """Keep what has any shape."""

    async def keep_either(body: AnyIn | NoteIn, caller: Anyone) -> None:
        """Keep one or the other."""

    router.put("/any", status_code=204)(keep_either if either else keep)
    app = build_app("notes", router, environment=ENVIRONMENT)
    headers = {"content-type": "application/json"}

    def put(number: str) -> int:
        return ask(app, "PUT", "/notes/any", content=f'{{"data": {{"n": [{number}]}}}}', headers=headers).status_code

    assert (put("1.5"), put("1e999")) == (204, 422)


def test_a_route_says_of_itself_what_fastapi_says_of_it():
    for route in notes().routes:
        assert isinstance(route, Route)
        whole = APIRoute(route.path, route.endpoint, methods=route.methods)
        for name in ("path", "name", "methods", "path_format", "include_in_schema", "summary", "description"):
            assert getattr(route, name) == getattr(whole, name), name
        assert route.path_regex.pattern == whole.path_regex.pattern
        assert [guard_of(route)] == [found for found in _calls(whole.dependant) if isinstance(found, Guard)]


def test_a_copy_is_whole_for_itself():
    route = notes().routes[0]
    mine = copy(route)
    assert mine.body_field is None
    assert (is_whole(mine), is_whole(route)) == (True, False)


def test_a_guard_hidden_from_the_signature_does_not_start():
    router = Router(prefix="/notes")

    @router.get("/open")
    async def read(name: str) -> None:
        """Open."""

    with pytest.raises(UnguardedRoute, match="/notes/open declares no requirement"):
        build_app("notes", router, environment=ENVIRONMENT)


def test_a_route_that_requires_something_else_than_its_signature_answers_nobody():
    router = Router(prefix="/notes")
    other: Callable[..., Any] = auth.require("tasks:read").dependency

    @router.get("/shifted", dependencies=[Depends(other)])
    async def read(caller: Anyone) -> dict[str, bool]:
        """Open by its signature, guarded by its router."""
        return {"seen": True}

    app = build_app("notes", router, environment=ENVIRONMENT)

    answer = ask(app, "GET", "/notes/shifted")

    assert answer.status_code == 500
    assert "seen" not in answer.text


def _calls(dependant: Any) -> list[Any]:
    return [dependant.call, *(call for inner in dependant.dependencies for call in _calls(inner))]


def test_what_keeps_a_route_from_being_made_whole_is_said():
    class Broken(NoteIn):
        @classmethod
        def model_rebuild(cls, **given: Any) -> None:
            raise AttributeError("no such field as `colour`")

    async def paint(body: Broken, caller: Anyone) -> None:
        pass

    route = Route("/paint", paint, methods=["POST"])

    with pytest.raises(RuntimeError, match="/paint cannot be put together: no such field as `colour`"):
        _ = route.dependant
