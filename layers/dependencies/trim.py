"""Takes out of an installed tree what no function loads: `trim.py FOLDER SERVICE...`.

botocore describes some four hundred services in about 25 MB; only those the templates use stay. A function that asks
for another one gets botocore's UnknownServiceError, which names it.
"""

import shutil
import sys
from pathlib import Path

# botocore would load pyOpenSSL through this module, only to find the standard library's class there. Where
# pyOpenSSL is installed, as it is for passkeys, this costs every cold start 30 ms.
DETOUR = Path("urllib3", "contrib", "pyopenssl.py")
UNUSED = ("bin", "pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel")


def trim(tree: Path, services: list[str]) -> None:
    for name in UNUSED:
        shutil.rmtree(tree / name, ignore_errors=True)
    (tree / DETOUR).unlink(missing_ok=True)
    for folder in [*tree.rglob("__pycache__"), *tree.rglob("tests")]:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (tree / "botocore" / "data").glob("*/"):
        if services and folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    for stub in tree.rglob("*.pyi"):
        stub.unlink()


if __name__ == "__main__":
    trim(Path(sys.argv[1]), sys.argv[2:])
