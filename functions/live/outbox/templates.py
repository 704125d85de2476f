"""The mails of our own: a subject, a few paragraphs, at most one button and one code, as text and as HTML.

    TemplateProblem
    ├── UnknownTemplate      422 unknown-template
    └── MissingVariable      422 template-variable-missing

A template is written once, in plain sentences; both forms come from it, so that they never say
different things. Values are put in as they are in the text and escaped in the HTML.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass

from tessera.problems import FieldError, Problem

from .wording import TEMPLATES, VARIABLE, Template

WITHHELD = "[withheld]"


class UnknownTemplate(Problem):
    status, slug, title = 422, "unknown-template", "There is no such template"


class MissingVariable(Problem):
    status, slug, title = 422, "template-variable-missing", "The template needs a value that was not given"


@dataclass(frozen=True)
class Rendered:
    subject: str
    text: str
    html: str


def template_of(name: str) -> Template:
    """Raises `UnknownTemplate`."""
    if name not in TEMPLATES:
        known = ", ".join(sorted(TEMPLATES))
        raise UnknownTemplate(f"There are {known}.", errors=[FieldError("/template", "There is no such template.")])
    return TEMPLATES[name]


def check(name: str, values: Mapping[str, object], *, sealed: bool) -> None:
    """Raises `UnknownTemplate` or `MissingVariable`. What is `sealed` is looked at when it is opened."""
    template = template_of(name)
    missing = template.variables - values.keys() - (template.secrets if sealed else frozenset())
    if missing:
        errors = [FieldError(f"/data/{variable}", "The template needs it.") for variable in sorted(missing)]
        raise MissingVariable(f"{name} needs {', '.join(sorted(missing))}.", errors=errors)


def render(name: str, values: Mapping[str, object], *, sender: str) -> Rendered:
    """The mail in both forms. Raises `UnknownTemplate` or `MissingVariable`."""
    check(name, values, sealed=False)
    template = TEMPLATES[name]
    plain = {key: " ".join(str(value).split()) for key, value in values.items()}
    return Rendered(
        subject=_filled(template.subject, plain),
        text=_text(template, plain, sender),
        html=_html(template, {key: html.escape(value) for key, value in plain.items()}, html.escape(sender)),
    )


def withheld(name: str, values: Mapping[str, object]) -> dict[str, object]:
    """The values with a mark in the place of each secret: what a person may look at."""
    return {**values, **dict.fromkeys(template_of(name).secrets, WITHHELD)}


def _filled(text: str, values: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda found: values[found[1]], text)


def _text(template: Template, values: Mapping[str, str], sender: str) -> str:
    parts = [_filled(text, values) for text in template.opening]
    parts += [f"    {values[template.code]}"] if template.code else []
    parts += [f"{template.button}:\n{values[template.link]}"] if template.link else []
    parts += [_filled(text, values) for text in template.closing]
    return "\n\n".join([*parts, f"-- \n{sender}"]) + "\n"


def _html(template: Template, values: Mapping[str, str], sender: str) -> str:
    parts = [_PARAGRAPH % _filled(text, values) for text in template.opening]
    parts += [_CODE % values[template.code]] if template.code else []
    parts += [_BUTTON % (values[template.link], html.escape(template.button))] if template.link else []
    parts += [_QUIET % _filled(text, values) for text in template.closing]
    return _PAGE % (_filled(template.subject, values), sender, "\n".join(parts), sender)


# Mail clients know tables and inline styles and little else; nothing is loaded from anywhere.
_PARAGRAPH = '<p style="margin:0 0 16px">%s</p>'
_QUIET = '<p style="margin:0 0 12px;font-size:14px;color:#5c6470">%s</p>'
_CODE = (
    '<p style="margin:24px 0;padding:16px;background:#f3f4f7;border-radius:8px;text-align:center;'
    'font:600 28px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:6px">%s</p>'
)
_BUTTON = (
    '<p style="margin:24px 0"><a href="%s" style="display:inline-block;padding:12px 22px;background:#2f4bd8;'
    'color:#ffffff;border-radius:8px;text-decoration:none;font-weight:600">%s</a></p>'
)
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title></head>
<body style="margin:0;padding:0;background:#eceef2">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0"><tr>
<td align="center" style="padding:32px 12px">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" style="max-width:520px;background:#ffffff;\
border-radius:12px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1c2026">
<tr><td style="padding:24px 32px 0;font-weight:700;color:#2f4bd8">%s</td></tr>
<tr><td style="padding:20px 32px 24px">
%s
</td></tr>
</table>
<p style="margin:16px 0 0;font:12px/1.5 sans-serif;color:#8a919c">Sent by %s</p>
</td></tr></table>
</body>
</html>
"""
