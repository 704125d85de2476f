"""What the routers share: their callers and how cards are shown."""

from typing import Annotated

from fastapi import Response

from tessera import auth, clock
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.problems import Problem

from ..actions.images import address_of
from ..actions.preview import Shown
from ..ports import Ports
from ..rules.cards import Embed, Image
from ..schemas import CardOut, EmbedOut, ImageOut, ProblemOut, ResultOut

PREFIX = "/linkpreview"
Bound = Annotated[Ports, bound(Ports)]
Reader = Annotated[Principal, auth.require("linkpreview:read")]


def show(response: Response, shown: Shown) -> None:
    response.headers["X-Cache"] = shown.cache
    response.headers["Age"] = str(shown.age_seconds)


def card_out(ports: Ports, shown: Shown) -> CardOut:
    card = shown.card
    return CardOut(
        url=card.url,
        final_url=card.final_url,
        canonical_url=card.canonical_url,
        type=card.kind,
        title=card.title,
        description=card.description,
        site_name=card.site_name,
        lang=card.lang,
        image=_image(ports, card.image) if card.image else None,
        favicon=card.favicon,
        author=card.author,
        published_at=card.published_at,
        modified_at=card.modified_at,
        theme_color=card.theme_color,
        embed=_embed(card.embed) if card.embed else None,
        length_bytes=card.length_bytes,
        sources=card.sources,
        status=card.status,
        fetched_at=clock.from_millis(shown.fetched),
        expires_at=clock.from_millis(shown.expires),
        warnings=list(card.warnings),
    )


def result_out(ports: Ports, url: str, found: Shown | Problem) -> ResultOut:
    if isinstance(found, Problem):
        said = found.document()
        problem = ProblemOut(
            type=said["type"], title=said["title"], status=said["status"], detail=said.get("detail") or None
        )
        return ResultOut(url=url, cache=None, card=None, problem=problem)
    return ResultOut(url=url, cache=found.cache, card=card_out(ports, found), problem=None)


def _image(ports: Ports, image: Image) -> ImageOut:
    proxied = address_of(ports, image.url)
    return ImageOut(
        url=image.url, proxy_url=proxied, width=image.width, height=image.height, mime=image.mime, alt=image.alt
    )


def _embed(embed: Embed) -> EmbedOut:
    return EmbedOut(
        kind=embed.kind,
        html=embed.html,
        src=embed.src,
        width=embed.width,
        height=embed.height,
        provider=embed.provider,
    )
