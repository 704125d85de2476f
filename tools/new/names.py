"""The names of a new capability, all derived from its domain and its package."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.registry import pascal
from tools.say import Failure

# In the order of the tree, which is the order of the sections of every template.
DOMAINS = ("identity", "content", "work", "commerce", "live", "files", "outside", "data", "platform")
# Inside Lambda the package is a top-level module, next to the dependencies.
DEPENDENCIES = frozenset(
    """argon2 boto3 botocore cryptography dateutil fastapi graphql idna jmespath mangum pydantic pynamodb six starlette
    tessera typing_extensions urllib3 zxcvbn""".split()
)
# In the code's own data these stand for something else.
RESERVED = frozenset("docs health internal jobs live mailbox metrics openapi problems ready s traces".split())


@dataclass(frozen=True)
class Names:
    domain: str
    package: str

    @property
    def path(self) -> str:
        return self.package.replace("_", "-")

    @property
    def words(self) -> str:
        return self.package.replace("_", " ")

    @property
    def logical_id(self) -> str:
        return pascal(self.package)

    def fill(self, text: str) -> str:
        """The scaffold is the capability `gift_cards` of `commerce`; this is its text under our names."""
        for example, ours in (
            ("GiftCards", self.logical_id),
            ("gift_cards", self.package),
            ("gift-cards", self.path),
            ("gift cards", self.words),
            ("commerce", self.domain),
        ):
            text = text.replace(example, ours)
        return text


def checked(root: Path, domain: str, name: str) -> Names:
    """The names of `make new D=<domain> C=<name>`. Raises `Failure` with what is wrong and what would do."""
    package = name.replace("-", "_")
    if not domain or not package:
        raise Failure("Which capability, and where?", remedy="Say both: make new D=commerce C=gift_cards")
    if domain not in DOMAINS:
        raise Failure(f"There is no domain {domain}.", remedy=f"There are: {', '.join(DOMAINS)}.")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*", package):
        raise Failure(f"{name} is no name for a package.", remedy="Lower-case words, such as gift_cards.")
    if package in sys.stdlib_module_names or package in DEPENDENCIES | RESERVED:
        raise Failure(f"{package} is taken: Python, a dependency or a path of ours has it.", remedy="Choose another.")
    taken = {path.name for path in (root / "functions").glob("*/*/") if not path.name.startswith("__")}
    if package.replace("_", "") in {one.replace("_", "") for one in taken}:
        raise Failure(f"There is a capability {package} already.", remedy="Choose another name.")
    return Names(domain, package)
