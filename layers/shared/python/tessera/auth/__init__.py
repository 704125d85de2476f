"""Who is asking and what they may do: `auth.require("tasks:read")` in the signature of a route.

Guards load FastAPI, which a `triggers.py` must not, so they are loaded when first asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tessera.auth.guards import current_user as current_user
    from tessera.auth.guards import limit as limit
    from tessera.auth.guards import optional_user as optional_user
    from tessera.auth.guards import public as public
    from tessera.auth.guards import require as require
    from tessera.auth.guards import service as service
    from tessera.auth.principal import Principal as Principal

_FROM_GUARDS = frozenset(["current_user", "limit", "optional_user", "public", "require", "service"])


def __getattr__(name: str) -> Any:
    if name in _FROM_GUARDS:
        from tessera.auth import guards

        return getattr(guards, name)
    if name == "Principal":
        from tessera.auth.principal import Principal

        return Principal
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
