"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.jobs import Jobs
from tessera.live import Live
from tessera.settings import Bindings

from .attachments import Files
from .people import People
from .previews import Previews
from .progress import Progress
from .store.exports import ExportStore
from .store.messages import MessageStore
from .store.objects import Objects
from .store.personal import Personal
from .store.reports import ReportStore
from .store.rooms import RoomStore
from .store.search import Search
from .store.whole import Whole
from .store.writing import ChatSettings
from .thumbnails import Thumbnails


@dataclass(frozen=True)
class Ports:
    rooms: RoomStore
    messages: MessageStore
    personal: Personal
    search: Search
    reports: ReportStore
    files: Files
    previews: Previews
    thumbnails: Thumbnails
    exports: ExportStore
    whole: Whole
    objects: Objects
    people: People
    progress: Progress
    live: Live
    jobs: Jobs
    queue: str

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(
            rooms=bindings.get(RoomStore),
            messages=bindings.get(MessageStore),
            personal=bindings.get(Personal),
            search=bindings.get(Search),
            reports=bindings.get(ReportStore),
            files=bindings.get(Files),
            previews=bindings.get(Previews),
            thumbnails=bindings.get(Thumbnails),
            exports=bindings.get(ExportStore),
            whole=bindings.get(Whole),
            objects=bindings.get(Objects),
            people=bindings.get(People),
            progress=bindings.get(Progress),
            live=bindings.get(Live),
            jobs=bindings.get(Jobs),
            queue=bindings.settings(ChatSettings).queue,
        )
