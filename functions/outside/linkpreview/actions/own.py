"""What this product says of its own pages, as an oEmbed provider (oEmbed 1.0, section 2.3)."""

from urllib.parse import urlsplit

from tessera.problems import NotFound, Problem

from ..rules.urls import normalised

# Pages that anybody may open; what needs a sign-in is not described to whoever asks.
PAGES = {
    "/": "Tessera",
    "/docs": "Tessera: the API reference",
    "/demo": "Tessera: the demo",
    "/todo": "Tessera: tasks",
}


class FormatUnknown(Problem):
    status, slug, title = 501, "format-not-offered", "This format is not offered"


def title_of(url: str, base_url: str, wanted: str) -> str:
    """Raises `FormatUnknown` for anything but JSON, and `NotFound` for pages that are not ours."""
    if wanted != "json":
        raise FormatUnknown("Only json is offered.")
    try:
        asked, own = urlsplit(normalised(url)), urlsplit(normalised(base_url))
    except ValueError:
        raise NotFound("This is no page of ours.") from None
    title = PAGES.get(asked.path.rstrip("/") or "/")
    if not own.netloc or (asked.scheme, asked.netloc) != (own.scheme, own.netloc) or title is None:
        raise NotFound("This is no page of ours.")
    return title
