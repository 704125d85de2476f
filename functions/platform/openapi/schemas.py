"""The catalogue of problems as JSON."""

from typing import Annotated

from pydantic import Field

from tessera.types import Out


class ProblemOut(Out):
    type: Annotated[str, Field(max_length=120)]
    slug: Annotated[str, Field(max_length=100)]
    status: Annotated[int, Field(ge=400, le=599)]
    title: Annotated[str, Field(max_length=200)]
    meaning: Annotated[str, Field(max_length=1000)]
    remedy: Annotated[str, Field(max_length=1000)]
    operations: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=5000)]


class ProblemsOut(Out):
    items: Annotated[list[ProblemOut], Field(max_length=1000)]
