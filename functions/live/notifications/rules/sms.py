"""What an SMS costs and what a reply to one means (3GPP TS 23.038; the keywords are those carriers ask for)."""

import re
from typing import Literal

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these takes an escape before it.
_EXTENDED = frozenset("\f^{}\\[~]|€")
_STOP = frozenset(["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"])
_START = frozenset(["START", "YES", "UNSTOP"])
_HELP = frozenset(["HELP", "INFO"])

Keyword = Literal["stop", "start", "help"]
Encoding = Literal["GSM-7", "UCS-2"]


def segments(text: str) -> tuple[int, Encoding]:
    """How many parts a text is sent in, and how its characters are coded.

    A part of several holds less, because it says which one it is. A character that needs two units is never
    split over two parts.
    """
    if all(character in _BASIC or character in _EXTENDED for character in text):
        return _parts([2 if character in _EXTENDED else 1 for character in text], 160, 153), "GSM-7"
    return _parts([2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67), "UCS-2"


def keyword(text: str) -> Keyword | None:
    """What a reply asks for, when it is nothing but one of the keywords."""
    said = re.sub(r"[^A-Z]", "", text.upper())
    if said in _STOP:
        return "stop"
    if said in _START:
        return "start"
    return "help" if said in _HELP else None


def _parts(units: list[int], alone: int, each: int) -> int:
    if sum(units) <= alone:
        return 1
    parts, used = 1, 0
    for unit in units:
        if used + unit > each:
            parts, used = parts + 1, 0
        used += unit
    return parts
