"""Cards of links, one and several, and the pictures on them."""

from typing import Annotated, Any

from fastapi import Header, Query, Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound, PayloadTooLarge
from tessera.safehttp import (
    AddressRefused,
    DNSFailed,
    FetchFailed,
    SchemeRefused,
    TLSFailed,
    TookTooLong,
    TooLarge,
    TooManyRedirects,
    UpstreamStatus,
    URLInvalid,
)

from ..actions import images, own, preview
from ..actions.images import NotOurs
from ..actions.own import FormatUnknown
from ..actions.preview import StillReading, Wish
from ..actions.read import UnsupportedContent
from ..schemas import (
    BatchIn,
    BatchOut,
    CardOut,
    ImageParams,
    OEmbedOut,
    OEmbedParams,
    PreviewIn,
    PreviewParams,
)
from .shared import PREFIX, Bound, Reader, card_out, result_out, show

router = Router(prefix=PREFIX, tags=["linkpreview"])
Manager = Annotated[Principal, auth.require("linkpreview:manage")]
Anyone = Annotated[Principal | None, auth.public()]
Prefer = Annotated[str | None, Header(max_length=200, description="respond-async: after 3 seconds, come back later.")]
_OUTSIDE = (
    URLInvalid,
    SchemeRefused,
    AddressRefused,
    FetchFailed,
    DNSFailed,
    TLSFailed,
    TooLarge,
    TooManyRedirects,
    UpstreamStatus,
    TookTooLong,
    UnsupportedContent,
)
_CACHE = {"schema": {"type": "string", "enum": ["hit", "stale", "miss"]}, "description": "Whether it was kept."}

_FILE = {"schema": {"type": "string", "format": "binary"}}
_PICTURES: dict[int | str, dict[str, Any]] = {
    200: {"content": {f"image/{kind}": _FILE for kind in ("png", "jpeg", "gif", "webp", "avif", "x-icon", "bmp")}}
}


def _answers() -> dict[int | str, dict[str, Any]]:
    """What reading a page is answered with. What was in the way may have been kept, as a card is."""
    refused = {status: {**said, "headers": {"X-Cache": _CACHE}} for status, said in problems(*_OUTSIDE).items()}
    refused[422] = {**problems(InvalidRequest, *_OUTSIDE)[422], "headers": {"X-Cache": _CACHE}}
    later = {"description": "Somebody else is reading the page. Ask again after `Retry-After`."}
    return {200: {"headers": {"X-Cache": _CACHE}}, 202: later, **refused}


ANSWERS = _answers()
MONTH_SECONDS = 30 * 86_400


@router.post("", responses=ANSWERS, response_model=CardOut)
async def read_link(
    body: PreviewIn, response: Response, caller: Reader, ports: Bound, prefer: Prefer = None
) -> CardOut | Response:
    """The card of a link; with `refresh` read anew."""
    wish = Wish(body.url, body.lang, body.refresh, _payer(caller), patient=not _is_async(prefer))
    return _answer(ports, wish, response)


@router.get("", responses=ANSWERS, response_model=CardOut)
async def get_link(
    asked: Annotated[PreviewParams, Query()], response: Response, caller: Reader, ports: Bound, prefer: Prefer = None
) -> CardOut | Response:
    """The card of a link."""
    wish = Wish(asked.url, asked.lang, payer=_payer(caller), patient=not _is_async(prefer))
    return _answer(ports, wish, response)


@router.post("/batch", responses=problems(InvalidRequest))
async def read_links(body: BatchIn, caller: Reader, ports: Bound) -> BatchOut:
    """The cards of up to 10 links at once. One that cannot be read has a problem in place of its card."""
    found = preview.previews(ports, [Wish(url, body.lang, payer=_payer(caller)) for url in body.urls])
    return BatchOut(items=[result_out(ports, url, each) for url, each in zip(body.urls, found, strict=True)])


@router.get(
    "/image",
    responses={**_PICTURES, **problems(NotOurs, PayloadTooLarge, InvalidRequest, *_OUTSIDE)},
    response_class=Response,
)
async def get_image(asked: Annotated[ImageParams, Query()], caller: Anyone, ports: Bound) -> Response:
    """A picture of a card, from us instead of its site. The address is the card's `proxy_url`."""
    content, media_type = images.picture(ports, asked.u, asked.sig)
    headers = {
        "Cache-Control": f"public, max-age={MONTH_SECONDS}",
        # What a browser might take for a page does nothing, wherever it is opened.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(content, 200, headers, media_type)


@router.get("/oembed", responses=problems(InvalidRequest, NotFound, FormatUnknown))
async def describe(asked: Annotated[OEmbedParams, Query()], caller: Anyone, ports: Bound) -> OEmbedOut:
    """What this product says of a page of its own, as oEmbed has it."""
    title = own.title_of(asked.url, ports.base_url, asked.format)
    return OEmbedOut(
        version="1.0",
        type="link",
        title=title,
        provider_name="Tessera",
        provider_url=ports.base_url,
        cache_age=86_400,
    )


@router.delete("/cache", status_code=204, responses=problems(InvalidRequest, URLInvalid, SchemeRefused, AddressRefused))
async def forget_link(asked: Annotated[PreviewParams, Query()], caller: Manager, ports: Bound) -> None:
    """Take a card out of the cache, so that whoever asks next reads the page anew."""
    preview.forget(ports, asked.url, asked.lang)


def _answer(ports: Bound, wish: Wish, response: Response) -> CardOut | Response:
    try:
        shown = preview.preview(ports, wish)
    except StillReading:
        return Response(status_code=202, headers={"Retry-After": "2", "Cache-Control": "no-store"})
    show(response, shown)
    return card_out(ports, shown)


def _payer(caller: Principal) -> str:
    return f"user:{caller.owner_id}"


def _is_async(prefer: str | None) -> bool:
    """RFC 7240 4.1."""
    return any(part.strip().lower() == "respond-async" for part in (prefer or "").split(","))
