"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.jobs import Jobs
from tessera.settings import Bindings

from .config import MediaSettings
from .progress import Progress
from .sources import Sources
from .store.erasure import Erasure
from .store.jobs import JobStore
from .store.metas import MetaStore, PresetStore
from .store.objects import Objects
from .store.settling import Settling


@dataclass(frozen=True)
class Ports:
    settings: MediaSettings
    jobs: JobStore
    settling: Settling
    metas: MetaStore
    presets: PresetStore
    erasure: Erasure
    objects: Objects
    sources: Sources
    backfills: Jobs
    progress: Progress

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        jobs = bindings.get(JobStore)
        return cls(
            settings=bindings.settings(MediaSettings),
            jobs=jobs,
            settling=Settling(jobs),
            metas=bindings.get(MetaStore),
            presets=bindings.get(PresetStore),
            erasure=bindings.get(Erasure),
            objects=bindings.get(Objects),
            sources=bindings.get(Sources),
            backfills=bindings.get(Jobs),
            progress=bindings.get(Progress),
        )
