"""Links, in and out."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tessera.types import MAX_PAGE, Cursor, In, Instant, Limit, Name, Out, Params, Patch, Tag, Ulid, absent

from ..rules.links import MAX_RULES, MAX_TAGS, OURS, Link, Rule, State
from ..rules.targets import MAX_CHARACTERS

URLText = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]
Host = Annotated[str, StringConstraints(max_length=253, pattern=r"^[a-z0-9.-]+\.[a-z][a-z0-9-]*[a-z0-9]$")]
Alias = Annotated[str, Field(min_length=1, max_length=64)]
Redirect = Literal[301, 302, 307, 308]
Password = Annotated[str, Field(min_length=1, max_length=128)]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS)]
MaxClicks = Annotated[int, Field(ge=1, le=1_000_000_000)]
Device = Literal["desktop", "mobile", "tablet"]


class RuleIn(In):
    """Where those go who fit all that is named here; the first rule that fits wins."""

    url: URLText
    device: Device | None = None
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$", max_length=3)] | None = None
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$", max_length=2)] | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if self.device is None and self.language is None and self.country is None:
            raise ValueError("a rule names a device, a language or a country")
        return self

    def rule(self) -> Rule:
        return Rule(self.url, self.device, self.language, self.country)


Rules = Annotated[list[RuleIn], Field(max_length=MAX_RULES)]


class LinkIn(In):
    """`if_exists: return` gives a link of yours that leads to the same URL, if there is one.

    `domain` is one that you have shown to be yours. With `forward_query` the query of a request goes along.
    """

    url: URLText
    alias: Alias | None = None
    domain: Host | None = None
    redirect: Redirect = 302
    expires_at: Instant | None = None
    not_before: Instant | None = None
    expired_url: URLText | None = None
    max_clicks: MaxClicks | None = None
    password: Password | None = None
    tags: Annotated[Tags, Field(default_factory=list)]
    title: Name | None = None
    forward_query: bool = False
    crawlable: bool = False
    rules: Annotated[Rules, Field(default_factory=list)]
    if_exists: Literal["new", "return"] = "new"

    def fields(self) -> dict[str, Any]:
        """What the link will have, as `rules` knows it."""
        taken = self.model_dump(exclude={"alias", "if_exists", "rules", "tags"})
        return {**taken, "tags": tuple(dict.fromkeys(self.tags)), "rules": tuple(rule.rule() for rule in self.rules)}


class LinkPatch(Patch):
    """Where it leads may change; its code never does. `null` takes something away."""

    url: URLText = absent()
    redirect: Redirect = absent()
    expires_at: Instant | None = absent()
    not_before: Instant | None = absent()
    expired_url: URLText | None = absent()
    max_clicks: MaxClicks | None = absent()
    password: Password | None = absent()
    tags: Tags = absent()
    title: Name | None = absent()
    forward_query: bool = absent()
    crawlable: bool = absent()
    rules: Rules = absent()

    def fields(self) -> dict[str, Any]:
        found = self.changes()
        if "tags" in found:
            found["tags"] = tuple(dict.fromkeys(found["tags"]))
        if "rules" in found:
            found["rules"] = tuple(rule.rule() for rule in found["rules"])
        return found


class RuleOut(Out):
    url: URLText
    device: Device | None
    language: Annotated[str, Field(max_length=3)] | None
    country: Annotated[str, Field(max_length=2)] | None


class LinkOut(Out):
    """`clicks` and `bots` are told only of a link that is asked for alone."""

    id: Ulid
    short_url: Annotated[str, Field(max_length=400)]
    domain: Host | None
    code: Annotated[str, Field(max_length=64)]
    url: URLText
    redirect: Redirect
    state: State
    expires_at: Instant | None
    not_before: Instant | None
    expired_url: URLText | None
    max_clicks: int | None
    left: Annotated[int, Field(ge=0)] | None
    has_password: bool
    tags: Tags
    title: Annotated[str, Field(max_length=120)] | None
    forward_query: bool
    crawlable: bool
    rules: Annotated[list[RuleOut], Field(max_length=MAX_RULES)]
    blocked: Annotated[str, Field(max_length=200)] | None
    created_at: Instant
    updated_at: Instant
    version: int
    clicks: int | None = None
    bots: int | None = None

    @classmethod
    def of(cls, link: Link, base: str, now: Any, counts: tuple[int, int] | None = None) -> Self:
        same = {
            name: getattr(link, name)
            for name in cls.model_fields
            if name in Link.__dataclass_fields__ and name not in ("domain", "left", "tags", "rules")
        }
        return cls(
            **same,
            short_url=short_url(link, base),
            domain=None if link.domain == OURS else link.domain,
            state=link.state(now),
            left=None if link.left is None else max(0, link.left),
            has_password=link.password is not None,
            tags=list(link.tags),
            rules=[RuleOut(**rule.__dict__) for rule in link.rules],
            clicks=counts[0] if counts else None,
            bots=counts[1] if counts else None,
        )


def short_url(link: Link, base: str) -> str:
    return f"{base if link.domain == OURS else f'https://{link.domain}'}/s/{link.code}"


class LinkParams(Params):
    """`q` is how the code begins."""

    tag: Tag | None = None
    domain: Host | None = None
    q: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]+$", min_length=1, max_length=64)] | None = None
    state: State | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class BulkIn(In):
    links: Annotated[list[LinkIn], Field(min_length=1, max_length=100)]


class SheetIn(In):
    """What tells one file from another when it is sent again."""

    sha256: Annotated[str, Field(max_length=64)]


class BulkRow(Out):
    """`row` counts from 1 and is that of the file where a file was sent."""

    row: Annotated[int, Field(ge=1)]
    status: int
    link: LinkOut | None = None
    problem: dict[str, Any] | None = None


class BulkOut(Out):
    results: Annotated[list[BulkRow], Field(max_length=MAX_PAGE)]


class PreviewOut(Out):
    """What a short link leads to, without going there. `url` is left out where a password is asked for."""

    code: Annotated[str, Field(max_length=64)]
    title: Annotated[str, Field(max_length=120)] | None
    url: URLText | None
    state: State
    needs_password: bool
    created_at: Instant
