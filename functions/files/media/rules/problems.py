"""What can stand in the way.

Problem
├── FileNotClean     409 file-not-clean     nobody may have its bytes yet, or any more
├── NothingToRetry   409 nothing-to-retry   no output of the job has failed
└── NoThumbnail      404 no-thumbnail       none can be made of this file
"""

from tessera.problems import FieldError, InvalidRequest, Problem


class FileNotClean(Problem):
    status, slug, title = 409, "file-not-clean", "The file cannot be read now"


class NothingToRetry(Problem):
    status, slug, title = 409, "nothing-to-retry", "No output has failed"


class NoThumbnail(Problem):
    status, slug, title = 404, "no-thumbnail", "There is no thumbnail of this file"


def refused(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=[FieldError(pointer, detail)])
