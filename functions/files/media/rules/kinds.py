"""Which types of files there is something to be made of, and what."""

from enum import StrEnum


class Kind(StrEnum):
    IMAGE = "image"
    PDF = "pdf"
    OFFICE = "office"
    TEXT = "text"
    CONTAINER = "container"


_OFFICE = "application/vnd.openxmlformats-officedocument."
_KINDS = {
    "image/jpeg": Kind.IMAGE,
    "image/png": Kind.IMAGE,
    "image/gif": Kind.IMAGE,
    "image/webp": Kind.IMAGE,
    "image/avif": Kind.IMAGE,
    "image/tiff": Kind.IMAGE,
    "application/pdf": Kind.PDF,
    f"{_OFFICE}wordprocessingml.document": Kind.OFFICE,
    f"{_OFFICE}spreadsheetml.sheet": Kind.OFFICE,
    f"{_OFFICE}presentationml.presentation": Kind.OFFICE,
    "text/plain": Kind.TEXT,
    "text/csv": Kind.TEXT,
    "text/markdown": Kind.TEXT,
}


def kind_of(media_type: str) -> Kind | None:
    """What kind of file this is to us; None for one that nothing is made of."""
    if media_type.startswith(("audio/", "video/")):
        return Kind.CONTAINER
    return _KINDS.get(media_type)


def has_picture(media_type: str) -> bool:
    """Whether thumbnails are made of it: pictures, and the first page of a PDF."""
    return kind_of(media_type) in (Kind.IMAGE, Kind.PDF)
