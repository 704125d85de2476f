"""Which of several formats a client wants, by its `Accept` header (RFC 9110 12.5.1)."""

import re
from collections.abc import Sequence

from .outputs import Format

_RANGE = re.compile(r"\s*([a-z*]+/[a-z0-9*.+-]+)\s*((?:;[^,]*)?)", re.IGNORECASE)
_WEIGHT = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)
# The smaller file first, where a client likes several the same.
PREFERENCE = (Format.AVIF, Format.WEBP, Format.JPEG, Format.PNG)
# What any client can show, for one that said nothing, or nothing that helps.
ANYWHERE = (Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF)


def best(accept: str | None, ready: Sequence[Format]) -> Format | None:
    """The kind to send, or None when nothing is ready.

    A client that named `image/avif` or `image/webp` can show it; one that only says `image/*` or `*/*` may be an old
    one, and gets what any can show. Where nothing that is ready is acceptable, something is sent all the same.
    """
    weights = {kind: _weight(accept or "", kind) for kind in ready}
    named = [kind for kind in PREFERENCE if weights.get(kind, (0.0, False))[1]]
    if named:
        best_named = max(named, key=lambda kind: (weights[kind][0], -PREFERENCE.index(kind)))
        general = max((weight for weight, _ in weights.values()), default=0.0)
        if weights[best_named][0] > 0 and weights[best_named][0] >= general:
            return best_named
    order = sorted((kind for kind in ANYWHERE if kind in ready), key=lambda kind: -weights[kind][0])
    return order[0] if order else None


def _weight(accept: str, kind: Format) -> tuple[float, bool]:
    """How much a kind is wanted, by the most specific range that covers it, and whether it was named."""
    found, precision = 0.0, -1
    for media_range, parameters in _RANGE.findall(accept):
        wanted = media_range.lower()
        exact = {kind.media_type: 2, "image/*": 1, "*/*": 0}.get(wanted, -1)
        if exact > precision:
            given = _WEIGHT.search(parameters)
            found, precision = float(given[1]) if given else 1.0, exact
    return found, precision == 2
