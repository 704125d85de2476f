"""A picture as some thirty characters that a page can draw before the picture is there.

The form is that of the published algorithm (blurha.sh): a few cosine components of the linear light, each quantised,
in base 83. The first digit says how many there are, the second how strong the strongest is.
"""

import math
from collections.abc import Sequence

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
Colour = tuple[int, int, int]
_Light = tuple[float, float, float]


def encode(pixels: Sequence[Colour], width: int, height: int, across: int = 4, down: int = 3) -> str:
    """The hash of a small picture, row by row. Its cost grows with pixels times components: 32 by 32 is enough."""
    if not (1 <= across <= 9 and 1 <= down <= 9) or len(pixels) != width * height or not pixels:
        raise ValueError("1 to 9 components each way, and as many pixels as the size says.")
    light = [tuple(_to_linear(value) for value in pixel) for pixel in pixels]
    columns = [[math.cos(math.pi * i * x / width) for x in range(width)] for i in range(across)]
    rows = [[math.cos(math.pi * j * y / height) for y in range(height)] for j in range(down)]
    factors = [_factor(light, columns[i], rows[j], is_flat=i == j == 0) for j in range(down) for i in range(across)]
    flat, waves = factors[0], factors[1:]
    strongest = max((abs(value) for wave in waves for value in wave), default=0.0)
    level = max(0, min(82, math.floor(strongest * 166 - 0.5))) if waves else 0
    most = (level + 1) / 166 if waves else 1.0
    head = _base83(across - 1 + (down - 1) * 9, 1) + _base83(level, 1) + _base83(_flat(flat), 4)
    return head + "".join(_base83(_wave(wave, most), 2) for wave in waves)


def _factor(light: Sequence[tuple[float, ...]], column: list[float], row: list[float], *, is_flat: bool) -> _Light:
    red = green = blue = 0.0
    position = 0
    for down in row:
        for across in column:
            weight, pixel = across * down, light[position]
            red, green, blue = red + weight * pixel[0], green + weight * pixel[1], blue + weight * pixel[2]
            position += 1
    scale = (1 if is_flat else 2) / position
    return red * scale, green * scale, blue * scale


def _flat(colour: _Light) -> int:
    red, green, blue = (_to_srgb(value) for value in colour)
    return (red << 16) + (green << 8) + blue


def _wave(wave: _Light, most: float) -> int:
    red, green, blue = (_level(value / most) for value in wave)
    return red * 19 * 19 + green * 19 + blue


def _level(value: float) -> int:
    root = math.copysign(math.sqrt(abs(value)), value)
    return max(0, min(18, math.floor(root * 9 + 9.5)))


def _to_linear(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _to_srgb(value: float) -> int:
    share = max(0.0, min(1.0, value))
    made = share * 12.92 if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055
    return int(made * 255 + 0.5)


def _base83(value: int, length: int) -> str:
    return "".join(ALPHABET[value // 83**place % 83] for place in reversed(range(length)))


# A plain grey, for what nobody has looked at yet.
NEUTRAL = encode([(200, 200, 200)], 1, 1, 1, 1)
