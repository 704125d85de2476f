"""What can stand in the way of a file.

Problem
├── QuotaExceeded     409 storage-quota-exceeded   it would not fit into what the owner may keep
├── TooManyPending    409 too-many-uploads         too many uploads of theirs are unfinished
├── NotReady          409 not-ready                it is not there yet, or could not be taken
├── PartsMismatch     409 parts-mismatch           what was sent is not what is to be completed
├── NotAllowed        403 not-allowed              they may see it, but not do this
├── NameTaken         409 name-taken               a folder of this name stands there
├── FolderNotEmpty    409 folder-not-empty
├── FolderCycle       409 folder-cycle             a folder cannot be moved into itself
├── FoldersTooDeep    409 folders-too-deep
├── TooManyFolders    409 too-many-folders
├── TooManyShares     409 too-many-shares
├── TooManyGrants     409 too-many-grants
├── Infected          451 infected
├── WrongPassword     401 share-password
└── PasswordLocked    429 share-locked
"""

from tessera.auth.problems import Unauthenticated
from tessera.problems import FieldError, InvalidRequest, Problem


class QuotaExceeded(Problem):
    status, slug, title = 409, "storage-quota-exceeded", "There is not enough room left"


class TooManyPending(Problem):
    status, slug, title = 409, "too-many-uploads", "Too many uploads are unfinished"


class NotReady(Problem):
    status, slug, title = 409, "not-ready", "The file cannot be had now"


class PartsMismatch(Problem):
    status, slug, title = 409, "parts-mismatch", "The parts are not those that were sent"


class NotAllowed(Problem):
    status, slug, title = 403, "not-allowed", "You may see this file, but not change it so"


class NameTaken(Problem):
    status, slug, title = 409, "name-taken", "A folder of this name is there already"


class FolderNotEmpty(Problem):
    status, slug, title = 409, "folder-not-empty", "The folder is not empty"


class FolderCycle(Problem):
    status, slug, title = 409, "folder-cycle", "A folder cannot be inside itself"


class FoldersTooDeep(Problem):
    status, slug, title = 409, "folders-too-deep", "Folders are nested too deep"


class TooManyFolders(Problem):
    status, slug, title = 409, "too-many-folders", "There are too many folders"


class TooManyShares(Problem):
    status, slug, title = 409, "too-many-shares", "The file has too many links"


class TooManyGrants(Problem):
    status, slug, title = 409, "too-many-grants", "The file is open to too many people"


class Infected(Problem):
    status, slug, title = 451, "infected", "Malware was found in this file"


class WrongPassword(Unauthenticated):
    """The link is good, the password is not."""

    status, slug, title = 401, "share-password", "This link needs its password"
    challenge = 'Tessera-Share realm="files"'

    def __init__(self) -> None:
        super().__init__("Send the password that came with the link.", cause="share password")


class PasswordLocked(Problem):
    status, slug, title = 429, "share-locked", "Too many wrong passwords"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Try again in {retry_after} seconds.", headers={"Retry-After": str(retry_after)})


def refused(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=[FieldError(pointer, detail)])
