"""Feeds and sitemaps: made beforehand, and sent only to who has not seen them."""

from typing import Annotated

from fastapi import Header, Path, Query, Response

from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import feeding
from ..rules import feeds
from ..store.feeds import Document
from .shared import PREFIX, TAGS, Bound, Reader

router = Router(prefix=PREFIX, tags=TAGS)
CACHE = "public, max-age=60, stale-while-revalidate=600"
XML = "application/xml"

TagName = Annotated[str, Path(max_length=64)]
AuthorName = Annotated[str, Path(max_length=100)]
Seen = Annotated[str | None, Header(alias="If-None-Match", max_length=1_000, description="The ETag of the last read.")]
Since = Annotated[str | None, Header(alias="If-Modified-Since", max_length=64)]


def _sent(form: str) -> dict[int | str, dict[str, object]]:
    text = {"schema": {"type": "string", "maxLength": 6_000_000}}
    body = {"schema": {"type": "object"}} if form == "json" else text
    headers = {"Last-Modified": {"schema": {"type": "string", "maxLength": 64}}}
    return {
        200: {"description": "The feed.", "content": {feeds.FORMS[form]: body}, "headers": headers},
        304: {"description": "It is as you have it.", "headers": headers},
    }


@router.get("/feed.xml", response_class=Response, responses=_sent("xml"))
async def get_rss(caller: Reader, ports: Bound, seen: Seen = None, since: Since = None) -> Response:
    """The newest posts as RSS 2.0."""
    return _answer("xml", feeding.read(ports, "xml"), seen, since)


@router.get("/atom.xml", response_class=Response, responses=_sent("atom"))
async def get_atom(caller: Reader, ports: Bound, seen: Seen = None, since: Since = None) -> Response:
    """The newest posts as Atom 1.0."""
    return _answer("atom", feeding.read(ports, "atom"), seen, since)


@router.get("/feed.json", response_class=Response, responses=_sent("json"))
async def get_json_feed(caller: Reader, ports: Bound, seen: Seen = None, since: Since = None) -> Response:
    """The newest posts as JSON Feed 1.1."""
    return _answer("json", feeding.read(ports, "json"), seen, since)


@router.get("/tags/{tag}/feed.xml", response_class=Response, responses={**_sent("xml"), **problems(NotFound)})
async def get_tag_rss(tag: TagName, caller: Reader, ports: Bound, seen: Seen = None, since: Since = None) -> Response:
    """The newest posts with a tag as RSS 2.0."""
    return _answer("xml", feeding.read(ports, "xml", tag=tag), seen, since)


@router.get("/tags/{tag}/atom.xml", response_class=Response, responses={**_sent("atom"), **problems(NotFound)})
async def get_tag_atom(tag: TagName, caller: Reader, ports: Bound, seen: Seen = None, since: Since = None) -> Response:
    """The newest posts with a tag as Atom 1.0."""
    return _answer("atom", feeding.read(ports, "atom", tag=tag), seen, since)


@router.get("/tags/{tag}/feed.json", response_class=Response, responses={**_sent("json"), **problems(NotFound)})
async def get_tag_json_feed(
    tag: TagName, caller: Reader, ports: Bound, seen: Seen = None, since: Since = None
) -> Response:
    """The newest posts with a tag as JSON Feed 1.1."""
    return _answer("json", feeding.read(ports, "json", tag=tag), seen, since)


@router.get("/authors/{name}/feed.xml", response_class=Response, responses={**_sent("xml"), **problems(NotFound)})
async def get_author_rss(
    name: AuthorName, caller: Reader, ports: Bound, seen: Seen = None, since: Since = None
) -> Response:
    """The newest posts of an author as RSS 2.0."""
    return _answer("xml", feeding.read(ports, "xml", author=name), seen, since)


@router.get("/authors/{name}/atom.xml", response_class=Response, responses={**_sent("atom"), **problems(NotFound)})
async def get_author_atom(
    name: AuthorName, caller: Reader, ports: Bound, seen: Seen = None, since: Since = None
) -> Response:
    """The newest posts of an author as Atom 1.0."""
    return _answer("atom", feeding.read(ports, "atom", author=name), seen, since)


@router.get("/authors/{name}/feed.json", response_class=Response, responses={**_sent("json"), **problems(NotFound)})
async def get_author_json_feed(
    name: AuthorName, caller: Reader, ports: Bound, seen: Seen = None, since: Since = None
) -> Response:
    """The newest posts of an author as JSON Feed 1.1."""
    return _answer("json", feeding.read(ports, "json", author=name), seen, since)


@router.get(
    "/sitemap.xml",
    response_class=Response,
    responses={
        200: {
            "description": "The sitemap.",
            "content": {XML: {"schema": {"type": "string", "maxLength": 6_000_000}}},
        },
        **problems(InvalidRequest),
    },
)
async def get_sitemap(caller: Reader, ports: Bound, page: Annotated[int | None, Query(ge=1, le=5)] = None) -> Response:
    """The newest 5 000 posts for search engines: a list of the parts, or one part."""
    return Response(feeding.sitemap(ports, page), media_type=XML, headers={"Cache-Control": CACHE})


def _answer(form: str, document: Document, seen: str | None, since: str | None) -> Response:
    tag, modified = f'"{document.sha256[:32]}"', feeds.http_date(document.modified)
    headers = {"ETag": tag, "Last-Modified": modified, "Cache-Control": CACHE}
    # With both, only the tag counts (RFC 9110 13.2.2).
    known = _names(seen, tag) if seen else since == modified
    if known:
        return Response(status_code=304, headers=headers)
    return Response(document.text, media_type=feeds.FORMS[form], headers=headers)


def _names(header: str, tag: str) -> bool:
    """`If-None-Match` compares weakly."""
    return header.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in header.split(","))
