"""The local layers: built once, unpacked and compiled for the emulator's interpreter.

The emulator unpacks a function's layers anew for every worker (75 MB, 0.4 s), so locally a layer is one `.pth` file
that points here. A folder's name carries the hash of what it was made from: a stack that runs keeps its own.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools import templates
from tools.paths import BOOT, EMULATOR, LAYERS, ROOT, STATE
from tools.say import Failure

# The layers made of packages from PyPI: a folder each, with its requirements.
FAMILIES = ("dependencies", "imaging", "text")
KEPT = 4
FORGOTTEN_AFTER_SECONDS = 86_400
# The prefix of an action in a policy, where it is not the name of botocore's folder.
FOLDERS = {"states": "stepfunctions", "execute-api": "apigatewaymanagementapi", "ses": "sesv2"}
ALWAYS = frozenset(["dynamodb", "events", "kms", "lambda", "secretsmanager", "sqs", "sts"])
# `aws:SourceArn` is no action: conditions that every service knows are written so.
_ACTION = re.compile(r"\b(?!aws:)([a-z][a-z0-9-]+):[A-Z][A-Za-z]+")


def services() -> list[str]:
    """botocore's names of the services that functions may call, from the actions the templates allow."""
    actions = _ACTION.findall((ROOT / "template.yaml").read_text())
    found = {FOLDERS.get(action, action) for action in actions} | ALWAYS
    return sorted(found)


def pointers() -> dict[str, str]:
    """What the layers' makefile reads: where the packages of each stand, by the layer's logical id."""
    places = {family: packages(family) for family in FAMILIES} | {"shared": shared()}
    return {f"LOCAL_{family.title()}": str(place) for family, place in places.items()}


def packages(family: str) -> Path:
    """The folder of this layer's packages, made if it is not there. About 10 s the first time."""
    lock = ROOT / "layers" / family / "requirements.txt"
    trim = lock.with_name("trim.py")
    made_from = [lock.read_bytes(), sys.version.encode()]
    if trim.exists():
        made_from += [trim.read_bytes(), " ".join(services()).encode()]
    place = LAYERS / f"{family}-{_digest(made_from)}"
    if not place.exists():
        with _Assembly(place) as tree:
            install: list[str | Path] = ["pip", "install", "-q", "--require-hashes", "--python", EMULATOR / "python"]
            _run(BOOT / "uv", *install, "--target", tree, "-r", lock)
            if trim.exists():
                _run(EMULATOR / "python", trim, tree, *services())
            _compile(tree, place)
    return _used(place)


def shared() -> Path:
    """The folder of the shared layer, copied and compiled if its source has changed. About 0.5 s."""
    source = ROOT / "layers" / "shared" / "python"
    files = sorted(path for path in source.rglob("*") if path.suffix in (".py", ".json") and path.is_file())
    place = LAYERS / f"shared-{_digest([part for file in files for part in (str(file).encode(), file.read_bytes())])}"
    if not place.exists():
        with _Assembly(place) as tree:
            shutil.copytree(source, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            _compile(tree, place)
    return _used(place)


class _Assembly:
    """A folder that appears under its name only when it is complete."""

    def __init__(self, place: Path) -> None:
        self.place, self.draft = place, place.with_name(f"{place.name}.{os.getpid()}")

    def __enter__(self) -> Path:
        shutil.rmtree(self.draft, ignore_errors=True)
        self.draft.mkdir(parents=True)
        return self.draft

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not self.place.exists():
            self.draft.rename(self.place)
            _forget_old(self.place)
        shutil.rmtree(self.draft, ignore_errors=True)


def _used(place: Path) -> Path:
    """Date the folder by its use: a copy carries the date of what it was copied from."""
    os.utime(place)
    return place


def _forget_old(place: Path) -> None:
    """Remove what has not been used for long. A stack that runs may hold any of the younger ones."""
    family = place.name.split("-")[0]
    others = sorted(place.parent.glob(f"{family}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[KEPT:]:
        if old != place and time.time() - old.stat().st_mtime > FORGOTTEN_AFTER_SECONDS:
            shutil.rmtree(old, ignore_errors=True)


def _compile(tree: Path, place: Path) -> None:
    # Nobody edits this copy, so nothing needs to compare dates.
    compileall: list[str | Path] = [
        "-m",
        "compileall",
        "-q",
        "-j0",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        tree,
        "-p",
        place,
    ]
    _run(EMULATOR / "python", *compileall, tree)


def _digest(parts: list[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def _run(*command: str | Path) -> None:
    log = STATE / "logs" / "layers.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        code = subprocess.call([str(part) for part in command], stdout=sink, stderr=sink, stdin=subprocess.DEVNULL)
    if code != 0:
        raise Failure("A layer could not be built.", log=log, remedy="Is the package index reachable?")


def source_hash() -> str:
    """What a deployment was made from: code, layers and templates."""
    files = [ROOT / f"{name}.yaml" for name in templates.NAMES] + [ROOT / "samconfig.toml"]
    for folder in ("functions", "layers"):
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file() and _counts(path)]
    return _digest([part for file in sorted(files) for part in (str(file).encode(), file.read_bytes())])


def _counts(path: Path) -> bool:
    return "__pycache__" not in path.parts and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
