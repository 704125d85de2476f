"""What the first page of the project promises, done as it says."""

import json
import re
import subprocess

import pytest

from tests.kit.templates import ROOT

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]


def run(commands: list[str]) -> str:
    done = subprocess.run(["sh", "-c", "\n".join(commands)], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_the_first_request_is_answered_as_the_first_page_shows(base_url):
    (command,) = [line for line in COMMANDS if "todo-backend" in line]
    shown = json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL)[1])

    answer = json.loads(run([command.replace("http://127.0.0.1:8000", base_url)]))

    assert answer.keys() == shown.keys()
    assert answer["title"] == shown["title"] and answer["url"].startswith(base_url)


def test_signing_in_and_using_the_api_works_as_pasted(base_url, user):
    commands = [line for line in COMMANDS if "TOKEN" in line]
    assert len(commands) == 3
    told = [
        line.replace("http://127.0.0.1:8000", base_url)
        .replace("user@example.com", user.email)
        .replace('"password": "…"', f'"password": "{user.password}"')
        for line in commands
    ]

    run([*told[:2]])
    found = json.loads(run([told[0], told[2].replace("?q=plants", "")]))

    assert "Water the plants" in [task["title"] for task in found["items"]]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z-]+)", README))))
def test_every_command_of_the_first_page_is_there(target):
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_first_page_stays_short_and_its_links_lead_somewhere():
    assert len(README.splitlines()) <= 150
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
