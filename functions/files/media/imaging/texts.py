"""Texts and tables: in what encoding, and how much of it."""

import codecs
from pathlib import Path
from typing import Any

_PIECE = 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16"),
)
# What a text is in that says nothing and is not UTF-8. Every byte is something in it.
_OLD = "windows-1252"


def facts_of(path: Path) -> dict[str, Any]:
    """Encoding, lines, words and characters."""
    with path.open("rb") as file:
        head = file.read(4)
    for mark, codec, name in _MARKS:
        if head.startswith(mark):
            return {"encoding": name, **_counted(path, codec, errors="replace")}
    try:
        found = _counted(path, "utf-8", errors="strict")
    except UnicodeDecodeError:
        return {"encoding": _OLD, **_counted(path, "cp1252", errors="replace")}
    return {"encoding": "ascii" if found["characters"] == path.stat().st_size else "utf-8", **found}


def _counted(path: Path, codec: str, *, errors: str) -> dict[str, int]:
    """Piece by piece, for a text may be long: a word that two pieces share counts once."""
    decoder = codecs.getincrementaldecoder(codec)(errors)
    lines = words = characters = 0
    last, in_word = "", False
    with path.open("rb") as file:
        while True:
            raw = file.read(_PIECE)
            piece = decoder.decode(raw, final=not raw)
            if piece:
                characters += len(piece)
                lines += piece.count("\n")
                words += len(piece.split()) - (in_word and not piece[0].isspace())
                last, in_word = piece[-1], not piece[-1].isspace()
            if not raw:
                break
    # The last line counts without an end, too.
    return {"lines": lines + (last not in ("", "\n")), "words": words, "characters": characters}
