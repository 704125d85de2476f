"""`make lock`: resolve every requirements file anew. The files name versions and hashes, and no index."""

import subprocess
import sys

from tools.paths import BOOT, ROOT

# The layers first: the development environment is held to their versions.
FILES = (
    "layers/dependencies/requirements",
    "layers/imaging/requirements",
    "layers/text/requirements",
    "requirements/boot",
    "requirements/checkov",
    "requirements/dev",
    "requirements/emulator",
    "requirements/sam",
)
OPTIONS = (
    "--universal",
    "--generate-hashes",
    "--upgrade",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--no-annotate",
)


def main() -> int:
    for name in FILES:
        print(f"  {name}.txt", flush=True)
        command = [
            BOOT / "uv",
            "pip",
            "compile",
            "-q",
            *OPTIONS,
            "--python-version",
            "3.11",
            f"{name}.in",
            "-o",
            f"{name}.txt",
        ]
        if subprocess.call([str(part) for part in command], cwd=ROOT) != 0:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
