"""One subject: how it stands, and letting it begin anew."""

from typing import Annotated

from fastapi import Query

from tessera.auth.problems import InsufficientScope
from tessera.entry import Router, problems
from tessera.problems import NotFound

from ..actions import insight, resetting
from ..rules import Subject, is_known
from ..schemas import SubjectOut, SubjectParams
from .given import (
    PREFIX,
    TAGS,
    Buckets,
    Here,
    InPath,
    KeyInPath,
    Limiter,
    Manager,
    Somebody,
    owner_of,
    standing_out,
)

router = Router(prefix=f"{PREFIX}/buckets", tags=TAGS)
Whose = Annotated[SubjectParams, Query()]


@router.get("/{namespace}/{key:path}", responses=problems(NotFound, InsufficientScope))
async def get_bucket(
    namespace: InPath, key: KeyInPath, asked: Whose, caller: Somebody, limits: Limiter, buckets: Buckets
) -> SubjectOut:
    """How a subject stands; nothing is charged. Staff also see others', and those of the product itself.

    These are in the namespaces `tessera.user`, `tessera.ip` and `tessera.key`.
    """
    subject = _subject(asked.owner_id or owner_of(caller), namespace, key)
    found = insight.of_subject(limits, buckets, subject, by=caller)
    hashed = limits.bucket_of(subject.name).removeprefix("B#")
    return SubjectOut(
        namespace=namespace, key=key, subject=hashed, buckets=[standing_out(standing) for standing in found]
    )


@router.delete("/{namespace}/{key:path}", status_code=204, responses=problems(NotFound))
async def reset_bucket(
    namespace: InPath,
    key: KeyInPath,
    asked: Whose,
    caller: Manager,
    call: Here,
    limits: Limiter,
    buckets: Buckets,
) -> None:
    """Let a subject begin anew. Processes that have just refused it believe that for up to ten seconds."""
    subject = _subject(asked.owner_id or owner_of(caller), namespace, key)
    resetting.reset(limits, buckets, subject, by=caller, call=call)


def _subject(owner_id: str, namespace: str, key: str) -> Subject:
    subject = Subject(owner_id, namespace, key)
    if not is_known(subject):
        raise NotFound("There are no such subjects.")
    return subject
