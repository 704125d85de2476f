from typing import Annotated

from pydantic import Field

from tessera.types import Cursor, In, Instant, Limit, Name, Out, Params, Ulid


class ItemIn(In):
    name: Name


class ItemOut(Out):
    id: Ulid
    name: Name
    created_at: Instant


class ItemParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
