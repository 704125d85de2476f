"""What the routes of `tasks` are given: who asks, the stores, and the keys of cursors and retries."""

from typing import Annotated

from fastapi import Depends

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing
from tessera.jobs import Jobs
from tessera.settings import Bindings

from ..store.listing import Listing
from ..store.personal import PersonalStore
from ..store.search import Search
from ..store.tasks import TasksSettings, TaskStore
from ..store.todos import TodoStore

Reader = Annotated[Principal, auth.require("tasks:read")]
Writer = Annotated[Principal, auth.require("tasks:write")]


class _Queue:
    def __init__(self, url: str) -> None:
        self.url = url

    @classmethod
    def bind(cls, bindings: Bindings) -> "_Queue":
        return cls(bindings.settings(TasksSettings).queue)


async def _queue(queue: Annotated[_Queue, bound(_Queue)]) -> str:
    return queue.url


Tasks = Annotated[TaskStore, bound(TaskStore)]
Lists = Annotated[Listing, bound(Listing)]
Searches = Annotated[Search, bound(Search)]
Own = Annotated[PersonalStore, bound(PersonalStore)]
Todos = Annotated[TodoStore, bound(TodoStore)]
JobStore = Annotated[Jobs, bound(Jobs)]
Keys = Annotated[Signing, bound(Signing)]
QueueURL = Annotated[str, Depends(_queue)]


def actor(caller: Principal) -> str:
    """The person behind the request, whomever they act for."""
    return caller.user_id or caller.id
