from typing import Annotated, Literal

from pydantic import Field

from tessera.types import Instant, Out

from .rules import State

CapabilityName = Annotated[str, Field(max_length=40)]


class AliveOut(Out):
    status: Literal["ok"] = "ok"
    version: Annotated[str, Field(max_length=40)]
    commit: Annotated[str, Field(max_length=64)]
    started_at: Instant


class ReadyOut(Out):
    """`checks` is for those who hold `health:read`."""

    status: Literal["ok"] = "ok"
    checks: Annotated[dict[str, bool], Field(max_length=10)] | None = None


class CapabilityOut(Out):
    name: CapabilityName
    status: State
    requests: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]


class StatusOut(Out):
    """What was seen in the last five minutes; `unknown` is what nobody has asked anything."""

    status: State
    capabilities: Annotated[list[CapabilityOut], Field(max_length=200)]
