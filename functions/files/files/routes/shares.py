from typing import Annotated

from fastapi import Path, Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, required_version, show_created, show_version
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, InvalidRequest, NotFound
from tessera.types import Page, Ulid

from ..actions import shares as actions
from ..rules.files import DOWNLOAD_LIFE
from ..rules.problems import (
    NotAllowed,
    PasswordLocked,
    TooManyGrants,
    TooManyShares,
    WrongPassword,
    refused,
)
from ..schemas.files import PageParams
from ..schemas.shares import (
    GrantIn,
    GrantOut,
    GrantsOut,
    LinkOut,
    OpenIn,
    SharedOut,
    ShareIn,
    ShareMadeOut,
    ShareOut,
    SharePatch,
)
from .given import Anybody, BaseURL, Bound, Follower, Keys, Reader, Writer

router = Router(prefix="/files", tags=["files"])

Token = Annotated[str, Path(max_length=100)]


@router.post(
    "/{file_id:ulid}/shares",
    status_code=201,
    responses=problems(NotFound, NotAllowed, InvalidRequest, TooManyShares, IdempotencyMismatch, Gone),
)
async def create_share(
    file_id: str,
    body: ShareIn,
    response: Response,
    caller: Writer,
    ports: Bound,
    keys: Keys,
    base: BaseURL,
    key: IdempotencyKey = None,
) -> ShareMadeOut:
    """Make a link that anybody may follow who has it, and mail it. Its token is shown this once."""
    if body.one_time and body.max_downloads not in (None, 1):
        raise refused("/max_downloads", "A link for one time is followed once.")
    intent = keys.intent(key, caller, f"POST /files/{file_id}/shares", body)
    most = 1 if body.one_time else body.max_downloads
    terms = actions.Terms(body.expires_at, body.password, most, tuple(dict.fromkeys(body.emails)))
    made = actions.create(ports, file_id, terms, intent, base=base, by=caller)
    location = f"/files/{file_id}/shares"
    show_created(response, location=location, version=made.share.version, replayed=made.is_replay)
    return ShareMadeOut.made(made.share, made.token, made.url, made.posted)


@router.get("/{file_id:ulid}/shares", responses=problems(NotFound, NotAllowed, InvalidCursor))
async def list_shares(
    file_id: str, asked: Annotated[PageParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[ShareOut]:
    """The links to a file, the newest first, also those that have ended within 30 days."""
    route = f"GET /files/{file_id}/shares"
    state = keys.state(caller, route, asked, asked.cursor)
    found, after = actions.listed(ports, file_id, asked.limit, state["k"] if state else None, by=caller)
    following = keys.cursor(caller, route, asked, {"k": after} if after else None)
    return Page(items=[ShareOut.of(share) for share in found], next=following)


@router.patch("/shares/{share_id:ulid}", responses=problems(NotFound, StaleVersion, VersionRequired, InvalidRequest))
async def change_share(
    share_id: str, body: SharePatch, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> ShareOut:
    """Other terms for the same link."""
    share = actions.change(ports, share_id, body.changes(), required_version(if_match), by=caller)
    show_version(response, share.version)
    return ShareOut.of(share)


@router.delete("/shares/{share_id:ulid}", status_code=204, responses=problems(NotFound, StaleVersion))
async def revoke_share(share_id: str, caller: Writer, ports: Bound, if_match: IfMatch = None) -> None:
    """End a link at once."""
    actions.revoke(ports, share_id, expected_version(if_match, required=False), by=caller)


@router.get("/s/{token}", responses=problems(NotFound))
async def look_at_share(token: Token, response: Response, caller: Anybody, ports: Bound) -> SharedOut:
    """What a link opens. One answer for what is unknown, over, revoked or used up."""
    response.headers["Cache-Control"] = "no-store"
    return SharedOut.of(*actions.look(ports, token))


@router.post("/s/{token}/download", responses=problems(NotFound, InvalidRequest, WrongPassword, PasswordLocked))
async def download_share(
    token: Token, response: Response, caller: Follower, ports: Bound, body: OpenIn | None = None
) -> LinkOut:
    """Follow a link once: where the bytes are, for a minute."""
    response.headers["Cache-Control"] = "no-store"
    found = actions.download(ports, token, body.password if body else None)
    return LinkOut(url=found.url, expires_in=int(DOWNLOAD_LIFE.total_seconds()))


@router.get("/{file_id:ulid}/grants", responses=problems(NotFound, NotAllowed))
async def list_grants(file_id: str, caller: Reader, ports: Bound) -> GrantsOut:
    """Who was let in to a file."""
    found = actions.grants(ports, file_id, by=caller)
    return GrantsOut(items=[GrantOut(user=user, role=role, created_at=at) for user, role, at in found])  # type: ignore[arg-type]


@router.put("/{file_id:ulid}/grants/{user}", responses=problems(NotFound, NotAllowed, InvalidRequest, TooManyGrants))
async def put_grant(file_id: str, user: Ulid, body: GrantIn, caller: Writer, ports: Bound) -> GrantOut:
    """Let somebody in to read a file, or to send new versions of it."""
    actions.grant(ports, file_id, user, body.role, by=caller)
    return GrantOut(user=user, role=body.role)


@router.delete("/{file_id:ulid}/grants/{user}", status_code=204, responses=problems(NotFound, NotAllowed))
async def delete_grant(file_id: str, user: Ulid, caller: Writer, ports: Bound) -> None:
    """Take it back, or leave."""
    actions.withdraw(ports, file_id, user, by=caller)
