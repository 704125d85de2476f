"""`make openapi`: the merged document, the event catalogue and the reference page's files, made before each build.

Everything lands in `functions/platform/openapi/`, is ignored by git, and is the same from any checkout.
"""

import gc
import gzip
import hashlib
import importlib.util
import json
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

try:
    # The same words, three times as fast.
    from yaml import CSafeDumper as Dumper
except ImportError:
    from yaml import SafeDumper as Dumper  # type: ignore[assignment]

from tools import events, registry
from tools.document import apps, check, merge, operations, problems
from tools.paths import ROOT, shown
from tools.say import Failure, explain

Json = dict[str, Any]

HERE = ROOT / "functions" / "platform" / "openapi"
# Swagger UI (Apache-2.0), as this package (MIT) carries it.
UI_PACKAGE, UI_FILES = "fastapi_swagger", ("swagger-ui-bundle.js", "swagger-ui.css")


def build() -> Json:
    """The merged document of all capabilities as they stand. Raises `Failure`."""
    return merged(parts_of(apps.load_all()))


def parts_of(loaded: Sequence[apps.Loaded]) -> list[operations.Part]:
    return [operations.part_of(one) for one in loaded]


def merged(parts: Sequence[operations.Part]) -> Json:
    return merge.merge(parts, info=info(), tags=tags(parts))


def info(title: str = "Tessera") -> Json:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "title": title,
        "version": project["version"],
        "description": f"{project['description']}. Every error is a problem document; `type` leads to its page.",
        "license": {"name": "MIT", "identifier": "MIT"},
    }


def tags(parts: Sequence[operations.Part]) -> list[Json]:
    """One for each tag in use; a capability's own says what its README says first."""
    used = {tag for part in parts for path in part.paths.values() for one in path.values() for tag in one["tags"]}
    about = {capability.name: _purpose(capability.folder / "README.md") for capability in registry.capabilities()}
    return [{"name": tag, **({"description": about[tag]} if about.get(tag) else {})} for tag in sorted(used)]


def write(loaded: Sequence[apps.Loaded], folder: Path = HERE) -> Json:
    """Write everything that the function `openapi` serves; the document comes back."""
    parts, built = parts_of(loaded), folder / "built"
    document = merged(parts)
    shutil.rmtree(built, ignore_errors=True)
    (built / "capabilities").mkdir(parents=True)
    (folder / "document.json").write_text(_json(document))
    _compressed(folder / "document.json.gz", _json(document))
    _compressed(built / "document.yaml.gz", _as_yaml(document))
    for part in parts:
        one = merge.of_capability(document, part)
        _compressed(built / "capabilities" / f"{part.capability}.json.gz", _json(one))
    catalogue = events.catalogue()
    _compressed(built / "asyncapi.json.gz", _json(events.asyncapi(catalogue, info=info("Tessera events"))))
    (built / "problems.json").write_text(_json(problems.pages(document)))
    (built / "assets.json").write_text(_json(copy_assets(built / "assets")))
    return document


def copy_assets(folder: Path) -> dict[str, str]:
    """The page's own files and Swagger UI's, compressed, each under a name that changes with its content."""
    folder.mkdir(parents=True)
    found = importlib.util.find_spec(UI_PACKAGE)
    if found is None or found.origin is None:
        raise Failure(f"The package {UI_PACKAGE} is not installed.", remedy="make clean, then try again.")
    resources = Path(found.origin).parent / "resources"
    sources = [resources / name for name in UI_FILES] + sorted((HERE / "static").iterdir())
    names = {}
    for source in sources:
        content = source.read_bytes()
        names[source.name] = f"{source.stem}.{hashlib.sha256(content).hexdigest()[:12]}{source.suffix}"
        _compressed(folder / f"{names[source.name]}.gz", content.decode())
    return names


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _as_yaml(document: Json) -> str:
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def _compressed(path: Path, text: str) -> None:
    # No time in it, so that the same content is the same file.
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _purpose(readme: Path) -> str:
    paragraphs = readme.read_text().split("\n\n") if readme.exists() else []
    text = next((paragraph for paragraph in paragraphs if not paragraph.startswith(("#", "|", "-"))), "")
    return " ".join(text.split())


def main() -> int:
    # It ends in seconds, and to the end it holds nearly all that it makes.
    gc.disable()
    try:
        document = write(apps.load_all())
    except Failure as failure:
        explain("openapi", failure)
        return 1
    wrong = check.faults(document)
    count = sum(len(methods) for methods in document["paths"].values())
    print(f"  {shown(HERE)}: {count} operations, {len(document['components']['schemas'])} schemas", flush=True)
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
