"""Types and their templates."""

from typing import Annotated, Any

from fastapi import Path, Response

from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, required_version, show_version
from tessera.etags import StaleVersion, VersionRequired
from tessera.problems import InvalidRequest, NotFound

from ..actions import kinds
from ..rules.kinds import Channel, Kind, Words
from ..rules.problems import DataInvalid, TemplateInvalid, TypeInvalid
from ..rules.sms import segments
from ..staff_schemas import (
    PublishedOut,
    RenderedOut,
    RollbackIn,
    TemplateIn,
    TemplateOut,
    TypeIn,
    TypeOut,
    TypePreviewIn,
    VersionOut,
)
from ..store.rows import TemplateRow
from ..store.types import words_in
from .given import PREFIX, TAGS, Bound, LocalePath, Manager, TypePath

router = Router(prefix=f"{PREFIX}/types", tags=TAGS)
ChannelPath = Annotated[Channel, Path()]


@router.get("/{type}", responses=problems(NotFound))
async def get_type(name: TypePath, response: Response, caller: Manager, ports: Bound) -> TypeOut:
    """A type, and every version of its templates."""
    kind = kinds.get(ports, name)
    show_version(response, kind.version)
    return _out(ports, kind)


@router.put("/{type}", responses=problems(InvalidRequest, TypeInvalid, TemplateInvalid, StaleVersion, VersionRequired))
async def put_type(
    name: TypePath, body: TypeIn, response: Response, caller: Manager, ports: Bound, if_match: IfMatch = None
) -> TypeOut:
    """Make a type, or change it. One that was never changed is at version 0."""
    expect = required_version(if_match)
    kind = Kind(
        name=name,
        title=body.title,
        description=body.description,
        schema=body.data_schema,
        channels=frozenset(body.channels),
        mandatory=frozenset(body.mandatory),
        cadence=body.cadence,
        collapse=body.collapse,
        fallback={str(channel): minutes for channel, minutes in body.fallback.items()},
    )
    made = kinds.put(ports, kind, expect=expect)
    show_version(response, made.version)
    return _out(ports, made)


@router.put("/{type}/templates/{channel}/{locale}", responses=problems(InvalidRequest, NotFound, TemplateInvalid))
async def publish_template(
    name: TypePath, channel: ChannelPath, locale: LocalePath, body: TemplateIn, caller: Manager, ports: Bound
) -> PublishedOut:
    """Publish a new version. What it shows must be in the type's schema, so that nothing is missing when it is sent."""
    number = kinds.publish(ports, name, channel, locale.lower(), _words(body), by=caller.id)
    return PublishedOut(version=number)


@router.post(
    "/{type}/templates/{channel}/{locale}/rollback", responses=problems(InvalidRequest, NotFound, TemplateInvalid)
)
async def roll_back_template(
    name: TypePath, channel: ChannelPath, locale: LocalePath, body: RollbackIn, caller: Manager, ports: Bound
) -> PublishedOut:
    """Publish an earlier version again."""
    kinds.roll_back(ports, name, channel, locale.lower(), body.version)
    return PublishedOut(version=body.version)


@router.post("/{type}/preview", responses=problems(InvalidRequest, NotFound, DataInvalid, TemplateInvalid))
async def preview_type(name: TypePath, body: TypePreviewIn, caller: Manager, ports: Bound) -> RenderedOut:
    """What would be said."""
    words = _words(body.template) if body.template is not None else None
    said = kinds.preview(ports, name, body.channel, body.locale, body.data, words=words)
    parts = segments(said.body)[0] if body.channel == "sms" else None
    return RenderedOut(title=said.title, body=said.body, link=said.link, html=said.html, segments=parts)


def _words(body: TemplateIn) -> Words:
    return Words(title=body.title, body=body.body, link=body.link, html=body.html)


def _out(ports: Bound, kind: Kind) -> TypeOut:
    rows = ports.store.types.versions(kind.name)
    published = {row.sk.removesuffix("#CUR"): int(row.number) for row in rows if row.sk.endswith("#CUR")}
    made: dict[str, Any] = {
        "name": kind.name,
        "title": kind.title,
        "description": kind.description,
        "data_schema": dict(kind.schema),
        "channels": sorted(kind.channels),
        "mandatory": sorted(kind.mandatory),
        "cadence": kind.cadence,
        "collapse": kind.collapse,
        "fallback": dict(kind.fallback),
        "templates": [_version(row, published) for row in rows if not row.sk.endswith("#CUR")],
    }
    return TypeOut.model_validate(made)


def _version(row: TemplateRow, published: dict[str, int]) -> VersionOut:
    channel, locale, _ = row.sk.split("#")
    words = words_in(row)
    made: dict[str, Any] = {
        "channel": channel,
        "locale": locale,
        "number": int(row.number),
        "published": published.get(f"{channel}#{locale}") == int(row.number),
        "by": row.by,
        "at": row.at,
        "template": TemplateOut(title=words.title, body=words.body, link=words.link, html=words.html),
    }
    return VersionOut.model_validate(made)
