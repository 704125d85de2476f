from typing import Annotated

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.entry.jobs import JobOut, show_accepted
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Page

from ..actions import folders as actions
from ..rules.problems import FolderCycle, FolderNotEmpty, FoldersTooDeep, NameTaken, TooManyFolders
from ..schemas.files import FolderIn, FolderOut, FolderParams, FolderPatch
from .given import Bound, Keys, Reader, Writer

router = Router(prefix="/files/folders", tags=["files"])

PLACING = (InvalidRequest, NameTaken, FoldersTooDeep, FolderCycle, TooManyFolders)


@router.post("", status_code=201, responses=problems(*PLACING, IdempotencyMismatch, Gone))
async def create_folder(
    body: FolderIn, response: Response, caller: Writer, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> FolderOut:
    """Make a folder, up to 20 deep."""
    intent = keys.intent(key, caller, "POST /files/folders", body)
    folder, replayed = actions.create(ports, body.name, body.parent_id, intent, by=caller)
    show_created(response, location=f"/files/folders/{folder.id}", version=folder.version, replayed=replayed)
    return FolderOut.of(folder)


@router.get("", responses=problems(NotFound, InvalidCursor))
async def list_folders(
    asked: Annotated[FolderParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[FolderOut]:
    """The folders in a folder, or at the top, by name."""
    route = "GET /files/folders"
    state = keys.state(caller, route, asked, asked.cursor)
    start = int(state["n"]) if state else 0
    found = actions.listed(ports, asked.parent_id, by=caller)
    end = start + asked.limit
    following = keys.cursor(caller, route, asked, {"n": end} if end < len(found) else None)
    return Page(items=[FolderOut.of(folder) for folder in found[start:end]], next=following)


@router.get("/{folder_id:ulid}", responses=problems(NotFound))
async def get_folder(folder_id: str, response: Response, caller: Reader, ports: Bound) -> FolderOut:
    """A folder, and those around it from the top."""
    folder, path = actions.get(ports, folder_id, by=caller)
    show_version(response, folder.version)
    return FolderOut.of(folder, path)


@router.patch("/{folder_id:ulid}", responses=problems(NotFound, StaleVersion, VersionRequired, *PLACING))
async def change_folder(
    folder_id: str, body: FolderPatch, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> FolderOut:
    """Rename or move a folder; `parent_id` null moves it to the top."""
    folder = actions.change(ports, folder_id, body.changes(), required_version(if_match), by=caller)
    show_version(response, folder.version)
    return FolderOut.of(folder)


@router.delete(
    "/{folder_id:ulid}",
    status_code=202,
    response_model=JobOut,
    responses={
        204: {"description": "The folder was empty and is gone."},
        **problems(NotFound, StaleVersion, FolderNotEmpty),
    },
)
async def delete_folder(
    folder_id: str,
    response: Response,
    caller: Writer,
    ports: Bound,
    with_content: bool = False,
    if_match: IfMatch = None,
) -> JobOut | Response:
    """Delete a folder: at once when it is empty; else its files go into the trash, as a job."""
    expect = expected_version(if_match, required=False)
    job = actions.delete(ports, folder_id, expect, with_content=with_content, by=caller)
    return show_accepted(response, "files", job) if job else Response(status_code=204)
