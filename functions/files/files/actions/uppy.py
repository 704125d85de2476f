"""What the S3 plugin of Uppy asks for before it sends: a form for one request, or an upload in parts.

It does not say how large a file is. A page that adds `size` to the metadata has its room taken at once; without it,
the room is taken when the size is known, and the store itself refuses more than is left.
"""

from dataclasses import dataclass

from tessera import ids
from tessera.auth.principal import Principal
from tessera.auth.problems import ImpersonationForbidden
from tessera.idempotency import Intent
from tessera.uploads import Signed

from ..ports import Ports
from ..rules.files import Content, Way
from .create import Wanted, create, most


@dataclass(frozen=True)
class Named:
    filename: str
    type: str | None
    size: int | None = None
    folder_id: str | None = None


def form(ports: Ports, named: Named, *, by: Principal) -> Signed:
    """A form that takes this file. 2 requests. Raises `QuotaExceeded`, `InvalidRequest`."""
    if by.actor is not None and not by.actor.may_write:
        # The plugin asks by GET, which elsewhere changes nothing.
        raise ImpersonationForbidden("You are acting for somebody else and may only read.")
    limit = named.size if named.size is not None else most(ports, by.owner_id)
    return ports.objects.post_form(_begin(ports, named, Way.POST, by), limit)


def parts(ports: Ports, named: Named, *, by: Principal) -> Content:
    """An upload in parts. 3 requests. Raises `QuotaExceeded`, `InvalidRequest`."""
    if named.size is None:
        most(ports, by.owner_id)
    return _begin(ports, named, Way.MULTIPART, by)


def _begin(ports: Ports, named: Named, way: Way, by: Principal) -> Content:
    wanted = Wanted(named.filename, named.type, named.size, None, named.folder_id, way)
    new = ids.new()
    _, content, _ = create(ports, wanted, Intent(new, new), by=by)
    return content
