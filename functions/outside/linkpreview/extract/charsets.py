"""From bytes to text, in the order of the HTML standard: byte order mark, header, what the page says, a guess."""

import re

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
PRESCAN_BYTES = 1_024
GUESS_BYTES = 65_536
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.+-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([a-zA-Z0-9_:.+-]{1,40})", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)


def decoded(body: bytes, content_type: str = "") -> str:
    """The text of a page. Never raises: what is no character becomes U+FFFD."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    said = _HEADER.search(content_type)
    name_said = _codec(said[1]) if said else None
    return body.decode(name_said or _prescanned(body) or _guessed(body), "replace")


def _prescanned(body: bytes) -> str | None:
    start = _COMMENT.sub(b"", body[:PRESCAN_BYTES])
    found = _META.search(start) or _XML.search(start)
    name = _codec(found[1].decode("ascii")) if found else None
    # Had it been UTF-16, this declaration could not have been read.
    return "utf-8" if name and name.startswith("utf-16") else name


def _codec(label: str) -> str | None:
    """Python's codec for a label as browsers understand it: `iso-8859-1` is windows-1252, `gb2312` is gb18030."""
    import webencodings

    found = webencodings.lookup(label)
    if found is None or found.name in ("replacement", "x-user-defined"):
        return None
    # The standard's Shift_JIS has the extensions of Windows, as its GBK has all of GB 18030.
    wider = {"shift_jis": "cp932", "gbk": "gb18030", "euc-kr": "cp949", "big5": "big5hkscs"}
    return wider.get(found.name) or str(found.codec_info.name)


def _guessed(body: bytes) -> str:
    try:
        # A character that is cut off at the end is no sign against it.
        body[:-4].decode("utf-8") if len(body) > 4 else body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    from charset_normalizer import from_bytes

    best = from_bytes(body[:GUESS_BYTES]).best()
    return best.encoding if best is not None else "windows-1252"
