"""Routes that are put together when a request first takes them.

FastAPI reads every handler's parameters and builds what checks them while it declares the route,
about a millisecond each. A function that starts serves one request, so all but one of these
would be work for nobody; here a route costs its declaration.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from inspect import Parameter, signature
from re import Pattern
from typing import Annotated, Any, get_args, get_origin

from fastapi import APIRouter
from fastapi.params import Depends
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette._utils import get_route_path
from starlette.convertors import Convertor
from starlette.routing import Match, compile_path, get_name
from starlette.types import Scope

from tessera.auth.guards import Guard

# FastAPI silences this while it declares a route, of which it always uses `Field` this way; ours are built later.
warnings.simplefilter("ignore", category=UnsupportedFieldAttributeWarning)


class Route(APIRoute):
    """One operation: its path, methods and guard at once, everything else of it when it is asked for."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
        self.path, self.endpoint = path, endpoint
        self.name = given.get("name") or get_name(endpoint)
        self.methods = {method.upper() for method in given.get("methods") or ("GET",)}
        self.include_in_schema = given.get("include_in_schema", True)
        self._given = given
        self._literal, self._has_parameters = path.partition("{")[0], "{" in path

    @cached_property
    def whole(self) -> APIRoute:
        """The same as FastAPI makes it."""
        try:
            for model in _models_of(self.endpoint):
                # Before FastAPI builds on it: a model that is not ready would be taken apart, and where JSON of any
                # depth is a part of it, that part would not know the model's settings any more.
                model.model_rebuild()
            return APIRoute(self.path, self.endpoint, **self._given)
        except AttributeError as error:
            # As it is, it would say that a route has no `whole`, and `__getattr__` would ask for it for ever.
            raise RuntimeError(f"The route {self.path} cannot be put together: {error}") from error

    def __getattr__(self, name: str) -> Any:
        # Copying asks for what a half-made route has not.
        if name.startswith("_") and "_given" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.whole, name)

    @cached_property
    def _compiled(self) -> tuple[Pattern[str], str, dict[str, Convertor[Any]]]:
        return compile_path(self.path)

    @property
    def path_regex(self) -> Pattern[str]:  # type: ignore[override]
        return self._compiled[0]

    @property
    def path_format(self) -> str:  # type: ignore[override]
        return self._compiled[1]

    @property
    def param_convertors(self) -> dict[str, Convertor[Any]]:  # type: ignore[override]
        return self._compiled[2]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = get_route_path(scope)
        may = path.startswith(self._literal) if self._has_parameters else path == self._literal
        return super().matches(scope) if may else (Match.NONE, {})


class Router(APIRouter):
    """An `APIRouter` whose routes are `Route`s."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=Route, **options)


def guards_of(call: Callable[..., Any]) -> Iterator[Guard]:
    """Every guard that FastAPI would find in this handler: in its signature and in those of what it depends on."""
    for dependency in _dependencies(call):
        if isinstance(dependency, Guard):
            yield dependency
        yield from guards_of(dependency)


@cache
def _dependencies(call: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    return tuple(found for parameter in signature(call).parameters.values() for found in _depends(parameter))


def _depends(parameter: Parameter) -> Iterator[Callable[..., Any]]:
    annotation = parameter.annotation
    metadata = annotation.__metadata__ if get_origin(annotation) is Annotated else ()
    for each in (*metadata, parameter.default):
        if isinstance(each, Depends):
            yield each.dependency or (get_args(annotation) or (annotation,))[0]


def _models_of(call: Callable[..., Any]) -> Iterator[type[BaseModel]]:
    """The models of a handler's parameters and answer, and of what it depends on."""
    said = signature(call)
    for annotation in (*(parameter.annotation for parameter in said.parameters.values()), said.return_annotation):
        yield from _models_in(annotation)
    for dependency in _dependencies(call):
        yield from _models_of(dependency)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
