"""Tags and categories are managed."""

from tessera import queues
from tessera.auth.principal import Principal
from tessera.problems import NotFound, Problem

from ..ports import Ports
from ..rules.posts import tag_key
from ..rules.problems import CategoryInUse, refused
from ..store.places import CategoryRow, TagRow, of_category, of_tag
from . import posts

MOVE = "shelf.move"
MOVED_AT_ONCE = 25
PAUSE_SECONDS = 1


def tags(ports: Ports, sort: str, limit: int) -> list[tuple[str, int]]:
    """Tags in use and how many posts carry each. 1 query and 1 request per 25 tags."""
    found = [one.id for one in ports.shelves.newest_tags(limit if sort == "recent" else 500)]
    counts = ports.shelves.tag_counts([tag_key(one) for one in found])
    used = [(one, counts[tag_key(one)]) for one in found if counts[tag_key(one)] > 0]
    if sort == "popular":
        used.sort(key=lambda one: -one[1])
    elif sort == "name":
        used.sort(key=lambda one: tag_key(one[0]))
    return used[:limit]


def rename_tag(ports: Ports, name: str, into: str) -> tuple[str, int]:
    """Call a tag something else; where there is such a tag, the two become one. Posts follow within moments.

    Raises `NotFound`.
    """
    row = _tag(ports, name)
    if row.into is not None:
        raise NotFound("This tag was made another before.")
    if tag_key(into) == tag_key(name):
        ports.shelves.respell(row, into)
        return into, ports.shelves.tag_count(tag_key(name))
    target = ports.shelves.tags([tag_key(into)]).get(tag_key(into))
    if target is not None and target.into is not None:
        raise refused("/name", f"That tag was made {target.into}.")
    ports.shelves.make_tag(into)
    ports.shelves.merge(row, into)
    _ask(ports, of_tag(tag_key(name)), "tags", name, into)
    return into, ports.shelves.tag_count(tag_key(into))


def _tag(ports: Ports, name: str) -> TagRow:
    row = ports.shelves.tags([tag_key(name)]).get(tag_key(name))
    if row is None:
        raise NotFound("There is no such tag.")
    return row


def put_category(
    ports: Ports, slug: str, *, name: str, description: str | None, parent: str | None, order: int
) -> CategoryRow:
    """Make or change a category. There are two levels of them. Raises `InvalidRequest`."""
    if parent is not None:
        above = ports.shelves.category(parent)
        if above is None or parent == slug:
            raise refused("/parent", "There is no such category.")
        if above.parent is not None:
            raise refused("/parent", "This is a category of the second level, and there is no third.")
        if any(row.parent == slug for row in ports.shelves.categories()):
            raise refused("/parent", "There are categories below this one, and there is no third level.")
    return ports.shelves.put_category(slug, name=name, description=description, parent=parent, order=order)


def delete_category(ports: Ports, slug: str, move_to: str | None) -> bool:
    """True when it is gone, False while its posts are on their way. Raises `CategoryInUse`, `NotFound`."""
    if move_to is not None and (move_to == slug or ports.shelves.category(move_to) is None):
        raise refused("?move_to", "There is no such category.")
    if any(row.parent == slug for row in ports.shelves.categories()):
        raise CategoryInUse("There are categories below it.")
    try:
        ports.shelves.delete_category(slug)
    except CategoryInUse:
        if move_to is None:
            raise
        _ask(ports, of_category(slug), "category", slug, move_to)
        return False
    return True


def _ask(ports: Ports, name: str, field: str, old: str, new: str) -> None:
    queues.send(ports.queue, MOVE, {"list": name, "field": field, "old": old, "new": new})


def move_some(ports: Ports, name: str, field: str, old: str, new: str) -> None:
    """Take some posts of a list to another shelf, and go on until none is left."""
    pointers = ports.reading.pointers(name, MOVED_AT_ONCE)
    for one in pointers:
        post = ports.posts.find(one.id)
        if post is None or not post.is_published:
            continue
        by = _author(post.author_id)
        tags = tuple(new if tag_key(tag) == tag_key(old) else tag for tag in post.tags)
        try:
            posts.update(ports, post.id, {"tags": tags} if field == "tags" else {"category": new}, expect=None, by=by)
        except Problem:
            # It was changed at this moment: the next round finds it where it is then.
            continue
    if pointers:
        work = {"list": name, "field": field, "old": old, "new": new}
        queues.send(ports.queue, MOVE, work, delay_seconds=PAUSE_SECONDS)
    elif field == "category":
        ports.shelves.delete_category(old)


def _author(user_id: str) -> Principal:
    permissions = frozenset({"blog:read", "blog:write", "blog:publish"})
    return Principal(kind="user", id=user_id, user_id=user_id, permissions=permissions)
