"""Bodies of tags, categories and the archive, and of what our own services ask."""

from typing import Annotated, Literal

from pydantic import Field

from tessera.types import In, Out, Params, Ulid, text

from .posts import AnyTag, CategorySlug

Sort = Literal["recent", "popular", "name"]


class TagParams(Params):
    sort: Sort = "recent"
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class TagOut(Out):
    name: Annotated[str, Field(max_length=64)]
    posts: int


class TagsOut(Out):
    items: Annotated[list[TagOut], Field(max_length=500)]


class TagPatch(In):
    """The new name; where there is such a tag already, the two become one."""

    name: AnyTag


class CategoryIn(In):
    name: Annotated[str, text(80)]
    description: Annotated[str, text(500)] | None = None
    parent: CategorySlug | None = None
    order: Annotated[int, Field(ge=0, le=10_000)] = 0


class CategoryOut(Out):
    slug: Annotated[str, Field(max_length=80)]
    name: Annotated[str, Field(max_length=80)]
    description: Annotated[str, Field(max_length=500)] | None
    parent: Annotated[str, Field(max_length=80)] | None
    order: int
    posts: int


class CategoriesOut(Out):
    items: Annotated[list[CategoryOut], Field(max_length=500)]


class CategoryParams(Params):
    """Where the posts of a category go that is deleted while it is used."""

    move_to: CategorySlug | None = None


class MonthOut(Out):
    month: Annotated[str, Field(max_length=7)]
    posts: int


class ArchiveOut(Out):
    items: Annotated[list[MonthOut], Field(max_length=10_000)]


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]
