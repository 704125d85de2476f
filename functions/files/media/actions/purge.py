"""What was made of files goes with them."""

from ..ports import Ports
from ..rules.jobs import prefix_of

FILES_AT_ONCE, ITEMS_AT_ONCE = 10, 100


def file(ports: Ports, file_id: str) -> int:
    """Delete every job, fact and picture of a file; how many items went."""
    gone = ports.erasure.file(file_id)
    # After the items: a picture that nothing names is reached by nobody.
    ports.objects.drop(prefix_of(file_id))
    return gone


def deleted(ports: Ports, file_id: str, owner_id: str) -> None:
    """A file was deleted, or put into the trash. It may have come back since, for messages overtake each other."""
    source = ports.sources.find(file_id, owner_id)
    if source is None:
        file(ports, file_id)


def erase(ports: Ports, owner_id: str) -> tuple[bool, int]:
    """Delete some of what an owner has: whether nothing is left, and how much went. To be asked until done."""
    files = ports.erasure.files_of(owner_id, FILES_AT_ONCE)
    if files:
        # Asked again even after the last of them, because the index shows late what is there.
        return False, sum(file(ports, file_id) for file_id in files)
    erased = ports.erasure.rest(owner_id, ITEMS_AT_ONCE)
    if erased >= ITEMS_AT_ONCE:
        return False, erased
    ports.erasure.tell(owner_id)
    return True, erased
