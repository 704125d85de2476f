"""Documents taken in, from whoever keeps them: told in events, given on request, or sent here."""

from collections.abc import Sequence

from tessera import clock
from tessera.problems import Busy
from tessera.searchable import MAX_BODY, MAX_PARTS, MAX_TITLE, SearchDoc

from ..ports import Ports
from ..rules.documents import Document
from ..rules.problems import NoSuchDocument
from ..store.rows import SHARDS

PUT, RESOLVE, RENEW, DROP = "search.put", "search.resolve", "search.renew", "search.drop"
# Of what is gone for good there is never anything newer.
FOR_GOOD = 2**53 - 1
ERASED_AT_ONCE = 20


def tell(ports: Ports, found: SearchDoc, *, once: str) -> None:
    """Have a document indexed as it is told here. 1 request."""
    ports.queue.work(PUT, found.id, found.model_dump(mode="json"), once=once)


def ask(ports: Ports, capability: str, doc: str, asked: dict[str, str], *, once: str) -> None:
    """Have a document indexed as its keeper gives it when its turn comes. 1 request."""
    ports.queue.work(RESOLVE, doc, {"capability": capability, "doc": doc, "asked": asked}, once=once)


def tell_gone(ports: Ports, doc: str, *, once: str) -> None:
    """Have a document taken out for good. 1 request."""
    tell(ports, SearchDoc(id=doc, seq=FOR_GOOD, deleted=True), once=once)


def put(ports: Ports, found: SearchDoc, *, again: bool = False) -> None:
    """Raises `Busy` when the document is being worked on."""
    if found.deleted:
        ports.indexing.remove(found.id, found.seq)
    else:
        ports.indexing.put(document_of(found), again=again)


def resolve(ports: Ports, capability: str, doc: str, asked: dict[str, str], *, again: bool = False) -> None:
    """Index a document as its keeper knows it now; what it does not know any more is gone for good."""
    items = ports.sources.documents(capability, **asked).items
    if not any(one.id == doc for one in items):
        ports.indexing.remove(doc, FOR_GOOD)
    for one in items:
        put(ports, one, again=again)


def renew(ports: Ports, doc: str) -> None:
    """Index a document anew from what is kept of it: under other rules, or other average lengths."""
    cards = ports.reading.cards([doc])
    for text in ports.reading.texts(cards).values():
        ports.indexing.put(text, again=True)


def delete(ports: Ports, doc: str) -> None:
    """Take a document out until its keeper tells of a newer version. Raises `NoSuchDocument`, `Busy`."""
    card = ports.reading.cards([doc]).get(doc)
    if card is None:
        raise NoSuchDocument()
    ports.indexing.remove(doc, int(card.seq), again=True)


def erase(ports: Ports, owner_id: str) -> tuple[bool, int]:
    """Take out some of what only an owner could see: whether that was all, and how many."""
    is_all, done = _taken_out(ports, f"user:{owner_id}")
    if is_all:
        ports.indexing.forget_owner(owner_id)
    return is_all, done


def drop(ports: Ports, scope: str) -> None:
    """Take out some of a scope that is no more, and have the rest taken out. Raises `Busy`."""
    is_all, done = _taken_out(ports, scope)
    if is_all:
        ports.indexing.forget_scope(scope)
    elif not done:
        # Somebody is working on the first of them: the queue brings this again.
        raise Busy()
    else:
        ports.queue.job(DROP, {"scope": scope})


def _taken_out(ports: Ports, scope: str) -> tuple[bool, int]:
    done = 0
    for doc in ports.reading.listed([f"S#{scope}#{shard}" for shard in range(SHARDS)]):
        if done == ERASED_AT_ONCE:
            return False, done
        try:
            ports.indexing.remove(doc, FOR_GOOD)
        except Busy:
            return False, done
        done += 1
    return True, done


def document_of(found: SearchDoc) -> Document:
    """As much of a document as is kept."""
    return Document(
        id=found.id,
        type=found.type,
        seq=found.seq,
        acl=found.acl,
        title=found.title[:MAX_TITLE],
        url=found.url,
        headings=_bounded(found.headings),
        tags=_bounded(found.tags),
        body=found.body.encode("utf-8", "ignore")[:MAX_BODY].decode("utf-8", "ignore"),
        author=found.author,
        lang=found.lang[:2].lower(),
        boost=found.boost,
        updated_at=found.updated_at or clock.now(),
        n=found.n,
    )


def _bounded(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text[:MAX_TITLE] for text in texts[:MAX_PARTS])
