"""Something has come into the bucket, or was judged by a scanner outside."""

from ..ports import Ports
from ..rules.files import State, place_of
from ..scanning.scanner import Verdict
from . import settle

UNSUPPORTED = "cannot-be-scanned"


def arrived(ports: Ports, key: str) -> None:
    """Take in what has come and look at it. What nobody waits for is deleted.

    A message that comes twice, late or in another order finds nothing to do, because the version says what is next.
    """
    place = place_of(key)
    if place is None:
        ports.objects.drop(key)
        return
    _, file_id, n = place
    file, content = ports.files.both(file_id, n)
    if file is None or file.purging or content is None or content.key != key or content.state.is_settled:
        ports.objects.drop(key)
        return
    if content.state is State.PENDING:
        settle.charge(ports, file_id, n)
    settle.scan(ports, file_id, n)


def judged(ports: Ports, key: str, etag: str, verdict: Verdict) -> None:
    """The verdict of a scanner that reads the bucket by itself. It may come before the message that something came."""
    place = place_of(key)
    if place is None:
        return
    _, file_id, n = place
    content = ports.files.content(file_id, n)
    if content is not None and content.state is State.PENDING:
        settle.charge(ports, file_id, n)
    settle.judged(ports, file_id, n, etag, verdict)


def not_judged(ports: Ports, key: str, why: str) -> None:
    """The scanner could not look at it: nobody may have it."""
    place = place_of(key)
    if place is not None:
        settle.fail(ports, place[1], place[2], f"{UNSUPPORTED}: {why.lower()}")
