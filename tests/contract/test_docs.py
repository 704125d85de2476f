"""What the documents say of the tree is so."""

import re
from collections.abc import Iterator

import pytest
import yaml

from tests.kit.templates import ROOT, template
from tools import costs, deploy, events, registry
from tools.document import apps

PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_documents_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_idle_cost_in_the_document_is_that_of_the_templates():
    rows = dict(re.findall(r"^\| ([a-z ]+?)(?: \([^)]*\))? \| (\d+ \| [\d.]+) \|$", DEPLOY, re.MULTILINE))

    assert rows == {name: f"{count} | {cost:.2f}" for name, count, cost in costs.idle(alarms=True)}
    for label, alarms in (("without alarms", False), ("with alarms", True)):
        total = sum(cost for *_, cost in costs.idle(alarms=alarms))
        assert f"| **all, {label}** | | **{total:.2f}** |" in DEPLOY


def test_every_parameter_is_explained():
    assert {name for name in template("template")["Parameters"] if f"`{name}`" not in DEPLOY} == set()
    assert {name for name in deploy.SETTINGS.values() if f"`{name}`" not in DEPLOY} == set()


def test_everything_that_outlives_its_stack_is_named():
    stays = DEPLOY.partition("## Deleting, and what stays")[2].partition("\n## ")[0]

    for name, resource in template("stores")["Resources"].items():
        properties = resource["Properties"]
        if not resource.get("DeletionPolicy") or resource["Type"] == "AWS::DynamoDB::Table":
            continue
        named = properties.get("BucketName") or properties.get("Name")
        said = named["Fn::Sub"].replace("${Stack}", "tessera-dev").partition("-${")[0] if named else name
        assert f"`{said}" in stays, f"{name} stays"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_of_ci_runs_a_make_target_and_nothing_else(path):
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name, job in yaml.safe_load(path.read_text())["jobs"].items():
        commands = [step["run"] for step in job["steps"] if "run" in step]
        assert commands, f"{name} runs nothing"
        for command in commands:
            program, *wanted = command.split()
            assert program == "make" and set(wanted) <= targets, command
        for action in (step["uses"] for step in job["steps"] if "uses" in step):
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action), action


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_tool_is_run_by_the_interpreter_that_has_what_it_imports(page):
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
        assert not re.search(r"(?<!/)\bpython3? -m tools\.", block), f"{page.name}: no other interpreter has botocore"


@pytest.mark.parametrize("capability", registry.capabilities(), ids=lambda capability: capability.name)
def test_a_readme_names_every_event_its_capability_tells(capability):
    named = set(events_named((capability.folder / "README.md").read_text(), capability.name))

    told = {event.type for event in events.emitted(apps.load(capability, "events"))}
    # The log of who did what is one for all of them.
    assert told - {"audit.entry.recorded.v1"} <= named


def events_named(readme: str, capability: str) -> Iterator[str]:
    """The types written as code, `tasks.task.created|deleted.v1` being two. Its own may lack its name and `.v1`."""
    for code in re.findall(r"`([^`]+)`", readme):
        *head, verbs = re.sub(r"\s+", "", code).removesuffix(".v1").split(".")
        if head:
            noun = ".".join(head if len(head) > 1 else [capability, *head])
            yield from (f"{noun}.{verb}.v1" for verb in verbs.split("|"))
