"""How a picture of one size becomes one of another: what is cut out of it, how far it shrinks, where it is put."""

from dataclasses import dataclass

from .outputs import Fit, Spec


@dataclass(frozen=True)
class Plan:
    """`box` of the source becomes `size`, which is put at `at` on a canvas."""

    box: tuple[float, float, float, float]
    size: tuple[int, int]
    canvas: tuple[int, int]
    at: tuple[int, int] = (0, 0)

    @property
    def scale(self) -> float:
        left, top, right, bottom = self.box
        return max(self.size[0] / (right - left), self.size[1] / (bottom - top))


def plan(width: int, height: int, spec: Spec) -> Plan:
    """The plan for a source of this size. Nothing grows unless it was asked to."""
    if spec.fit is Fit.COVER:
        return _cover(width, height, spec)
    size = _inside(width, height, spec)
    whole = (0.0, 0.0, float(width), float(height))
    if spec.fit is Fit.INSIDE:
        return Plan(whole, size, size)
    canvas = (spec.width, spec.height)
    at = tuple((outer - inner) * share // 100 for outer, inner, share in zip(canvas, size, spec.focus, strict=True))
    return Plan(whole, size, canvas, (at[0], at[1]))


def _inside(width: int, height: int, spec: Spec) -> tuple[int, int]:
    ratios = [wanted / have for wanted, have in ((spec.width, width), (spec.height, height)) if wanted]
    ratio = min(ratios) if spec.enlarge else min(1.0, *ratios)
    # A line of one pixel stays a line.
    return _side(width, ratio, spec.width), _side(height, ratio, spec.height)


def _side(length: int, ratio: float, most: int) -> int:
    made = max(1, round(length * ratio))
    return min(made, most) if most else made


def _cover(width: int, height: int, spec: Spec) -> Plan:
    ratio = max(spec.width / width, spec.height / height)
    size = (spec.width, spec.height)
    if ratio > 1 and not spec.enlarge:
        # The shape that was asked for, as large as the source gives it.
        size = (max(1, round(spec.width / ratio)), max(1, round(spec.height / ratio)))
        ratio = 1.0
    cut = (min(width, size[0] / ratio), min(height, size[1] / ratio))
    left = _start(width, cut[0], spec.focus[0])
    top = _start(height, cut[1], spec.focus[1])
    return Plan((left, top, left + cut[0], top + cut[1]), size, size)


def _start(length: int, cut: float, share: int) -> float:
    """Where a cut begins so that the point of interest is as near its middle as the edges allow."""
    return min(max(0.0, length * share / 100 - cut / 2), length - cut)
