"""The Todo-Backend facade: namespaces of todos that anyone may read and write."""

from dataclasses import dataclass, replace

from tessera.problems import Problem

MAX_TODOS = 200
KEPT_DAYS = 7
PUBLIC = "public"


class NamespaceFull(Problem):
    status, slug, title = 409, "namespace-full", "The namespace holds 200 todos already"


@dataclass(frozen=True)
class Todo:
    id: str
    title: str
    completed: bool = False
    order: int | float | None = None


def sorted_todos(todos: list[Todo]) -> list[Todo]:
    """By order, those without one last, then by creation, which the id tells."""
    return sorted(todos, key=lambda todo: (todo.order is None, todo.order or 0, todo.id))


def merged(todo: Todo, changes: dict[str, object]) -> Todo:
    return replace(todo, **changes)  # type: ignore[arg-type]
