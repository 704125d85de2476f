"""The names of a new capability, all derived from its domain and its package."""

import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import templates
from tools.registry import pascal
from tools.say import Failure

# In the order of the tree, which is the order of the sections of every template.
DOMAINS = ("identity", "content", "work", "commerce", "live", "files", "outside", "data", "platform")
# Inside Lambda the package is a top-level module, next to the dependencies.
DEPENDENCIES = frozenset(
    """annotated_doc annotated_types anyio argon2 aws_lambda_powertools bcrypt boto3 botocore cbor2 cffi
    charset_normalizer cryptography dateutil defusedxml dns email_validator fastapi graphql h2 hpack hyperframe idna
    jmespath mangum markdown_it mdit_py_plugins mdurl nh3 opentelemetry pyasn1 pyasn1_modules pycparser pydantic
    pydantic_core pynamodb pypdfium2 pypdfium2_cfg pypdfium2_cli pypdfium2_raw s3transfer segno selectolax six
    snowballstemmer starlette tessera tinytag typing_extensions typing_inspection tzdata urllib3 webauthn webencodings
    zxcvbn""".split()
)
# In the code's own data, and at the front door, these stand for something else.
RESERVED = frozenset(
    """assets demo docs health internal jobs live mailbox metrics openapi playground problems ready s stand_ins todo
    traces""".split()
)
# A class of the new capability would have the name of another that its files define or import.
IN_THE_EXAMPLE = frozenset(
    """accounts annotated any bindings condition_failed cursor entries erase_in erased_out export_in field gone
    idempotency_key idempotency_mismatch in instant intent invalid_cursor invalid_request item item_in item_out
    item_params item_row keys limit name not_found out page params part path principal query reader response router row
    self sequence settings signing store table ulid unicode_attribute writer""".split()
)
# What YAML reads as something else than a word.
NO_WORDS = frozenset("y n yes no on off true false null".split())
TAKEN = sys.stdlib_module_names | frozenset(keyword.kwlist) | DEPENDENCIES | RESERVED | IN_THE_EXAMPLE | NO_WORDS
# With `tessera-staging-` before it, it is a function's name, of which Lambda takes 64 characters.
LONGEST = 48


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
        ours = {
            "GiftCards": self.logical_id,
            "gift_cards": self.package,
            "gift-cards": self.path,
            "gift cards": self.words,
            "commerce": self.domain,
        }
        # All in one pass: one of our names may hold a word of the example.
        return re.sub("|".join(ours), lambda found: ours[found[0]], text)


def checked(root: Path, domain: str, name: str) -> Names:
    """The names of `make new D=<domain> C=<name>`. Raises `Failure` with what is wrong and what would do."""
    package = name.replace("-", "_")
    if not domain or not package:
        raise Failure("Which capability, and where?", remedy="Say both: make new D=commerce C=gift_cards")
    if domain not in DOMAINS:
        raise Failure(f"There is no domain {domain}.", remedy=f"There are: {', '.join(DOMAINS)}.")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*", package):
        raise Failure(f"{name} is no name for a package.", remedy="Lower-case words, such as gift_cards.")
    if len(package) > LONGEST:
        raise Failure(f"{name} is longer than {LONGEST} characters.", remedy="Choose a shorter one.")
    if package in TAKEN:
        raise Failure(f"{package} is taken: Python, a dependency or a path of ours has it.", remedy="Choose another.")
    taken = {path.name for path in (root / "functions").glob("*/*/") if not path.name.startswith("__")}
    if package.replace("_", "") in {one.replace("_", "") for one in taken}:
        raise Failure(f"There is a capability {package} already.", remedy="Choose another name.")
    there = {logical_id for template in ("template", "stores") for logical_id in templates.load(template)["Resources"]}
    for logical_id in (f"{pascal(package)}{suffix}" for suffix in ("", "Integration", "Root", "Route")):
        if logical_id in there:
            raise Failure(f"A resource `{logical_id}` is in the templates already.", remedy="Choose another name.")
    return Names(domain, package)
