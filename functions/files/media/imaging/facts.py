"""What a picture says of itself, of an allow-list, and what can be seen of it."""

from typing import Any

from PIL import ExifTags, Image, ImageFile

from .colours import blurhash, dominant
from .opening import frames_of
from .rendering import orientation_of, shown_size

_TEXT_CHARACTERS = 100


def source_of(picture: ImageFile.ImageFile) -> dict[str, Any]:
    """Size as shown, format, frames, orientation."""
    width, height = shown_size(picture)
    return {
        "w": width,
        "h": height,
        "format": str(picture.format).lower(),
        "frames": frames_of(picture),
        "orientation": orientation_of(picture),
    }


def seen(base: Image.Image) -> dict[str, Any]:
    return {"blurhash": blurhash(base), "colours": dominant(base)}


def exif_of(picture: ImageFile.ImageFile) -> dict[str, Any]:
    """Camera, time and place, of those that are there and make sense."""
    try:
        return _exif(picture)
    # Exif is anybody's bytes, and Pillow raises whatever its parts do.
    except Exception:  # noqa: BLE001
        return {}


def _exif(picture: ImageFile.ImageFile) -> dict[str, Any]:
    exif = picture.getexif()
    more = exif.get_ifd(ExifTags.IFD.Exif)
    camera = " ".join(
        part for part in (_text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model))) if part
    )
    found = {
        "camera": camera,
        "lens": _text(more.get(ExifTags.Base.LensModel)),
        "taken_at": _time(more.get(ExifTags.Base.DateTimeOriginal), more.get(ExifTags.Base.OffsetTimeOriginal)),
        "gps": _place(exif.get_ifd(ExifTags.IFD.GPSInfo)),
    }
    return {name: value for name, value in found.items() if value}


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:_TEXT_CHARACTERS]


def _time(value: object, offset: object) -> str:
    """`2026:05:01 10:20:30` as `2026-05-01T10:20:30`, with its offset where there is one."""
    day, _, time = _text(value).partition(" ")
    parts = [*day.split(":"), *time.split(":")]
    if len(parts) != 6 or not all(part.isdigit() for part in parts):
        return ""
    where = _text(offset)
    known = where if len(where) == 6 and where[0] in "+-" and where[3] == ":" else ""
    return f"{parts[0]}-{parts[1]}-{parts[2]}T{parts[3]}:{parts[4]}:{parts[5]}{known}"


def _place(gps: dict[int, Any]) -> dict[str, float] | None:
    latitude = _degrees(gps.get(2), gps.get(1), "S")
    longitude = _degrees(gps.get(4), gps.get(3), "W")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return {"latitude": latitude, "longitude": longitude}


def _degrees(value: Any, side: object, negative: str) -> float | None:
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        return None
    degrees, minutes, seconds = (float(part) for part in value)
    found = degrees + minutes / 60 + seconds / 3600
    if found != found:
        return None
    return round(-found if _text(side).upper() == negative else found, 6)
