"""The request headers that many routes read, and the answer headers that go with them."""

from typing import Annotated

from fastapi import Header, Response

from tessera.etags import etag, expected_version

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=1000, description="The ETag of the version you read.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="The same key with the same body makes one thing, for 24 hours. A UUIDv7 or ULID costs nothing.",
    ),
]


def required_version(if_match: str | None) -> int | None:
    """The version an update must meet. Raises `VersionRequired` or `StaleVersion`."""
    return expected_version(if_match)


def show_version(response: Response, version: int) -> None:
    response.headers["ETag"] = etag(version)


def show_created(response: Response, *, location: str, version: int, replayed: bool) -> None:
    """What a 201 carries, the first time and when it is replayed."""
    response.headers["Location"] = location
    show_version(response, version)
    if replayed:
        response.headers["Idempotent-Replay"] = "true"
