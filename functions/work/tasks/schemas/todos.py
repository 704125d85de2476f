"""Bodies of the Todo-Backend facade, which takes what its clients send and ignores what it does not know."""

from typing import Annotated

from pydantic import ConfigDict, Field

from tessera.types import Out, Patch, absent, text

from ..rules.todo import Todo

Title = Annotated[str, text(500)]
# What a double holds exactly, so that every client reads back what it sent.
Order = Annotated[int | float, Field(ge=-(2**53), le=2**53)]


class TodoIn(Patch):
    model_config = ConfigDict(extra="ignore")

    title: Title
    order: Order | None = None
    completed: bool = False


class TodoPatch(Patch):
    model_config = ConfigDict(extra="ignore")

    title: Title = absent()
    order: Order | None = absent()
    completed: bool = absent()


class TodoOut(Out):
    id: Annotated[str, Field(max_length=26)]
    title: Annotated[str, Field(max_length=500)]
    completed: bool
    order: float | int | None
    url: Annotated[str, Field(max_length=2000)]

    @classmethod
    def of(cls, todo: Todo, url: str) -> "TodoOut":
        return cls(id=todo.id, title=todo.title, completed=todo.completed, order=todo.order, url=url)


# The contract asks for a bare array, so it cannot be paged; a namespace holds no more than this.
TodosOut = Annotated[list[TodoOut], Field(max_length=200)]
