"""Every requirement of ASVS 5.0 has a test, a document or a reason, and every attack that is named has its test."""

import re

import pytest

from tests.kit.templates import ROOT
from tools import asvs

REQUIREMENTS = asvs.requirements()
KNOWN = {found.id for found in REQUIREMENTS}
THREATS = ROOT / "docs" / "threat-model.md"
ROWS = [
    line
    for line in THREATS.read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| Attack", "| ---"))
]


def test_the_list_holds_every_requirement_once_and_in_order():
    order = [tuple(map(int, found.id.split("."))) for found in REQUIREMENTS]

    assert order == sorted(set(order))
    per_chapter = {chapter: sum(found.chapter == chapter for found in REQUIREMENTS) for chapter in asvs.CHAPTERS}
    # As many as ASVS 5.0.0 has at levels 1 and 2.
    assert per_chapter == {"6": 35, "7": 18, "8": 7, "9": 7, "10": 29, "16": 16}
    assert {found.level for found in REQUIREMENTS} == {1, 2}


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda found: found.id)
def test_a_requirement_has_a_test_a_document_or_a_reason(requirement):
    tests = asvs.marked(requirement.id)

    assert tests or requirement.document or requirement.not_applicable
    assert not (tests and requirement.not_applicable), "What has a test applies."
    assert not (requirement.limit and requirement.departs)
    assert 0 < len(requirement.title) <= 80


@pytest.mark.parametrize("requirement", [found for found in REQUIREMENTS if found.document], ids=lambda found: found.id)
def test_a_document_that_is_named_has_its_heading(requirement):
    path, heading = asvs.document_of(requirement)

    assert heading in asvs.headings(path)


def test_a_requirement_of_documentation_names_its_document():
    about = [
        found for found in REQUIREMENTS if found.id.split(".")[1] == "1" and found.chapter in ("6", "7", "8", "16")
    ]

    assert len(about) == 9
    assert [found.id for found in about if not found.document] == []


def test_a_marker_names_requirements_that_are_known():
    unknown = {test.node: [key for key in test.ids if key not in KNOWN] for test in asvs.tests()}

    assert {node: keys for node, keys in unknown.items() if keys} == {}


def test_the_page_is_that_of_the_list_and_the_markers():
    assert asvs.PAGE.read_text() == asvs.page(), "Run `python -m tools.asvs`."


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_each_attack_names_a_test_that_is_there(row):
    *_, named = row.strip("| ").split(" | ")
    nodes = re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", named)

    assert nodes, "Name the test that fails without what stands against it."
    assert set(nodes) <= {test.node for test in asvs.tests()}


def test_the_threat_model_is_not_empty():
    assert len(ROWS) >= 30
