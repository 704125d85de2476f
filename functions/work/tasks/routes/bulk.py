from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import bulk as actions
from ..actions import plans
from ..actions.bulk import Operation, Outcome
from ..rules.task import ListClosing, NeighbourGone
from ..schemas import bulk as schemas
from ..schemas.bulk import BulkIn, BulkOut, BulkResult
from ..schemas.tasks import TaskOut
from ..store.listing import Listing
from ..store.tasks import TaskStore
from .given import Lists, Tasks, Writer, actor

router = Router(prefix="/tasks", tags=["tasks"])


@router.post("/bulk", responses=problems(InvalidRequest, NotFound, ListClosing, NeighbourGone))
async def bulk(body: BulkIn, caller: Writer, tasks: Tasks, listing: Lists) -> BulkOut:
    """Up to 100 changes, each for itself; or up to 30 of which all happen or none."""
    operations = [Operation(op.id, _decide(op, tasks, listing, actor(caller))) for op in body.operations]
    actions.check(operations, atomic=body.atomic)
    do = actions.together if body.atomic else actions.each
    return BulkOut(results=[_result(outcome) for outcome in do(tasks, caller.owner_id, operations)])


def _decide(op: schemas.Operation, tasks: TaskStore, listing: Listing, by: str) -> plans.Decide:
    match op:
        case schemas.CompleteOp():
            return lambda task: plans.complete(task, by=by, completed_at=op.completed_at)
        case schemas.ReopenOp():
            return lambda task: plans.reopen(tasks, task, by=by)
        case schemas.MoveOp():
            where = op.model_dump(include={"list_id", "after_id", "before_id"})
            return lambda task: plans.move(tasks, listing, task, by=by, **where)
        case schemas.TagOp():
            return lambda task: plans.tagged(task, op.tag, by=by)
        case schemas.UntagOp():
            return lambda task: plans.untagged(task, op.tag, by=by)
        case schemas.SetOp():
            return lambda task: plans.change(tasks, task, op.fields.fields(), by=by)
        case schemas.DeleteOp():
            return lambda task: plans.delete(task, by=by)


def _result(outcome: Outcome) -> BulkResult:
    if outcome.problem is not None:
        problem = outcome.problem
        return BulkResult(id=outcome.task_id, status=problem.status, problem=problem.document())
    return BulkResult(id=outcome.task_id, status=200, task=TaskOut.of(outcome.task) if outcome.task else None)
