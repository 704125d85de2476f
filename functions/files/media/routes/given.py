"""What the routes of `media` are given: who asks, the ports, and the keys of cursors and retries."""

from enum import Enum
from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..ports import Ports
from ..rules.jobs import DONE, JobView
from ..schemas.jobs import MediaJobOut

PREFIX = "/media"
TAGS: list[str | Enum] = ["media"]

Reader = Annotated[Principal, auth.require("media:read")]
Writer = Annotated[Principal, auth.require("media:write")]
Manager = Annotated[Principal, auth.require("media:manage")]
Accounts = Annotated[Principal, auth.service("accounts")]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]


def job_out(ports: Ports, view: JobView) -> MediaJobOut:
    """A job with links to what is ready, signed now."""
    ready = [output for output in view.outputs if output.state == DONE and output.key]
    links = {output.spec.hash: ports.objects.link(str(output.key), output.spec.format) for output in ready}
    return MediaJobOut.of_view(view, links)
