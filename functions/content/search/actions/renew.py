"""Indexing anew what is there already, page by page: a job that puts each document behind what waits for it."""

from tessera.auth.principal import Principal
from tessera.jobs import Job
from tessera.problems import FieldError, InvalidRequest
from tessera.transact import transact

from ..ports import Ports
from ..sources import KEEPERS
from ..store.rows import SHARDS
from . import take

REINDEX = "search.reindex"
PAGE = 100


def start(ports: Ports, kind: str, owner_id: str | None, *, by: Principal) -> Job:
    """A job that looks at all known documents of a type, or at all that an owner has with its keeper.

    Raises `InvalidRequest` for a type that nobody keeps owner by owner.
    """
    if owner_id is not None and kind not in KEEPERS:
        detail = f"Only these are kept owner by owner: {', '.join(sorted(KEEPERS))}."
        raise InvalidRequest(detail, errors=[FieldError("/owner_id", detail)])
    job, step = ports.jobs.starting(by.owner_id, REINDEX, cancellable=True)
    transact(step)
    data = {"job_id": job.id, "by": by.owner_id, "type": kind, "owner_id": owner_id, "shard": 0, "done": 0}
    ports.queue.job(REINDEX, {**data, "after": None})
    return job


def go_on(ports: Ports, work: dict[str, object], kind: str, owner_id: str | None) -> None:
    """One page of a job, and the message for the next."""
    job = ports.jobs.get(str(work["by"]), str(work["job_id"]))
    if job.state.is_over:
        return
    step = _given if owner_id else _known
    done, following = step(ports, work, kind, owner_id or "")
    job = ports.jobs.progress(job, int(str(work["done"])) + done)
    if following is None:
        ports.jobs.finish(job, result={"documents": job.done})
    elif not job.state.is_over:
        ports.queue.job(REINDEX, {**work, **following, "done": job.done})


def _given(ports: Ports, work: dict[str, object], kind: str, owner_id: str) -> tuple[int, dict[str, object] | None]:
    cursor = {"cursor": str(work["after"])} if work["after"] else {}
    page = ports.sources.documents(KEEPERS[kind], owner_id=owner_id, **cursor)
    for one in page.items:
        take.tell(ports, one, once=str(work["job_id"]))
    return len(page.items), {"after": page.next} if page.next else None


def _known(ports: Ports, work: dict[str, object], kind: str, _: str) -> tuple[int, dict[str, object] | None]:
    shard = int(str(work["shard"]))
    docs, after = ports.reading.listed_page(f"L#{kind}#{shard}", PAGE, str(work["after"]) if work["after"] else None)
    for doc in docs:
        ports.queue.work(take.RENEW, doc, {"doc": doc}, once=str(work["job_id"]))
    if after is not None:
        return len(docs), {"after": after}
    return len(docs), {"shard": shard + 1, "after": None} if shard + 1 < SHARDS else None
