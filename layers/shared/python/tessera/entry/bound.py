"""What a route is given of its app: stores, ports and settings."""

from typing import Any

from fastapi import Depends, Request

from tessera.settings import Bindings


def bindings_of(request: Request) -> Bindings:
    found: Bindings = request.app.state.bindings
    return found


def bound(kind: type[Any]) -> Any:
    """A dependency on the app's own instance of this class."""

    async def instance(request: Request) -> Any:
        return bindings_of(request).get(kind)

    return Depends(instance)
