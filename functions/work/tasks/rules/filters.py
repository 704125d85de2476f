"""Which tasks a list shows and in which order, and which index can serve that."""

from dataclasses import dataclass

from .due import DueRange
from .task import Sort, Status, Task, refused


@dataclass(frozen=True)
class Filter:
    """What was asked for, with its defaults filled in."""

    sort: Sort
    status: Status = Status.OPEN
    list_id: str | None = None
    due: DueRange | None = None
    priority: int | None = None
    tag: str | None = None

    def holds(self, task: Task) -> bool:
        return (
            task.deleted_at is None
            and self.status in (Status.ALL, task.status)
            and self.list_id in (None, task.list_id)
            and self.priority in (None, task.priority)
            and (self.tag is None or self.tag in task.tags)
            and (self.due is None or self.due.holds(task))
        )


def chosen(
    *,
    sort: Sort | None,
    status: Status | None,
    list_id: str | None,
    due: DueRange | None,
    priority: int | None,
    tag: str | None,
) -> Filter:
    """The filter with the order that suits it best. Raises `InvalidRequest` for a pair no index serves."""
    order = sort or _default_sort(status, list_id, due, tag)
    state = status or (Status.DONE if order is Sort.COMPLETED else Status.OPEN)
    if order is Sort.MANUAL and list_id is None:
        raise refused("?sort", "The manual order is that of one list. Add list_id.")
    if order is Sort.DUE and state is not Status.OPEN:
        raise refused("?sort", "Only open tasks are sorted by due. Leave status out.")
    if order is Sort.DUE and due is not None and due.none:
        raise refused("?sort", "Tasks that are not due cannot be sorted by due.")
    if order is Sort.COMPLETED and state is not Status.DONE:
        raise refused("?sort", "Only done tasks are sorted by completion. Add status=done.")
    return Filter(sort=order, status=state, list_id=list_id, due=due, priority=priority, tag=tag)


def _default_sort(status: Status | None, list_id: str | None, due: DueRange | None, tag: str | None) -> Sort:
    if due is not None and not due.none and status in (None, Status.OPEN):
        return Sort.DUE
    if list_id is not None:
        return Sort.MANUAL
    if status is Status.DONE and tag is None:
        return Sort.COMPLETED
    return Sort.CREATED
