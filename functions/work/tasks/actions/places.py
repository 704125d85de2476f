"""Where a task goes: between its neighbours, below its parent."""

from tessera import clock

from ..rules.task import NeighbourGone, Task, appended, check_parents, placed, refused
from ..store.listing import Listing
from ..store.tasks import TaskStore


def place(
    tasks: TaskStore,
    listing: Listing,
    owner_id: str,
    list_id: str,
    *,
    after_id: str | None,
    before_id: str | None,
) -> str:
    """A place in this list: 0 requests at its end, else 1 or 2. Raises `NeighbourGone` when neither is there."""
    end = appended(clock.millis())
    asked = [task_id for task_id in (after_id, before_id) if task_id is not None]
    if not asked:
        return end
    there = {
        task.id: task
        for task in tasks.many(owner_id, asked, consistent=True)
        if task.deleted_at is None and task.list_id == list_id
    }
    after, before = there.get(after_id or ""), there.get(before_id or "")
    if after is None and before is None:
        raise NeighbourGone("Read the list again and name one of the tasks in it.")
    if after is not None and (before is None or after.pos >= before.pos):
        return placed(after.pos, listing.beyond(after, above=False), otherwise=end)
    assert before is not None
    if after is None:
        return placed(listing.beyond(before, above=True), before.pos, otherwise=end)
    return placed(after.pos, before.pos, otherwise=end)


def chain_of(tasks: TaskStore, owner_id: str, parent_id: str) -> list[Task]:
    """The parent, its parent and so on; only the parent itself may not be in the trash. Raises `InvalidRequest`."""
    chain: list[Task] = []
    wanted: str | None = parent_id
    # One more than may be: whoever is too deep, or in a circle, is found out by the length.
    while wanted is not None and len(chain) < 4:
        found = tasks.find(owner_id, wanted)
        if found is None or (found.deleted_at is not None and not chain):
            break
        chain.append(found)
        wanted = found.parent_id
    if not chain:
        raise refused("/parent_id", "There is no such task.")
    return chain


def check_height(tasks: TaskStore, task: Task, chain: list[Task]) -> None:
    """Whether the task, with what hangs below it, may hang under this chain. Raises `InvalidRequest`."""
    check_parents(task.id, chain, 0)
    children = tasks.children(task.owner_id, task.id)
    if children:
        grandchildren = len(chain) == 1 and any(tasks.children(task.owner_id, child) for child in children)
        check_parents(task.id, chain, 2 if grandchildren else 1)
