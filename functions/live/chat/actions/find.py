"""Looking: one's rooms, what is unread, the directory, and messages at any depth."""

from typing import Any

from tessera import clock, words
from tessera.auth.principal import Principal
from tessera.problems import NotFound, Problem
from tessera.tables import Key

from ..ports import Ports
from ..rules.messages import Message, refused
from ..rules.rooms import Kind, Member, NotAMember, Room
from ..rules.views import History, Listed, Thread, Unread
from ..store.rooms import lowered
from ..store.search import MAX_WORDS
from .access import enter, person
from .marks import counts

MAX_UNREAD_ROOMS = 100
MAX_CANDIDATES, BATCH = 300, 50
MAX_TERMS = 8


class SearchNotEnabled(Problem):
    status, slug, title = 501, "search-not-enabled", "There is no search over all rooms here"


def room(ports: Ports, room_id: str, *, by: Principal) -> tuple[Room, Member | None]:
    """A room as its members see it, and a public one as everybody does. 1 request. Raises `NotFound`."""
    found, member = ports.rooms.door(room_id, person(by))
    if member is not None and member.role.is_inside:
        return found, member
    if found.kind is Kind.PUBLIC:
        return found, None
    if member is None:
        raise NotFound("There is no such room.")
    raise NotAMember("You are not in it any more.")


def mine(ports: Ports, user_id: str, limit: int, after: Key | None) -> tuple[list[Listed], Key | None]:
    """One's rooms, the latest activity first. 2 requests, and 1 for each room where something is unread."""
    members, following = ports.rooms.rooms_of(user_id, limit, after)
    rooms = ports.rooms.rooms([one.room_id for one in members])
    listed = [
        Listed(rooms[one.room_id], one, counts(ports, rooms[one.room_id], one))
        for one in members
        if one.room_id in rooms
    ]
    return sorted(listed, key=_latest, reverse=True), following


def _latest(listed: Listed) -> str:
    last = listed.room.last
    return clock.rfc3339(last.at if last else listed.room.created_at)


def directory(ports: Ports, begins: str, limit: int, after: Key | None) -> tuple[list[Room], Key | None]:
    """Public rooms by name. 2 requests."""
    found, following = ports.rooms.directory(lowered(begins), limit, after)
    rooms = ports.rooms.rooms(found)
    return [rooms[one] for one in found if one in rooms and rooms[one].archived_at is None], following


def all_unread(ports: Ports, user_id: str) -> Unread:
    """Of the hundred rooms with the latest activity."""
    listed, _ = mine(ports, user_id, MAX_UNREAD_ROOMS, None)
    now = clock.now()
    total = sum(_counted(one, muted=one.member.mute is not None and one.member.mute.holds(now)) for one in listed)
    return Unread(
        total=total,
        total_all=sum(one.counts.unread for one in listed),
        mentions=sum(one.counts.mentions for one in listed),
        rooms=[one for one in listed if one.counts.unread],
    )


def _counted(listed: Listed, *, muted: bool) -> int:
    if not muted:
        return listed.counts.unread
    mute = listed.member.mute
    return listed.counts.mentions if mute is not None and mute.mentions_only else 0


def history(
    ports: Ports,
    room_id: str,
    *,
    before_n: int | None,
    after_n: int | None,
    around_n: int | None,
    limit: int,
    by: Principal,
) -> History:
    """A page at any depth. 2 requests; 3 around a message."""
    if sum(one is not None for one in (before_n, after_n, around_n)) > 1:
        raise refused("?", "Only one of before_n, after_n and around_n can be said.")
    inside = enter(ports, room_id, person(by))
    first, newest = inside.first_visible, inside.room.msg_n
    if after_n is not None:
        # Who comes back after a gap asks this way, and must not miss what was said a moment ago.
        low, asked = max(first, after_n + 1), {"newest": False, "consistent": True}
        found = ports.messages.between(room_id, low, newest, limit, **asked)
    elif around_n is not None:
        later = limit // 2
        found = ports.messages.between(room_id, first, around_n, limit - later, newest=True)
        if later:
            found += ports.messages.between(room_id, max(first, around_n + 1), newest, later, newest=False)
    else:
        high = newest if before_n is None else min(newest, before_n - 1)
        found = ports.messages.between(room_id, first, high, limit, newest=True)
    if not found:
        return History([], None, None, newest)
    oldest, latest = found[0].place.n, found[-1].place.n
    return History(found, oldest if oldest > first else None, latest if latest < newest else None, newest)


def thread(ports: Ports, room_id: str, root_id: str, limit: int, after: int, *, by: Principal) -> Thread:
    """A message and what was said below it. 4 requests. Who never looked has read nothing."""
    inside = enter(ports, room_id, person(by))
    root = ports.messages.get(room_id, root_id)
    if root.place.in_thread or root.place.n < inside.first_visible:
        raise NotFound("There is no such thread.")
    replies = ports.messages.thread(room_id, root.place.n, after, limit)
    last = replies[-1].place.tn if replies else root.thread_n
    read_n = ports.messages.read_of_thread(room_id, root.place.n, inside.member.user_id) or 0
    return Thread(root, replies, last if last < root.thread_n else None, read_n)


def search(
    ports: Ports, room_id: str | None, text: str, limit: int, state: dict[str, Any] | None, *, by: Principal
) -> tuple[list[Message], dict[str, Any] | None]:
    """Messages of a room that hold every word, the last one as a beginning. At most 300 candidates are read."""
    if room_id is None:
        raise SearchNotEnabled("Name a room here with room_id. Several are searched with GET /search?in=rooms.")
    inside = enter(ports, room_id, person(by))
    terms = words.tokens(text, at_most=MAX_TERMS)
    if not terms:
        raise refused("?q", "There is no word to search by.")
    # The longest whole word is the rarest, mostly.
    whole = max(terms[:-1], key=len) if len(terms) > 1 else ""
    after = state["after"] if state else None
    found: list[Message] = []
    looked_at = 0
    while looked_at < MAX_CANDIDATES:
        batch = min(BATCH, limit - len(found))
        places, after = ports.search.candidates(room_id, whole or terms[-1], batch, after, whole=bool(whole))
        looked_at += len(places)
        under = {place: word for word, place in places}
        for message in ports.messages.many(room_id, [place for _, place in places]):
            held = _held(message) if message.place.n >= inside.first_visible else []
            if _holds(held, terms) and under[message.place] == (whole or _last_beginning(held, terms[-1])):
                found.append(message)
        if after is None or len(found) >= limit:
            break
    return found, {"after": after} if after else None


def _held(message: Message) -> list[str]:
    """The words of a message as it is now, since what it is found by may lag behind."""
    return words.tokens(message.text, at_most=MAX_WORDS) if message.deleted_at is None else []


def _last_beginning(held: list[str], begins: str) -> str:
    """Under which of its words a message is shown, so that it is shown once: the first that is come to."""
    return max(one for one in held if one.startswith(begins))


def _holds(held: list[str], terms: list[str]) -> bool:
    return all(term in held for term in terms[:-1]) and any(one.startswith(terms[-1]) for one in held)
