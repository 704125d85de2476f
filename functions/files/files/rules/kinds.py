"""What a file is, by its first bytes, and what a browser may be shown of it."""

import re

SNIFFED_BYTES = 4096
UNKNOWN = "application/octet-stream"
HTML, SVG, TEXT, PDF, ZIP = "text/html", "image/svg+xml", "text/plain", "application/pdf", "application/zip"

_MAGIC: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"ftypavif", 4, "image/avif"),
    (b"ftypheic", 4, "image/heic"),
    (b"ftypmif1", 4, "image/heic"),
    (b"ftypM4A", 4, "audio/mp4"),
    (b"ftypqt", 4, "video/quicktime"),
    (b"ftyp", 4, "video/mp4"),
    (b"II*\x00", 0, "image/tiff"),
    (b"MM\x00*", 0, "image/tiff"),
    (b"BM", 0, "image/bmp"),
    (b"%PDF-", 0, PDF),
    (b"PK\x03\x04", 0, ZIP),
    (b"PK\x05\x06", 0, ZIP),
    (b"\x1f\x8b", 0, "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", 0, "application/vnd.rar"),
    (b"\xfd7zXZ\x00", 0, "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", 0, "application/zstd"),
    (b"ustar", 257, "application/x-tar"),
    (b"ID3", 0, "audio/mpeg"),
    (b"OggS", 0, "audio/ogg"),
    (b"fLaC", 0, "audio/flac"),
    (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"MZ", 0, "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", 0, "application/x-elf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "application/x-ole-storage"),
)
# What is a zip or an OLE file inside, and keeps the name that its program gave it.
_PACKED = re.compile(
    r"application/(?:zip|x-zip-compressed|epub\+zip|java-archive|vnd\.android\.package-archive|"
    r"vnd\.openxmlformats-officedocument\..+|vnd\.oasis\.opendocument\..+|vnd\.ms-.+|msword|x-ole-storage)"
)
_MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe|svg|\?xml|math|style|object|embed)\b", re.I)
_SVG = re.compile(rb"<svg\b", re.I)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_TEXTUAL = re.compile(
    r"text/.+|application/(?:json|xml|javascript|x-ndjson|yaml|toml|x-sh|sql|rtf)|.+\+(?:json|xml)|message/.+"
)
_FAMILIES = frozenset(["image", "audio", "video"])
# Types that a browser would run, were they shown in our name.
_ACTIVE = re.compile(r"text/(?:html|xml|javascript|xsl)|application/(?:xhtml\+xml|xml|javascript|.+\+xml)|.+\+xml")


def media_type(given: str | None) -> str:
    """A declared type without its parameters; `application/octet-stream` for none, and for what is none."""
    plain = (given or "").partition(";")[0].strip().lower()
    return plain if _MEDIA_TYPE.fullmatch(plain) else UNKNOWN


def found_in(head: bytes) -> str | None:
    """The type that these first bytes show, or None when they show none."""
    for magic, offset, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic and not (magic in (b"WEBP", b"WAVE") and head[:4] != b"RIFF"):
            return kind
    if _SVG.search(head[:1024]):
        return SVG
    return HTML if _MARKUP.search(head[:1024]) and _is_text(head) else None


def settled(declared: str, head: bytes) -> tuple[str, bool]:
    """The type a file is kept under, and whether its first bytes contradict what was declared."""
    found = found_in(head)
    if found is None:
        is_wrong = bool(_TEXTUAL.fullmatch(declared)) and not _is_text(head)
        if is_wrong:
            return UNKNOWN, True
        shows_magic = any(kind == declared for _, _, kind in _MAGIC)
        return (TEXT if _is_text(head) else UNKNOWN, True) if shows_magic and head else (declared, False)
    if declared == UNKNOWN:
        return found, False
    if found in (HTML, SVG):
        is_same = declared == found or (declared.endswith("xml") and found == SVG)
        # A document of another kind that quotes markup is still what it says, as long as no browser runs it.
        is_quoted = _TEXTUAL.fullmatch(declared) and not _ACTIVE.fullmatch(declared) and declared != TEXT
        return (declared, False) if is_same or is_quoted else (found, True)
    if _PACKED.fullmatch(declared) and (found == ZIP or found == "application/x-ole-storage"):
        return declared, False
    family = found.partition("/")[0]
    # Of one family, as with the many names of MPEG-4, the bytes are believed without a flag.
    is_alike = declared == found or (family in _FAMILIES and declared.startswith(f"{family}/"))
    return found, not is_alike


def may_show_inline(kind: str) -> bool:
    """Images, PDF and plain text; never what a browser would run."""
    return kind in (PDF, TEXT) or (kind.startswith("image/") and not _ACTIVE.fullmatch(kind))


def served_as(kind: str, *, inline: bool) -> str:
    """The type that a download is sent with: nothing a browser would run keeps its own."""
    if _ACTIVE.fullmatch(kind):
        return UNKNOWN
    return "text/plain; charset=utf-8" if kind == TEXT and inline else kind


def _is_text(head: bytes) -> bool:
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    controls = sum(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in head)
    return controls * 20 <= len(head)
