"""`make lint`: style, types and templates. Everything runs, so that one round shows all there is to mend."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools import cloud, sam, templates
from tools.paths import CHECKOV, DEV, ROOT, SAM, STATE


def main() -> int:
    checks: list[tuple[str, Sequence[str | Path]]] = [
        ("style", [DEV / "ruff", "check", "."]),
        ("format", [DEV / "ruff", "format", "--check", "-q", "."]),
        ("types of the layer", [DEV / "mypy", "layers/shared/python/tessera"]),
        ("types of the capabilities", [DEV / "mypy", "functions"]),
        ("types of the tools", [DEV / "mypy", "tools", "localstack"]),
    ]
    for name in templates.NAMES:
        checks.append(
            (f"{name}.yaml", [SAM, "validate", "--lint", "-t", ROOT / f"{name}.yaml", "--region", cloud.REGION])
        )
    checks.append(("security of the templates", [CHECKOV, *_expanded(), "--config-file", ROOT / ".checkov.yaml"]))
    failed = [name for name, command in checks if not _passes(name, command)]
    if failed:
        print(f"\nTo be mended: {', '.join(failed)}. `make format` arranges what can be arranged.", file=sys.stderr)
    return 1 if failed else 0


def _expanded() -> Iterator[str]:
    """The templates as AWS would get them: checkov's own reader knows neither overrides of anchors nor conditions."""
    place = STATE / "checkov"
    place.mkdir(parents=True, exist_ok=True)
    for name in templates.NAMES:
        path = place / f"{name}.json"
        path.write_text(json.dumps(templates.as_deployed(templates.load(name)), indent=1, default=str))
        yield from ("-f", str(path))


def _passes(name: str, command: Sequence[str | Path]) -> bool:
    began = time.monotonic()
    environment = sam.quiet(cloud.environment()) if command[0] == SAM else dict(os.environ)
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    verdict = "ok" if done.returncode == 0 else "NOT OK"
    print(f"  {time.monotonic() - began:6.1f} s  {name}: {verdict}", flush=True)
    if done.returncode != 0:
        print(f"{done.stdout}{done.stderr}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
