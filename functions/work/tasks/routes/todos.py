"""The Todo-Backend facade (todobackend.com): no sign-in, no versions, no paging.

It sets no CORS headers: the gateway answers OPTIONS and adds the one header to every answer.
"""

from typing import Annotated

from fastapi import Path

from tessera import auth, ids
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.problems import NotFound

from ..rules.todo import PUBLIC, NamespaceFull, Todo
from ..schemas.todos import TodoIn, TodoOut, TodoPatch, TodosOut
from .given import Todos
from .urls import BaseURL

ROOT = "/tasks/todo-backend"

router = Router(prefix=ROOT, tags=["todo-backend"])

Anyone = Annotated[Principal, auth.public(rate="todo-backend:ip")]
Namespace = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", max_length=64)]


def _out(todo: Todo, base: str, ns: str) -> TodoOut:
    return TodoOut.of(todo, f"{base}{ROOT}/{ns}/todos/{todo.id}")


async def all_todos(caller: Anyone, todos: Todos, base: BaseURL, ns: Namespace) -> TodosOut:
    """All todos of a namespace, by order, then as they were made."""
    return [_out(todo, base, ns) for todo in todos.all(ns)]


async def add_todo(body: TodoIn, caller: Anyone, todos: Todos, base: BaseURL, ns: Namespace) -> TodoOut:
    """Add a todo; the namespace is made by its first one."""
    todo = Todo(ids.new(), body.title, completed=body.completed, order=body.order)
    return _out(todos.add(ns, todo), base, ns)


async def clear_todos(caller: Anyone, todos: Todos, ns: Namespace) -> None:
    """Delete every todo of a namespace."""
    todos.clear(ns)


async def all_public(caller: Anyone, todos: Todos, base: BaseURL) -> TodosOut:
    """All todos of the namespace `public`."""
    return await all_todos(caller, todos, base, PUBLIC)


async def add_public(body: TodoIn, caller: Anyone, todos: Todos, base: BaseURL) -> TodoOut:
    """Add a todo to the namespace `public`."""
    return await add_todo(body, caller, todos, base, PUBLIC)


async def clear_public(caller: Anyone, todos: Todos) -> None:
    """Delete every todo of the namespace `public`."""
    todos.clear(PUBLIC)


# Each root answers with and without a trailing slash, directly: a client would follow a redirect of a
# POST with a GET and take the answer for its own.
for root, in_document in (("", True), ("/", False), ("/{ns}", True), ("/{ns}/", False)):
    named = "ns" in root
    router.get(root, include_in_schema=in_document)(all_todos if named else all_public)
    router.post(root, status_code=201, include_in_schema=in_document, responses=problems(NamespaceFull))(
        add_todo if named else add_public
    )
    router.delete(root, status_code=204, include_in_schema=in_document)(clear_todos if named else clear_public)


@router.get("/{ns}/todos/{todo_id:ulid}", responses=problems(NotFound))
async def get_todo(caller: Anyone, todos: Todos, base: BaseURL, ns: Namespace, todo_id: str) -> TodoOut:
    """One todo."""
    return _out(todos.get(ns, todo_id), base, ns)


@router.patch("/{ns}/todos/{todo_id:ulid}", responses=problems(NotFound))
async def change_todo(
    body: TodoPatch, caller: Anyone, todos: Todos, base: BaseURL, ns: Namespace, todo_id: str
) -> TodoOut:
    """Change what is named: title, completed, order."""
    return _out(todos.change(ns, todo_id, body.changes()), base, ns)


@router.put("/{ns}/todos/{todo_id:ulid}", responses=problems(NotFound))
async def replace_todo(
    body: TodoIn, caller: Anyone, todos: Todos, base: BaseURL, ns: Namespace, todo_id: str
) -> TodoOut:
    """Replace a todo: what is not named goes back to how a new one has it."""
    return _out(todos.change(ns, todo_id, body.model_dump()), base, ns)


@router.delete("/{ns}/todos/{todo_id:ulid}", status_code=204, responses=problems(NotFound))
async def delete_todo(caller: Anyone, todos: Todos, ns: Namespace, todo_id: str) -> None:
    """Delete one todo."""
    todos.remove(ns, todo_id)
