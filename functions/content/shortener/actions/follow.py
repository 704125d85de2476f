"""Following a link: whether this visitor may, where they go, and the click that is told to whoever counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tessera import aws, clock, ids, link_passwords, log, queues
from tessera.problems import NotFound

from ..ports import Ports
from ..rules.agents import visitor_of, wants_privacy
from ..rules.clicks import Facet, orphans_of
from ..rules.codes import folded, is_code
from ..rules.links import Link, State, Visitor, cache_control
from ..rules.problems import LinkHarmful, LinkOver, PasswordNeeded, WrongPassword
from .manage import held_name

CLICK = "click"
# After a form, a redirect that keeps the method would hand the password on to the target (RFC 9110 15.4.4).
SEE_OTHER = 303


@dataclass(frozen=True)
class Request:
    """What a request says that matters here. `address` and the headers are looked at and not kept."""

    domain: str
    code: str
    query: str
    method: str
    address: str
    country: str | None
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Way:
    """Where it goes on."""

    status: int
    url: str
    cache_control: str
    crawlable: bool


def follow(ports: Ports, asked: Request, password: str | None = None) -> Way:
    """0 or 1 read of half a unit, and 1 message. 1 write unit where clicks are limited.

    Raises `NotFound`, `LinkHarmful`, `LinkOver`, `PasswordNeeded`, `WrongPassword`, `RateLimited`.
    """
    now = clock.now()
    visitor = visitor_of(asked.headers, asked.method, asked.country)
    link = find(ports, asked)
    if link is None:
        _tell_orphan(ports, asked, visitor, now)
        raise NotFound("There is no such link.")
    over = _standing(link, now)
    if over is not None:
        return over
    if link.password is not None:
        _check_password(ports, link, asked, password)
    if link.max_clicks is not None and not visitor.is_bot:
        left = ports.links.use(link)
        if left is None:
            return _over(link, "It was followed as often as it may be.")
    _tell(ports, link, asked, visitor, now)
    status = SEE_OTHER if link.password is not None else link.redirect
    keep = "no-store" if link.password is not None or link.max_clicks is not None else cache_control(link.redirect)
    return Way(status, link.destination(visitor, asked.query), keep, link.crawlable)


def find(ports: Ports, asked: Request) -> Link | None:
    """The link as it was within the last half minute. 0 or 1 read of half a unit."""
    code = folded(asked.code)
    if not is_code(code):
        return None
    name = held_name(asked.domain, code)
    held = ports.held.get(name)
    if held is not None:
        return held
    found = ports.links.find(asked.domain, code)
    if found is not None:
        ports.held.put(name, found)
    return found


def preview(ports: Ports, asked: Request) -> tuple[Link, State]:
    """A link that is looked at and not followed. Raises `NotFound`."""
    link, now = find(ports, asked), clock.now()
    if link is None or link.state(now) is State.SCHEDULED:
        raise NotFound("There is no such link.")
    return link, link.state(now)


def _standing(link: Link, now: datetime) -> Way | None:
    """Where it goes instead, once it is over; None when it may be followed."""
    state = link.state(now)
    if state is State.BLOCKED:
        raise LinkHarmful("Nobody is sent there any more.")
    if state is State.SCHEDULED:
        raise NotFound("There is no such link.")
    if state is State.EXPIRED:
        return _over(link, "Its time is over.")
    if state is State.USED_UP:
        return _over(link, "It was followed as often as it may be.")
    return None


def _over(link: Link, detail: str) -> Way:
    if link.expired_url is None:
        raise LinkOver(detail)
    return Way(302, link.expired_url, "no-store", crawlable=False)


def _check_password(ports: Ports, link: Link, asked: Request, given: str | None) -> None:
    if given is None:
        raise PasswordNeeded("Whoever has given you the link knows it.")
    # Counted for each address, so that nobody can lock others out.
    ports.limits.charge("shortener:password", f"link:{link.id}:{asked.address}")
    if link.password is None or not link_passwords.matches(given, link.password):
        raise WrongPassword("Whoever has given you the link knows it.")


def _tell(ports: Ports, link: Link, asked: Request, visitor: Visitor, now: datetime) -> None:
    private = wants_privacy(asked.headers)
    facets = {
        Facet.COUNTRY: visitor.country,
        Facet.REFERRER: visitor.referrer or "direct",
        Facet.DEVICE: visitor.device,
        Facet.BROWSER: visitor.browser,
        Facet.OS: visitor.os,
        Facet.LANGUAGE: visitor.language,
    }
    _send(
        ports,
        asked,
        now,
        subject=link.id,
        is_bot=visitor.is_bot,
        shards=link.shards,
        code=link.code,
        visitor=None if private or visitor.is_bot else _visitor(ports, asked, now),
        facets={} if private else {name.value: value for name, value in facets.items() if value},
    )


def _tell_orphan(ports: Ports, asked: Request, visitor: Visitor, now: datetime) -> None:
    code = folded(asked.code)
    if is_code(code):
        subject = orphans_of(asked.domain)
        facets = {Facet.CODE.value: code}
        _send(
            ports, asked, now, subject=subject, is_bot=visitor.is_bot, shards=1, code=code, visitor=None, facets=facets
        )


def _send(ports: Ports, asked: Request, now: datetime, **about: Any) -> None:
    """Nobody waits for a click to be counted, and none is kept from going on because it cannot be."""
    data = {"id": ids.new(), "at": clock.rfc3339(now), "domain": asked.domain, **about}
    try:
        queues.send(ports.settings.clicks, CLICK, data)
    except (aws.ClientError, aws.BotoCoreError) as error:
        log.line("click", outcome="lost", cause=type(error).__name__)


def _visitor(ports: Ports, asked: Request, now: datetime) -> str:
    """Stands for an address and a browser on this day, and cannot be told from chance without our key."""
    agent = asked.headers.get("user-agent", "")
    return ports.mac.hash_lookup("shortener-visitor", f"{now:%Y%m%d}\n{asked.address}\n{agent}")[:22]
