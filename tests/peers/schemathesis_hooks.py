"""What schemathesis is not to try: requests that no operation gets to see. The others take it less time."""

import gc
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, urlencode

import schemathesis
from schemathesis.config import ProjectConfig

# The front door answers these itself, with 400; `tests/e2e/platform/test_door.py` holds what it refuses.
_REFUSED_AT_THE_DOOR = re.compile(r"[\x00-\x1f\x7f\\/]|^\.{1,2}(;|$)|^_")
# A request line of a server, like one of API Gateway, has some 8,000 bytes.
_LONGEST_TARGET = 6_000
gc.set_threshold(20_000, 20, 100)


def _put_together_once(method: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[tuple[str | None, str | None], Any] = {}

    def configured(self: ProjectConfig, *, operation: Any = None, phase: str | None = None) -> Any:
        of = (operation and operation.label, phase)
        if of not in known:
            known[of] = method(self, operation=operation, **({"phase": phase} if phase else {}))
        return known[of]

    return configured


# What the file says of an operation is the same for each of its cases; anew for each, it took a fifth of the time.
for _name in ("phases_for", "generation_for", "checks_config_for"):
    setattr(ProjectConfig, _name, _put_together_once(getattr(ProjectConfig, _name)))


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    # Some generators hand the value over as it will be sent, some as it is meant.
    in_path = [unquote(str(value)) for value in (case.path_parameters or {}).values()]
    if any(_REFUSED_AT_THE_DOOR.search(value) for value in in_path):
        return False
    query = urlencode(case.query or {}, doseq=True, errors="replace")
    return len(query) + sum(len(quote(value, errors="replace")) for value in in_path) <= _LONGEST_TARGET
