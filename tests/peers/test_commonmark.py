"""The examples of CommonMark itself, from npm `commonmark-spec`: what our parser makes of each, before the gate."""

import json
import re

import pytest

from tessera.markup.parsing import Deadline, to_html
from tests.peers.npm import installed, node

PACKAGES = {"commonmark-spec": "0.31.2"}
EXAMPLES = 652
# The specification shows a tab as an arrow.
LIST = "import { tests } from 'commonmark-spec'; console.log(JSON.stringify(tests).replaceAll('→', '\\\\t'));"
_IDS = re.compile(r'(<h[1-6]) id="h-[^"]*"')
_GAPS = re.compile(r">\s+<")


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(node(installed(PACKAGES), LIST))
    return found


def test_commonmark_examples(examples: list[dict[str, str]]) -> None:
    made = [to_html(one["markdown"], "comment", Deadline(60)) for one in examples]

    different = [one["number"] for one, html in zip(examples, made, strict=True) if _even(html) != _even(one["html"])]
    assert len(examples) == EXAMPLES
    assert not different


def _even(html: str) -> str:
    """Without our ids, and without spaces between tags: an empty quote has a line end in the examples and none here."""
    return _GAPS.sub("><", _IDS.sub(r"\1", html))
