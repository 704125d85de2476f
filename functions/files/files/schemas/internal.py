"""Bodies of the routes that only other capabilities may call."""

from typing import Annotated

from pydantic import Field

from tessera.types import In, Out, Params, Ulid


class ResolveIn(In):
    ids: Annotated[list[Ulid], Field(min_length=1, max_length=100)]
    on_behalf_of: Ulid


class ResolvedOut(Out):
    id: Ulid
    state: Annotated[str, Field(max_length=20)]
    owner_id: Ulid
    name: Annotated[str, Field(max_length=255)]
    type: Annotated[str, Field(max_length=255)]
    size: int
    etag: Annotated[str, Field(max_length=128)] | None
    bucket: Annotated[str, Field(max_length=128)] | None
    key: Annotated[str, Field(max_length=200)] | None
    n: int
    role: Annotated[str, Field(max_length=10)]


class ResolveOut(Out):
    """Those that may be read, in the order they were asked for; what is not among them does not exist."""

    items: Annotated[list[ResolvedOut], Field(max_length=100)]


class SearchDocsParams(Params):
    """One of an owner's, or all of them from a cursor on."""

    owner_id: Ulid
    id: Ulid | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = None


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: int
