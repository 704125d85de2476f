"""The items of the table, and how they become what `rules` knows."""

import hashlib
import json
from datetime import datetime
from typing import Any

from pynamodb.attributes import BinaryAttribute, ListAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.due import DueRow
from tessera.tables import Row

from ..rules.links import Link, Rule

META = "META"


class LinkRow(DueRow):
    """A link under its domain and code: all that a redirect reads. `left` and `shards` change without its version."""

    link_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()
    domain = UnicodeAttribute()
    code = UnicodeAttribute()
    url = UnicodeAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    created_by = UnicodeAttribute()
    redirect = NumberAttribute()
    expires_at = UnicodeAttribute(null=True)
    not_before = UnicodeAttribute(null=True)
    expired_url = UnicodeAttribute(null=True)
    max_clicks = NumberAttribute(null=True)
    left = NumberAttribute(null=True)
    password = UnicodeAttribute(null=True)
    tags = ListAttribute(of=UnicodeAttribute, null=True)
    title = UnicodeAttribute(null=True)
    forward_query = NumberAttribute(null=True)
    crawlable = NumberAttribute(null=True)
    rules = UnicodeAttribute(null=True)
    blocked = UnicodeAttribute(null=True)
    shards = NumberAttribute(null=True)


class PointerRow(Row):
    """An entry of a list: where the link is."""

    link_id = UnicodeAttribute()
    domain = UnicodeAttribute()
    code = UnicodeAttribute()


class ClickRow(Row):
    """One click: the guard against counting it again, and the raw log."""

    at = UnicodeAttribute()
    is_bot = NumberAttribute()
    facets = UnicodeAttribute(null=True)


class CountRow(Row):
    """Clicks of an hour, a day or ever, of which each may have several that count together."""

    clicks = NumberAttribute(default=0)
    bots = NumberAttribute(default=0)
    facets = UnicodeAttribute(null=True)
    visitors = BinaryAttribute(legacy_encoding=False, null=True)


class DomainRow(Row):
    """A domain that somebody says is theirs: under them until and after it is shown, and under itself once it is."""

    owner_id = UnicodeAttribute()
    host = UnicodeAttribute()
    created_at = UnicodeAttribute()
    verified_at = UnicodeAttribute(null=True)


class BlockedRow(Row):
    """A domain below which nothing may lead."""

    reason = UnicodeAttribute()
    by = UnicodeAttribute()
    created_at = UnicodeAttribute()


class ReportRow(Row):
    """What somebody has said against a link."""

    domain = UnicodeAttribute()
    code = UnicodeAttribute()
    reason = UnicodeAttribute()
    created_at = UnicodeAttribute()
    closed_at = UnicodeAttribute(null=True)
    outcome = UnicodeAttribute(null=True)


def link_pk(domain: str, code: str) -> str:
    return f"S#{domain}#{code}"


def owned(owner_id: str) -> str:
    """The links of an owner by their ids, which is by time."""
    return f"L#O#{owner_id}"


def spelled(owner_id: str) -> str:
    """The same by their codes."""
    return f"L#C#{owner_id}"


def spelled_sk(domain: str, code: str) -> str:
    return f"{code}#{domain}"


def tagged(owner_id: str, tag: str) -> str:
    return f"L#TG#{owner_id}#{tag}"


def leading_to(owner_id: str, url: str) -> str:
    """The links of an owner that lead to one URL."""
    return f"UX#{owner_id}#{hashlib.sha256(url.encode()).hexdigest()[:40]}"


def clicks_pk(subject: str, day: str, shard: int) -> str:
    return f"CL#{subject}#{day}#{shard}"


def counts_pk(subject: str) -> str:
    return f"CT#{subject}"


def domain_pk(host: str) -> str:
    return f"DOM#{host}"


def domains_of(owner_id: str) -> str:
    return f"U#{owner_id}"


def blocked_pk(host: str) -> str:
    return f"BD#{host}"


def pointer(pk: str, sk: str, link: Link) -> PointerRow:
    return PointerRow(pk=pk, sk=sk, link_id=link.id, domain=link.domain, code=link.code)


def row_of(link: Link) -> LinkRow:
    row = LinkRow(
        pk=link_pk(link.domain, link.code),
        sk=META,
        version=link.version,
        link_id=link.id,
        owner_id=link.owner_id,
        domain=link.domain,
        code=link.code,
        created_at=clock.rfc3339(link.created_at),
        created_by=link.created_by,
        left=link.left,
        shards=link.shards if link.shards > 1 else None,
        blocked=link.blocked,
        **attributes_of(link),
    )
    row.wait_until(link.expires_at, link.id)
    return row


def attributes_of(link: Link) -> dict[str, Any]:
    """What an owner can change, as it is kept."""
    return {
        "url": link.url,
        "updated_at": clock.rfc3339(link.updated_at),
        "redirect": link.redirect,
        "expires_at": _text(link.expires_at),
        "not_before": _text(link.not_before),
        "expired_url": link.expired_url,
        "max_clicks": link.max_clicks,
        "password": link.password,
        "tags": list(link.tags) or None,
        "title": link.title,
        "forward_query": 1 if link.forward_query else None,
        "crawlable": 1 if link.crawlable else None,
        "rules": json.dumps([rule.__dict__ for rule in link.rules]) if link.rules else None,
    }


def link_of(row: LinkRow) -> Link:
    return Link(
        id=row.link_id,
        owner_id=row.owner_id,
        domain=row.domain,
        code=row.code,
        url=row.url,
        created_at=clock.parse(row.created_at),
        updated_at=clock.parse(row.updated_at),
        created_by=row.created_by,
        redirect=int(row.redirect),
        expires_at=_instant(row.expires_at),
        not_before=_instant(row.not_before),
        expired_url=row.expired_url,
        max_clicks=_number(row.max_clicks),
        left=_number(row.left),
        password=row.password,
        tags=tuple(str(tag) for tag in row.tags or ()),
        title=row.title,
        forward_query=bool(row.forward_query),
        crawlable=bool(row.crawlable),
        rules=tuple(Rule(**rule) for rule in json.loads(row.rules or "[]")),
        blocked=row.blocked,
        shards=int(row.shards or 1),
        version=int(row.version),
    )


def _text(when: datetime | None) -> str | None:
    return clock.rfc3339(when) if when else None


def _instant(text: str | None) -> datetime | None:
    return clock.parse(text) if text else None


def _number(value: float | None) -> int | None:
    return None if value is None else int(value)
