"""What readers of a file are shown: a thumbnail, and what is known of it."""

from dataclasses import dataclass, field, replace
from typing import Any

from tessera.auth.principal import Principal
from tessera.problems import NotFound

from ..ports import Ports
from ..rules import negotiation
from ..rules.blurhash import NEUTRAL
from ..rules.jobs import DONE, QUEUED, RUNNING, JobView, Output
from ..rules.kinds import has_picture, kind_of
from ..rules.metas import Meta
from ..rules.problems import NoThumbnail
from ..sources import Source
from . import queue
from .ask import check_clean


@dataclass(frozen=True)
class Thumbnail:
    """Where it is and how large; or, while there is none, what to draw meanwhile."""

    url: str | None = None
    blurhash: str = NEUTRAL
    job_id: str | None = None
    width: int | None = None
    height: int | None = None


def thumbnail(ports: Ports, file_id: str, size: str, accept: str | None, *, by: Principal) -> Thumbnail:
    """1 internal call and 2 requests. Raises `NotFound`, `FileNotClean`, `NoThumbnail`."""
    return _thumbnail(ports, _readable(ports, file_id, by), size, accept)


def for_service(ports: Ports, file_id: str, size: str, accept: str | None) -> Thumbnail:
    """The same for a capability that answers for who may see it. 1 internal call and 3 requests.

    Raises `NotFound`, `FileNotClean`, `NoThumbnail`.
    """
    known = ports.metas.find(file_id)
    source = ports.sources.find(file_id, known.owner_id) if known is not None else None
    if source is None:
        raise NotFound("There is no such file.")
    check_clean(source)
    return _thumbnail(ports, source, size, accept)


def _thumbnail(ports: Ports, source: Source, size: str, accept: str | None) -> Thumbnail:
    job_id = ports.jobs.thumbnails(source.id, source.n)
    view = ports.jobs.view(job_id) if job_id else None
    if view is None or view.job.etag != source.etag:
        if not has_picture(source.media_type):
            raise NoThumbnail(f"None is made of a file of the type {source.media_type}.")
        return Thumbnail()
    named = [output for output in view.outputs if output.spec.name == size]
    ready = {output.spec.format: output for output in named if output.state == DONE}
    chosen = negotiation.best(accept, list(ready))
    if chosen is not None:
        output = ready[chosen]
        url, blurhash = ports.objects.link(str(output.key), chosen), view.job.blurhash or NEUTRAL
        return Thumbnail(url, blurhash, view.job.id, output.width, output.height)
    if not _is_coming(view, named):
        raise NoThumbnail(f"None of the size {size} could be made; the job {view.job.id} says why.")
    return Thumbnail(None, view.job.blurhash or NEUTRAL, view.job.id)


@dataclass(frozen=True)
class Known:
    source: Source
    meta: Meta | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_coming(self) -> bool:
        return self.meta is not None and self.meta.state in (QUEUED, RUNNING)


def known(ports: Ports, file_id: str, *, by: Principal) -> Known:
    """What is known of a file; a place only to its owner. 1 internal call and 2 requests. Raises `NotFound`,
    `FileNotClean`."""
    source = _readable(ports, file_id, by)
    if kind_of(source.media_type) is None:
        return Known(source)
    meta = ports.metas.find(file_id)
    if meta is None or meta.etag != source.etag:
        meta = Meta(file_id, source.owner_id, source.n, source.etag, source.media_type, source.size, QUEUED)
        if ports.metas.expect(meta):
            queue.send_look(ports, file_id, source.owner_id, source.size)
        return Known(source, meta)
    if meta.state != DONE:
        return Known(source, meta)
    text = ports.metas.text(file_id, source.etag) if _has_text(source) else None
    facts = {**meta.facts, **({"text": text} if text else {})}
    if source.owner_id != by.owner_id:
        facts.pop("gps", None)
    return Known(source, replace(meta, facts={}), facts)


def _has_text(source: Source) -> bool:
    return source.media_type == "application/pdf"


def _is_coming(view: JobView, named: list[Output]) -> bool:
    return view.job.is_open and any(output in view.unsettled for output in named)


def _readable(ports: Ports, file_id: str, by: Principal) -> Source:
    source = ports.sources.find(file_id, by.owner_id, by)
    if source is None:
        raise NotFound("There is no such file.")
    check_clean(source)
    return source
