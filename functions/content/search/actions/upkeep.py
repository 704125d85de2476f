"""What time brings: words counted anew, and all documents weighed anew when they are of other lengths by now."""

from tessera.due import DueItem

from ..ports import Ports
from ..store.rows import SHARDS
from . import manage, take

RECOUNT_ALL, RECOUNT, REWEIGH = "search.recount_all", "search.recount", "search.reweigh"
SCOPES_AT_ONCE, TERMS_AT_ONCE, DOCUMENTS_AT_ONCE = 50, 100, 100
# How far the average lengths may drift within an epoch, and among how many documents that means something.
MOST_DRIFT, FEWEST_DOCUMENTS = 0.2, 100


def start_recount(ports: Ports) -> None:
    """Have every word counted anew. 8 requests."""
    for shard in range(SHARDS):
        ports.queue.job(RECOUNT_ALL, {"shard": shard, "after": None})


def recount_all(ports: Ports, shard: int, after: str | None) -> None:
    """Have the words of some scopes counted anew, and of those that follow."""
    scopes, following = ports.indexing.counting.scopes(shard, SCOPES_AT_ONCE, after)
    for scope in scopes:
        ports.queue.job(RECOUNT, {"scope": scope, "beginning": None, "after": None})
    if following is not None:
        ports.queue.job(RECOUNT_ALL, {"shard": shard, "after": following})


def recount(ports: Ports, scope: str, beginning: str | None, after: str | None) -> None:
    """Count some words of a scope anew, and send the rest on. `beginning` and `after` say where it goes on."""
    counting, counted = ports.indexing.counting, 0
    if beginning is not None and after is not None:
        counted, after = counting.recount(scope, beginning, TERMS_AT_ONCE, after)
    while after is None and counted < TERMS_AT_ONCE:
        following, _ = counting.beginnings(scope, 1, beginning)
        if not following:
            return
        (beginning,) = following
        more, after = counting.recount(scope, beginning, TERMS_AT_ONCE, None)
        counted += more
    ports.queue.job(RECOUNT, {"scope": scope, "beginning": beginning, "after": after})


def keep_epoch(ports: Ports) -> None:
    """Begin an epoch when what is public is of other lengths than it was. 2 requests, or 3."""
    lengths, size = ports.indexing.lengths(), ports.admin.size("public")
    if size.documents >= FEWEST_DOCUMENTS and manage.drift(lengths, size) > MOST_DRIFT:
        ports.indexing.begin_epoch(lengths, size.averages)


def tell_epoch(ports: Ports, item: DueItem) -> None:
    """Have all documents weighed by the lengths of a new epoch. Told twice, it is begun twice, and ends alike."""
    epoch = ports.indexing.epoch_due(item)
    if epoch is None:
        return
    for kind in ports.indexing.counting.types():
        ports.queue.job(REWEIGH, {"epoch": epoch, "type": kind, "shard": 0, "after": None})
    ports.indexing.epoch_told(item)


def reweigh(ports: Ports, epoch: int, kind: str, shard: int, after: str | None) -> None:
    """Put some documents of a type behind what waits for them, to be weighed anew, and send the rest on."""
    if ports.indexing.lengths().epoch > epoch:
        # A later one has begun, which does the same.
        return
    docs, following = ports.reading.listed_page(f"L#{kind}#{shard}", DOCUMENTS_AT_ONCE, after)
    for doc in docs:
        ports.queue.work(take.RENEW, doc, {"doc": doc}, once=f"epoch {epoch}")
    if following is None:
        shard += 1
    if shard < SHARDS:
        ports.queue.job(REWEIGH, {"epoch": epoch, "type": kind, "shard": shard, "after": following})
