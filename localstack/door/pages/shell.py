"""The frame around every local page. No script or style stands in it: the policy would refuse them."""

from html import escape

from aiohttp import web


def page(title: str, body: str, *, scripts: tuple[str, ...] = ()) -> web.Response:
    """An HTML answer; `body` is markup, `title` is text."""
    loaded = "".join(f'<script type="module" src="/assets/{escape(name)}"></script>' for name in scripts)
    return web.Response(
        content_type="text/html",
        charset="utf-8",
        text=(
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(title)} · Tessera</title><link rel="stylesheet" href="/assets/tessera.css">{loaded}</head>'
            '<body><header><a href="/">Tessera</a>'
            '<nav><a href="/docs">API</a> <a href="/mailbox">Mailbox</a></nav></header>'
            f"<main>{body}</main></body></html>"
        ),
    )
