"""The app factory: routes behind their guards, errors as problems, nothing open by accident."""

import os
from collections.abc import Mapping, Sequence
from copy import copy

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from tessera.entry.answers import on_http_error, on_invalid, on_misfit, on_problem
from tessera.entry.edge import Edge
from tessera.entry.guard import guarded
from tessera.entry.probes import probes
from tessera.entry.routing import Route, Router
from tessera.problems import Problem
from tessera.settings import Bindings, Settings


def build_app(name: str, *routers: Router, environment: Mapping[str, str] = os.environ) -> FastAPI:
    """The ASGI app of one capability, bound to this environment and to nothing of the process.

    Raises `UnguardedRoute` when a route does not say who may call it. Routes are taken over as they
    stand, because an included router would hide them behind one entry.
    """
    bindings = Bindings({"CAPABILITY": name, **environment})
    app = FastAPI(title=name, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.bindings = bindings
    for route in _with_probes(name, routers):
        # A copy, because another app may be built from the same router and would be guarded twice.
        mine = copy(route)
        mine.app = guarded(route)
        app.router.routes.append(mine)
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(ResponseValidationError, on_misfit)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_middleware(Edge, capability=name, settings=bindings.settings(Settings))
    return app


def _with_probes(name: str, routers: Sequence[Router]) -> list[Route]:
    """The capability's routes, and the probes it has not routes of its own for."""
    own = [_route(route) for router in routers for route in router.routes]
    paths = {route.path for route in own}
    return own + [probe for probe in map(_route, probes(name).routes) if probe.path not in paths]


def _route(route: BaseRoute) -> Route:
    if not isinstance(route, Route):
        raise TypeError(
            f"{route!r} is not a route of a `Router`. Pass each router to build_app instead of nesting them."
        )
    return route
