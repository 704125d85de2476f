"""`make new`: what it writes passes every contract test, its own tests and the linter, as it comes."""

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tools.new import blocks
from tools.new.__main__ import SCAFFOLD
from tools.new.names import Names, checked
from tools.paths import ROOT
from tools.say import Failure

NAME = re.compile(r"(?m)^([a-z0-9][a-z0-9._-]*)==")
PACKAGE = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")

pytestmark = pytest.mark.long

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".tessera", ".aws-sam", ".venv", "__pycache__", ".*_cache", ".hypothesis", "node_modules"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one capability more."""
    folder = tmp_path_factory.mktemp("new") / "tessera"
    shutil.copytree(ROOT, folder, symlinks=True, ignore=LEFT_OUT)
    python(folder, "-m", "tools.new", D="commerce", C="gift-cards")
    return folder


def python(folder: Path, *arguments: str, **variables: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_a_new_capability_passes_the_contract_tests_and_its_own(tree: Path) -> None:
    said = python(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract", "tests/unit/commerce")

    assert "passed" in said and "failed" not in said


def test_a_new_capability_is_formatted_typed_and_documented(tree: Path) -> None:
    made = ["functions/commerce", "tests/unit/commerce", "tests/e2e/commerce"]
    python(tree, "-m", "ruff", "check", "-q", *made)
    python(tree, "-m", "ruff", "format", "-q", "--check", *made)
    python(tree, "-m", "mypy", "functions/commerce")
    known = "from tools import registry; print(registry.named('gift-cards'))"

    assert "ANY /gift-cards/{proxy+}" in python(tree, "-c", known)
    assert (tree / "functions/commerce/Makefile").resolve() == tree / "functions/Makefile"


def test_a_block_is_added_and_nothing_else_is_touched(tree: Path) -> None:
    for name in ("template.yaml", "stores.yaml"):
        before, after = (ROOT / name).read_text().splitlines(), (tree / name).read_text().splitlines()
        added = iter(after)
        # Every line of before is there, in its order; the one that lists capabilities has a name more.
        kept = [line for line in before if "CAPABILITIES:" not in line]
        assert all(line in added for line in kept)
        assert len(after) > len(before)


def test_a_name_that_holds_a_word_of_the_example_is_kept_whole() -> None:
    names = Names("work", "ecommerce_gift_cards_more")

    assert names.fill("functions/commerce/gift_cards") == "functions/work/ecommerce_gift_cards_more"
    assert names.fill("GiftCards gift-cards gift cards") == (
        "EcommerceGiftCardsMore ecommerce-gift-cards-more ecommerce gift cards more"
    )


def test_no_capability_can_stand_in_the_way_of_a_dependency() -> None:
    locks = (ROOT / "layers").glob("*/requirements.txt")
    shipped = {re.sub(r"[-_.]+", "-", name) for lock in locks for name in NAME.findall(lock.read_text())}
    modules = {
        module
        for module, carriers in metadata.packages_distributions().items()
        if shipped & {re.sub(r"[-_.]+", "-", carrier).lower() for carrier in carriers}
    }

    for module in modules:
        if PACKAGE.fullmatch(module):
            with pytest.raises(Failure, match="is taken"):
                checked(ROOT, "commerce", module)


def test_no_capability_can_have_the_name_of_a_class_of_the_example() -> None:
    nodes = [node for path in SCAFFOLD.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    names = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    names |= {each.asname or each.name for node in nodes if isinstance(node, ast.ImportFrom) for each in node.names}
    assigned = [each for node in nodes if isinstance(node, ast.Assign) for each in node.targets]
    names |= {each.id for each in assigned if isinstance(each, ast.Name)}
    classes = {name for name in names if name[0].isupper() and not name.isupper() and "GiftCards" not in name}

    assert classes
    for name in classes:
        with pytest.raises(Failure):
            checked(ROOT, "commerce", re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())


@pytest.mark.parametrize(
    ("domain", "behind"),
    [("identity", "identity: b"), ("content", "identity: b"), ("work", "work: c"), ("data", "work: c")],
)
def test_a_block_stands_behind_the_others_of_its_domain(domain: str, behind: str) -> None:
    template = """\
Resources:
  # -- what lasts ---
  A: {}

  # -- identity: b --
  B: {}

  # -- work: c ------
  C: {}

  # -- platform: d --
  D: {}

Outputs:
  D: {}
"""
    names = Names(domain, "gift_cards")
    made = blocks.add_resources(template, f"  # -- {domain}: gift-cards\n  GiftCards: {{}}\n", names)
    headers = [line.strip("# -") for line in made.splitlines() if line.startswith("  # --")]

    assert headers[headers.index(f"{domain}: gift-cards") - 1] == behind
    output = "  GiftCards: {Value: !Ref GiftCards}"
    assert blocks.add_output(made, output, names).splitlines()[-2:] == [output, "  D: {}"]


@pytest.mark.parametrize(
    ("domain", "name", "said"),
    [
        ("", "", "Which capability"),
        ("shop", "gift_cards", "no domain shop"),
        ("commerce", "Gift Cards", "no name for a package"),
        ("commerce", "calendar", "is taken"),
        ("commerce", "pydantic", "is taken"),
        ("commerce", "health", "is taken"),
        ("commerce", "relay", "already"),
        ("commerce", "lambda", "is taken"),
        ("commerce", "on", "is taken"),
        ("commerce", "item", "is taken"),
        ("commerce", "playground", "is taken"),
        ("commerce", "stand-ins", "is taken"),
        ("commerce", "api", "resource `Api` is in the templates already"),
        ("commerce", "messages", "`Messages` is in the templates already"),
        ("commerce", "uploads", "`Uploads` is in the templates already"),
        ("work", "tasks-root", "`TasksRoot` is in the templates already"),
        ("commerce", "x" * 49, "longer than 48"),
    ],
)
def test_a_name_that_would_not_do_is_refused_before_anything_is_written(domain: str, name: str, said: str) -> None:
    with pytest.raises(Failure, match=said):
        checked(ROOT, domain, name)
