"""What a channel says of a notification: templates of the type, filled and made safe for where they go."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tessera.problems import FieldError

from .kinds import Words
from .templates import BadTemplate, check, render

LONGEST_TITLE, LONGEST_BODY, LONGEST_LINK = 200, 2_000, 2_000
LONGEST_SMS = 1_000
# Besides CR and LF, everything that some parser takes for the end of a line.
_BREAKS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
_SAFE_LINK = re.compile(r"(?:https?://|/(?!/)|#)[^\s\\\"<>]*", re.ASCII)
# What each channel's template consists of; the first one must say something.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "inapp": ("title", "body", "link"),
    "push": ("title", "body", "link"),
    "sms": ("body",),
    "email": ("title", "body", "html", "link"),
    "webhook": ("title", "body", "link"),
}


def faults_of(channel: str, words: Words, schema: Mapping[str, Any]) -> list[FieldError]:
    """What keeps these templates from being published."""
    fields = FIELDS[channel]
    found = []
    for name in ("title", "body", "html", "link"):
        text = getattr(words, name)
        if text and name not in fields:
            found.append(FieldError(f"/{name}", f"The channel {channel} has none."))
        elif name == fields[0] and not text.strip():
            found.append(FieldError(f"/{name}", "It must not be blank."))
        elif name in ("title", "link") and _BREAKS.search(text):
            # The title becomes the subject of a mail: a line end in it would begin another header (CWE-93).
            found.append(FieldError(f"/{name}", "Line ends and control characters are not allowed here."))
        else:
            found += _checked(name, text, schema)
    return found


def fill(channel: str, words: Words, data: Mapping[str, Any]) -> Words:
    """The words of a channel with the data in them. What breaks lines never gets into a title."""
    return Words(
        title=_line(render(words.title, data))[:LONGEST_TITLE],
        body=render(words.body, data).strip()[: LONGEST_SMS if channel == "sms" else LONGEST_BODY],
        link=_link(render(words.link, data)),
        html=render(words.html, data, escape=escape) if words.html else "",
    )


def mail_html(words: Words, *, base: str, unsubscribe: str = "") -> str:
    """The mail of a type that has no HTML of its own."""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in words.body.split("\n\n") if part.strip())
    link = f'<p><a href="{escape(absolute(words.link, base))}">Open</a></p>' if words.link else ""
    return _page(words.title, (words.html or paragraphs) + link, unsubscribe)


def mail_text(words: Words, *, base: str, unsubscribe: str = "") -> str:
    parts = [words.body or words.title]
    if words.link:
        parts.append(absolute(words.link, base))
    if unsubscribe:
        parts.append(f"-- \nNo more mails like this: {unsubscribe}")
    return "\n\n".join(parts) + "\n"


def digest_words(title: str, items: Sequence[Words], more: int) -> Words:
    """One message that stands for several."""
    lines = [f"- {item.title}" + (f": {_line(item.body)}" if item.body else "") for item in items]
    rows = "".join(
        f"<li><strong>{escape(item.title)}</strong>{'<br>' + escape(_line(item.body)) if item.body else ''}</li>"
        for item in items
    )
    rest = f"+{more} more" if more else ""
    total = len(items) + more
    return Words(
        title=_line(f"{title}: {total} new")[:LONGEST_TITLE],
        body="\n".join([*lines, *([rest] if rest else [])])[:LONGEST_BODY],
        html=f"<ul>{rows}</ul>" + (f"<p>{rest}</p>" if rest else ""),
        link="/notifications",
    )


def absolute(link: str, base: str) -> str:
    return link if link.startswith("http") else f"{base.rstrip('/')}/{link.lstrip('/')}"


def _checked(name: str, text: str, schema: Mapping[str, Any]) -> list[FieldError]:
    try:
        check(text, schema)
    except BadTemplate as bad:
        return [FieldError(f"/{name}", f"Line {bad.line}: {bad.what}")]
    return []


def _line(text: str) -> str:
    return " ".join(_BREAKS.sub(" ", text).split())


def _link(text: str) -> str:
    """Where data makes a link of another scheme, such as `javascript:`, there is none."""
    link = text.strip()
    return link[:LONGEST_LINK] if _SAFE_LINK.fullmatch(link) else ""


def _page(title: str, content: str, unsubscribe: str) -> str:
    foot = f'<p style="font-size:12px;color:#5c6470"><a href="{escape(unsubscribe)}">No more mails like this</a></p>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title></head>"
        '<body style="margin:0;padding:24px;background:#eceef2;font:16px/1.5 sans-serif;color:#1c2026">'
        '<div style="max-width:520px;margin:auto;padding:24px 32px;background:#ffffff;border-radius:12px">'
        f'<h1 style="font-size:20px">{escape(title)}</h1>{content}{foot if unsubscribe else ""}</div></body></html>'
    )
