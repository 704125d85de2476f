"""What is made from the tree is whole, or is made again."""

import subprocess
from pathlib import Path

import pytest

from tools import generated


class Maker:
    """A tool in the place of those that make the files: it writes them, or is interrupted halfway."""

    def __init__(self, root: Path) -> None:
        self.root, self.ran, self.is_interrupted = root, 0, False

    def __call__(self, command: list[str], **_: object) -> "Maker":
        self.ran += 1
        (self.root / "document.json").write_text("{" if self.is_interrupted else "{}")
        return self

    def wait(self) -> int:
        if self.is_interrupted:
            raise KeyboardInterrupt
        return 0

    def kill(self) -> None:
        """It is gone already."""


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Maker:
    made = Maker(tmp_path)
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    monkeypatch.setattr(generated, "STATE", tmp_path / ".tessera")
    monkeypatch.setattr(generated, "MADE", ("document.json",))
    monkeypatch.setattr(generated, "MADE_BY", ("tools.openapi",))
    monkeypatch.setattr(generated, "FOLDERS", ("functions",))
    monkeypatch.setattr(subprocess, "Popen", made)
    (tmp_path / "functions").mkdir()
    return made


def change(maker: Maker, text: str) -> None:
    (maker.root / "functions" / "routes.py").write_text(text)


def test_the_same_sources_are_read_once(maker: Maker) -> None:
    generated.make()
    generated.make()

    assert maker.ran == 1


def test_what_was_interrupted_is_made_again_also_when_the_change_is_taken_back(maker: Maker) -> None:
    change(maker, "as it was")
    generated.make()
    change(maker, "another")
    maker.is_interrupted = True
    with pytest.raises(KeyboardInterrupt):
        generated.make()
    change(maker, "as it was")
    maker.is_interrupted = False

    generated.make()

    assert (maker.root / "document.json").read_text() == "{}"
