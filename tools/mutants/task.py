"""What one run of pytest is to judge, and how it is told."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """`patience_seconds` is what any test may take; see the two functions for what is more than that."""

    name: str
    root: Path
    files: Sequence[Path]
    answer: Path
    patience_seconds: float = 30

    @property
    def seconds_unknown(self) -> float:
        """For a test of which nothing is known yet."""
        return self.patience_seconds * 20

    def seconds_for(self, normal: float, *, is_alone: bool) -> float:
        """For a test that takes `normal` as it is. Judged alone, it hangs for certain after that."""
        return (self.patience_seconds + 10 * normal) * (4 if is_alone else 1)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), default=str))

    @classmethod
    def read(cls, path: Path) -> "Task":
        said = json.loads(path.read_text())
        files = [Path(file) for file in said["files"]]
        return cls(said["name"], Path(said["root"]), files, Path(said["answer"]), said["patience_seconds"])
