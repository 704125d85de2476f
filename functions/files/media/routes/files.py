from typing import Annotated, Any

from fastapi import Header, Query, Response

from tessera.entry import Router, problems
from tessera.problems import NotFound, Unavailable

from ..actions import show
from ..rules.problems import FileNotClean, NoThumbnail
from ..schemas.files import MetaOut, PlaceholderOut, ThumbParams
from .given import PREFIX, TAGS, Bound, Reader

router = Router(prefix=f"{PREFIX}/files", tags=TAGS)

Accept = Annotated[str | None, Header(alias="Accept", max_length=1000)]
SOON_SECONDS = 2
_SCHEMA = {"type": "string", "pattern": "^[0-9]+$", "maxLength": 10}
LATER: dict[str, Any] = {
    "headers": {"Retry-After": {"description": "After how many seconds to try again.", "schema": _SCHEMA}}
}


@router.get(
    "/{file_id:ulid}/thumb",
    status_code=302,
    response_model=None,
    responses={
        202: {"model": PlaceholderOut, "description": "It is being made; this can be drawn meanwhile.", **LATER},
        302: {"description": "Where it is, for five minutes."},
        **problems(NotFound, NoThumbnail, FileNotClean, Unavailable),
    },
)
async def thumbnail(
    file_id: str,
    asked: Annotated[ThumbParams, Query()],
    response: Response,
    caller: Reader,
    ports: Bound,
    accept: Accept = None,
) -> Response | PlaceholderOut:
    """The thumbnail of a file that you may read, in the best format that you accept."""
    found = show.thumbnail(ports, file_id, asked.size, accept, by=caller)
    headers = {"Vary": "Accept", "Cache-Control": "private, max-age=60"}
    if found.url is not None:
        return Response(status_code=302, headers={**headers, "Location": found.url})
    response.status_code = 202
    response.headers.update({"Vary": "Accept", "Cache-Control": "no-store", "Retry-After": str(SOON_SECONDS)})
    return PlaceholderOut(blurhash=found.blurhash, job_id=found.job_id)


@router.get(
    "/{file_id:ulid}/meta",
    responses={
        202: {"model": MetaOut, "description": "It is being looked at.", **LATER},
        **problems(NotFound, FileNotClean, Unavailable),
    },
)
async def meta(file_id: str, response: Response, caller: Reader, ports: Bound) -> MetaOut:
    """What is known of a file that you may read."""
    known = show.known(ports, file_id, by=caller)
    source, found = known.source, known.meta
    about = {"file_id": source.id, "n": source.n, "media_type": source.media_type, "size": source.size}
    if known.is_coming:
        response.status_code = 202
        response.headers["Retry-After"] = str(SOON_SECONDS)
        return MetaOut.told({**about, "state": "queued"}, {})
    failed = found is not None and found.state == "failed"
    return MetaOut.told(
        {**about, "state": "failed" if failed else "done", "error": found.code if found else None}, known.facts
    )
