"""Many verbs in one request: each for itself, or all or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tessera.problems import Busy, NotFound, Problem

from ..rules.task import Task, refused
from ..store.tasks import Changed, TaskStore
from .plans import MAX_TRIES, Decide, Plan, run

MAX_ATOMIC = 30


@dataclass(frozen=True)
class Operation:
    task_id: str
    decide: Decide


@dataclass(frozen=True)
class Outcome:
    """What became of one operation."""

    task_id: str
    task: Task | None = None
    problem: Problem | None = None


def check(operations: Sequence[Operation], *, atomic: bool) -> None:
    """Raises `InvalidRequest`."""
    if atomic and len(operations) > MAX_ATOMIC:
        raise refused("/operations", f"At most {MAX_ATOMIC} operations go in one transaction.")
    seen: set[str] = set()
    for number, operation in enumerate(operations):
        if operation.task_id in seen:
            raise refused(f"/operations/{number}/id", "This task is named twice.")
        seen.add(operation.task_id)


def each(tasks: TaskStore, owner_id: str, operations: Sequence[Operation]) -> list[Outcome]:
    """Each for itself: one that is refused stops no other."""
    return [_one(lambda op=op: run(tasks, owner_id, op.task_id, op.decide), op) for op in operations]  # type: ignore[misc]


def _one(do: Callable[[], Plan], operation: Operation) -> Outcome:
    try:
        return Outcome(operation.task_id, do().task)
    except Problem as problem:
        return Outcome(operation.task_id, problem=problem)


def together(tasks: TaskStore, owner_id: str, operations: Sequence[Operation]) -> list[Outcome]:
    """All or none, in one transaction. Raises the problem of the first that is refused, with its number."""
    for _ in range(MAX_TRIES):
        plans = _planned(tasks, owner_id, operations)
        writes = [write for plan in plans for write in plan.writes]
        touched = [task.id for write in writes if (task := write.before or write.after)]
        if len(set(touched)) < len(touched):
            raise refused("/operations", "Two of these change one task: reopening one removes the other.")
        try:
            if writes:
                tasks.commit(*writes, checks=[step for plan in plans for step in plan.checks])
            return [Outcome(plan.task.id, plan.task) for plan in plans]
        except Changed:
            continue
    raise Busy


def _planned(tasks: TaskStore, owner_id: str, operations: Sequence[Operation]) -> list[Plan]:
    found = {task.id: task for task in tasks.many(owner_id, [op.task_id for op in operations], consistent=True)}
    plans = []
    for number, operation in enumerate(operations):
        task = found.get(operation.task_id)
        try:
            if task is None or task.deleted_at is not None:
                raise NotFound("There is no such task.")
            plans.append(operation.decide(task))
        except Problem as problem:
            problem.extra["operation"] = number
            raise
    return plans
