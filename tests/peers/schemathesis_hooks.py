"""What schemathesis is not to try: requests that no operation gets to see."""

import re
from typing import Any
from urllib.parse import quote, unquote, urlencode

import schemathesis

# The front door answers these itself, with 400; `tests/e2e/platform/test_door.py` holds what it refuses.
_REFUSED_AT_THE_DOOR = re.compile(r"[\x00-\x1f\x7f\\/]|^\.{1,2}(;|$)|^_")
# A request line of a server, like one of API Gateway, has some 8,000 bytes.
_LONGEST_TARGET = 6_000


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    # Some generators hand the value over as it will be sent, some as it is meant.
    in_path = [unquote(str(value)) for value in (case.path_parameters or {}).values()]
    if any(_REFUSED_AT_THE_DOOR.search(value) for value in in_path):
        return False
    query = urlencode(case.query or {}, doseq=True, errors="replace")
    return len(query) + sum(len(quote(value, errors="replace")) for value in in_path) <= _LONGEST_TARGET
