"""Takes out of an installed tree what no function loads: `trim.py FOLDER SERVICE...`.

botocore describes some four hundred services in about 25 MB; only those the templates use stay. A function that asks
for another one gets botocore's UnknownServiceError, which names it. What stays is read by each cold start, so it holds
no explanations, and endpoints of no other service.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

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
    for stub in tree.rglob("*.pyi"):
        stub.unlink()
    if services:
        _trim_descriptions(tree / "botocore" / "data", services)


def _trim_descriptions(data: Path, services: list[str]) -> None:
    for folder in data.glob("*/"):
        if folder.name not in services:
            shutil.rmtree(folder)
    for examples in data.rglob("examples-1.json"):
        examples.unlink()
    prefixes = set(services)
    for packed in data.rglob("service-2.json.gz"):
        described = json.loads(gzip.decompress(packed.read_bytes()))
        prefixes.add(described["metadata"]["endpointPrefix"])
        packed.with_suffix("").write_text(_compact(_unexplained(described)))
        packed.unlink()
    endpoints = data / "endpoints.json"
    known = json.loads(endpoints.read_text())
    for partition in known["partitions"]:
        partition["services"] = {name: one for name, one in partition["services"].items() if name in prefixes}
    endpoints.write_text(_compact(known))


def _unexplained(value: Any) -> Any:
    """The same with every explanation empty. Where a member is called so, it is no text."""
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" and isinstance(one, str) else _unexplained(one)
            for name, one in value.items()
        }
    return [_unexplained(one) for one in value] if isinstance(value, list) else value


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    trim(Path(sys.argv[1]), sys.argv[2:])
