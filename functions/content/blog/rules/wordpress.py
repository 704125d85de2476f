"""What WordPress exports: RSS with more in it, called WXR (wordpress.org/documentation/article/tools-export-screen)."""

from typing import Any
from urllib.parse import unquote
from xml.parsers import expat

from .arriving import Item, Unreadable, held, item_of, skipped
from .comments import State
from .posts import Status
from .remarks import Remark, hold_remarks, remark_of

_STATUSES = {"publish": Status.PUBLISHED, "future": Status.SCHEDULED}
_GONE = {"trash": "It was in the trash.", "auto-draft": "It was never saved by anybody.", "inherit": "It is no post."}
_FIELDS = frozenset(
    "title post_name status post_type post_password post_date_gmt post_modified_gmt comment_status creator post_id "
    "attachment_url".split()
)
# Elements of an item that have fields of their own, and where those are kept.
_GROUPS = {"comment": "comments", "postmeta": "meta"}
_SAID = {"1": State.APPROVED, "0": State.PENDING, "spam": State.SPAM}
_THROWN = frozenset(["trash", "post-trashed"])
_PINGS = frozenset(["pingback", "trackback"])
_PICTURE = "_thumbnail_id"
_NEVER = "0000-00-00 00:00:00"
_UNCATEGORISED = "uncategorized"


def read(body: bytes) -> list[Item]:
    """Raises `Unreadable`."""
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise Unreadable("It is not well-formed XML.") from None
    if not reader.is_export:
        raise Unreadable("It is XML, and no export of WordPress.")
    files = {told.get("post_id"): told.get("attachment_url") for told in reader.items}
    return [_item(number, told, files) for number, told in enumerate(reader.items, start=1)]


class _Reader:
    """Collects items as the parser meets them. A document type is refused: only there could entities be declared,
    which grow without bound or name files of ours."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.items: list[dict[str, Any]] = []
        self.is_export = False
        self._item: dict[str, Any] | None = None
        self._group: dict[str, str] | None = None
        self._comments = 0
        self._words: list[str] = []
        self._attributes: dict[str, str] = {}
        # How deep in the item the parser is: fields are its children, and not what may stand in those.
        self._depth = 0

    def _refuse(self, *declared: object) -> None:
        raise Unreadable("It declares a document type, which exports of WordPress do not.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._item is not None:
            self._depth += 1
            if self._depth == self._level:
                self._words, self._attributes = [], attributes
            if self._depth == 1 and _group_of(name):
                self._group = {}
        elif name == "item":
            self._item, self._depth = {"terms": [], **{kept: [] for kept in _GROUPS.values()}}, 0
            held(len(self.items) + 1)
        self.is_export |= name.endswith(" wxr_version")

    @property
    def _level(self) -> int:
        """How deep fields stand: in the item, or in an element of it that has its own."""
        return 1 if self._group is None else 2

    def _text(self, text: str) -> None:
        if self._depth == self._level:
            self._words.append(text)

    def _end(self, name: str) -> None:
        if self._item is None:
            return
        if self._depth == 0:
            self.items.append(self._item)
            self._item = None
            return
        group = _group_of(name) if self._depth == 1 else ""
        if group and self._group is not None:
            self._item[group].append(self._group)
            self._group = None
            self._comments += group == "comments"
            hold_remarks(self._comments)
        elif self._depth == self._level and self._group is not None:
            self._group[name.rpartition(" ")[2]] = "".join(self._words)
        elif self._depth == 1:
            self._keep(name, "".join(self._words))
        self._depth -= 1

    def _keep(self, name: str, text: str) -> None:
        assert self._item is not None
        space, _, local = name.rpartition(" ")
        if local == "encoded":
            self._item["excerpt" if "excerpt" in space else "body"] = text
        elif local == "category":
            told = (self._attributes.get("domain", ""), self._attributes.get("nicename", ""), text)
            self._item["terms"].append(told)
        elif local in _FIELDS and (local != "title" or not space):
            self._item[local] = text


def _group_of(name: str) -> str:
    space, _, local = name.rpartition(" ")
    return _GROUPS.get(local, "") if space else ""


def _item(number: int, told: dict[str, Any], files: dict[str | None, str | None]) -> Item:
    kind, named = told.get("post_type", ""), told.get("status", "")
    if kind != "post":
        return skipped(number, told.get("title"), "It is no post, but of another kind.")
    if named in _GONE:
        return skipped(number, told.get("title"), _GONE[named])
    status, notes = _STATUSES.get(named, Status.DRAFT), []
    if status is not Status.DRAFT and told.get("post_password"):
        status = Status.DRAFT
        notes.append("It was behind a password, so it is a draft here.")
    elif named == "private":
        notes.append("It was private, so it is a draft here.")
    written, changed = told.get("post_date_gmt"), told.get("post_modified_gmt")
    pictures = [meta.get("meta_value") for meta in told["meta"] if meta.get("meta_key") == _PICTURE]
    fields = {
        "title": told.get("title"),
        "body": told.get("body"),
        "picture": (files.get(pictures[0]) or pictures[0]) if pictures else None,
        "writer": told.get("creator"),
        "comment_policy": "closed" if told.get("comment_status") == "closed" else None,
        "excerpt": told.get("excerpt"),
        "slug": unquote(told.get("post_name", "")),
        "created_at": None if written == _NEVER else written,
        "updated_at": None if changed == _NEVER else changed,
        "at": None if written == _NEVER else written,
        "shelves": tuple(
            (slug, name) for domain, slug, name in told["terms"] if domain == "category" and slug != _UNCATEGORISED
        ),
    }
    tags = [name for domain, _, name in told["terms"] if domain == "post_tag"]
    remarks = map(_remark, told["comments"])
    return item_of(number, fields, status=status, tags=tags, notes=notes, remarks=remarks)


def _remark(told: dict[str, str]) -> Remark:
    approved, fault = told.get("comment_approved", ""), ""
    if told.get("comment_type") in _PINGS:
        fault = "They are pings of other blogs."
    elif approved in _THROWN:
        fault = "They were in the trash."
    written = told.get("comment_date_gmt")
    fields = {
        "id": told.get("comment_id"),
        "answers": (told.get("comment_parent"),),
        "body": told.get("comment_content"),
        "name": told.get("comment_author"),
        "email": told.get("comment_author_email"),
        "at": None if written == _NEVER else written,
    }
    return remark_of(fields, _SAID.get(approved), fault=fault)
