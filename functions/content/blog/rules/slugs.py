"""What a post is called in addresses: letters and digits of any script, so that no title yields an empty one."""

import re
import secrets
import unicodedata

MAX_SLUG = 80
SUFFIX_CHARACTERS = 5
_EMPTY = "post"
_BASE32 = "abcdefghijkmnpqrstuvwxyz23456789"
# Latin letters that Unicode does not take apart.
_SPELLED = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}
_GAPS = re.compile("-+")
# Words that stand where a slug stands in some address, here or in the facade.
RESERVED = frozenset(
    "archive atom.xml authors bans by-slug categories comments drafts export feed feed.json feed.xml import internal "
    "jobs moderation new posts preview realworld search sitemap sitemap.xml tags".split()
)


def slug_of(text: str) -> str:
    """The slug that a title makes by itself, whoever else has it."""
    spelled = "".join(map(_letters, unicodedata.normalize("NFKC", text).lower()))
    slug = _shortened(_GAPS.sub("-", unicodedata.normalize("NFC", spelled)).strip("-"), MAX_SLUG) or _EMPTY
    return f"{slug}-{_EMPTY}" if slug in RESERVED else slug


def is_slug(text: str) -> bool:
    """Whether somebody may choose this as a slug: it says what it would be made to say."""
    return slug_of(text) == text


def another(slug: str) -> str:
    """The slug with a few letters of chance, for when somebody has it already."""
    letters = "".join(secrets.choice(_BASE32) for _ in range(SUFFIX_CHARACTERS))
    return f"{_shortened(slug, MAX_SLUG - SUFFIX_CHARACTERS - 1)}-{letters}"


def _letters(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    base = unicodedata.normalize("NFD", character)[0]
    if base.isascii() and base.isalnum():
        return base
    # Marks belong to the letters of some scripts, and apart from Latin ones they are kept.
    return character if unicodedata.category(character)[0] in "LNM" else "-"


def _shortened(slug: str, most: int) -> str:
    cut = slug[:most]
    while cut and unicodedata.category(cut[-1])[0] == "M" and len(slug) > most:
        cut = cut[:-1]
    return cut.strip("-")
