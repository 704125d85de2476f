"""Packages of npm for tests: each set installed once, pinned, into `.tessera/npm`."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.paths import STATE

SECONDS = 300


def installed(packages: Mapping[str, str]) -> Path:
    """A folder in which Node finds these packages, by name and exact version. Skips where there is no Node."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("No Node on this machine: install it to run this suite.")
    digest = hashlib.sha256(json.dumps(dict(packages), sort_keys=True).encode()).hexdigest()[:12]
    folder = STATE / "npm" / digest
    if not (folder / ".installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        manifest = {"private": True, "type": "module", "dependencies": dict(packages)}
        (folder / "package.json").write_text(json.dumps(manifest))
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        (folder / ".installed").touch()
    return folder


def node(folder: Path, program: str, *arguments: str, within: float = 60, **variables: str) -> str:
    """What this ES module prints, run by Node among these packages. Its failure is the test's."""
    path = folder / f"{hashlib.sha256(program.encode()).hexdigest()[:12]}.mjs"
    path.write_text(program)
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", **variables}
    done = subprocess.run(
        [shutil.which("node") or "node", str(path), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout
