"""What is to be made of a picture, in one normal form: two requests that mean the same have the same text and key."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

MAX_SIDE, MAX_OUTPUTS = 4096, 12
# Part of every hash: another encoder, or other settings of it, make other bytes and so other keys.
ENCODERS = "1"


class Fit(StrEnum):
    COVER = "cover"
    CONTAIN = "contain"
    INSIDE = "inside"


class Format(StrEnum):
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def media_type(self) -> str:
        return f"image/{self.value}"

    @property
    def extension(self) -> str:
        return "jpg" if self is Format.JPEG else self.value


class Gravity(StrEnum):
    CENTER = "center"
    NORTH = "north"
    NORTH_EAST = "north-east"
    EAST = "east"
    SOUTH_EAST = "south-east"
    SOUTH = "south"
    SOUTH_WEST = "south-west"
    WEST = "west"
    NORTH_WEST = "north-west"


QUALITY = {Format.JPEG: 82, Format.WEBP: 80, Format.AVIF: 60, Format.PNG: 0}
_ANCHORS = {"north": (50, 0), "south": (50, 100), "west": (0, 50), "east": (100, 50), "center": (50, 50)}


@dataclass(frozen=True)
class Spec:
    """One output. A side that is 0 follows from the other; `focus` is in percent of width and height."""

    width: int
    height: int
    format: Format
    fit: Fit = Fit.INSIDE
    quality: int = 0
    background: str = ""
    focus: tuple[int, int] = (50, 50)
    enlarge: bool = False
    animated: bool = False
    name: str = ""

    @property
    def text(self) -> str:
        """The normal form without its name, as it is hashed and kept: `160x160,inside,webp,80,,50:50,`."""
        flags = ("e" if self.enlarge else "") + ("a" if self.animated else "")
        x, y = self.focus
        size = f"{self.width}x{self.height}"
        return f"{size},{self.fit},{self.format},{self.quality},{self.background},{x}:{y},{flags}"

    @property
    def hash(self) -> str:
        return hashlib.sha256(f"{ENCODERS};{self.text}".encode()).hexdigest()[:24]

    @property
    def filename(self) -> str:
        return f"{self.hash}.{self.format.extension}"


def normal(spec: Spec) -> Spec:
    """The spec without what makes no difference to the result, and with what it left to us."""
    fits_whole = spec.fit is Fit.INSIDE
    fills = spec.fit is Fit.CONTAIN or spec.format is Format.JPEG
    quality = 0 if spec.format is Format.PNG else spec.quality or QUALITY[spec.format]
    return replace(
        spec,
        quality=quality,
        focus=(50, 50) if fits_whole else spec.focus,
        background=(spec.background.lower() or "ffffff") if fills else "",
        animated=spec.animated and spec.format is Format.WEBP,
    )


def anchor(gravity: Gravity) -> tuple[int, int]:
    """The point that a gravity keeps, in percent: `north-east` is 100, 0."""
    parts = gravity.value.split("-")
    if len(parts) == 1:
        return _ANCHORS[parts[0]]
    return _ANCHORS[parts[1]][0], _ANCHORS[parts[0]][1]


def text_of(specs: Iterable[Spec]) -> str:
    """Several specs as one text, with their names: short, for it stands on an item that is written often."""
    return ";".join(f"{spec.name}={spec.text}" for spec in specs)


def specs_of(text: str) -> tuple[Spec, ...]:
    """Read what `text_of` wrote."""
    return tuple(_spec(part) for part in text.split(";")) if text else ()


def job_key(file_id: str, etag: str, specs: Iterable[Spec]) -> str:
    """One job for each version of a file and each set of outputs, in whatever order they were asked for."""
    wanted = ";".join(sorted(f"{spec.name}={spec.text}" for spec in specs))
    return hashlib.sha256(f"{file_id}\n{etag}\n{ENCODERS}\n{wanted}".encode()).hexdigest()


def _spec(part: str) -> Spec:
    name, _, text = part.partition("=")
    size, fit, made, quality, background, focus, flags = text.split(",")
    width, _, height = size.partition("x")
    x, _, y = focus.partition(":")
    return Spec(
        int(width),
        int(height),
        Format(made),
        Fit(fit),
        int(quality),
        background,
        (int(x), int(y)),
        enlarge="e" in flags,
        animated="a" in flags,
        name=name,
    )


def _default() -> tuple[Spec, ...]:
    sizes = {"sm": 160, "md": 480, "lg": 1280}
    made = (Format.WEBP, Format.JPEG)
    return tuple(normal(Spec(side, side, kind, name=name)) for name, side in sizes.items() for kind in made)


DEFAULT_PRESET = "default"
DEFAULT_SPECS = _default()
