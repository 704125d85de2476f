"""The outputs of one decoded picture, each with fixed settings, so that the same input gives the same bytes."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile

from ..rules.codes import Code, Refused
from ..rules.geometry import Plan, plan
from ..rules.outputs import Format, Spec
from .colours import flat, has_transparency, to_srgb

# A source that has this many times the pixels of a side is as good as one that has them all.
_SPARE = 1.5
# What is only looked at need not be larger than this.
_LOOKED_AT = 256
_SHOWN_MS, _LEAST_MS = 100, 20
# Exif's tag, and the values of it that turn a picture on its side.
_ORIENTATION, _SIDEWAYS = 0x0112, frozenset([5, 6, 7, 8])


@dataclass(frozen=True)
class Rendered:
    width: int
    height: int
    body: bytes


def orientation_of(picture: ImageFile.ImageFile) -> int:
    """1 to 8 as Exif says, 1 for none and for one that makes no sense."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    # What stands in Exif is anybody's bytes, and Pillow raises whatever its parts do.
    except Exception:  # noqa: BLE001
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def shown_size(picture: ImageFile.ImageFile) -> tuple[int, int]:
    """Width and height as a viewer sees them."""
    width, height = picture.size
    return (height, width) if orientation_of(picture) in _SIDEWAYS else (width, height)


def decode(picture: ImageFile.ImageFile, specs: tuple[Spec, ...]) -> Image.Image:
    """The first frame, upright and in sRGB, as large as the largest output needs. Raises what Pillow raises."""
    orientation, (width, height) = orientation_of(picture), shown_size(picture)
    needed = max((plan(width, height, spec).scale for spec in specs), default=_LOOKED_AT / max(width, height))
    if picture.format == "JPEG" and needed * _SPARE < 1:
        # The decoder itself skips what is not needed: an eighth of the work at an eighth of the size.
        share = needed * _SPARE
        wanted = (max(1, round(picture.size[0] * share)), max(1, round(picture.size[1] * share)))
        picture.draft(picture.mode, wanted)
    picture.load()
    return to_srgb(_upright(picture, orientation))


def render(base: Image.Image, source: tuple[int, int], spec: Spec) -> Rendered:
    """One output of a decoded picture whose full size is `source`."""
    made = fitted(base, source, spec)
    return Rendered(*made.size, _encoded(made, spec))


def render_animated(picture: ImageFile.ImageFile, source: tuple[int, int], spec: Spec) -> Rendered:
    """Every frame of an animation, as WebP."""
    frames, shown = [], []
    for position in range(int(getattr(picture, "n_frames", 1))):
        picture.seek(position)
        frames.append(fitted(to_srgb(picture), source, spec))
        shown.append(max(_LEAST_MS, int(picture.info.get("duration") or _SHOWN_MS)))
    body = io.BytesIO()
    first, *rest = frames
    loops = picture.info.get("loop", 0)
    options = {"duration": shown, "loop": loops if isinstance(loops, int) else 0}
    first.save(body, "WEBP", save_all=True, append_images=rest, quality=spec.quality, method=4, **options)
    return Rendered(*first.size, body.getvalue())


def fitted(base: Image.Image, source: tuple[int, int], spec: Spec) -> Image.Image:
    """Cut, shrunk and put on its canvas."""
    wanted = plan(*source, spec)
    made = base.resize(wanted.size, Image.Resampling.LANCZOS, box=_box(base, source, wanted), reducing_gap=3.0)
    if wanted.canvas != wanted.size:
        mode = "RGB" if spec.background else "RGBA"
        canvas = Image.new(mode, wanted.canvas, f"#{spec.background}" if spec.background else (0, 0, 0, 0))
        canvas.paste(made, wanted.at, made.getchannel("A") if made.mode == "RGBA" else None)
        made = canvas
    return flat(made, spec.background) if spec.background else made


def write(rendered: Rendered, path: Path) -> None:
    path.write_bytes(rendered.body)


def _box(base: Image.Image, source: tuple[int, int], wanted: Plan) -> tuple[float, float, float, float]:
    """The part of the source, in the picture as it was decoded, which may be smaller."""
    across, down = base.width / source[0], base.height / source[1]
    left, top, right, bottom = wanted.box
    return left * across, top * down, min(base.width, right * across), min(base.height, bottom * down)


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    if orientation == 1:
        return picture
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return picture.transpose(turns[orientation])


def _encoded(picture: Image.Image, spec: Spec) -> bytes:
    if picture.mode == "RGBA" and not has_transparency(picture):
        picture = picture.convert("RGB")
    picture.info = {}
    options: dict[Format, dict[str, Any]] = {
        Format.JPEG: {"quality": spec.quality, "optimize": True, "progressive": True, "subsampling": "4:2:0"},
        Format.PNG: {"compress_level": 6},
        Format.WEBP: {"quality": spec.quality, "method": 4},
        # One thread, or the bytes would depend on how many there are.
        Format.AVIF: {"quality": spec.quality, "speed": 8, "max_threads": 1, "subsampling": "4:2:0"},
    }
    body = io.BytesIO()
    try:
        picture.save(body, spec.format.value.upper(), **options[spec.format])
    except (OSError, ValueError):
        # An encoder that refuses a picture of a legal size will refuse it again.
        raise Refused(Code.UNSUPPORTED) from None
    return body.getvalue()
