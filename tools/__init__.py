"""What the Makefile calls. The shared layer is importable here as it is inside Lambda."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "layers" / "shared" / "python"))
