"""Lists of files: each page is one query of the index that has their order."""

from dataclasses import dataclass
from typing import Any

from tessera.auth.principal import Principal
from tessera.tables import Key

from ..ports import Ports
from ..rules.files import File
from ..rules.names import sort_key
from ..store.rows import ROOT, FileRow, file_row, listing_pk

MAX_PAGES, PAGE_ROWS = 4, 100
NEWEST, OLDEST, NAME, NAME_DOWN = "newest", "oldest", "name", "-name"
TRASHED = "trashed"


@dataclass(frozen=True)
class Query:
    """`folder` is a folder's id, `root` for what is in none.

    By age, and where something is looked for, files of all folders come unless one is named.
    """

    folder: str | None = None
    q: str | None = None
    state: str | None = None
    sort: str | None = None

    @property
    def is_by_age(self) -> bool:
        return self.state != TRASHED and (self.sort in (NEWEST, OLDEST) or (self.q is not None and not self.folder))

    def holds(self, file: File) -> bool:
        """What the index does not serve."""
        if self.is_by_age and self.folder and (file.folder_id or ROOT) != self.folder:
            return False
        if self.is_by_age and (file.trashed_at is not None or file.purging):
            return False
        if self.state and self.state != file.shown_state:
            return False
        return not self.q or sort_key(self.q) in sort_key(file.name)


def page(
    ports: Ports, asked: Query, limit: int, state: dict[str, Any] | None, *, by: Principal
) -> tuple[list[File], dict[str, Any] | None]:
    """One page and where the next one starts. 1 request, or up to 4 where something is looked for among others.

    Such a page may be short and still have a next one.
    """
    pk, index, newest_first = _partition(asked, by.owner_id)
    is_filtered = bool(asked.q or asked.is_by_age or (asked.state and asked.state != TRASHED))
    found: list[File] = []
    after: Key | None = state["k"] if state else None
    for _ in range(MAX_PAGES if is_filtered else 1):
        size = PAGE_ROWS if is_filtered else limit
        part = ports.files.page(pk, index, limit=size, after=after, newest_first=newest_first)
        for file in part.files:
            if not asked.holds(file):
                continue
            found.append(file)
            if len(found) == limit:
                is_end = part.next is None and file is part.files[-1]
                return found, None if is_end else {"k": _key(file, index)}
        after = part.next
        if after is None:
            break
    return found, {"k": after} if after else None


def opened(
    ports: Ports, limit: int, state: dict[str, Any] | None, *, by: Principal
) -> tuple[list[File], dict[str, Any] | None]:
    """What others have opened to the caller. 2 requests."""
    file_ids, after = ports.shares.granted_to(by.owner_id, limit, state["k"] if state else None)
    found = [file for file in ports.files.many(file_ids) if file.trashed_at is None and not file.purging]
    return found, {"k": after} if after else None


def _partition(asked: Query, owner_id: str) -> tuple[str, str, bool]:
    if asked.state == TRASHED:
        return f"T#{owner_id}", "gs1", True
    if asked.is_by_age:
        return f"O#{owner_id}", "gs2", asked.sort != OLDEST
    folder = None if asked.folder == ROOT else asked.folder
    return listing_pk(owner_id, folder), "gs1", asked.sort == NAME_DOWN


def _key(file: File, index: str) -> Key:
    row: FileRow = file_row(file)
    names = ("pk", "sk", f"{index}_pk", f"{index}_sk")
    return {name: str(getattr(row, name)) for name in names}
