"""`/{capability}/health` and `/{capability}/ready`, the same for every capability."""

from typing import Annotated, Literal

from fastapi import Request
from pydantic import Field

from tessera import auth, aws
from tessera.auth.principal import Principal
from tessera.entry.bound import bindings_of
from tessera.entry.routing import Router
from tessera.problems import Unavailable
from tessera.settings import Settings
from tessera.types import Model

Anyone = Annotated[Principal, auth.public(limited=False)]


class Liveness(Model):
    status: Literal["ok"] = "ok"
    version: Annotated[str, Field(max_length=40)]


class Readiness(Model):
    status: Literal["ok"] = "ok"


def probes(name: str) -> Router:
    router = Router(prefix=f"/{name}", tags=[name])

    @router.get("/health", operation_id=f"{name.replace('-', '_')}_health")
    async def health(request: Request, caller: Anyone) -> Liveness:
        """Is this capability alive? Nothing is read."""
        return Liveness(version=bindings_of(request).settings(Settings).version)

    @router.get("/ready", operation_id=f"{name.replace('-', '_')}_ready")
    async def ready(request: Request, caller: Anyone) -> Readiness:
        """Can this capability reach its table?"""
        table = bindings_of(request).environment.get("TABLE")
        if table:
            try:
                aws.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": "READY"}, "sk": {"S": "-"}})
            except (aws.ClientError, aws.BotoCoreError) as error:
                raise Unavailable("The table does not answer.") from error
        return Readiness()

    return router
