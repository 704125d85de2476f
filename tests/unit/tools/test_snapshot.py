"""What a deployment left, kept for the next start."""

from pathlib import Path

import pytest

from tools.snapshot import Snapshot


def state(folder: Path, content: str) -> Path:
    (folder / "s3").mkdir(parents=True)
    (folder / "s3" / "object").write_text(content)
    return folder


def test_what_was_kept_comes_back_in_place_of_what_is_there(tmp_path):
    snapshot = Snapshot(tmp_path / "deployed")
    snapshot.keep(state(tmp_path / "state", "as deployed"), "these sources")
    (tmp_path / "state" / "s3" / "object").write_text("as used")
    (tmp_path / "state" / "more").touch()

    snapshot.restore(tmp_path / "state")

    assert snapshot.made_from == "these sources"
    assert [(path.name, path.read_text()) for path in (tmp_path / "state").rglob("*") if path.is_file()] == [
        ("object", "as deployed")
    ]


def test_another_takes_its_place(tmp_path):
    snapshot = Snapshot(tmp_path / "deployed")
    snapshot.keep(state(tmp_path / "one", "1"), "one")
    snapshot.keep(state(tmp_path / "two", "2"), "two")

    snapshot.restore(tmp_path / "state")

    assert snapshot.made_from == "two" and (tmp_path / "state" / "s3" / "object").read_text() == "2"


def test_one_that_was_not_written_to_its_end_is_none(tmp_path):
    snapshot = Snapshot(tmp_path / "deployed")
    snapshot.keep(state(tmp_path / "one", "1"), "one")

    with pytest.raises(OSError):
        snapshot.keep(tmp_path / "nothing", "two")

    assert snapshot.made_from == "" == Snapshot(tmp_path / "never").made_from


def test_nobody_else_may_look_into_it(tmp_path):
    Snapshot(tmp_path / "deployed").keep(state(tmp_path / "one", "1"), "one")

    assert (tmp_path / "deployed").stat().st_mode & 0o077 == 0
