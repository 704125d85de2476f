"""What `media` tells the rest.

`media.job.done` says that there is something to show, with `failed` outputs or none; `media.job.failed` that there is
nothing. `privacy.data.erased` is for `admin`.
"""

from typing import ClassVar

from tessera.bus import Event
from tessera.types import Model


class _OfJob(Model):
    job_id: str
    file_id: str
    owner_id: str
    # Which version of its content.
    n: int


class JobDone(_OfJob, Event):
    type: ClassVar[str] = "media.job.done.v1"

    done: int
    failed: int


class JobFailed(_OfJob, Event):
    type: ClassVar[str] = "media.job.failed.v1"

    code: str


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
