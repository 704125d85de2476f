"""A card for a URL: from the cache, or fetched by exactly one of those who ask at the same time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Literal

from tessera import clock
from tessera.problems import InvalidRequest, Problem
from tessera.safehttp import FetchFailed, TookTooLong

from ..ports import Ports
from ..rules import lifetimes
from ..rules.cards import Card
from ..rules.urls import host_of, key_of
from ..store import JOB_LEASE_SECONDS, Kept, Lease
from .read import DEADLINE_SECONDS, Refused, UnsupportedContent, read

REFRESH = "refresh"
PATIENCE_SECONDS, POLL_SECONDS = 3.0, 0.15
GONE = frozenset([404, 410])

# Only pages that are fetched count. A site is spared whoever asks.
PER_HOST, PER_USER = "linkpreview:host", "linkpreview:user"

Cache = Literal["hit", "stale", "miss"]


@dataclass(frozen=True)
class Shown:
    card: Card
    cache: Cache
    fetched: int
    expires: int
    age_seconds: int


class StillReading(Exception):
    """Somebody else is fetching the page, and whoever asks would rather come back than wait."""


@dataclass(frozen=True)
class Wish:
    """`payer` is the subject whose misses are counted, empty for services. `patient` waits to the end."""

    url: str
    lang: str | None = None
    refresh: bool = False
    payer: str = ""
    patient: bool = True


def preview(ports: Ports, wish: Wish) -> Shown:
    """The card. A hit is 1 request; a miss 1 read and 2 writes.

    Raises `FetchFailed` and its like, also from the cache, `UnsupportedContent`, `RateLimited`, and `StillReading`
    for those who do not wait.
    """
    key = checked_key(ports, wish.url, wish.lang)
    kept = ports.cards.get(key)
    if kept is not None and not wish.refresh:
        if kept.is_fresh:
            return _shown(kept, "hit")
        if kept.card is not None:
            _refresh_later(ports, key, wish)
            return _shown(kept, "stale")
    if wish.payer:
        ports.limits.charge(PER_USER, wish.payer)
    return _fetched_once(ports, key, wish)


def checked_key(ports: Ports, url: str, lang: str | None) -> str:
    """Where the card of this URL is kept. Raises `URLInvalid`, `SchemeRefused`, `AddressRefused`."""
    ports.web.gate.target(url)
    try:
        return key_of(url, lang)
    except ValueError:
        raise InvalidRequest("The URL cannot be taken apart.") from None


def _fetched_once(ports: Ports, key: str, wish: Wish) -> Shown:
    started = clock.monotonic()
    while True:
        lease = ports.cards.lease(key)
        if lease.is_mine:
            return _shown(_fetch(ports, key, wish, lease), "miss")
        found = _awaited(ports, key, lease, wish, started)
        if found is not None:
            return _shown(found, "hit")


def _awaited(ports: Ports, key: str, lease: Lease, wish: Wish, started: float) -> Kept | None:
    """What the holder of the lease has found, or None when it is nobody's any more.

    Raises `StillReading`, and `TookTooLong` when it does not come in time.
    """
    while True:
        kept = ports.cards.get(key, consistent=True)
        if kept is not None and kept.fetched >= lease.taken:
            return kept
        if clock.millis() >= lease.until:
            return None
        waited = clock.monotonic() - started
        if waited > PATIENCE_SECONDS and not wish.patient:
            raise StillReading
        if waited > DEADLINE_SECONDS:
            raise TookTooLong("The page is still being read. Ask again in a moment.")
        ports.pause(POLL_SECONDS)


def _fetch(ports: Ports, key: str, wish: Wish, lease: Lease) -> Kept:
    try:
        ports.limits.charge(PER_HOST, host_of(wish.url))
    except Problem:
        # Others wait for whoever holds the lease, and would wait for nothing.
        ports.cards.release(key, lease)
        raise
    return ports.cards.keep(key, _found(ports, wish))


def _found(ports: Ports, wish: Wish) -> Kept:
    """What comes of asking, be it a failure: that is kept too, so that a broken page is not asked all the time."""
    try:
        card, cache_control = read(ports, wish.url, wish.lang)
    except (FetchFailed, UnsupportedContent) as failed:
        status = failed.answered if isinstance(failed, Refused) else None
        seconds = lifetimes.HOUR if isinstance(failed, UnsupportedContent) else lifetimes.of_failure(status)
        now = clock.millis()
        return Kept(now, now + seconds * 1_000, problem=failed.slug, detail=failed.detail)
    now = clock.millis()
    is_poor = bool({"wall", "no-metadata"} & set(card.warnings))
    seconds = lifetimes.of_page(cache_control, is_wall=is_poor)
    return Kept(now, now + seconds * 1_000, card)


def _refresh_later(ports: Ports, key: str, wish: Wish) -> None:
    """Let one job refresh the card: whoever gets the lease sends it."""
    if ports.cards.lease(key, seconds=JOB_LEASE_SECONDS).is_mine:
        ports.send(REFRESH, {"url": wish.url, "lang": wish.lang or ""})


def refresh(ports: Ports, url: str, lang: str | None) -> None:
    """The job: fetch a page again. A card that is still shown is not lost to a page that cannot be read today."""
    key = checked_key(ports, url, lang)
    before = ports.cards.get(key, consistent=True)
    if before is not None and before.is_fresh:
        return
    if not ports.limits.decide(PER_HOST, host_of(url)).allowed:
        return
    found = _found(ports, Wish(url, lang))
    if found.card is None and before is not None and before.card is not None and not _is_gone(found):
        # It is asked for again after a while, and forgotten when it would have been.
        found = replace(before, expires=found.expires)
    ports.cards.keep(key, found)


def _is_gone(found: Kept) -> bool:
    return found.expires - found.fetched >= lifetimes.HOUR * 1_000


def _shown(kept: Kept, cache: Cache) -> Shown:
    """Raises what was in the way when the page was asked."""
    if kept.card is None:
        raise _problem(kept, cache)
    return Shown(kept.card, cache, kept.fetched, kept.expires, kept.age_seconds)


def _problem(kept: Kept, cache: Cache) -> Problem:
    known: dict[str, type[Problem]] = {made.slug: made for made in FetchFailed.__subclasses__()}
    known[UnsupportedContent.slug] = UnsupportedContent
    return known.get(kept.problem, FetchFailed)(kept.detail, headers={"X-Cache": cache, "Age": str(kept.age_seconds)})


def forget(ports: Ports, url: str, lang: str | None) -> None:
    """Take a card out of the cache. 2 requests."""
    ports.cards.forget(checked_key(ports, url, lang))


def previews(ports: Ports, wishes: Sequence[Wish]) -> list[Shown | Problem]:
    """A card or a problem for each, all at once: no slower than the slowest, which has 8 seconds of its own."""

    def one(wish: Wish) -> Shown | Problem:
        try:
            return preview(ports, wish)
        except Problem as problem:
            return problem

    with ThreadPoolExecutor(max(1, len(wishes))) as pool:
        running = [pool.submit(copy_context().run, one, wish) for wish in wishes]
        return [each.result() for each in running]
