"""Sound and film by their containers alone: how long, in what codecs, how large. No frame is ever decoded."""

from pathlib import Path
from typing import Any

from tinytag import TinyTag, TinyTagException

from ..rules.codes import Code, Refused
from .boxes import mp4_facts
from .ebml import webm_facts

_TEXT = 200


def facts_of(path: Path) -> dict[str, Any]:
    """Duration, codecs, and the size of the picture where there is one. Raises `Refused`."""
    with path.open("rb") as file:
        head = file.read(16)
        if head[4:8] == b"ftyp":
            return mp4_facts(file)
        if head.startswith(b"\x1aE\xdf\xa3"):
            return webm_facts(file)
    return _sound(path)


def _sound(path: Path) -> dict[str, Any]:
    try:
        found = TinyTag.get(path, image=False)
    except TinyTagException:
        raise Refused(Code.UNSUPPORTED) from None
    if found.duration is None and found.samplerate is None:
        raise Refused(Code.CORRUPT)
    kind = {"Ogg": "ogg", "ID3": "mp3", "Flac": "flac", "Wave": "wav", "MP4": "mp4", "Wma": "wma", "Aiff": "aiff"}
    facts = {
        "container": kind.get(type(found).__name__.lstrip("_"), "other"),
        "duration_seconds": round(found.duration, 3) if found.duration else None,
        "bitrate_kbps": round(found.bitrate) if found.bitrate else None,
        "sample_rate": found.samplerate,
        "channels": found.channels,
        "title": _plain(found.title),
        "artist": _plain(found.artist),
        "album": _plain(found.album),
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def _plain(text: str | None) -> str:
    return "".join(letter for letter in text or "" if letter.isprintable()).strip()[:_TEXT]
