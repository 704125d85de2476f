"""What the build has put beside this module: the document in its forms, the catalogue and the page's assets."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tessera.problems import NotFound

HERE = Path(__file__).parent
BUILT = HERE / "built"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".yaml": "application/yaml",
}


@dataclass(frozen=True)
class File:
    """A file as it is kept, compressed; `etag` is that of its content."""

    compressed: bytes
    etag: str
    media_type: str

    @property
    def plain(self) -> bytes:
        return gzip.decompress(self.compressed)


def document() -> File:
    return _file(HERE / "document.json.gz")


def document_as_yaml() -> File:
    return _file(BUILT / "document.yaml.gz")


def events() -> File:
    return _file(BUILT / "asyncapi.json.gz")


def part(capability: str) -> File:
    """The document of one capability. Raises `NotFound`."""
    return _file(BUILT / "capabilities" / f"{capability}.json.gz")


def asset(name: str) -> File:
    """A file of the reference page. Raises `NotFound`."""
    if name not in asset_names().values():
        raise NotFound()
    return _file(BUILT / "assets" / f"{name}.gz")


@cache
def asset_names() -> dict[str, str]:
    """The plain name of each asset -> the name that changes with its content."""
    found: dict[str, str] = json.loads((BUILT / "assets.json").read_text())
    return found


@cache
def problems() -> dict[str, Any]:
    """Every problem by its slug."""
    found: dict[str, Any] = json.loads((BUILT / "problems.json").read_text())
    return found


def problem(slug: str) -> dict[str, Any]:
    """One problem. Raises `NotFound`."""
    try:
        found: dict[str, Any] = problems()[slug]
    except KeyError:
        raise NotFound("There is no problem of this name.") from None
    return found


@cache
def _file(path: Path) -> File:
    try:
        compressed = path.read_bytes()
    except FileNotFoundError:
        raise NotFound() from None
    suffix = path.with_suffix("").suffix
    # Two forms of one content have two tags (RFC 9110 8.8.3); the form is added where it is chosen.
    digest = hashlib.sha256(compressed).hexdigest()[:24]
    return File(compressed, digest, MEDIA_TYPES[suffix])
