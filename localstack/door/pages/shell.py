"""The frame around every local page. No script or style stands in it: the policy would refuse them."""

from datetime import UTC, datetime
from html import escape

from aiohttp import web

PLACES = (
    ("/", "Home"),
    ("/docs", "API"),
    ("/mailbox", "Mailbox"),
    ("/traces", "Traces"),
    ("/todo", "To-do"),
    ("/playground", "Playground"),
    ("/demo/sign-in", "Sign-in"),
    ("/demo/limits", "Limits"),
)


def page(title: str, body: str, *, at: str = "", scripts: tuple[str, ...] = ()) -> web.Response:
    """An HTML answer; `body` is markup, `title` is text, `at` the place in the navigation."""
    loaded = "".join(f'<script type="module" src="/assets/{escape(name)}"></script>' for name in scripts)
    places = "".join(
        f'<a href="{path}"{" aria-current=page" if path == at else ""}>{escape(name)}</a>' for path, name in PLACES
    )
    return web.Response(
        content_type="text/html",
        charset="utf-8",
        text=(
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{escape(title)} · Tessera</title>"
            '<link rel="icon" href="/assets/tessera.svg" type="image/svg+xml">'
            f'<link rel="stylesheet" href="/assets/tessera.css">{loaded}</head>'
            '<body><a class="skip" href="#main">Skip to the content</a>'
            '<header><a class="brand" href="/"><img src="/assets/tessera.svg" alt="" width="22" height="22">Tessera</a>'
            f'<nav aria-label="Pages">{places}</nav></header>'
            f'<main id="main">{body}</main></body></html>'
        ),
    )


def wants_json(request: web.Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def instant(epoch_ms: float) -> str:
    """A `<time>` that a script shows in the reader's own zone."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    machine = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'<time datetime="{machine}">{moment:%H:%M:%S} UTC</time>'


def duration(milliseconds: float) -> str:
    if milliseconds >= 10_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
