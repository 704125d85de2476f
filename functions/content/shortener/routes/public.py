"""`/s/{code}`: following a link, and looking at it before. Pages for people, problem documents for programs."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Path, Request, Response

from tessera.auth.problems import RateLimited
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound, PayloadTooLarge, Problem

from ..actions import follow as actions
from ..actions import watchful
from ..ports import Ports
from ..rules.links import OURS, State
from ..rules.problems import LinkHarmful, LinkOver, PasswordNeeded, WrongPassword
from ..schemas.links import PreviewOut
from . import pages
from .given import TAGS, Bound, Follower

router = Router(tags=TAGS)
Code = Annotated[str, Path(max_length=200, description="The code; with a `+` behind it, a preview.")]
MAX_FORM_BYTES = 16_000
COUNTRY = "cloudfront-viewer-country"
ROBOTS = {"X-Robots-Tag": {"description": "Whether search engines may keep it.", "schema": {"type": "string"}}}
HTML = {"text/html": {"schema": {"type": "string"}}}


def _answers() -> dict[int | str, dict[str, Any]]:
    made: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "A preview.",
            "model": PreviewOut,
            "headers": ROBOTS,
            "content": HTML,
        }
    }
    for status in (301, 302, 303, 307, 308):
        made[status] = {"description": "Where it leads.", "headers": ROBOTS}
    refusals = problems(
        NotFound, LinkOver, LinkHarmful, PasswordNeeded, WrongPassword, RateLimited, InvalidRequest, PayloadTooLarge
    )
    for refused, response in refusals.items():
        made[refused] = {**response, "headers": ROBOTS, "content": {**response["content"], **HTML}}
    return made


@router.get("/s/{code}", status_code=302, response_class=Response, responses=_answers())
async def follow_link(code: Code, request: Request, caller: Follower, ports: Bound) -> Response:
    """Go where a short link leads; with a `+` behind the code, see where that is."""
    asked = _asked(ports, request, code)
    try:
        if _is_preview(code):
            return _preview(ports, request, asked)
        return _sent(actions.follow(ports, asked))
    except Problem as problem:
        return _refused(request, asked.code, problem)


@router.post("/s/{code}", status_code=303, response_class=Response, responses=_answers())
async def follow_link_with_form(code: Code, request: Request, caller: Follower, ports: Bound) -> Response:
    """Go where a short link leads that asks for a password; with a `+` behind the code, report it."""
    asked = _asked(ports, request, code)
    try:
        form = await _form(request)
        if _is_preview(code):
            reason = form.get("reason", "").strip()[:200]
            if not reason:
                raise InvalidRequest("Say why it is harmful.")
            domain = None if asked.domain == OURS else asked.domain
            ports.limits.charge("shortener:report:ip", f"ip:{asked.address}")
            watchful.report(ports, domain, asked.code, reason)
            return pages.page("Thank you", "<p>Somebody will look at it.</p>")
        return _sent(actions.follow(ports, asked, form.get("password")))
    except Problem as problem:
        return _refused(request, asked.code, problem)


def _asked(ports: Ports, request: Request, code: str) -> actions.Request:
    call = request.state.call
    # Only our own edge knows where an address is.
    country = call.header(COUNTRY) if call.came_by_edge else None
    return actions.Request(
        domain=_domain(ports, request.headers.get("host", "")),
        code=code.rstrip("+ "),
        query=request.url.query,
        method=request.state.method,
        address=call.client_ip,
        country=country,
        headers={name: call.header(name) for name, _ in call.headers},
    )


def _domain(ports: Ports, host: str) -> str:
    """Under whose name the link was asked for: a domain of somebody's, or one of ours."""
    name = host.rpartition("]")[2].partition(":")[0].lower().removesuffix(".")
    is_ours = (
        name in ports.settings.own_hosts
        or "." not in name
        or name.rpartition(".")[2].isdecimal()
        or name.endswith(".amazonaws.com")
    )
    return OURS if is_ours else name


def _is_preview(code: str) -> bool:
    # A gateway may have read the sign as a space.
    return code.endswith(("+", " "))


def _preview(ports: Ports, request: Request, asked: actions.Request) -> Response:
    link, state = actions.preview(ports, asked)
    if _wants_page(request):
        return pages.preview(link, state)
    is_hidden = link.password is not None or state is State.BLOCKED
    shown = PreviewOut(
        code=link.code,
        title=link.title,
        url=None if is_hidden else link.url,
        state=state,
        needs_password=link.password is not None,
        created_at=link.created_at,
    )
    headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return Response(shown.model_dump_json(), headers=headers, media_type="application/json")


def _sent(way: actions.Way) -> Response:
    headers = {
        "Location": way.url,
        "Cache-Control": way.cache_control,
        "Referrer-Policy": "no-referrer-when-downgrade",
    }
    if not way.crawlable:
        headers["X-Robots-Tag"] = "noindex"
    return Response(status_code=way.status, headers=headers)


def _refused(request: Request, code: str, problem: Problem) -> Response:
    if not _wants_page(request):
        raise problem
    if isinstance(problem, PasswordNeeded | WrongPassword):
        return pages.form(code, problem)
    return pages.refusal(problem)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _form(request: Request) -> dict[str, str]:
    """Raises `PayloadTooLarge`."""
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise PayloadTooLarge(f"The form may hold {MAX_FORM_BYTES:,} bytes.")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
