"""What other capabilities ask: what files are, and that what somebody has be erased."""

from collections.abc import Sequence

from ..events import DataErased
from ..ports import Ports
from ..rules.files import File
from .purge import purge

FILES_AT_ONCE, ITEMS_AT_ONCE = 8, 200


def resolve(ports: Ports, file_ids: Sequence[str], on_behalf_of: str) -> list[tuple[File, str]]:
    """Those of these files that somebody may read, and as what: `owner`, `editor` or `viewer`. 2 requests per 100."""
    found = [file for file in ports.files.many(file_ids) if not file.purging and file.trashed_at is None]
    others = [file.id for file in found if file.owner_id != on_behalf_of]
    roles = {file.id: "owner" for file in found if file.owner_id == on_behalf_of}
    roles |= ports.shares.roles(others, on_behalf_of)
    return [(file, roles[file.id]) for file in found if file.id in roles]


def erase(ports: Ports, owner_id: str) -> tuple[bool, int]:
    """Delete some of what an owner has: whether nothing is left, and how much went. To be asked until done."""
    page = ports.files.page(f"O#{owner_id}", "gs2", limit=FILES_AT_ONCE, after=None, newest_first=False)
    if page.files:
        # Asked again even after the last of them, because the index shows late what is there.
        return False, sum(purge(ports, file.id) for file in page.files)
    erased = ports.erasure.rest(owner_id, ITEMS_AT_ONCE)
    if erased >= ITEMS_AT_ONCE:
        return False, erased
    ports.files.tell(DataErased(owner_id=owner_id, capability="files"))
    return True, erased
