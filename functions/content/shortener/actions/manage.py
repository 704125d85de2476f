"""What owners do with their links."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tessera import clock, link_passwords, queues
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion

from ..events import LinkDeleted, LinkUpdated
from ..ports import Ports
from ..rules.codes import folded
from ..rules.links import Link, State, check_times
from ..rules.problems import LinkBlocked
from ..store.lists import Wanted
from .create import settled

MAX_TRIES = 3
FORGET = "forget"


def get(ports: Ports, link_id: str, *, by: Principal) -> tuple[Link, tuple[int, int]]:
    """The link, and its clicks and bots so far. 3 requests. Raises `NotFound`."""
    link = ports.links.get(by.owner_id, link_id)
    return link, ports.clicks.ever(link.id)


def listed(
    ports: Ports,
    limit: int,
    after: str | None,
    *,
    tag: str | None,
    domain: str | None,
    prefix: str | None,
    state: State | None,
    by: Principal,
) -> tuple[list[Link], str | None]:
    """2 requests where no filter leaves anything out."""
    wanted = Wanted(tag, domain, folded(prefix) if prefix else None, state)
    return ports.lists.page(by.owner_id, wanted, limit, after, clock.now())


def change(ports: Ports, link_id: str, fields: Mapping[str, Any], expect: int | None, *, by: Principal) -> Link:
    """3 requests and what a new target needs. Raises `NotFound`, `StaleVersion`, `URLRefused`, `LinkBlocked`."""
    for _ in range(MAX_TRIES):
        before = _read(ports, link_id, expect, by)
        if before.blocked is not None:
            raise LinkBlocked("It leads to something harmful. Whoever looks after this service can lift that.")
        after = _changed(ports, before, fields)
        if after == before:
            return before
        after = replace(after, updated_at=clock.now())
        told = LinkUpdated(
            link_id=before.id,
            owner_id=before.owner_id,
            domain=before.domain,
            code=before.code,
            by=by.user_id or by.id,
            changed=tuple(sorted(fields)),
        )
        more = after.max_clicks - before.max_clicks if after.max_clicks and before.max_clicks else 0
        try:
            made = ports.links.change(before, after, told, more=more)
        except StaleVersion:
            if expect is not None:
                raise
            continue
        _forget_held(ports, before)
        return made
    raise StaleVersion("It is being changed all the time. Try again in a moment.")


def delete(ports: Ports, link_id: str, expect: int | None, *, by: Principal) -> None:
    """4 requests. Raises `NotFound`, `StaleVersion`."""
    for _ in range(MAX_TRIES):
        link = _read(ports, link_id, expect, by)
        try:
            remove(ports, link)
        except StaleVersion:
            if expect is not None:
                raise
            continue
        queues.send(ports.settings.queue, FORGET, {"link_id": link.id})
        return
    raise StaleVersion("It is being changed all the time. Try again in a moment.")


def remove(ports: Ports, link: Link) -> None:
    told = LinkDeleted(link_id=link.id, owner_id=link.owner_id, domain=link.domain, code=link.code)
    ports.links.delete(link, told)
    _forget_held(ports, link)


def held_name(domain: str, code: str) -> str:
    return f"{domain}/{code}"


def _forget_held(ports: Ports, link: Link) -> None:
    ports.held.drop(held_name(link.domain, link.code))


def _read(ports: Ports, link_id: str, expect: int | None, by: Principal) -> Link:
    found = ports.links.get(by.owner_id, link_id)
    if expect is not None and found.version != expect:
        raise StaleVersion(f"You read version {expect}; it is at {found.version} now. Read it again.")
    return found


def _changed(ports: Ports, before: Link, fields: Mapping[str, Any]) -> Link:
    made = dict(fields)
    if made.get("password") is not None:
        made["password"] = link_passwords.kept(made["password"])
    after = replace(before, **made)
    if "expires_at" in fields or "not_before" in fields:
        # An end that has passed already need not be in the future to stay.
        ends: datetime | None = after.expires_at if "expires_at" in fields else None
        check_times(after.not_before, ends, clock.now())
    return settled(ports, after, frozenset(fields))
