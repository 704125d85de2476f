"""What the RealWorld contract takes and refuses: its own error shape, and its own words for what is wrong."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from .posts import MAX_BODY_BYTES, MAX_EXCERPT, MAX_OFFSET, MAX_TAG, MAX_TAGS, MAX_TITLE, distinct, plain_title

BLANK, INVALID, TOO_LONG = "can't be blank", "is invalid", "is too long"
USERNAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_COMMENT, MAX_BIO, MAX_IMAGE, MAX_PASSWORD, MAX_EMAIL = 10_000, 2_000, 2_000, 1_000, 320
LIMIT, MOST = 20, 100
_UNWANTED = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class ConduitError(Exception):
    """An answer of the facade that is no success: `{"errors": {field: [message]}}`."""

    def __init__(self, status: int, errors: Mapping[str, str], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(dict(errors)))
        self.status, self.errors, self.headers = status, dict(errors), dict(headers or {})


def not_found(what: str) -> ConduitError:
    return ConduitError(404, {what: "not found"})


def wrong_token() -> ConduitError:
    return ConduitError(401, {"token": INVALID})


def forbidden(what: str) -> ConduitError:
    return ConduitError(403, {what: "forbidden"})


def wrapped(raw: bytes, name: str) -> dict[str, Any]:
    """What stands under this name in the body. Raises `ConduitError`."""
    try:
        found = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise ConduitError(422, {"body": INVALID}) from None
    if not isinstance(found, dict):
        raise ConduitError(422, {"body": INVALID})
    if found.get(name) is None:
        raise ConduitError(422, {name: BLANK})
    if not isinstance(found[name], dict):
        raise ConduitError(422, {name: INVALID})
    return dict(found[name])


class Fields:
    """The fields of one body, read one after the other; what is wrong with them is told together."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self.errors: dict[str, str] = {}

    def has(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, most: int, *, one_line: bool = False) -> str:
        """A text that must be there and say something."""
        value = self._given.get(name)
        if value is None or value == "":
            return self._wrong(name, BLANK)
        if not isinstance(value, str) or _UNWANTED.search(value) or _CONTROL.search(value):
            return self._wrong(name, INVALID)
        composed = unicodedata.normalize("NFC", plain_title(value) if one_line else value)
        if not composed.strip():
            return self._wrong(name, BLANK)
        return self._wrong(name, TOO_LONG) if len(composed) > most else composed

    def optional(self, name: str, most: int) -> str | None:
        """A text that may be empty or null, which is the same."""
        if self._given.get(name) in (None, ""):
            return None
        return self.text(name, most) or None

    def tags(self, name: str = "tagList") -> tuple[str, ...]:
        value = self._given.get(name)
        if not isinstance(value, list) or len(value) > MAX_TAGS or not all(map(is_tag, value)):
            self._wrong(name, INVALID)
            return ()
        return distinct(unicodedata.normalize("NFC", tag) for tag in value)

    def hold(self) -> None:
        """Raises `ConduitError` when something was wrong."""
        if self.errors:
            raise ConduitError(422, self.errors)

    def _wrong(self, name: str, said: str) -> str:
        self.errors.setdefault(name, said)
        return ""


def is_tag(tag: object) -> bool:
    """A tag stands in keys and in addresses."""
    if not isinstance(tag, str) or not tag.strip() or len(tag) > MAX_TAG or tag != tag.strip():
        return False
    return not (set("#/?\\,") & set(tag)) and tag.isprintable() and not _UNWANTED.search(tag)


def new_user(given: Mapping[str, Any]) -> dict[str, str]:
    fields = Fields(given)
    found = {
        "username": fields.text("username", 64),
        "email": fields.text("email", MAX_EMAIL),
        "password": fields.text("password", MAX_PASSWORD),
    }
    if found["username"] and not USERNAME.fullmatch(found["username"]):
        fields.errors.setdefault("username", INVALID)
    fields.hold()
    return found


def credentials(given: Mapping[str, Any]) -> tuple[str, str]:
    fields = Fields(given)
    email, password = fields.text("email", MAX_EMAIL), fields.text("password", MAX_PASSWORD)
    fields.hold()
    return email, password


def changed_user(given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str | None]]:
    """What changes in the account, and what in the blog's own profile."""
    fields = Fields(given)
    most = {"username": 64, "email": MAX_EMAIL, "password": MAX_PASSWORD}
    account = {name: fields.text(name, longest) for name, longest in most.items() if fields.has(name)}
    if account.get("username") and not USERNAME.fullmatch(account["username"]):
        fields.errors.setdefault("username", INVALID)
    longest = {"bio": MAX_BIO, "image": MAX_IMAGE}
    profile = {name: fields.optional(name, most) for name, most in longest.items() if fields.has(name)}
    fields.hold()
    return account, profile


def new_article(given: Mapping[str, Any]) -> dict[str, Any]:
    fields = Fields(given)
    found: dict[str, Any] = {
        "title": fields.text("title", MAX_TITLE, one_line=True),
        "excerpt": fields.text("description", MAX_EXCERPT),
        "body": _body(fields),
        "tags": fields.tags() if fields.has("tagList") else (),
    }
    fields.hold()
    return found


def changed_article(given: Mapping[str, Any]) -> dict[str, Any]:
    fields, found = Fields(given), dict[str, Any]()
    if fields.has("title"):
        found["title"] = fields.text("title", MAX_TITLE, one_line=True)
    if fields.has("description"):
        found["excerpt"] = fields.text("description", MAX_EXCERPT)
    if fields.has("body"):
        found["body"] = _body(fields)
    if fields.has("tagList"):
        found["tags"] = fields.tags()
    fields.hold()
    return found


def new_comment(given: Mapping[str, Any]) -> str:
    fields = Fields(given)
    body = fields.text("body", MAX_COMMENT)
    fields.hold()
    return body


def _body(fields: Fields) -> str:
    body = fields.text("body", MAX_BODY_BYTES)
    if len(body.encode()) > MAX_BODY_BYTES:
        fields.errors.setdefault("body", TOO_LONG)
    return body


def window(limit: Sequence[str], offset: Sequence[str]) -> tuple[int, int]:
    """How many, and how many to pass over. Raises `ConduitError`."""
    most = _count("limit", limit, LIMIT)
    if most == 0:
        raise ConduitError(422, {"limit": INVALID})
    skipped = _count("offset", offset, 0)
    if skipped > MAX_OFFSET:
        raise ConduitError(422, {"offset": "is too large"})
    return min(most, MOST), skipped


def _count(name: str, given: Sequence[str], default: int) -> int:
    if not given:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", given[-1], re.ASCII):
        raise ConduitError(422, {name: INVALID})
    return int(given[-1])
