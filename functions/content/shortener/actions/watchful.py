"""Harmful links: reported by people, blocked by staff or because a list of threats has come to know them."""

from datetime import timedelta

from tessera import clock, queues
from tessera.auth.principal import Principal
from tessera.due import DueItem
from tessera.problems import NotFound
from tessera.tables import Key

from ..events import LinkBlocked, LinkExpired
from ..outside.threats import AT_ONCE
from ..ports import Ports
from ..rules.codes import folded
from ..rules.links import OURS, Link
from ..store.rows import BlockedRow, ReportRow
from ..store.watch import CHECK_SHARDS, CHECKED_DAYS
from .judge import harmful
from .manage import held_name

RECHECK = "recheck"
REPORTS_KEPT = timedelta(days=90)
BY_STAFF = "A moderator has blocked it."


def report(ports: Ports, domain: str | None, code: str, reason: str) -> ReportRow:
    """3 requests. Raises `NotFound`."""
    link = ports.links.at(domain or OURS, folded(code))
    return ports.watch.report(link.domain, link.code, reason, REPORTS_KEPT)


def reports(ports: Ports, limit: int, after: Key | None) -> tuple[list[ReportRow], Key | None]:
    return ports.watch.reports(limit, after)


def decide(ports: Ports, report_id: str, *, block: bool, reason: str | None) -> ReportRow:
    """What becomes of a report. 4 requests. Raises `NotFound`."""
    found = ports.watch.report_of(report_id)
    if found is None:
        raise NotFound("There is no such report.")
    if block:
        _block(ports, ports.links.at(found.domain, found.code), reason or found.reason)
    ports.watch.close_report(report_id, "blocked" if block else "dismissed")
    return ports.watch.report_of(report_id) or found


def stand(ports: Ports, domain: str | None, code: str, *, block: bool, reason: str | None) -> Link:
    """Block a link or let it be followed again. 3 requests. Raises `NotFound`."""
    link = ports.links.at(domain or OURS, folded(code))
    if block:
        _block(ports, link, reason or BY_STAFF)
    else:
        ports.links.unblock(link)
        ports.held.drop(held_name(link.domain, link.code))
    return ports.links.at(link.domain, link.code)


def block_domain(ports: Ports, host: str, reason: str, *, by: Principal) -> BlockedRow:
    return ports.domains.block(host, reason, by.user_id or by.id)


def unblock_domain(ports: Ports, host: str) -> None:
    if not ports.domains.unblock(host):
        raise NotFound("It is not blocked.")


def start_recheck(ports: Ports) -> None:
    """Once a day: each share of the links that were clicked of late is looked at by a message of its own."""
    bodies = [queues.message(RECHECK, {"shard": shard}) for shard in range(CHECK_SHARDS)]
    queues.send_bodies(ports.settings.queue, bodies)


def recheck(ports: Ports, shard: int) -> int:
    """Block what has become harmful; how many links that were. Done again, it changes nothing. Raises `ThreatsAway`."""
    today = clock.now()
    days = [f"{today - timedelta(days=ago):%Y%m%d}" for ago in range(CHECKED_DAYS)]
    blocked, batch = 0, list[tuple[str, str]]()
    for key in ports.watch.clicked_since(days, shard):
        batch.append(key)
        if len(batch) == 100:
            blocked += _look_again(ports, batch)
            batch = []
    return blocked + (_look_again(ports, batch) if batch else 0)


def come_due(ports: Ports, item: DueItem) -> None:
    """A link whose time is over: it is said once. Being over needs no write."""
    link = ports.links.come_due(item)
    if link is not None:
        told = LinkExpired(link_id=link.id, owner_id=link.owner_id, domain=link.domain, code=link.code)
        ports.links.expired(link, item, told)


def _look_again(ports: Ports, keys: list[tuple[str, str]]) -> int:
    links = [link for link in ports.links.many(keys) if link.blocked is None]
    urls = list(dict.fromkeys(url for link in links for url in link.urls))
    found: dict[str, str] = {}
    for start in range(0, len(urls), AT_ONCE):
        found |= harmful(ports, urls[start : start + AT_ONCE])
    count = 0
    for link in links:
        reason = next((found[url] for url in link.urls if url in found), None)
        if reason is not None:
            count += _block(ports, link, reason)
    return count


def _block(ports: Ports, link: Link, reason: str) -> bool:
    told = LinkBlocked(
        link_id=link.id,
        owner_id=link.owner_id,
        domain=link.domain,
        code=link.code,
        user_id=link.created_by,
        reason=reason[:200],
    )
    done = ports.links.block(link, reason[:200], told)
    ports.held.drop(held_name(link.domain, link.code))
    return done
