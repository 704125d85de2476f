"""A picture, or the first page of a PDF: opened once, decoded once, and every output made of that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile

from ..rules.codes import Code, Refused
from ..rules.geometry import plan
from ..rules.kinds import Kind
from ..rules.outputs import Spec, specs_of
from . import facts
from .opening import open_picture, strict
from .rendering import decode, render, render_animated, shown_size

Say = Callable[[dict[str, Any]], None]


def work(task: dict[str, Any], path: Path, kind: Kind, say: Say) -> None:
    """Say what the source is, what is seen of it, and what became of each output."""
    strict()
    specs = specs_of(task["specs"])
    picture: ImageFile.ImageFile | None = None
    if kind is Kind.PDF:
        base, source, told = _page(path, specs)
    else:
        picture = open_picture(path)
        source, told = shown_size(picture), facts.exif_of(picture)
        about = facts.source_of(picture)
        say({"source": about})
        base = decode(picture, specs)
        told = {**{name: about[name] for name in ("w", "h", "format", "frames")}, **told}
    seen = facts.seen(base)
    say({"seen": seen["blurhash"]})
    if kind is Kind.PDF:
        say({"source": {"w": source[0], "h": source[1], "format": "pdf", "frames": 1, "orientation": 1}})
    if task["wants_facts"]:
        say({"facts": {**told, **seen}})
    for spec in specs:
        say({"output": {"hash": spec.hash, **_output(base, source, spec, picture, Path(task["into"]))}})


def _output(
    base: Image.Image, source: tuple[int, int], spec: Spec, picture: ImageFile.ImageFile | None, into: Path
) -> dict[str, Any]:
    """One that cannot be made leaves the others."""
    try:
        is_moving = spec.animated and picture is not None and getattr(picture, "n_frames", 1) > 1
        made = render_animated(picture, source, spec) if is_moving and picture else render(base, source, spec)
    except Refused as refused:
        return {"error": refused.code}
    except MemoryError:
        return {"error": Code.TOO_MUCH_MEMORY}
    # A later frame that makes no sense to its decoder, which raises whatever its parts do.
    except Exception:  # noqa: BLE001
        return {"error": Code.CORRUPT}
    (into / spec.filename).write_bytes(made.body)
    return {"w": made.width, "h": made.height, "bytes": len(made.body)}


def _page(path: Path, specs: tuple[Spec, ...]) -> tuple[Image.Image, tuple[int, int], dict[str, Any]]:
    from .pdf import Document

    document = Document(path)
    width, height = document.size()
    # A page has no pixels of its own: as many are drawn as the largest output wants.
    most = max((max(spec.width, spec.height) for spec in specs), default=256)
    grown = 4096 / max(width, height)
    source = (max(1, round(width * grown)), max(1, round(height * grown)))
    needed = max((plan(*source, spec).scale for spec in specs), default=most / 4096)
    longest = min(4096, max(64, round(4096 * min(1.0, needed * 1.2))))
    return document.picture(longest), source, {**document.facts(), "page_w": width, "page_h": height}
