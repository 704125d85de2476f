"""Where things are."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".tessera"
RUN = STATE / "run"
LAYERS = STATE / "layers"
DEMO = STATE / "demo.json"

BOOT = STATE / "env" / "boot" / "bin"
DEV = STATE / "env" / "dev" / "bin"
EMULATOR = STATE / "env" / "emulator" / "bin"
CHECKOV = STATE / "env" / "checkov" / "bin" / "checkov"
SAM = STATE / "env" / "sam" / "bin" / "sam"

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


def shown(path: Path) -> str:
    """The path as a person would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
