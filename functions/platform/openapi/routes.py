"""The document in its forms, the reference page, and the pages that the `type` of a problem leads to."""

from typing import Annotated, Any

from fastapi import Header, Path, Request, Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.problems import NotFound

from . import files, pages
from .schemas import ProblemOut, ProblemsOut

router = Router(tags=["openapi"])

Anyone = Annotated[Principal, auth.public(limited=False)]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=1000, description="The ETag of the copy you have.")
]
Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$", max_length=40)]
Slug = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,79}$", max_length=80)]
AssetName = Annotated[str, Path(pattern=r"^[a-z0-9.-]{1,80}$", max_length=80)]

# The address of an asset names its content, so what it holds never changes.
FOR_EVER = "public, max-age=31536000, immutable"
A_MINUTE = "public, max-age=60"
HTML = "text/html; charset=utf-8"
_ETAG = {"description": "The tag of this form of the content.", "schema": {"type": "string", "maxLength": 100}}
_UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Your copy is current.", "headers": {"ETag": _ETAG}}
}


def _as(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"type": "object"}}}
    return {200: {"description": description, "content": content, "headers": {"ETag": _ETAG}}}


def _page(description: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}}


JSON_OR_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}


@router.get(
    "/openapi.json",
    operation_id="get_document",
    response_class=Response,
    responses={**_as("application/json", "The document."), **_UNCHANGED},
)
async def document(request: Request, caller: Anyone, if_none_match: IfNoneMatch = None) -> Response:
    """The API of the whole stack as one OpenAPI 3.1 document."""
    return served(request, files.document(), if_none_match)


@router.get(
    "/openapi.yaml",
    operation_id="get_document_as_yaml",
    response_class=Response,
    responses={**_as("application/yaml", "The document."), **_UNCHANGED},
)
async def document_as_yaml(request: Request, caller: Anyone, if_none_match: IfNoneMatch = None) -> Response:
    """The same document as YAML."""
    return served(request, files.document_as_yaml(), if_none_match)


@router.get(
    "/openapi/asyncapi.json",
    operation_id="get_events_document",
    response_class=Response,
    responses={**_as("application/json", "The catalogue."), **_UNCHANGED},
)
async def events(request: Request, caller: Anyone, if_none_match: IfNoneMatch = None) -> Response:
    """Every event that capabilities tell each other, as AsyncAPI 3."""
    return served(request, files.events(), if_none_match)


@router.get(
    "/openapi/{capability}.json",
    operation_id="get_capability_document",
    response_class=Response,
    responses={**_as("application/json", "Its part."), **_UNCHANGED, **problems(NotFound)},
)
async def capability(request: Request, caller: Anyone, capability: Name, if_none_match: IfNoneMatch = None) -> Response:
    """The part of the document that one capability answers for."""
    return served(request, files.part(capability), if_none_match)


@router.get("/docs", operation_id="get_docs", response_class=Response, responses=_page("The page."))
async def docs(caller: Anyone) -> Response:
    """The API as a page on which requests can be tried."""
    return page(pages.docs("/openapi.json"))


@router.get(
    "/docs/{capability}",
    operation_id="get_capability_docs",
    response_class=Response,
    responses={**_page("The page."), **problems(NotFound)},
)
async def capability_docs(caller: Anyone, capability: Name) -> Response:
    """The same page for one capability alone."""
    files.part(capability)
    return page(pages.docs(f"/openapi/{capability}.json"))


@router.get("/docs/assets/{name}", include_in_schema=False)
async def asset(request: Request, caller: Anyone, name: AssetName, if_none_match: IfNoneMatch = None) -> Response:
    """A script or style of the reference page."""
    return served(request, files.asset(name), if_none_match, cached=FOR_EVER)


@router.get("/problems", operation_id="list_problems", response_model=ProblemsOut, responses=JSON_OR_PAGE)
async def problem_list(request: Request, caller: Anyone, response: Response) -> ProblemsOut | Response:
    """Every type of problem, as JSON or, for a browser, as a page."""
    if wants_html(request):
        return page(pages.problem_list(files.problems()), varies=True)
    _kept_a_minute(response)
    return ProblemsOut(items=[ProblemOut(**one) for one in files.problems().values()])


@router.get(
    "/problems/{slug}",
    operation_id="get_problem",
    response_model=ProblemOut,
    responses={**JSON_OR_PAGE, **problems(NotFound)},
)
async def problem(request: Request, caller: Anyone, response: Response, slug: Slug) -> ProblemOut | Response:
    """What a problem means and what to do about it, as JSON or, for a browser, as a page."""
    found = files.problem(slug)
    if wants_html(request):
        return page(pages.problem(found), varies=True)
    _kept_a_minute(response)
    return ProblemOut(**found)


def served(request: Request, file: files.File, if_none_match: str | None, *, cached: str = A_MINUTE) -> Response:
    """The file in the form the client takes, or 304 when it has it already."""
    zipped = _takes_gzip(request.headers.get("accept-encoding", ""))
    etag = f'"{file.etag}{"-gz" if zipped else ""}"'
    headers = {"ETag": etag, "Cache-Control": cached, "Vary": "Accept-Encoding"}
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(file.compressed if zipped else file.plain, headers=headers, media_type=file.media_type)


def page(html: str, *, varies: bool = False) -> Response:
    headers = {
        "Content-Security-Policy": pages.POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": A_MINUTE,
        **({"Vary": "Accept"} if varies else {}),
    }
    return Response(html, headers=headers, media_type=HTML)


def wants_html(request: Request) -> bool:
    """A browser names HTML; whoever names JSON, or nothing in particular, gets JSON."""
    accept = request.headers.get("accept", "")
    return "text/html" in accept and "json" not in accept.split("text/html")[0]


def _kept_a_minute(response: Response) -> None:
    response.headers.update({"Cache-Control": A_MINUTE, "Vary": "Accept"})


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is named and not refused (RFC 9110 12.5.3)."""
    for entry in accept_encoding.split(","):
        name, _, rest = entry.strip().partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return rest.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
