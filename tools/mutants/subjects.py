"""What can be judged: a capability, or those modules of the layer that hold the limiter's conditions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.paths import ROOT
from tools.say import Failure

LIMITS = "limits"
LAYER = ROOT / "layers" / "shared" / "python"


@dataclass(frozen=True)
class Subject:
    """The conditions are in `files`, whose modules are named from `root`; `tests` are run in `home`."""

    name: str
    home: Path
    root: Path
    files: Sequence[Path]
    tests: Sequence[Path]


def subject_of(name: str) -> Subject:
    """Raises `Failure` for a name of nothing that could be judged."""
    if name == LIMITS:
        return _limits()
    found = [path for path in (ROOT / "functions").glob(f"*/{name.replace('-', '_')}") if path.is_dir()]
    if not found:
        raise Failure(f"There is no capability {name}.", remedy="Name one: make mutants C=tasks")
    return capability_at(found[0])


def capability_at(package: Path) -> Subject:
    home = package.parents[2]
    tests = home / "tests" / "unit" / package.parent.name / package.name
    return Subject(package.name, home, home, sorted(package.rglob("*.py")), [tests])


def _limits() -> Subject:
    files = [LAYER / "tessera" / f"{name}.py" for name in ("gcra", "windows", "quotas")]
    tests = [ROOT / "tests" / "unit" / "tessera" / f"test_{name}.py" for name in ("limits", "gcra", "windows")]
    return Subject(LIMITS, ROOT, LAYER, files, tests)
