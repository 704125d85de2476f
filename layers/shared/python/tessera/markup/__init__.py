"""Text that people write, as HTML that is safe to show.

    rendered = render(source, "article", resolve=media_urls)
    rendered.html, rendered.text, rendered.headings, rendered.word_count

Markdown with HTML in it goes in. What comes out has passed one gate, `clean`, whatever the parser made of it: the
parser is trusted for its grammar and never for safety. Store the HTML together with `markup_version` and render it
anew when that is lower than `MARKUP_VERSION`: so that a mended gate reaches what was written before.

The packages behind it are those of the layer `Text`; a function that calls this lists the layer in the template.
"""

import html

from tessera.markup.cleaning import clean as clean
from tessera.markup.cleaning import one_line as one_line
from tessera.markup.cleaning import without_controls
from tessera.markup.parsing import Deadline, to_html
from tessera.markup.problems import TooComplex as TooComplex
from tessera.markup.problems import TooLong as TooLong
from tessera.markup.profiles import PROFILES, Profile, Resolve
from tessera.markup.reading import Heading as Heading
from tessera.markup.reading import Image as Image
from tessera.markup.reading import Rendered as Rendered
from tessera.markup.reading import read

# Raised with every change of the gate or the grammar that old content should get.
MARKUP_VERSION = 1
MAX_SECONDS = 3.0
# Closing what was left open can make markup grow: the worst known is six times its source.
MAX_HTML = 1_048_576


def render(
    source: str,
    profile: Profile,
    *,
    base_url: str | None = None,
    resolve: Resolve | None = None,
    max_seconds: float = MAX_SECONDS,
) -> Rendered:
    """The source as safe HTML, and what stands in it.

    Relative links are resolved against `base_url` and dropped without one. `resolve` turns the addresses that only
    we know, `media:` and `wiki:`, into paths of ours or URLs; without it, or where it answers `None`, they are
    dropped.

    Raises `TooLong` and `TooComplex`.
    """
    rules = PROFILES[profile]
    rules.check_length(source)
    dirty = to_html(without_controls(source), rules.grammar, Deadline(max_seconds))
    safe = clean(dirty, profile, base_url=base_url, resolve=resolve)
    if len(safe) > MAX_HTML:
        raise TooComplex(f"This becomes {len(safe):,} characters of HTML; {MAX_HTML:,} are allowed.")
    found = read(safe, MARKUP_VERSION)
    return found if rules.tags else found.as_plain(html.escape(found.text, quote=False))
