"""What schemathesis is not to try: requests that no operation gets to see."""

import re
from typing import Any

import schemathesis

# The front door answers these itself, with 400; `tests/e2e/platform/test_door.py` holds what it refuses.
_REFUSED_AT_THE_DOOR = re.compile(r"[\x00-\x1f\x7f\\]|^\.{1,2}(;|$)|/|^_")


@schemathesis.hook
def filter_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> bool:
    return not any(_REFUSED_AT_THE_DOOR.search(str(value)) for value in (path_parameters or {}).values())
