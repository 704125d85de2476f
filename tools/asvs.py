"""`python -m tools.asvs`: which test stands behind each requirement of OWASP ASVS 5.0.

It writes `docs/asvs.md` from `tests/asvs.json` and the markers `@pytest.mark.asvs("6.2.1")`, read from the tests' text.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.paths import ROOT

PAGE = ROOT / "docs" / "asvs.md"
SOURCE = ROOT / "tests" / "asvs.json"
TESTS = ROOT / "tests"
CHAPTERS = {
    "6": "Signing in",
    "7": "Sessions",
    "8": "Authorization",
    "9": "Tokens",
    "10": "Providers",
    "16": "Logs and errors",
}

_OPENING = """# OWASP ASVS 5.0

What stands behind each requirement of chapters 6 to 10 and 16 of the
[Application Security Verification Standard 5.0.0](https://github.com/OWASP/ASVS), levels 1 and 2. A requirement is
named by its number; the titles are ours, and short: read the requirement itself there. A test named here carries the
marker `asvs`, and is there to fail when what it is about is taken out. This page is made by `python -m tools.asvs`.

How attacks are met, attack by attack: [threat-model.md](threat-model.md).
"""


@dataclass(frozen=True)
class Requirement:
    """One line of the list: its tests are found, a document or a reason is said."""

    id: str
    level: int
    title: str
    document: str
    not_applicable: str
    limit: str
    departs: str

    @property
    def chapter(self) -> str:
        return self.id.partition(".")[0]


@dataclass(frozen=True)
class Test:
    """A test that is there, and the requirements it is marked with."""

    path: str
    name: str
    ids: tuple[str, ...]

    @property
    def node(self) -> str:
        return f"{self.path}::{self.name}"


def requirements() -> list[Requirement]:
    found = json.loads(SOURCE.read_text())["requirements"]
    return [
        Requirement(
            key,
            said["level"],
            said["title"],
            said.get("document", ""),
            said.get("not_applicable", ""),
            said.get("limit", ""),
            said.get("departs", ""),
        )
        for key, said in found.items()
    ]


@cache
def tests() -> tuple[Test, ...]:
    """Every test of the tree, in the order of its path and place. Nothing is imported."""
    paths = sorted(path for path in TESTS.rglob("test_*.py") if "__pycache__" not in path.parts)
    return tuple(found for path in paths for found in _tests_of(path))


def marked(key: str) -> list[Test]:
    return [test for test in tests() if key in test.ids]


def document_of(requirement: Requirement) -> tuple[Path, str]:
    """The page that says it, and under which heading."""
    path, _, heading = requirement.document.partition("#")
    return ROOT / path, heading


def headings(path: Path) -> list[str]:
    return [found.group(1) for found in re.finditer(r"^#+ (.+)$", path.read_text(), re.MULTILINE)]


def page() -> str:
    """The whole page."""
    return "\n".join([_OPENING, *_counts(), *_tables(), ""])


def _counts() -> Iterator[str]:
    every = requirements()
    without, departing, limited = (
        [found.id for found in every if getattr(found, field)] for field in ("not_applicable", "departs", "limit")
    )
    covered = len(every) - len(without) - len(departing)
    yield f"Of {len(every)} requirements {covered} are covered, {len(limited)} of them with a limit that is named;"
    yield f"{len(without)} do not apply. From the text of {len(departing)} we depart on purpose, and say where and why:"
    yield f"{', '.join(departing)}.\n"


def _tables() -> Iterator[str]:
    for chapter, title in CHAPTERS.items():
        yield f"## V{chapter}: {title}\n"
        yield "| Requirement | Level | About | What stands behind it |"
        yield "| --- | --- | --- | --- |"
        for found in requirements():
            if found.chapter == chapter:
                yield f"| {found.id} | {found.level} | {found.title} | {_behind(found)} |"
        yield ""


def _behind(requirement: Requirement) -> str:
    if requirement.not_applicable:
        return f"Does not apply: {requirement.not_applicable}"
    said = [f"[{test.name}]({_link(test.path)})" for test in marked(requirement.id)]
    if requirement.document:
        path, heading = document_of(requirement)
        place = re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        said.insert(0, f"[{path.name}, {heading}]({_link(requirement.document.partition('#')[0])}#{place})")
    said += [f"Limit: {requirement.limit}"] if requirement.limit else []
    said += [f"Departs: {requirement.departs}"] if requirement.departs else []
    return "<br>".join(said)


def _link(path: str) -> str:
    return path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}"


def _tests_of(path: Path) -> Iterator[Test]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            ids = tuple(key for decorator in node.decorator_list for key in _ids_of(decorator))
            yield Test(path.relative_to(ROOT).as_posix(), node.name, ids)


def _ids_of(decorator: ast.expr) -> Iterator[str]:
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.asvs":
        yield from (str(ast.literal_eval(argument)) for argument in decorator.args)


def main() -> int:
    PAGE.write_text(page())
    print(f"Wrote {PAGE.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
