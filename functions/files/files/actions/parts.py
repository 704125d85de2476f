"""Uploads in parts, as the S3 plugin of Uppy asks for them: sign, list, complete, abort."""

from dataclasses import dataclass, replace

from tessera import clock
from tessera.auth.principal import Principal
from tessera.problems import Busy, NotFound, PayloadTooLarge

from ..ports import Ports
from ..rules.files import FIRST_LOOK, Content, File, Part, State, Way, check_parts, place_of
from ..rules.problems import PartsMismatch, QuotaExceeded
from ..store.files import Changed, Move
from ..store.objects import NoUpload
from .access import VIEWER
from .purge import ABORTED, give_up
from .settle import QUOTA, charge, fail

MAX_TRIES = 6


@dataclass(frozen=True)
class Joined:
    location: str
    key: str
    bucket: str
    file_id: str


def upload_of(ports: Ports, upload_id: str, key: str, by: Principal) -> tuple[File, Content]:
    """The file and version of an upload. 2 requests. Raises `NotFound`, also for somebody else's."""
    place = place_of(key)
    if place is None:
        raise _none()
    file, content = ports.files.both(place[1], place[2])
    if file is None or content is None or content.upload_id != upload_id or content.key != key:
        raise _none()
    if file.owner_id != by.owner_id and ports.shares.role(file.id, by.owner_id) in (None, VIEWER):
        raise _none()
    return file, content


def listed(ports: Ports, upload_id: str, key: str, by: Principal) -> list[Part]:
    """The parts that were sent. Raises `NotFound`."""
    _, content = _open(ports, upload_id, key, by)
    try:
        return ports.objects.parts(content)
    except NoUpload:
        raise _none() from None


def signed(ports: Ports, upload_id: str, key: str, numbers: list[int], by: Principal) -> dict[int, str]:
    """Where to put these parts. 2 requests however many. Raises `NotFound`."""
    _, content = _open(ports, upload_id, key, by)
    return {number: ports.objects.part_link(content, number) for number in numbers}


def complete(ports: Ports, upload_id: str, key: str, given: list[Part], by: Principal) -> Joined:
    """Join the parts. Asked again it answers the same. Raises `NotFound`, `PartsMismatch`, `QuotaExceeded`.

    The room for all of it is taken before anything is joined, so that nothing is kept that does not fit.
    """
    file, content = upload_of(ports, upload_id, key, by)
    answer = Joined(ports.objects.location(key), key, ports.objects.quarantine, file.id)
    if content.state is not State.PENDING:
        return answer if content.state is not State.FAILED else _failed(content)
    try:
        size = check_parts(given, ports.objects.parts(content))
        _hold_size(ports, content, size)
        _take_room(ports, file, content, size)
        ports.objects.join(content, given)
    except NoUpload:
        # Another request has just completed it.
        if ports.objects.look(key) is None:
            raise _none() from None
    charge(ports, file.id, content.n)
    return answer


def abort(ports: Ports, upload_id: str, key: str, by: Principal) -> None:
    """Give the upload up, and its room back. Raises `NotFound`."""
    _, content = upload_of(ports, upload_id, key, by)
    if content.state is State.PENDING:
        give_up(ports, content, ABORTED)


def _open(ports: Ports, upload_id: str, key: str, by: Principal) -> tuple[File, Content]:
    file, content = upload_of(ports, upload_id, key, by)
    if content.state is not State.PENDING or content.way is not Way.MULTIPART:
        raise _none()
    return file, content


def _hold_size(ports: Ports, content: Content, size: int) -> None:
    if content.declared is not None and size != content.declared:
        raise PartsMismatch(f"The parts have {size} bytes; {content.declared} were announced.")
    if size > ports.settings.max_bytes:
        raise PayloadTooLarge(f"A file has at most {ports.settings.max_bytes} bytes.")


def _take_room(ports: Ports, file: File, content: Content, size: int) -> None:
    """For an upload whose size nobody knew before. Raises `QuotaExceeded`."""
    for _ in range(MAX_TRIES):
        if content.state is not State.PENDING or content.reserved == size:
            return
        after = replace(content, reserved=size, due_at=clock.now() + FIRST_LOOK)
        try:
            ports.files.commit(Move(content=(content, after)))
            return
        except Changed:
            known = ports.files.content(file.id, content.n)
            if known is None:
                raise _none() from None
            content = known
        except QuotaExceeded:
            fail(ports, file.id, content.n, QUOTA)
            raise
    raise Busy


def _failed(content: Content) -> Joined:
    raise PartsMismatch(f"The upload was given up: {content.reason}. Begin another one.")


def _none() -> NotFound:
    return NotFound("There is no such upload.")
