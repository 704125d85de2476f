"""A link: what it is, how it stands, and where it leads whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

from .problems import refused

# In place of a domain, for links under the name of the service itself.
OURS = "-"
MAX_RULES, MAX_TAGS = 10, 10
# A link is read whole at every redirect.
MAX_URL_BYTES = 16_384
RESERVED_FOR = timedelta(days=365)
# Browsers keep a permanent redirect for good, and then neither clicks nor changes would be seen.
PERMANENT_SECONDS = 90
PERMANENT = frozenset([301, 308])
SPREAD, SPREAD_ABOVE = 16, 200


class State(StrEnum):
    ACTIVE = "active"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    USED_UP = "used_up"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Rule:
    """Where those go who fit all that it names."""

    url: str
    device: str | None = None
    language: str | None = None
    country: str | None = None

    def fits(self, visitor: "Visitor") -> bool:
        pairs = (
            (self.device, visitor.device),
            (self.language, visitor.language),
            (self.country, visitor.country),
        )
        return all(wanted is None or wanted == found for wanted, found in pairs)


@dataclass(frozen=True)
class Visitor:
    """What a request tells of who follows a link."""

    device: str
    browser: str
    os: str
    language: str | None
    country: str | None
    referrer: str | None
    is_bot: bool


@dataclass(frozen=True)
class Link:
    id: str
    owner_id: str
    domain: str
    code: str
    url: str
    created_at: datetime
    updated_at: datetime
    # The person, where the owner is an organisation.
    created_by: str
    redirect: int = 302
    expires_at: datetime | None = None
    not_before: datetime | None = None
    expired_url: str | None = None
    max_clicks: int | None = None
    left: int | None = None
    password: str | None = None
    tags: tuple[str, ...] = ()
    title: str | None = None
    forward_query: bool = False
    crawlable: bool = False
    rules: tuple[Rule, ...] = ()
    blocked: str | None = None
    shards: int = 1
    version: int = 1

    def state(self, now: datetime) -> State:
        if self.blocked is not None:
            return State.BLOCKED
        if self.expires_at is not None and self.expires_at <= now:
            return State.EXPIRED
        if self.left is not None and self.left <= 0:
            return State.USED_UP
        if self.not_before is not None and now < self.not_before:
            return State.SCHEDULED
        return State.ACTIVE

    def destination(self, visitor: Visitor, query: str) -> str:
        """Where this visitor is sent who came with this query."""
        found = next((rule.url for rule in self.rules if rule.fits(visitor)), self.url)
        return forwarded(found, query) if self.forward_query else found

    @property
    def urls(self) -> tuple[str, ...]:
        """Every place it may lead to."""
        return tuple(
            dict.fromkeys([self.url, *([self.expired_url] if self.expired_url else []), *(r.url for r in self.rules)])
        )


def forwarded(url: str, query: str) -> str:
    """The URL with the parameters of a request, of which its own win."""
    if not query:
        return url
    rest, mark, fragment = url.partition("#")
    path, _, own = rest.partition("?")
    known = {name for name, _ in parse_qsl(own, keep_blank_values=True)}
    more = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in known]
    joined = "&".join(part for part in (own, urlencode(more)) if part)
    return f"{path}{'?' if joined else ''}{joined}{mark}{fragment}"


def check_times(not_before: datetime | None, expires_at: datetime | None, now: datetime) -> None:
    """Raises `InvalidRequest`."""
    if expires_at is not None and expires_at <= now:
        raise refused("/expires_at", "A link ends in the future.")
    if expires_at is not None and not_before is not None and expires_at <= not_before:
        raise refused("/not_before", "A link begins before it ends.")


def check_size(urls: Sequence[str]) -> None:
    """Raises `InvalidRequest`."""
    if sum(map(len, urls)) > MAX_URL_BYTES:
        raise refused("/rules", f"All URLs of a link have at most {MAX_URL_BYTES:,} characters together.")


def cache_control(redirect: int) -> str:
    return f"private, max-age={PERMANENT_SECONDS}" if redirect in PERMANENT else "no-store"
