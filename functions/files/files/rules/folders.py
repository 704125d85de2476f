"""The folders of one owner, all of them: what may stand where. They are few, so a decision sees the whole tree."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from .names import sort_key
from .problems import FolderCycle, FoldersTooDeep, NameTaken, TooManyFolders, refused

MAX_DEPTH, MAX_FOLDERS = 20, 2_000


@dataclass(frozen=True)
class Folder:
    id: str
    owner_id: str
    name: str
    parent_id: str | None
    created_at: datetime
    version: int = 1
    made_by: str | None = None


@dataclass(frozen=True)
class Tree:
    """All folders as they stood at `turn`, which every change of the tree moves on."""

    folders: Mapping[str, Folder]
    turn: int

    def below(self, folder_id: str | None) -> list[Folder]:
        found = [folder for folder in self.folders.values() if folder.parent_id == folder_id]
        return sorted(found, key=lambda folder: (sort_key(folder.name), folder.id))

    def ancestors(self, folder_id: str | None) -> Iterator[str]:
        """This folder and those around it, outwards."""
        while folder_id is not None and folder_id in self.folders:
            yield folder_id
            folder_id = self.folders[folder_id].parent_id

    def inside(self, folder_id: str) -> list[Folder]:
        """Every folder in this one, itself not among them."""
        found = self.below(folder_id)
        return found + [deeper for folder in found for deeper in self.inside(folder.id)]

    def height(self, folder_id: str) -> int:
        return 1 + max((self.height(folder.id) for folder in self.below(folder_id)), default=0)

    def path(self, folder_id: str | None) -> list[Folder]:
        return [self.folders[one] for one in reversed(list(self.ancestors(folder_id)))]

    def check(self, folder: Folder, *, is_new: bool) -> None:
        """Raises the problem of a folder that may not stand where it says."""
        if folder.parent_id is not None and folder.parent_id not in self.folders:
            raise refused("/parent_id", "There is no such folder.")
        if is_new and len(self.folders) >= MAX_FOLDERS:
            raise TooManyFolders(f"There are {MAX_FOLDERS} folders already.")
        around = list(self.ancestors(folder.parent_id))
        if folder.id in around:
            raise FolderCycle("Move it to a place outside itself.")
        height = 1 if is_new else self.height(folder.id)
        if len(around) + height > MAX_DEPTH:
            raise FoldersTooDeep(f"Folders nest {MAX_DEPTH} deep; this would make it {len(around) + height}.")
        wanted = sort_key(folder.name)
        if any(one.id != folder.id and sort_key(one.name) == wanted for one in self.below(folder.parent_id)):
            raise NameTaken("Choose another name.")
