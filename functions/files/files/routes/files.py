from typing import Annotated

from fastapi import Header, Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.entry.jobs import JobOut, show_accepted
from tessera.etags import StaleVersion, VersionRequired, etag, expected_version, unchanged
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Busy, Gone, InvalidRequest, NotFound, PayloadTooLarge
from tessera.types import Page, Ulid

from ..actions import access, find, manage, zips
from ..actions import create as creating
from ..rules.files import File, check_readable
from ..rules.names import checked_name
from ..rules.problems import Infected, NotAllowed, NotReady, QuotaExceeded, TooManyPending
from ..schemas.files import (
    ContentIn,
    FileIn,
    FileOut,
    FileParams,
    FilePatch,
    PageParams,
    QuotaIn,
    UsageOut,
    VersionOut,
    ZipIn,
)
from ..store.files import Changed
from .given import Bound, Keys, Manager, Reader, Writer, upload_out

router = Router(prefix="/files", tags=["files"])

TAKING = (InvalidRequest, PayloadTooLarge, QuotaExceeded, TooManyPending)
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": FileOut, "description": "The same bytes are there already; nothing is to be sent."},
        **problems(*TAKING, IdempotencyMismatch, Gone),
    },
)
async def create_file(
    body: FileIn, response: Response, caller: Writer, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> FileOut:
    """Announce a file and learn how to send it. The same bytes as another file of yours need not be sent again."""
    intent = keys.intent(key, caller, "POST /files", body)
    wanted = creating.Wanted(
        body.name, body.type, body.size, body.sha256, body.folder_id, body.upload, tuple(dict.fromkeys(body.tags))
    )
    file, content, replayed = creating.create(ports, wanted, intent, by=caller)
    show_created(response, location=f"/files/{file.id}", version=file.version, replayed=replayed)
    upload = upload_out(ports, content)
    if content.blob and not replayed:
        response.status_code = 200
    return FileOut.of(file, upload=upload, deduplicated=content.blob and not replayed)


@router.get("", responses=problems(InvalidRequest, InvalidCursor))
async def list_files(asked: Annotated[FileParams, Query()], caller: Reader, ports: Bound, keys: Keys) -> Page[FileOut]:
    """Files of a folder by name, or by age. A page may be short and still have a next one."""
    route = "GET /files"
    state = keys.state(caller, route, asked, asked.cursor)
    query = find.Query(asked.folder, asked.q, asked.state, asked.sort)
    found, following = find.page(ports, query, asked.limit, state, by=caller)
    return Page(items=[FileOut.of(file) for file in found], next=keys.cursor(caller, route, asked, following))


@router.get("/opened", responses=problems(InvalidCursor))
async def list_opened(asked: Annotated[PageParams, Query()], caller: Reader, ports: Bound, keys: Keys) -> Page[FileOut]:
    """Files that others have opened to you, the last first."""
    route = "GET /files/opened"
    state = keys.state(caller, route, asked, asked.cursor)
    found, following = find.opened(ports, asked.limit, state, by=caller)
    return Page(items=[FileOut.of(file) for file in found], next=keys.cursor(caller, route, asked, following))


@router.get("/usage")
async def usage(caller: Reader, ports: Bound) -> UsageOut:
    """How much room you have, and how much of it is taken."""
    return UsageOut.of(ports.files.usage.get(caller.owner_id))


@router.put("/quotas/{user}", responses=problems(InvalidRequest))
async def set_quota(user: Ulid, body: QuotaIn, caller: Manager, ports: Bound) -> UsageOut:
    """Give an owner more room, or less; what is there stays."""
    return UsageOut.of(ports.files.usage.set_limit(user, body.limit))


@router.post("/zip", status_code=202, responses=problems(InvalidRequest, PayloadTooLarge, QuotaExceeded, NotReady))
async def zip_files(body: ZipIn, response: Response, caller: Writer, ports: Bound) -> JobOut:
    """Make one archive of several files. It becomes a file of yours, named by the job's result."""
    job = zips.ask(ports, body.ids, checked_name(body.name), by=caller)
    return show_accepted(response, "files", job)


@router.get("/{file_id:ulid}", responses=problems(NotFound))
async def get_file(file_id: str, response: Response, caller: Reader, ports: Bound) -> FileOut:
    """One file, also one in the trash."""
    return _shown(response, access.visible(ports, file_id, caller, trashed=True))


@router.patch(
    "/{file_id:ulid}", responses=problems(NotFound, NotAllowed, StaleVersion, VersionRequired, InvalidRequest)
)
async def change_file(
    file_id: str, body: FilePatch, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> FileOut:
    """Rename, move or tag a file."""
    expect, changes = required_version(if_match), body.changes()
    if "tags" in changes:
        changes["tags"] = tuple(dict.fromkeys(changes["tags"] or ()))
    return _shown(response, manage.change(ports, file_id, changes, expect, by=caller))


@router.delete("/{file_id:ulid}", status_code=204, responses=problems(NotFound, NotAllowed, StaleVersion))
async def delete_file(
    file_id: str, caller: Writer, ports: Bound, if_match: IfMatch = None, forever: bool = False
) -> None:
    """Put a file into the trash for 30 days, or delete it for good."""
    expect = expected_version(if_match, required=False)
    if forever:
        manage.delete_forever(ports, file_id, expect, by=caller)
    else:
        manage.trash(ports, file_id, expect, by=caller)


@router.post("/{file_id:ulid}/restore", responses=problems(NotFound, NotAllowed))
async def restore_file(file_id: str, response: Response, caller: Writer, ports: Bound) -> FileOut:
    """Take a file out of the trash; to the top when its folder is gone."""
    return _shown(response, manage.restore(ports, file_id, by=caller))


@router.get(
    "/{file_id:ulid}/content",
    status_code=302,
    response_class=Response,
    responses={
        302: {"description": "Where the bytes are, for a minute."},
        304: {"description": "You have them."},
        **problems(NotFound, NotReady, Infected),
    },
)
async def get_content(
    file_id: str, caller: Reader, ports: Bound, inline: bool = False, if_none_match: IfNoneMatch = None
) -> Response:
    """The bytes, by a link that is good for a minute. Images, PDF and plain text can be shown in place."""
    file = access.visible(ports, file_id, caller)
    check_readable(file)
    headers = {"ETag": etag(file.n), "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
    if unchanged(if_none_match, file.n):
        return Response(status_code=304, headers=headers)
    found = manage.download(ports, file, inline=inline)
    return Response(status_code=302, headers={**headers, "Location": found.url})


@router.put(
    "/{file_id:ulid}/content",
    status_code=201,
    responses=problems(NotFound, NotAllowed, StaleVersion, VersionRequired, *TAKING),
)
async def replace_content(
    file_id: str, body: ContentIn, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> FileOut:
    """Announce a new version. The present one is served until the new one is clean."""
    expect = required_version(if_match)
    file = access.editable(ports, file_id, caller)
    if expect is not None and file.version != expect:
        raise StaleVersion(f"You read version {expect}; it is at {file.version} now. Read it again.")
    wanted = creating.Wanted(file.name, body.type or file.type, body.size, body.sha256, way=body.upload)
    try:
        after, content = creating.add_version(ports, file, wanted, by=caller)
    except Changed:
        if expect is None:
            raise Busy from None
        raise StaleVersion("Somebody else changed it at the same moment. Read it again.") from None
    response.headers["Location"] = f"/files/{file.id}"
    show_version(response, after.version)
    return FileOut.of(after, upload=upload_out(ports, content), deduplicated=content.blob)


@router.get("/{file_id:ulid}/upload", responses=problems(NotFound, NotAllowed, NotReady))
async def get_upload(file_id: str, response: Response, caller: Writer, ports: Bound) -> FileOut:
    """How to send what was announced, signed anew: links end after an hour, the upload after a day."""
    file = access.editable(ports, file_id, caller)
    content = ports.files.content(file.id, file.last)
    upload = upload_out(ports, content) if content else None
    if upload is None:
        raise NotReady("Nothing is waited for.")
    show_version(response, file.version)
    return FileOut.of(file, upload=upload)


@router.get("/{file_id:ulid}/versions", responses=problems(NotFound, InvalidCursor))
async def list_versions(
    file_id: str, asked: Annotated[PageParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[VersionOut]:
    """Versions of the content, the newest first."""
    file = access.visible(ports, file_id, caller, trashed=True)
    route = f"GET /files/{file.id}/versions"
    state = keys.state(caller, route, asked, asked.cursor)
    found, after = ports.files.contents(file.id, asked.limit, state["k"] if state else None)
    following = keys.cursor(caller, route, asked, {"k": after} if after else None)
    return Page(items=[VersionOut.of(content) for content in found], next=following)


def _shown(response: Response, file: File) -> FileOut:
    show_version(response, file.version)
    return FileOut.of(file)
