"""The HTML pages. No script or style stands in them: the policy they come with would refuse it."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .files import asset_names

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def docs(document: str) -> str:
    """The reference of the document at this address."""
    form = """
<form id="sign-in" class="bar" autocomplete="on">
  <span id="who">Sign in to try requests</span>
  <span id="demo" hidden></span>
  <label>E-mail <input name="email" type="email" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
  <button type="button" id="sign-out" hidden>Sign out</button>
  <output id="said" role="status"></output>
</form>"""
    body = f'{form}\n<div id="reference" data-document="{escape(document)}"></div>'
    return _page(
        "API reference", body, styles=("swagger-ui.css", "docs.css"), scripts=("swagger-ui-bundle.js", "docs.js")
    )


def problem_list(problems: Mapping[str, Mapping[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td>{problem["status"]}</td><td><a href="{escape(problem["type"])}"><code>{escape(slug)}</code></a></td>'
        f"<td>{escape(problem['title'])}</td></tr>"
        for slug, problem in sorted(problems.items(), key=lambda item: (item[1]["status"], item[0]))
    )
    head = "<thead><tr><th>Status</th><th>Problem</th><th>Title</th></tr></thead>"
    return _page("Problems", f"<main><h1>Problems</h1><table>{head}<tbody>{rows}</tbody></table></main>")


def problem(one: Mapping[str, Any]) -> str:
    body = f"""<main>
<p><a href="/problems">All problems</a></p>
<h1>{one["status"]} {escape(one["title"])}</h1>
<p><code>{escape(one["type"])}</code></p>
<p>{escape(one["meaning"])}</p>
<h2>What to do</h2>
<p>{escape(one["remedy"])}</p>
{_operations(one["operations"])}
</main>"""
    return _page(one["title"], body)


def _operations(names: Sequence[str]) -> str:
    if not names:
        return ""
    items = "".join(f"<li><code>{escape(name)}</code></li>" for name in names)
    return f"<h2>Operations that answer with it</h2><ul>{items}</ul>"


def _page(title: str, body: str, *, styles: Sequence[str] = ("docs.css",), scripts: Sequence[str] = ()) -> str:
    linked = "".join(f'<link rel="stylesheet" href="{_address(name)}">' for name in styles)
    loaded = "".join(f'<script defer src="{_address(name)}"></script>' for name in scripts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)} · Tessera</title><link rel="icon" href="data:,">{linked}{loaded}</head>\n'
        f'<body><header><a href="/">Tessera</a><nav><a href="/docs">API</a> <a href="/problems">Problems</a> '
        f'<a href="/openapi.json">openapi.json</a></nav></header>\n{body}\n</body></html>\n'
    )


def _address(name: str) -> str:
    return f"/docs/assets/{escape(asset_names()[name])}"
