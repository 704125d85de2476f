from fastapi import Response

from tessera.entry import Router, problems
from tessera.entry.headers import show_version
from tessera.problems import InvalidRequest, NotFound

from ..actions import plans
from ..rules.task import ListClosing, NeighbourGone
from ..schemas.tasks import CompletedOut, CompleteIn, MoveIn, TaskOut
from .given import Lists, Tasks, Writer, actor

router = Router(prefix="/tasks/{task_id:ulid}", tags=["tasks"])


@router.post("/complete", responses=problems(NotFound, InvalidRequest))
async def complete_task(
    task_id: str, response: Response, caller: Writer, tasks: Tasks, body: CompleteIn | None = None
) -> CompletedOut:
    """Complete a task; a repeating one leaves its next occurrence. Completing a done task changes nothing."""
    when = body.completed_at if body else None
    plan = plans.run(
        tasks, caller.owner_id, task_id, lambda task: plans.complete(task, by=actor(caller), completed_at=when)
    )
    return _shown(response, plan)


@router.post("/reopen", responses=problems(NotFound))
async def reopen_task(task_id: str, response: Response, caller: Writer, tasks: Tasks) -> CompletedOut:
    """Open a task again. The occurrence that completing made goes away, unless somebody has touched it since."""
    plan = plans.run(tasks, caller.owner_id, task_id, lambda task: plans.reopen(tasks, task, by=actor(caller)))
    return _shown(response, plan)


@router.post("/move", responses=problems(NotFound, NeighbourGone, ListClosing, InvalidRequest))
async def move_task(
    task_id: str, body: MoveIn, response: Response, caller: Writer, tasks: Tasks, listing: Lists
) -> TaskOut:
    """Move a task to another list or another place; without a neighbour, to the end."""
    plan = plans.run(
        tasks,
        caller.owner_id,
        task_id,
        lambda task: plans.move(tasks, listing, task, by=actor(caller), **body.model_dump()),
    )
    show_version(response, plan.task.version)
    return TaskOut.of(plan.task)


def _shown(response: Response, plan: plans.Plan) -> CompletedOut:
    show_version(response, plan.task.version)
    following = TaskOut.of(plan.next_task) if plan.next_task else None
    return CompletedOut(task=TaskOut.of(plan.task), next_task=following)
