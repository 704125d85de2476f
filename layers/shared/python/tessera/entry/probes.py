"""`/{capability}/health` and `/{capability}/ready`, the same for every capability."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from tessera import auth, aws
from tessera.auth.principal import Principal
from tessera.entry.bound import bindings_of
from tessera.problems import Unavailable
from tessera.settings import Settings

Anyone = Annotated[Principal, auth.public(limited=False)]


class Liveness(BaseModel):
    status: Literal["ok"] = "ok"
    version: Annotated[str, Field(max_length=40)]


class Readiness(BaseModel):
    status: Literal["ok"] = "ok"


def probes(name: str) -> APIRouter:
    router = APIRouter(prefix=f"/{name}", tags=[name])

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
