"""Pictures made for tests, each the same every time, and what tells two of them apart."""

import io
import random
from typing import Any

from PIL import Image, ImageDraw


def scene(width: int = 240, height: int = 160) -> Image.Image:
    """Four fields of different light and a dark disc off the middle: every turn and mirroring of it looks different."""
    made = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(made)
    middle, half = width // 2, height // 2
    draw.rectangle((0, 0, middle, half), fill=(230, 60, 50))
    draw.rectangle((middle, 0, width, half), fill=(60, 190, 80))
    draw.rectangle((0, half, middle, height), fill=(40, 70, 200))
    draw.rectangle((middle, half, width, height), fill=(240, 230, 220))
    draw.ellipse((width // 8, height // 8, width // 3, height // 2), fill=(20, 20, 30))
    return made


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    body = io.BytesIO()
    picture.save(body, kind, **options)
    return body.getvalue()


def small(kind: str) -> bytes:
    """A small valid file of this format."""
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 80},
        "AVIF": {"speed": 10},
        "TIFF": {"compression": "tiff_lzw"},
    }
    return encoded(scene(48, 32), kind, **options.get(kind, {}))


def dhash(picture: Image.Image) -> int:
    """64 bits that say of each pixel of a tiny copy whether it is lighter than its neighbour."""
    tiny = picture.convert("RGB").convert("L").resize((9, 8), Image.Resampling.BOX)
    values = tiny.tobytes()
    bits = [values[9 * row + column] > values[9 * row + column + 1] for row in range(8) for column in range(8)]
    return sum(bit << place for place, bit in enumerate(bits))


def distance(first: Image.Image, second: Image.Image) -> int:
    return (dhash(first) ^ dhash(second)).bit_count()


def mutated(body: bytes, seed: int) -> bytes:
    """Some bytes changed, a part left out, doubled, or cut off: always the same for a seed."""
    dice, made = random.Random(seed), bytearray(body)
    kind = dice.randrange(5)
    if kind == 0:
        for _ in range(dice.randint(1, 20)):
            made[dice.randrange(len(made))] = dice.randrange(256)
    elif kind == 1:
        return bytes(made[: dice.randrange(1, len(made))])
    elif kind == 2:
        start = dice.randrange(len(made))
        del made[start : start + dice.randint(1, 40)]
    elif kind == 3:
        start = dice.randrange(len(made))
        made[start:start] = made[start : start + dice.randint(1, 60)]
    else:
        # Figures of headers, which is where sizes and offsets stand.
        for _ in range(dice.randint(1, 4)):
            start = dice.randrange(min(80, len(made)))
            made[start : start + 4] = dice.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"])
    return bytes(made)


def broken(body: bytes, seed: int) -> bytes:
    """What no decoder should make a picture of: cut off well before its end, or with its middle overwritten."""
    dice = random.Random(seed)
    if seed % 3 == 0:
        return body[: dice.randrange(len(body) // 20, len(body) * 6 // 10)]
    if seed % 3 == 1:
        cut = bytearray(body[: dice.randrange(len(body) // 10, len(body) * 7 // 10)])
        start = dice.randrange(4, min(60, len(cut)))
        cut[start : start + 4] = dice.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"])
        return bytes(cut)
    start = dice.randrange(8, 24)
    return body[:start] + dice.randbytes(len(body) - start)
