"""The RealWorld facade: articles, comments, tags."""

from typing import Any

from fastapi import Request

from tessera.entry import Router

from ..actions import conduit
from ..actions.conduit import Filters, Viewer
from ..rules import conduit as rules
from .conduit_shapes import article_out, articles_out, body_of, comment_out
from .shared import CONDUIT, Asked, Bound, Guest, Member, Open, visitor_of

router = Router(prefix=CONDUIT, tags=["blog"], include_in_schema=False)


@router.get("/articles")
async def list_articles(request: Request, caller: Guest, ports: Bound) -> dict[str, Any]:
    """Articles, the newest first."""
    asked = request.query_params
    limit, offset = rules.window(asked.getlist("limit"), asked.getlist("offset"))
    filters = Filters(asked.get("author"), asked.get("favorited"), asked.get("tag"))
    return articles_out(*conduit.articles(ports, filters, Viewer.of(caller), limit=limit, offset=offset))


@router.get("/articles/feed")
async def list_feed(request: Request, caller: Member, ports: Bound) -> dict[str, Any]:
    """Articles of those one follows."""
    asked = request.query_params
    limit, offset = rules.window(asked.getlist("limit"), asked.getlist("offset"))
    return articles_out(*conduit.feed(ports, Viewer.of(caller), limit=limit, offset=offset))


@router.get("/articles/{slug}")
async def get_article(slug: str, caller: Guest, ports: Bound) -> dict[str, Any]:
    """One article."""
    return article_out(conduit.article(ports, slug, Viewer.of(caller)))


@router.post("/articles", status_code=201)
async def publish_article(request: Request, caller: Member, ports: Bound) -> dict[str, Any]:
    """Publish an article."""
    me = conduit.hold(ports, Viewer.of(caller))
    assert me is not None
    fields = rules.new_article(await body_of(request, "article"))
    return article_out(conduit.publish(ports, fields, me, caller))


@router.put("/articles/{slug}")
async def change_article(slug: str, request: Request, caller: Member, ports: Bound) -> dict[str, Any]:
    """Change an article."""
    found = conduit.change(ports, slug, Viewer.of(caller), caller)
    fields = rules.changed_article(await body_of(request, "article"))
    return article_out(conduit.save(ports, found, fields, caller))


@router.delete("/articles/{slug}", status_code=204)
async def delete_article(slug: str, caller: Member, ports: Bound) -> None:
    """Delete an article."""
    conduit.delete(ports, conduit.change(ports, slug, Viewer.of(caller), caller), caller)


@router.post("/articles/{slug}/favorite")
async def favour(slug: str, caller: Member, ports: Bound) -> dict[str, Any]:
    """Favour an article."""
    return article_out(conduit.favour(ports, slug, Viewer.of(caller), yes=True))


@router.delete("/articles/{slug}/favorite")
async def unfavour(slug: str, caller: Member, ports: Bound) -> dict[str, Any]:
    """Favour an article no more."""
    return article_out(conduit.favour(ports, slug, Viewer.of(caller), yes=False))


@router.get("/articles/{slug}/comments")
async def list_comments(slug: str, caller: Guest, ports: Bound) -> dict[str, Any]:
    """Comments, the newest first."""
    found = conduit.comments(ports, slug, Viewer.of(caller))
    return {"comments": [comment_out(*one) for one in found]}


@router.post("/articles/{slug}/comments", status_code=201)
async def add_comment(slug: str, request: Request, caller: Member, ports: Bound, call: Asked) -> dict[str, Any]:
    """Comment on an article."""
    viewer = Viewer.of(caller)
    me = conduit.hold(ports, viewer)
    assert me is not None
    post = conduit.article(ports, slug, viewer).shown.post
    body = rules.new_comment(await body_of(request, "comment"))
    return {"comment": comment_out(conduit.comment(ports, post, body, me, visitor_of(call)), me, following=False)}


@router.delete("/articles/{slug}/comments/{number}", status_code=204)
async def delete_comment(slug: str, number: str, caller: Member, ports: Bound) -> None:
    """Delete a comment."""
    viewer = Viewer.of(caller)
    conduit.delete_comment(ports, conduit.article(ports, slug, viewer).shown.post, number, viewer)


@router.get("/tags")
async def list_tags(caller: Open, ports: Bound) -> dict[str, Any]:
    """The newest tags."""
    return {"tags": conduit.tags(ports)}
