"""The few pages that people see who follow a link: a preview, a form for the password, and why it leads nowhere."""

from collections.abc import Mapping
from html import escape

from fastapi import Response

from tessera.problems import Problem

from ..rules.links import Link, State
from ..rules.targets import shown_host, target_of

# After a form, browsers hold the redirect against `form-action` as well, and that leads anywhere.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#fff}"
    "main{max-width:36rem;margin:12vh auto;padding:0 1.5rem}h1{font-size:1.5rem}"
    "code{overflow-wrap:anywhere}input,button{font:inherit;padding:.5rem .75rem}"
    "@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#14171b}a{color:#8ab4f8}}"
)
_MEANT = {
    404: "Check how it is spelled, or ask whoever has given it to you.",
    410: "Ask whoever has given it to you for another one.",
    403: "It was found to lead to something harmful. Nobody is sent there any more.",
}


def page(title: str, content: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    return Response(text, status, {**HEADERS, **(headers or {})}, "text/html")


def refusal(problem: Problem) -> Response:
    said = _MEANT.get(problem.status, problem.detail)
    return page(problem.title, f"<p>{escape(said)}</p>", problem.status, problem.headers)


def form(code: str, problem: Problem) -> Response:
    """Asks for the password. A wrong one is said so."""
    wrong = f'<p role="alert">{escape(problem.title)}.</p>' if problem.slug == "wrong-password" else ""
    content = (
        f'{wrong}<form method="post" action="/s/{escape(code, quote=True)}"><p><label>Password '
        '<input type="password" name="password" required maxlength="128" autocomplete="off" autofocus></label> '
        "<button>Go on</button></p></form>"
    )
    return page("This link needs a password", content, problem.status, problem.headers)


def preview(link: Link, state: State) -> Response:
    """What it leads to, and how to say that this is harmful. There is nothing to click on that is not good."""
    if state is State.BLOCKED:
        return page("This link leads to something harmful", f"<p>{_MEANT[403]}</p>")
    title = f"<p>{escape(link.title)}</p>" if link.title else ""
    if link.password is not None:
        leads = "<p>Where it leads is shown to those who know its password.</p>"
    else:
        host = escape(shown_host(target_of(link.url).host))
        shown = escape(link.url, quote=True)
        leads = (
            f'<p>It leads to <strong>{host}</strong>:</p><p><a rel="noopener nofollow ugc" href="{shown}">'
            f"<code>{shown}</code></a></p>"
        )
    over = "" if state is State.ACTIVE else "<p>It has ended, so nobody is sent there.</p>"
    report = (
        f'<form method="post" action="/s/{escape(link.code)}+"><p><label>Is it harmful? Say why: '
        '<input name="reason" required maxlength="200"></label> <button>Report it</button></p></form>'
    )
    return page("Before you go on", f"{title}{leads}{over}{report}")
