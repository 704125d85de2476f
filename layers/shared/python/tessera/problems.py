"""Typed errors that become RFC 9457 problem documents.

    Problem
    ├── InvalidRequest       422 invalid-request         the body, query or path itself is wrong
    ├── NotFound             404 not-found               nothing there, or nothing you may know of
    ├── MethodNotAllowed     405 method-not-allowed
    ├── PayloadTooLarge      413 payload-too-large
    ├── UnsupportedMedia     415 unsupported-media-type
    ├── Gone                 410 gone                    it was deleted a short while ago
    ├── Busy                 503 busy                    contention or throttling: try again
    ├── Unavailable          503 unavailable             something behind us does not answer
    └── Unexpected           500 unexpected              a defect of ours, never of the request

Every other problem stands next to the rule it guards, in the module that raises it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class FieldError:
    """One thing that is wrong, and where: a JSON pointer into the body, or a parameter's name."""

    pointer: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"pointer": self.pointer, "detail": self.detail}


class Problem(Exception):
    """An outcome the caller can be told about, with one status and one stable slug."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "unexpected"
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra

    def document(self, *, trace_id: str = "") -> dict[str, Any]:
        """The body of the answer, without the fields that have nothing to say."""
        body: dict[str, Any] = {"type": f"/problems/{self.slug}", "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [error.as_dict() for error in self.errors]
        body.update(self.extra)
        if trace_id:
            body["trace_id"] = trace_id
        return body


class InvalidRequest(Problem):
    status, slug, title = 422, "invalid-request", "The request is not valid"


class NotFound(Problem):
    status, slug, title = 404, "not-found", "There is nothing here"


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "This method is not offered here"


class PayloadTooLarge(Problem):
    status, slug, title = 413, "payload-too-large", "The request is too large"


class UnsupportedMedia(Problem):
    status, slug, title = 415, "unsupported-media-type", "This media type is not accepted here"


class Gone(Problem):
    status, slug, title = 410, "gone", "It was deleted"


class Busy(Problem):
    status, slug, title = 503, "busy", "Too much is happening at once"

    def __init__(self, detail: str = "Try again in a second.", **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": "1"}, **extra)


class Unavailable(Problem):
    status, slug, title = 503, "unavailable", "Not available right now"

    def __init__(self, detail: str = "Try again in a moment.", **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": "1"}, **extra)


class Unexpected(Problem):
    status, slug, title = 500, "unexpected", "Something went wrong on our side"


def catalogue() -> dict[str, type[Problem]]:
    """Every problem class imported so far, by slug.

    Raises `ValueError` when two classes share a slug with different statuses: one slug, one status.
    """
    found: dict[str, type[Problem]] = {}
    waiting = list(Problem.__subclasses__())
    while waiting:
        problem = waiting.pop()
        waiting += problem.__subclasses__()
        known = found.setdefault(problem.slug, problem)
        if known.status != problem.status:
            raise ValueError(f"The slug {problem.slug} has two statuses: {known.status} and {problem.status}.")
    return dict(sorted(found.items()))
