"""New links, one or many."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tessera import clock, ids, link_passwords
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.problems import Busy

from ..events import LinkCreated
from ..ports import Ports
from ..rules.codes import alias_of, alternatives, drawn
from ..rules.links import OURS, Link, check_size, check_times
from ..rules.problems import AliasTaken, DomainForbidden
from ..store.links import CodeTaken, JustMade
from .judge import judge

# Whoever came so lately may make fewer: throw-away accounts are what spam is sent from.
NEW_FOR = timedelta(days=7)
MAX_TRIES, SUGGESTED = 8, 3


@dataclass(frozen=True)
class Made:
    """`replayed` was made by this very request before; `existed` by another one."""

    link: Link
    replayed: bool = False
    existed: bool = False


def create(
    ports: Ports,
    fields: Mapping[str, Any],
    *,
    alias: str | None,
    return_existing: bool,
    by: Principal,
    intent: Intent,
    address: str,
) -> Made:
    """4 requests at most: 1 charge, 1 look at blocked names, 1 to the list of threats, 1 transaction.

    Raises `AliasTaken`, `URLRefused`, `DomainForbidden`, `InvalidRequest`, `RateLimited`, and what a replay can raise.
    """
    wanted = alias_of(alias) if alias is not None else None
    now = clock.now()
    check_times(fields["not_before"], fields["expires_at"], now)
    charge(ports, by, address)
    domain = _domain(ports, fields["domain"], by)
    link = settled(
        ports,
        Link(
            id=intent.id,
            owner_id=by.owner_id,
            domain=domain,
            code="",
            created_at=now,
            updated_at=now,
            created_by=by.user_id or by.id,
            left=fields["max_clicks"],
            **{
                **{name: value for name, value in fields.items() if name != "domain"},
                "password": link_passwords.kept(fields["password"]) if fields["password"] is not None else None,
            },
        ),
    )
    return _put(ports, link, wanted, intent, by, return_existing=return_existing)


def charge(ports: Ports, by: Principal, address: str) -> None:
    """Raises `RateLimited`. 1 write."""
    if by.kind == "anonymous":
        _charge(ports, "shortener:create:new", f"ip:{address}")
        return
    came = ids.timestamp_ms(by.user_id) if by.user_id and ids.is_ulid(by.user_id) else 0
    is_new = by.kind == "user" and clock.millis() - came < NEW_FOR / timedelta(milliseconds=1)
    _charge(ports, "shortener:create:new" if is_new else "shortener:create", f"user:{by.user_id or by.id}")


def _charge(ports: Ports, name: str, subject: str) -> None:
    policy = ports.limits.policies.get(name, subject)
    if ports.settings.is_local:
        policy = replace(policy, windows=tuple(one.times(ports.settings.rate_factor) for one in policy.windows))
    decision = ports.limits.decide(policy, subject)
    if not decision.allowed:
        raise decision.problem()


def settled(ports: Ports, link: Link, changed: frozenset[str] | None = None) -> Link:
    """The link with all of its URLs in their one spelling, of which those that are new were judged.

    Raises `URLRefused`, `InvalidRequest`.
    """
    wanted = [("/url", link.url)] if changed is None or "url" in changed else []
    if link.expired_url is not None and (changed is None or "expired_url" in changed):
        wanted.append(("/expired_url", link.expired_url))
    if changed is None or "rules" in changed:
        wanted += [(f"/rules/{number}/url", rule.url) for number, rule in enumerate(link.rules)]
    check_size([url for _, url in wanted])
    if not wanted:
        return link
    kept = dict(zip((pointer for pointer, _ in wanted), judge(ports, wanted), strict=True))
    rules = tuple(
        replace(rule, url=kept.get(f"/rules/{number}/url", rule.url)) for number, rule in enumerate(link.rules)
    )
    made = replace(
        link, url=kept.get("/url", link.url), expired_url=kept.get("/expired_url", link.expired_url), rules=rules
    )
    check_size(made.urls)
    return made


def row_intent(key: str, intent: Intent, number: int) -> Intent:
    """The intent of one row of many: it is known again by the key of the whole and its number."""
    mark = hashlib.sha256(f"{intent.mark}#{number}".encode()).hexdigest()[:40]
    return Intent(ids.new(), intent.made_by, mark if key else "")


def _put(ports: Ports, link: Link, alias: str | None, intent: Intent, by: Principal, *, return_existing: bool) -> Made:
    collisions, once = 0, "" if return_existing else None
    for _ in range(MAX_TRIES):
        if return_existing:
            known = ports.links.to(link.owner_id, link.url)
            if known is not None and known.domain == link.domain:
                return Made(known, existed=True, replayed=known.id == intent.id)
        made = replace(link, code=alias or drawn(ports.choose, collisions))
        told = LinkCreated(
            link_id=made.id, owner_id=made.owner_id, domain=made.domain, code=made.code, by=by.user_id or by.id
        )
        try:
            return Made(*ports.links.create(made, intent, told, once=once))
        except JustMade as other:
            # It is found now, unless it has been deleted since: then this one may take its place.
            once = other.link_id
        except CodeTaken:
            if alias is not None:
                raise AliasTaken(_free(ports, link.domain, alias)) from None
            collisions += 1
    raise Busy


def _free(ports: Ports, domain: str, alias: str) -> list[str]:
    """Three codes near this one that nobody has. 1 request."""
    near = alternatives(alias, ports.choose, 2 * SUGGESTED)
    taken = {link.code for link in ports.links.many([(domain, code) for code in near])}
    return [code for code in dict.fromkeys(near) if code not in taken][:SUGGESTED]


def _domain(ports: Ports, host: str | None, by: Principal) -> str:
    if host is None:
        return OURS
    if ports.domains.owner_of(host) != by.owner_id:
        raise DomainForbidden("Show first that it is yours: POST /shortener/domains.")
    return host
