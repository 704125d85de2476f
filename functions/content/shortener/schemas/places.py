"""Domains, reports, and what staff and other capabilities ask."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tessera.types import MAX_PAGE, Cursor, In, Instant, Limit, Out, Params, Ulid, text

from .links import Host

Reason = Annotated[str, text(200)]
Code = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]+$", min_length=1, max_length=64)]


class DomainIn(In):
    host: Host


class RecordOut(Out):
    """The text record that shows whose it is."""

    name: Annotated[str, Field(max_length=300)]
    type: Literal["TXT"] = "TXT"
    value: Annotated[str, Field(max_length=100)]


class DomainOut(Out):
    host: Host
    created_at: Instant
    verified_at: Instant | None
    record: RecordOut


class DomainsOut(Out):
    items: Annotated[list[DomainOut], Field(max_length=MAX_PAGE)]


class PageParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class BlockedIn(In):
    reason: Reason


class BlockedOut(Out):
    """Nothing leads to this domain or to a name below it."""

    host: Host
    reason: Reason
    created_at: Instant


class ReportIn(In):
    code: Code
    domain: Host | None = None
    reason: Reason


class ReportedOut(Out):
    id: Ulid


class ReportOut(Out):
    id: Ulid
    code: Annotated[str, Field(max_length=64)]
    domain: Host | None
    reason: Reason
    created_at: Instant
    closed_at: Instant | None
    outcome: Literal["blocked", "dismissed"] | None


class VerdictIn(In):
    """`block` refuses the link to everybody from now on, and tells its owner why."""

    verdict: Literal["block", "dismiss"]
    reason: Reason | None = None


class BlockIn(In):
    """`block: false` lets a link that was blocked be followed again."""

    code: Code
    domain: Host | None = None
    block: bool = True
    reason: Reason | None = None


class StandingOut(Out):
    link_id: Ulid
    blocked: Annotated[str, Field(max_length=200)] | None


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
