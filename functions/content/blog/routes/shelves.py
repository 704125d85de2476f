"""Tags, categories and the archive."""

from typing import Annotated

from fastapi import Path, Query, Response

from tessera.entry import Router, problems
from tessera.problems import InvalidRequest, NotFound

from ..actions import shelving
from ..rules.problems import CategoryInUse
from ..schemas.shelves import (
    ArchiveOut,
    CategoriesOut,
    CategoryIn,
    CategoryOut,
    CategoryParams,
    MonthOut,
    TagOut,
    TagParams,
    TagPatch,
    TagsOut,
)
from ..store.places import CategoryRow
from .shared import PREFIX, TAGS, Bound, Manager, Reader

router = Router(prefix=PREFIX, tags=TAGS)
TagName = Annotated[str, Path(max_length=64)]
Slug = Annotated[str, Path(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=80)]


@router.get("/tags", responses=problems(InvalidRequest))
async def list_tags(asked: Annotated[TagParams, Query()], caller: Reader, ports: Bound) -> TagsOut:
    """Tags in use and how many posts carry each."""
    found = shelving.tags(ports, asked.sort, asked.limit)
    return TagsOut(items=[TagOut(name=name, posts=posts) for name, posts in found])


@router.patch("/tags/{tag}", responses=problems(NotFound, InvalidRequest))
async def rename_tag(tag: TagName, body: TagPatch, caller: Manager, ports: Bound) -> TagOut:
    """Call a tag something else, or make it one with another. Posts follow within moments."""
    name, posts = shelving.rename_tag(ports, tag, body.name)
    return TagOut(name=name, posts=posts)


@router.get("/categories")
async def list_categories(caller: Reader, ports: Bound) -> CategoriesOut:
    """All categories, in their order."""
    return CategoriesOut(items=[_out(row) for row in ports.shelves.categories()])


@router.put("/categories/{slug}", responses=problems(InvalidRequest, NotFound))
async def put_category(slug: Slug, body: CategoryIn, caller: Manager, ports: Bound) -> CategoryOut:
    """Make a category, or change one."""
    row = shelving.put_category(
        ports, slug, name=body.name, description=body.description, parent=body.parent, order=body.order
    )
    return _out(row)


@router.delete(
    "/categories/{slug}",
    status_code=204,
    responses={
        202: {"description": "Its posts are on their way; then it goes."},
        **problems(CategoryInUse, NotFound, InvalidRequest),
    },
)
async def delete_category(
    slug: Slug, asked: Annotated[CategoryParams, Query()], caller: Manager, ports: Bound
) -> Response:
    """Delete a category. While posts are in it, say where they go."""
    gone = shelving.delete_category(ports, slug, asked.move_to)
    return Response(status_code=204 if gone else 202)


@router.get("/archive")
async def list_archive(caller: Reader, ports: Bound) -> ArchiveOut:
    """How many posts were published in each month, the newest first."""
    found = ports.shelves.months()
    return ArchiveOut(items=[MonthOut(month=month, posts=posts) for month, posts in found.items()])


def _out(row: CategoryRow) -> CategoryOut:
    return CategoryOut(
        slug=row.slug,
        name=row.name,
        description=row.description,
        parent=row.parent,
        order=int(row.order),
        posts=max(0, int(row.post_count)),
    )
