"""What reaches `linkpreview` other than HTTP: cards that are to be refreshed. It keeps nothing of any person."""

from typing import Annotated

from pydantic import Field

from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.triggers import Entries, On
from tessera.types import Model

from .actions import preview
from .ports import Ports


class Refresh(Model):
    url: Annotated[str, Field(max_length=2_048)]
    lang: Annotated[str, Field(max_length=35)] = ""


def _refresh(job: Refresh, received: Envelope, bindings: Bindings) -> None:
    preview.refresh(bindings.get(Ports), job.url, job.lang or None)


ENTRIES = Entries(jobs=(On(preview.REFRESH, Refresh, _refresh),))
