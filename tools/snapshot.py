"""What a deployment left in the local cloud before anybody used it: the same again need not be deployed again."""

import shutil
from pathlib import Path


class Snapshot:
    """A folder beside the state of a stack. `made_from` names what was deployed, in the words of who keeps it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def made_from(self) -> str:
        """Empty when there is none, or one that was not written to its end."""
        try:
            return self._stamp.read_text()
        except OSError:
            return ""

    def keep(self, state: Path, made_from: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        # The state holds the local cloud's secrets.
        self.folder.mkdir(parents=True, mode=0o700)
        shutil.copytree(state, self.folder / "state")
        self._stamp.write_text(made_from)

    def restore(self, state: Path) -> None:
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(self.folder / "state", state)

    @property
    def _stamp(self) -> Path:
        return self.folder / "made-from"
