"""Tasks as `search` takes them in."""

from tessera.searchable import SearchDoc, SearchDocs

from ..rules.task import Task
from ..store.tasks import TaskStore

PAGE = 100


def one(tasks: TaskStore, owner_id: str, task_id: str) -> SearchDocs:
    """A task, or nothing when it is gone for good. 1 request."""
    task = tasks.find(owner_id, task_id)
    return SearchDocs(items=[_document(task)] if task else [])


def page(tasks: TaskStore, owner_id: str, after: str | None) -> SearchDocs:
    """All that an owner has, a page at a time. 1 request."""
    found, following = tasks.page(owner_id, PAGE, after)
    return SearchDocs(items=[_document(task) for task in found], next=following)


def _document(task: Task) -> SearchDoc:
    acl = f"user:{task.owner_id}"
    if task.deleted_at is not None:
        return SearchDoc(id=task.id, seq=task.version, deleted=True, type="task", acl=acl)
    return SearchDoc(
        id=task.id,
        seq=task.version,
        type="task",
        acl=acl,
        title=task.title,
        tags=list(task.tags),
        body=task.notes or "",
        url=f"/tasks/{task.id}",
        author=task.created_by,
        updated_at=task.updated_at,
    )
