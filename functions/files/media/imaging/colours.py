"""Any mode a picture may have, as sRGB in eight bits: `RGB`, or `RGBA` where something shows through."""

import io

from PIL import Image, ImageCms

from ..rules.blurhash import Colour, encode

_SMALL, _COLOURS = 32, 5
_RGB_OUT = {"RGB", "RGBA", "CMYK", "LAB", "L"}


def to_srgb(picture: Image.Image) -> Image.Image:
    """A new picture without anything but its pixels: profile, texts and places stay behind."""
    profile = picture.info.get("icc_profile")
    made = _eight_bits(picture)
    shows_through = made.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in made.info
    if made.mode in ("P", "PA", "1", "LA", "La", "RGBa"):
        made = made.convert("RGBA" if shows_through else "RGB")
    elif (made.mode == "L" and shows_through) or (made.mode == "RGB" and shows_through):
        made = made.convert("RGBA")
    if made.mode in ("YCbCr", "HSV"):
        made = made.convert("RGB")
    made = _by_profile(made, profile)
    wanted = "RGBA" if made.mode == "RGBA" else "RGB"
    made = made if made.mode == wanted else made.convert(wanted)
    plain = made.copy()
    plain.info = {}
    return plain


def has_transparency(picture: Image.Image) -> bool:
    """Whether anything does show through."""
    if picture.mode != "RGBA":
        return False
    lowest, _ = picture.getchannel("A").getextrema()
    return bool(isinstance(lowest, (int, float)) and lowest < 255)


def blurhash(picture: Image.Image) -> str:
    small = flat(picture).resize((_SMALL, _SMALL), Image.Resampling.BOX)
    return encode(_pixels(small), _SMALL, _SMALL)


def dominant(picture: Image.Image) -> list[str]:
    """The colours that most of it has, the most of all first: `#rrggbb`."""
    small = flat(picture).resize((64, 64), Image.Resampling.BOX)
    reduced = small.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)
    counts = sorted(reduced.getcolors(256) or [], reverse=True)
    palette = reduced.getpalette() or []
    return [f"#{bytes(palette[3 * index : 3 * index + 3]).hex()}" for _, index in counts if isinstance(index, int)]


def flat(picture: Image.Image, background: str = "ffffff") -> Image.Image:
    """Without what shows through: on a ground of this colour."""
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGB", picture.size, f"#{background}")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _pixels(picture: Image.Image) -> list[Colour]:
    data = picture.tobytes()
    return [(data[place], data[place + 1], data[place + 2]) for place in range(0, len(data), 3)]


def _eight_bits(picture: Image.Image) -> Image.Image:
    if not picture.mode.startswith(("I", "F")):
        return picture
    wide = picture.convert("F")
    low, high = (float(value) for value in wide.getextrema())  # type: ignore[arg-type]
    if picture.mode.startswith("I") and 255 < high <= 65_535 and low >= 0:
        # Sixteen bits keep their scale: a dark picture stays dark.
        low, high = 0.0, 65_535.0
    elif picture.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        return wide.convert("L")
    scale = 255 / (high - low) if high > low else 1.0
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _by_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """What the colours are in sRGB, by the profile that came along; as they are where it makes no sense."""
    if picture.mode not in _RGB_OUT:
        return picture
    try:
        if picture.mode == "LAB":
            return _transformed(picture, ImageCms.createProfile("LAB"))
        if profile:
            return _transformed(picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A broken profile says nothing of the pixels, which are there all the same.
        pass
    return picture


def _transformed(picture: Image.Image, profile: object) -> Image.Image:
    target = ImageCms.createProfile("sRGB")
    wanted = "RGBA" if picture.mode == "RGBA" else "RGB"
    if picture.mode == "RGBA":
        alpha = picture.getchannel("A")
        made = ImageCms.profileToProfile(picture.convert("RGB"), profile, target, outputMode="RGB")  # type: ignore[arg-type]
        assert made is not None
        made.putalpha(alpha)
        return made
    made = ImageCms.profileToProfile(picture, profile, target, outputMode=wanted)  # type: ignore[arg-type]
    assert made is not None
    return made
