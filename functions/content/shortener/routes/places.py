from typing import Annotated

from fastapi import Path, Query, Response

from tessera import clock
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound, Unavailable
from tessera.types import Page

from ..actions import domains, watchful
from ..ports import Ports
from ..rules.links import OURS
from ..rules.problems import DomainTaken, DomainUnproven, TooManyDomains
from ..schemas.links import Host
from ..schemas.places import (
    BlockedIn,
    BlockedOut,
    BlockIn,
    DomainIn,
    DomainOut,
    DomainsOut,
    PageParams,
    RecordOut,
    ReportedOut,
    ReportIn,
    ReportOut,
    StandingOut,
    VerdictIn,
)
from ..store.rows import BlockedRow, DomainRow, ReportRow
from .given import PREFIX, TAGS, Bound, Keys, Moderator, Reader, Reporter, Writer

router = Router(prefix=PREFIX, tags=TAGS)
HostPath = Annotated[Host, Path()]


@router.get("/domains", responses=problems())
async def list_domains(caller: Reader, ports: Bound) -> DomainsOut:
    """Your domains, and the records that show that they are yours."""
    return DomainsOut(items=[_domain(ports, row) for row in domains.listed(ports, by=caller)])


@router.post("/domains", status_code=201, responses=problems(InvalidRequest, DomainTaken, TooManyDomains))
async def claim_domain(body: DomainIn, response: Response, caller: Writer, ports: Bound) -> DomainOut:
    """Say that a domain is yours. Links are made under it once a record in its zone shows that."""
    row = domains.claim(ports, body.host, by=caller)
    response.headers["Location"] = f"{PREFIX}/domains"
    return _domain(ports, row)


@router.post("/domains/{host}/verify", responses=problems(NotFound, DomainUnproven, DomainTaken, Unavailable))
async def verify_domain(host: HostPath, caller: Writer, ports: Bound) -> DomainOut:
    """Look for the record."""
    return _domain(ports, domains.verify(ports, host, by=caller))


@router.delete("/domains/{host}", status_code=204, responses=problems(NotFound))
async def give_up_domain(host: HostPath, caller: Writer, ports: Bound) -> None:
    """Give a domain up. Links under it go on as they are."""
    domains.give_up(ports, host, by=caller)


@router.post("/reports", status_code=201, responses=problems(NotFound, InvalidRequest))
async def report_link(body: ReportIn, caller: Reporter, ports: Bound) -> ReportedOut:
    """Say that a link leads to something harmful."""
    return ReportedOut(id=watchful.report(ports, body.domain, body.code, body.reason).sk)


@router.get("/reports", responses=problems(InvalidRequest, InvalidCursor))
async def list_reports(
    asked: Annotated[PageParams, Query()], caller: Moderator, ports: Bound, keys: Keys
) -> Page[ReportOut]:
    """What people have reported, the last first."""
    route = f"GET {PREFIX}/reports"
    state = keys.state(caller, route, asked, asked.cursor)
    rows, after = watchful.reports(ports, asked.limit, state["k"] if state else None)
    following = keys.cursor(caller, route, asked, {"k": after} if after else None)
    return Page(items=[_report(row) for row in rows], next=following)


@router.post("/reports/{report_id:ulid}/verdict", responses=problems(NotFound, InvalidRequest))
async def decide_report(report_id: str, body: VerdictIn, caller: Moderator, ports: Bound) -> ReportOut:
    """Block the link that was reported, or leave it."""
    return _report(watchful.decide(ports, report_id, block=body.verdict == "block", reason=body.reason))


@router.post("/blocks", responses=problems(NotFound, InvalidRequest))
async def block_link(body: BlockIn, caller: Moderator, ports: Bound) -> StandingOut:
    """Block a link, or let it be followed again."""
    link = watchful.stand(ports, body.domain, body.code, block=body.block, reason=body.reason)
    return StandingOut(link_id=link.id, blocked=link.blocked)


@router.get("/blocked-domains", responses=problems(InvalidRequest, InvalidCursor))
async def list_blocked_domains(
    asked: Annotated[PageParams, Query()], caller: Moderator, ports: Bound, keys: Keys
) -> Page[BlockedOut]:
    """Domains that nothing may lead to."""
    route = f"GET {PREFIX}/blocked-domains"
    state = keys.state(caller, route, asked, asked.cursor)
    rows, after = ports.domains.blocked(asked.limit, state["k"] if state else None)
    following = keys.cursor(caller, route, asked, {"k": after} if after else None)
    return Page(items=[_blocked(row) for row in rows], next=following)


@router.put("/blocked-domains/{host}", responses=problems(InvalidRequest))
async def block_domain(host: HostPath, body: BlockedIn, caller: Moderator, ports: Bound) -> BlockedOut:
    """Let nothing lead to a domain or a name below it. Links that are in use are looked at within a day."""
    return _blocked(watchful.block_domain(ports, host, body.reason, by=caller))


@router.delete("/blocked-domains/{host}", status_code=204, responses=problems(NotFound))
async def unblock_domain(host: HostPath, caller: Moderator, ports: Bound) -> None:
    """Let links lead to it again. Those that were blocked stay so."""
    watchful.unblock_domain(ports, host)


def _domain(ports: Ports, row: DomainRow) -> DomainOut:
    name, value = domains.record(ports, row.owner_id, row.host)
    return DomainOut(
        host=row.host,
        created_at=clock.parse(row.created_at),
        verified_at=clock.parse(row.verified_at) if row.verified_at else None,
        record=RecordOut(name=name, value=value),
    )


def _report(row: ReportRow) -> ReportOut:
    return ReportOut(
        id=row.sk,
        code=row.code,
        domain=None if row.domain == OURS else row.domain,
        reason=row.reason,
        created_at=clock.parse(row.created_at),
        closed_at=clock.parse(row.closed_at) if row.closed_at else None,
        outcome=row.outcome,  # type: ignore[arg-type]
    )


def _blocked(row: BlockedRow) -> BlockedOut:
    return BlockedOut(host=row.sk, reason=row.reason, created_at=clock.parse(row.created_at))
