"""Documents of the Office Open XML family: a zip of XML, of which a few parts are read, each only so far."""

import re
import zipfile
from pathlib import Path
from typing import IO, Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from ..rules.codes import Code, Refused

MAX_PARTS, MAX_PART_BYTES = 10_000, 32 * 1024 * 1024
_TEXT = 300
_SLIDE = re.compile(r"ppt/slides/slide\d+\.xml")
_CORE = {"title": "title", "creator": "author", "created": "created"}


def facts_of(path: Path) -> dict[str, Any]:
    """Title, author, pages, sheets or slides, and words. Raises `Refused`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _facts(archive)
    except (zipfile.BadZipFile, ParseError, DefusedXmlException, NotImplementedError, RuntimeError, EOFError, KeyError):
        raise Refused(Code.CORRUPT) from None


def _facts(archive: zipfile.ZipFile) -> dict[str, Any]:
    names = archive.namelist()
    if len(names) > MAX_PARTS:
        raise Refused(Code.TOO_LARGE)
    known = set(names)
    if "[Content_Types].xml" not in known:
        raise Refused(Code.CORRUPT)
    found: dict[str, Any] = {}
    if "docProps/core.xml" in known:
        found |= _named(archive, "docProps/core.xml", _CORE)
    if "docProps/app.xml" in known:
        said = _named(archive, "docProps/app.xml", {"Pages": "pages", "Words": "words"})
        found |= {name: int(value) for name, value in said.items() if value.isascii() and value.isdigit()}
    if "word/document.xml" in known:
        found["words"] = _words(archive, "word/document.xml")
    if "xl/workbook.xml" in known:
        found.pop("pages", None)
        found["sheets"] = sum(1 for _ in _elements(archive, "xl/workbook.xml", "sheet"))
    slides = [name for name in known if _SLIDE.fullmatch(name)]
    if slides:
        found.pop("pages", None)
        found["slides"] = len(slides)
    return found


def _named(archive: zipfile.ZipFile, part: str, wanted: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in _elements(archive, part, *wanted):
        text = "".join(letter for letter in element.text or "" if letter.isprintable()).strip()[:_TEXT]
        if text:
            found.setdefault(wanted[_local(element.tag)], text)
    return found


def _words(archive: zipfile.ZipFile, part: str) -> int:
    """Words of a text whose runs may cut them in two: paragraphs are what ends one."""
    words, paragraph = 0, []
    for element in _elements(archive, part, "t", "p", "tab", "br"):
        if _local(element.tag) == "t":
            paragraph.append(element.text or "")
        elif _local(element.tag) == "p":
            words += len("".join(paragraph).split())
            paragraph = []
        else:
            paragraph.append(" ")
    return words + len("".join(paragraph).split())


def _elements(archive: zipfile.ZipFile, part: str, *names: str) -> Any:
    """Elements of these local names as they end. What was read is let go of at once."""
    info = archive.getinfo(part)
    if info.file_size > MAX_PART_BYTES:
        raise Refused(Code.TOO_LARGE)
    with archive.open(info) as file:
        for _, element in iterparse(_Bounded(file), events=("end",), forbid_dtd=True):
            if _local(element.tag) in names:
                yield element
            element.clear()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


class _Bounded:
    """A part that ends with a refusal where it goes on longer than it may, whatever the archive says of its size."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, MAX_PART_BYTES

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size if size >= 0 else self._left + 1)
        self._left -= len(piece)
        if self._left < 0:
            raise Refused(Code.TOO_LARGE)
        return piece
