"""The gate: what does not stand in a profile does not pass, whoever made the HTML."""

import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from tessera.markup.profiles import PROFILES, Profile, Resolve, Rules

# Whole elements that go with everything in them; of any other unknown element the text stays.
_WITH_CONTENT = {"script", "style", "title", "textarea", "iframe", "noscript", "noembed", "noframes", "xmp", "template"}
_OUR_SCHEMES = frozenset(["media", "wiki"])
_ADDRESSES = frozenset(["href", "src", "poster"])
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\x9f\\]")

# Values of attributes that are looked at one by one.
_VALUES = {
    "id": re.compile(r"h-[\w-]{1,80}|fn(ref)?\d{1,4}(:\d{1,4})?"),
    "style": re.compile(r"text-align:\s?(left|center|right);?"),
    "start": re.compile(r"-?\d{1,9}"),
    "width": re.compile(r"\d{1,5}"),
    "height": re.compile(r"\d{1,5}"),
    "colspan": re.compile(r"\d{1,3}"),
    "rowspan": re.compile(r"\d{1,3}"),
    "checked": re.compile(r"(checked)?"),
    "type": re.compile(r"(audio|video)/[\w.+-]{1,60}|checkbox"),
}
_CLASSES = {
    "code": re.compile(r"language-[\w+#.-]{1,40}"),
    "ul": re.compile(r"contains-task-list"),
    "ol": re.compile(r"contains-task-list|footnotes-list"),
    "li": re.compile(r"task-list-item|footnote-item"),
    "section": re.compile(r"footnotes"),
    "hr": re.compile(r"footnotes-sep"),
    "sup": re.compile(r"footnote-ref"),
    "a": re.compile(r"footnote-backref"),
}
# An `input` is only ever the box of a task that nobody can tick.
_SET = {
    "img": {"loading": "lazy", "referrerpolicy": "no-referrer"},
    "input": {"type": "checkbox", "disabled": ""},
    "audio": {"controls": "", "preload": "none"},
    "video": {"controls": "", "preload": "none"},
}

_ATTRIBUTE = re.compile(r'[a-z][a-z-]*="[^"]*"')
_SET_ON = re.compile(rf"<({'|'.join(('a', *_SET))})((?:\s+[a-z][a-z-]*=\"[^\"]*\")+)>")

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s+")


def clean(html: str, profile: Profile, *, base_url: str | None = None, resolve: Resolve | None = None) -> str:
    """The HTML with nothing in it that the profile does not name. Cleaning it again changes nothing."""
    import nh3

    rules = PROFILES[profile]
    safe = nh3.clean(
        html,
        tags=set(rules.tags),
        clean_content_tags=_WITH_CONTENT - rules.tags,
        # Of what every element may carry, `title` and `lang` would pass unasked.
        attributes={"*": set(), **{tag: set(names) for tag, names in rules.attributes.items()}},
        attribute_filter=_filter(rules, base_url, resolve),
        set_tag_attribute_values={tag: values for tag, values in _SET.items() if tag in rules.tags},
        url_schemes=set(rules.schemes | _OUR_SCHEMES),
        link_rel=rules.link_rel,
    )
    return _SET_ON.sub(_in_order, safe)


def _in_order(tag: re.Match[str]) -> str:
    """What the gate sets itself it sets in any order; the same source is to be the same bytes."""
    return f"<{tag[1]} {' '.join(sorted(_ATTRIBUTE.findall(tag[2])))}>"


def without_controls(source: str) -> str:
    """The source without characters that nobody can see, and with one kind of line end."""
    return _CONTROLS.sub("", source.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """A title or a name: on one line, and without what would turn the direction of the text around it."""
    return _SPACES.sub(" ", _DIRECTIONS.sub("", _CONTROLS.sub("", text.replace("\n", " ")))).strip()


def _filter(rules: Rules, base_url: str | None, resolve: Resolve | None) -> Callable[[str, str, str], str | None]:
    def passes(tag: str, name: str, value: str) -> str | None:
        if name in _ADDRESSES:
            schemes = rules.schemes if tag == "a" else rules.schemes - {"mailto"}
            if tag in ("audio", "video", "source"):
                schemes = frozenset(["https"])
            return _address(value, tag, schemes, base_url, resolve)
        if name == "class":
            wanted = _CLASSES.get(tag)
        else:
            wanted = _VALUES.get(name)
            if wanted is None:
                return value
        return value if wanted and wanted.fullmatch(value) else None

    return passes


def _address(
    value: str, tag: str, schemes: frozenset[str], base_url: str | None, resolve: Resolve | None
) -> str | None:
    """The address as it may stand in the page, or `None`. Never raises: what the gate's caller hears is the value."""
    value = value.strip()
    if _UNSEEN.search(value):
        # Browsers drop tabs and line ends inside an address and read a backslash as a slash; nobody means either.
        return None
    if tag == "a" and value.startswith("#"):
        return value
    scheme = _SCHEME.match(value)
    if scheme is None:
        return _absolute(urljoin(base_url, value), schemes) if base_url and _splits(value) else None
    if scheme[1].lower() in _OUR_SCHEMES:
        found = resolve(value) if resolve else None
        own = found is not None and found.startswith("/") and not found.startswith("//")
        return found if own else _absolute(found or "", schemes)
    return _absolute(value, schemes)


def _absolute(url: str, schemes: frozenset[str]) -> str | None:
    scheme, _, rest = url.partition(":")
    if scheme.lower() not in schemes or not _splits(url):
        return None
    return url if scheme.lower() == "mailto" or (rest.startswith("//") and rest.strip("/")) else None


def _splits(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True
