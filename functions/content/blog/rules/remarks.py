"""Comments that come in a file with their post: which of them can be kept, and where each stands below the others."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tessera import ids

from .arriving import Unreadable, millis_of, text_of, titled
from .comments import MAX_BODY, NUMBER_CHANCE_BITS, NUMBER_EPOCH_MS, Comment, State, path_below

# Of one file.
MAX_REMARKS = 20_000
MAX_NAME, MAX_KEY = 80, 64
# Where a comment stands in its file is part of its id, so that answers of the same second keep their order.
_PLACE_BYTES = 3
SALT_BYTES = ids.RANDOM_BYTES - _PLACE_BYTES
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")
_STATES: dict[object, State] = {state.value: state for state in State}


@dataclass(frozen=True)
class Remark:
    """A comment as a file has it. With a `fault` it cannot be kept: that says what is wrong with such comments.

    `key` is what the file calls it, `answers` what it is below there: the first of these that is found. Who is told
    to have written it is believed of nobody but the importer.
    """

    key: str
    answers: tuple[str, ...] = ()
    said: str = ""
    state: State = State.APPROVED
    name: str | None = None
    author_id: str | None = None
    email: str | None = None
    at: int | None = None
    edited_at: int | None = None
    pinned: bool = False
    fault: str = ""


@dataclass(frozen=True)
class Brought:
    """The comments of a post as they are kept, each before its answers; `left` counts the others by what was wrong."""

    comments: tuple[Comment, ...] = ()
    left: tuple[tuple[str, int], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"Comments that are left out: {count:,}. {why}" for why, count in self.left)


def remark_of(told: Mapping[str, Any], state: State | None, *, fault: str = "") -> Remark:
    """The comment that these fields tell of, whatever is in them."""
    said, email = text_of(told.get("body")), text_of(told.get("email"))
    place = state is State.DELETED
    if not fault and state is None:
        fault = "What became of them there is not known here."
    elif not fault and not place:
        fault = _fault(said)
    return Remark(
        key=_key(told.get("id")),
        answers=tuple(filter(None, map(_key, told.get("answers", ())))),
        said="" if fault or place else said,
        state=state or State.PENDING,
        name=None if place else titled(told.get("name"))[:MAX_NAME] or None,
        author_id=None if place else text_of(told.get("author_id")) or None,
        email=email if _ADDRESS.fullmatch(email) and not place else None,
        at=millis_of(told.get("at")),
        edited_at=millis_of(told.get("edited_at")),
        pinned=told.get("pinned") is True and state is State.APPROVED,
        fault=fault,
    )


def state_of(told: object) -> State | None:
    return _STATES.get(told) if isinstance(told, str) else None


def hold_remarks(count: int) -> None:
    """Raises `Unreadable` for more comments than one import takes."""
    if count > MAX_REMARKS:
        raise Unreadable(f"It holds more than {MAX_REMARKS:,} comments. Split it.")


def brought(remarks: Sequence[Remark], post_id: str, *, by: str, salt: bytes, now: int, since: int) -> Brought:
    """The comments of a post, the same whenever it is asked: ids follow from the salt, seven bytes, and their place.

    What has no date has that of its post, and none is later than now. Nothing stands below what waits or is left
    out: its answers move up to what that answered.
    """
    kept: dict[str, Comment] = {}
    # Under which of the kept ones the answers to each name stand.
    below: dict[str, str] = {}
    for place, one in enumerate(remarks):
        above = next((below[key] for key in one.answers if key in below), "")
        if one.fault:
            below.setdefault(one.key, above)
            continue
        while above and not one.state.is_in_thread and kept[above].state is State.DELETED:
            # Below the place of something deleted it could never be let in.
            above = kept[above].parent_id or ""
        at = min(now, since if one.at is None else one.at)
        comment_id = ids.at(at, place.to_bytes(_PLACE_BYTES, "big") + salt)
        path, moved_up = path_below(kept[above].path if above else "", comment_id)
        mine = one.author_id == by
        kept[comment_id] = Comment(
            id=comment_id,
            post_id=post_id,
            path=path,
            number=max(0, at - NUMBER_EPOCH_MS) << NUMBER_CHANCE_BITS,
            state=one.state,
            created_at=at,
            body=one.said or None,
            html=None,
            author_id=by if mine else None,
            guest=None if mine else one.name,
            email=None if mine else one.email,
            reply_to=above if moved_up else None,
            edited_at=one.edited_at,
            pinned=one.pinned,
        )
        below.setdefault(one.key, comment_id if one.state.is_in_thread else above)
    left = Counter(one.fault for one in remarks if one.fault)
    return Brought(_numbered(_counted(kept)), tuple(left.items()))


def _counted(kept: dict[str, Comment]) -> list[Comment]:
    """Each with how many answers stand below it; the place of something deleted is kept for those alone."""
    replies: Counter[str] = Counter(one.parent_id or "" for one in kept.values() if one.state.is_in_thread)
    found: list[Comment] = []
    # Answers come after what they answer, so that from the end on a place is looked at after all below it.
    for one in reversed(kept.values()):
        if one.state is State.DELETED and not replies[one.id]:
            replies[one.parent_id or ""] -= 1
            continue
        found.append(replace(one, replies=replies[one.id]))
    there = {one.id for one in found}
    return [one if one.reply_to in there else replace(one, reply_to=None) for one in reversed(found)]


def _numbered(comments: Iterable[Comment]) -> tuple[Comment, ...]:
    """Each with a number of its own, in the order of their dates."""
    found = list(comments)
    last = -1
    for place in sorted(range(len(found)), key=lambda place: (found[place].created_at, place)):
        last = max(last + 1, found[place].number)
        found[place] = replace(found[place], number=last)
    return tuple(found)


def _fault(said: str) -> str:
    if not said.strip():
        return "They say nothing."
    return f"They have more than {MAX_BODY:,} characters." if len(said) > MAX_BODY else ""


def _key(value: object) -> str:
    return str(value)[:MAX_KEY] if isinstance(value, str | int) else ""
