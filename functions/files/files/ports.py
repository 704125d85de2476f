"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.jobs import Jobs
from tessera.settings import Bindings

from .config import FilesSettings
from .posting import Posting
from .progress import Progress
from .scanning.clamd import ClamdScanner
from .scanning.scanner import LocalScanner, Scanner
from .store.erasure import Erasure
from .store.files import FileStore
from .store.folders import FolderStore
from .store.objects import Objects
from .store.shares import ShareStore


@dataclass(frozen=True)
class Ports:
    settings: FilesSettings
    files: FileStore
    folders: FolderStore
    shares: ShareStore
    objects: Objects
    erasure: Erasure
    jobs: Jobs
    # None where the verdict comes from outside.
    scanner: Scanner | None
    progress: Progress
    posting: Posting

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(FilesSettings)
        return cls(
            settings=settings,
            files=bindings.get(FileStore),
            folders=bindings.get(FolderStore),
            shares=bindings.get(ShareStore),
            objects=bindings.get(Objects),
            erasure=bindings.get(Erasure),
            jobs=bindings.get(Jobs),
            scanner=_scanner(settings),
            progress=bindings.get(Progress),
            posting=bindings.get(Posting),
        )


def _scanner(settings: FilesSettings) -> Scanner | None:
    if settings.scanner == "guardduty":
        return None
    return ClamdScanner(settings.clamd) if settings.scanner == "clamd" else LocalScanner()
