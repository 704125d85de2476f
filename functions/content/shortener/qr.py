"""The code that a camera reads, drawn as SVG."""

import hashlib
import io
import re
from dataclasses import dataclass

from .rules.problems import refused

_COLOUR = re.compile(r"(?:[0-9a-f]{3}|[0-9a-f]{6})")
# Below this, cameras and people alike have trouble (WCAG 2.2, 1.4.11).
LEAST_CONTRAST = 3.0


@dataclass(frozen=True)
class Drawing:
    size: int
    margin: int
    ec: str
    dark: str
    light: str

    def etag(self, text: str) -> str:
        """The same drawing of the same text is always the same bytes."""
        whole = f"{text}\n{self.size} {self.margin} {self.ec} {self.dark} {self.light}"
        return f'"qr-{hashlib.sha256(whole.encode()).hexdigest()[:32]}"'


def colour(text: str, name: str) -> str:
    """`#rrggbb` of three or six hexadecimal digits. Raises `InvalidRequest`."""
    digits = text.removeprefix("#").lower()
    if not _COLOUR.fullmatch(digits):
        raise refused(f"?{name}", "A colour has three or six hexadecimal digits, such as 1d3557.")
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def check_contrast(dark: str, light: str) -> None:
    """Raises `InvalidRequest`, also where dark and light are the wrong way round: many cameras read no such code."""
    lighter, darker = _luminance(light) + 0.05, _luminance(dark) + 0.05
    if lighter / darker < LEAST_CONTRAST:
        told = f"The light colour must be at least {LEAST_CONTRAST:g} times as bright as the dark one."
        raise refused("?dark", told)


def draw(text: str, drawing: Drawing) -> bytes:
    """The drawing. `size` is the side of a module."""
    # Loaded here, from a layer that only this function has: few requests draw.
    import segno

    made = segno.make(text, error=drawing.ec.lower(), boost_error=False, micro=False)
    out = io.BytesIO()
    made.save(
        out,
        kind="svg",
        scale=drawing.size,
        border=drawing.margin,
        dark=drawing.dark,
        light=drawing.light,
        xmldecl=False,
        nl=False,
    )
    return out.getvalue()


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it, 0 for black to 1 for white."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
