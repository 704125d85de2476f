"""Feeds are made when something was published, and read as they lie."""

import hashlib

from tessera import clock, queues
from tessera.problems import NotFound

from ..ports import Ports
from ..rules import feeds
from ..rules.feeds import Channel, Item
from ..rules.posts import tag_key
from ..store.feeds import Document
from ..store.places import ALL, of_author, of_tag
from .telling import url_of

REBUILD = "feed.rebuild"
# Many changes within this time make one new document.
CALM_SECONDS = 2


def keys_of(post_tags: tuple[str, ...], author_id: str) -> list[str]:
    """The feeds that a post stands in: named as its lists are."""
    return [ALL, of_author(author_id), *(of_tag(tag_key(tag)) for tag in post_tags)]


def ask(ports: Ports, keys: list[str]) -> None:
    """Have these feeds made anew soon, each once however many ask. 1 write for each, and 1 request to the queue."""
    for key in dict.fromkeys(keys):
        if ports.feeds.claim(key, CALM_SECONDS):
            queues.send(ports.queue, REBUILD, {"key": key}, delay_seconds=CALM_SECONDS)


def rebuild(ports: Ports, key: str) -> None:
    """Make the documents of one feed. 1 query, 3 requests, 3 writes."""
    # Whoever changes something from here on asks again.
    ports.feeds.release(key)
    for form, document in _made(ports, key).items():
        ports.feeds.put(key, form, document)


def read(ports: Ports, form: str, *, tag: str | None = None, author: str | None = None) -> Document:
    """A feed: 1 read, and what making it costs for one that nobody has asked for before. Raises `NotFound`."""
    key = ALL
    if tag is not None:
        key = of_tag(tag_key(tag))
    if author is not None:
        author_id = ports.authors.named(author)
        if author_id is None:
            raise NotFound("There is no such author.")
        key = of_author(author_id)
    found = ports.feeds.get(key, form)
    if found is not None:
        return found
    if tag is not None and not ports.shelves.tags([tag_key(tag)]):
        # A feed is kept, so not for every word that somebody can think of.
        raise NotFound("There is no such tag.")
    made = _made(ports, key)
    for one, document in made.items():
        ports.feeds.put(key, one, document)
    return made[form]


def sitemap(ports: Ports, page: int | None) -> str:
    """The newest 5 000 posts, in parts. 1 request, or for a part some 12."""
    base = f"{ports.settings.base}/blog/sitemap.xml"
    if page is None:
        total = min(ports.shelves.total(), feeds.SITEMAP_POSTS)
        parts = max(1, -(-total // feeds.SITEMAP_PART))
        return feeds.sitemap_index([f"{base}?page={number}" for number in range(1, parts + 1)])
    end = min(page * feeds.SITEMAP_PART, feeds.SITEMAP_POSTS)
    pointers = ports.reading.pointers(ALL, end)[(page - 1) * feeds.SITEMAP_PART :]
    cards = ports.posts.cards([one.id for one in pointers])
    found = [cards[one.id] for one in pointers if one.id in cards and cards[one.id].is_published]
    return feeds.sitemap([(url_of(ports, post), post.updated_at) for post in found])


def _made(ports: Ports, key: str) -> dict[str, Document]:
    pointers = ports.reading.pointers(key, feeds.MAX_ITEMS)
    found = [one for one in ports.posts.wholes([one.id for one in pointers]) if one[0].is_published]
    names = ports.authors.many(list(dict.fromkeys(post.author_id for post, _ in found)))
    items = [
        Item(
            id=post.id,
            url=url_of(ports, post),
            title=post.title,
            html=body.html,
            author=names[post.author_id].name or names[post.author_id].username,
            published_at=post.published_at or post.created_at,
            updated_at=post.updated_at,
            summary=post.excerpt,
            tags=post.tags,
        )
        for post, body in found
    ]
    modified = max((post.updated_at for post, _ in found), default=clock.millis())
    channel = _channel(ports, key, modified)
    return {form: _document(feeds.document(form, channel, items), modified) for form in feeds.FORMS}


def _channel(ports: Ports, key: str, modified: int) -> Channel:
    base, kind, of = f"{ports.settings.base}/blog", key[:2], key[2:]
    title, home, place = "Blog", f"{base}/posts", base
    if kind == "T#":
        row = ports.shelves.tags([of]).get(of)
        name = row.name if row else of
        title, place = f"Blog: {name}", f"{base}/tags/{feeds.quoted(name)}"
        home = f"{home}?tag={feeds.quoted(name)}"
    elif kind == "A#":
        author = ports.authors.get(of)
        title, place = f"Blog: {author.name or author.username}", f"{base}/authors/{feeds.quoted(author.username)}"
        home = f"{home}?author={of}"
    # Its id says nothing of where it lies, so that it stays when the host changes.
    made = hashlib.sha256(f"blog/{key}".encode()).hexdigest()
    uuid = f"{made[:8]}-{made[8:12]}-5{made[13:16]}-8{made[17:20]}-{made[20:32]}"
    return Channel(f"urn:uuid:{uuid}", title, home, place, f"What is new in {title}", modified)


def _document(text: str, modified: int) -> Document:
    return Document(text, hashlib.sha256(text.encode()).hexdigest(), modified)
