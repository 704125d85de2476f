"""What was built is built again only when something of it has changed."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tools import layers, sam

PARAMETERS = {"Runtime": "python3.11", "Architecture": "x86_64", "Endpoint": "http://127.0.0.1:4001"}
POINTERS = {"LOCAL_Shared": "/layers/shared-1"}

Ask = Callable[..., int]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask for a build with these differences; how many there have been."""
    built: list[Path] = []

    def build(build_dir: Path, **_: object) -> None:
        (build_dir / "Stores").mkdir(parents=True, exist_ok=True)
        for template in (build_dir / "template.yaml", build_dir / "Stores" / "template.yaml"):
            template.write_text("Outputs: {Name: {Value: !Sub '${Stack}-1'}, Arn: {Value: !GetAtt Tasks.Arn}}")
        (build_dir / ".made-from").unlink(missing_ok=True)
        built.append(build_dir)

    def asked(
        parameters: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None, sources: str = "1"
    ) -> int:
        monkeypatch.setattr(layers, "source_hash", lambda: sources)
        wanted = {**PARAMETERS, **(parameters or {})}
        log = tmp_path / "build.log"
        sam.build_if_changed(
            tmp_path / "build", variables={**POINTERS, **(variables or {})}, parameters=wanted, log=log
        )
        return len(built)

    monkeypatch.setattr(sam, "build", build)
    return asked


def test_the_same_sources_are_built_once(ask: Ask) -> None:
    assert [ask(), ask()] == [1, 1]


def test_where_the_cloud_listens_changes_nothing_of_a_build(ask: Ask) -> None:
    assert [ask(), ask({"Endpoint": "http://127.0.0.1:4002"})] == [1, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"sources": "2"},
        {"variables": {"LOCAL_Shared": "/layers/shared-2"}},
        {"parameters": {"Runtime": "python3.13"}},
        {"parameters": {"Architecture": "arm64"}},
    ],
    ids=["sources", "layers", "runtime", "architecture"],
)
def test_what_a_build_is_made_from_makes_another(ask: Ask, change: dict[str, object]) -> None:
    assert [ask(), ask(**change), ask(**change), ask()] == [1, 2, 2, 3]


def test_a_build_that_failed_is_done_again(ask: Ask, tmp_path: Path) -> None:
    assert ask() == 1
    (tmp_path / "build" / ".made-from").unlink()
    assert ask() == 2


def test_what_is_deployed_is_read_at_once(ask: Ask, tmp_path: Path) -> None:
    ask()

    for template in (tmp_path / "build" / "template.yaml", tmp_path / "build" / "Stores" / "template.yaml"):
        assert json.loads(template.read_text()) == {
            "Outputs": {
                "Name": {"Value": {"Fn::Sub": "${Stack}-1"}},
                "Arn": {"Value": {"Fn::GetAtt": ["Tasks", "Arn"]}},
            }
        }
