"""The first page of a PDF as a picture, and what the document says of itself."""

import re
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image

from ..rules.codes import Code, Refused, check_size

MAX_TEXT_PAGES, MAX_TEXT_CHARACTERS = 10, 20_000
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?")
_PASSWORD_ERROR, _SECURITY_ERROR = 4, 5


class Document:
    """An opened PDF. Raises `Refused` for one that is locked, or is none."""

    def __init__(self, path: Path) -> None:
        try:
            self._document = pypdfium2.PdfDocument(str(path))
        except pypdfium2.PdfiumError as error:
            locked = getattr(error, "err_code", None) in (_PASSWORD_ERROR, _SECURITY_ERROR)
            raise Refused(Code.ENCRYPTED if locked else Code.CORRUPT) from None
        if not len(self._document):
            raise Refused(Code.CORRUPT)

    def size(self) -> tuple[int, int]:
        """The first page in points."""
        width, height = self._page(0).get_size()
        size = (max(1, round(width)), max(1, round(height)))
        check_size(*size)
        return size

    def picture(self, longest: int) -> Image.Image:
        """The first page, so that its longer side has this many pixels."""
        width, height = self.size()
        scale = longest / max(width, height)
        check_size(max(1, round(width * scale)), max(1, round(height * scale)))
        try:
            drawn: Image.Image = self._page(0).render(scale=scale, may_draw_forms=False).to_pil()
            return drawn.convert("RGB")
        except pypdfium2.PdfiumError:
            raise Refused(Code.CORRUPT) from None

    def facts(self) -> dict[str, Any]:
        """Pages, title, author, when it was made, and the text of the first pages."""
        said = self._document.get_metadata_dict(skip_empty=True)
        found: dict[str, Any] = {
            "pages": len(self._document),
            "encrypted": _is_locked(self._document),
            "title": _plain(said.get("Title", "")),
            "author": _plain(said.get("Author", "")),
            "created": _time(said.get("CreationDate", "")),
            "text": self._text(),
        }
        return {name: value for name, value in found.items() if value not in ("", None)}

    def _text(self) -> str:
        parts, room = [], MAX_TEXT_CHARACTERS
        for number in range(min(len(self._document), MAX_TEXT_PAGES)):
            if room <= 0:
                break
            try:
                page = self._page(number).get_textpage()
                text = _plain(page.get_text_range(0, min(page.count_chars(), room)), lines=True)
            except (pypdfium2.PdfiumError, Refused):
                continue
            parts.append(text)
            room -= len(text)
        return "\n".join(part for part in parts if part)[:MAX_TEXT_CHARACTERS]

    def _page(self, number: int) -> Any:
        try:
            return self._document[number]
        except pypdfium2.PdfiumError:
            raise Refused(Code.CORRUPT) from None


def _is_locked(document: Any) -> bool:
    """Whether it is encrypted with an empty password, as those are that anybody may read but not change."""
    return int(pypdfium2.raw.FPDF_GetSecurityHandlerRevision(document.raw)) >= 0


def _plain(text: str, *, lines: bool = False) -> str:
    made = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(letter for letter in made if letter.isprintable() or (lines and letter == "\n"))
    return kept.strip() if lines else kept.strip()[:300]


def _time(text: str) -> str:
    found = _DATE.match(text)
    if not found:
        return ""
    year, month, day, hour, minute, second = (part or "" for part in found.groups())
    return f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}"
