"""`POST /{capability}/internal/export`, the same for every capability that keeps something of people."""

from typing import Annotated, Protocol, Self

from fastapi import Request

from tessera import auth
from tessera.auth.principal import Principal
from tessera.belongings import Belongings, ExportIn, ExportOut, exported
from tessera.entry.bound import bindings_of, bound
from tessera.entry.routing import Router
from tessera.settings import Bindable, Bindings, Settings
from tessera.tables import Table


class _OwnSettings(Settings):
    table: str


class _Own:
    """The capability's own table."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(_OwnSettings).table))


class BoundBelongings(Bindable, Belongings, Protocol):
    """Belongings of which some are kept elsewhere than in the capability's own table."""


def exports_router(capability: str, belongings: Belongings | type[BoundBelongings]) -> Router:
    """What `accounts` asks when it gathers all that there is of somebody."""
    router = Router(prefix=f"/{capability}/internal", tags=["internal"], include_in_schema=False)
    accounts = Annotated[Principal, auth.service("accounts")]
    own = Annotated[_Own, bound(_Own)]

    @router.post("/export")
    async def export(body: ExportIn, caller: accounts, kept: own, request: Request) -> ExportOut:
        """What is kept of an owner, a page at a time."""
        parts = bindings_of(request).get(belongings) if isinstance(belongings, type) else belongings
        return exported(kept.table, parts(body, kept.table), body)

    return router
