"""What `search` is told of a document, whoever keeps it: in an event, or in answer to a question about it.

An event carries it as `search_doc` while it fits; what is asked for is `GET /{capability}/internal/search-docs`.
`seq` is the version of the document, by which an older one is told from a newer, in whatever order they arrive; what
is deleted has one too. `acl` says who may see it: `public`, `user:<owner>`, `room:<id>`, `space:<id>` or `feed:<id>`.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tessera.types import Instant

MAX_BODY = 48 * 1024
MAX_TITLE = 300
MAX_PARTS = 50

DocumentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,80}$", max_length=80)]
Acl = Annotated[
    str, StringConstraints(pattern=r"^(public|(user|room|space|feed):[A-Za-z0-9_.-]{1,64})$", max_length=70)
]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,19}$", max_length=20)]
# Bounded far above what is kept, so that no body of ours is refused for its size: the rest is cut off.
_Part = Annotated[str, Field(max_length=10_000)]


class SearchDoc(BaseModel):
    """One document, or with `deleted` that it is there no more.

    `n` is where it stands in what may be visible from some place on only, as a message in its room.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    id: DocumentId
    seq: Annotated[int, Field(ge=0, lt=2**53)]
    deleted: bool = False
    type: Kind = "document"
    acl: Acl = "public"
    title: Annotated[str, Field(max_length=10_000)] = ""
    headings: Annotated[list[_Part], Field(max_length=10_000)] = []
    tags: Annotated[list[_Part], Field(max_length=10_000)] = []
    body: Annotated[str, Field(max_length=1_000_000)] = ""
    url: Annotated[str, Field(max_length=2_048)] = ""
    author: Annotated[str, Field(max_length=200)] = ""
    lang: Annotated[str, Field(max_length=35)] = ""
    boost: Annotated[float, Field(ge=0.5, le=2, allow_inf_nan=False)] = 1.0
    updated_at: Instant | None = None
    n: Annotated[int, Field(ge=0, lt=2**53)] = 0


class SearchDocs(BaseModel):
    """A page of them; `next` is the cursor of the following one."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    items: list[SearchDoc]
    next: str | None = None
