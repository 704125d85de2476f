"""Files as `search` takes them in: by their names and tags."""

from tessera import clock
from tessera.searchable import SearchDoc, SearchDocs

from ..ports import Ports
from ..rules.files import File, State
from ..store.rows import META, file_pk

PAGE = 100


def one(ports: Ports, owner_id: str, file_id: str) -> SearchDocs:
    """A file, or nothing when it is gone for good. 1 request."""
    file = ports.files.find(file_id)
    return SearchDocs(items=[_document(file)] if file is not None and file.owner_id == owner_id else [])


def page(ports: Ports, owner_id: str, after: str | None) -> SearchDocs:
    """All that an owner has, a page at a time. 2 requests."""
    start = None
    if after is not None:
        file_id = after.partition("#")[2]
        start = {"pk": file_pk(file_id), "sk": META, "gs2_pk": f"O#{owner_id}", "gs2_sk": after}
    found = ports.files.page(f"O#{owner_id}", "gs2", limit=PAGE, after=start, newest_first=False)
    following = found.next["gs2_sk"] if found.next else None
    return SearchDocs(items=[_document(file) for file in found.files], next=following)


def _document(file: File) -> SearchDoc:
    acl = f"user:{file.owner_id}"
    if file.trashed_at is not None or file.purging or file.state is not State.CLEAN:
        return SearchDoc(id=file.id, seq=file.version, deleted=True, type="file", acl=acl)
    return SearchDoc(
        id=file.id,
        seq=file.version,
        type="file",
        acl=acl,
        title=file.name,
        tags=list(file.tags),
        url=f"/files/{file.id}",
        author=file.created_by,
        updated_at=clock.parse(clock.rfc3339(file.updated_at)),
    )
