"""How the RealWorld contract shows things, and how it says what is wrong."""

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from tessera import clock
from tessera.entry.answers import on_problem
from tessera.entry.guard import read_body
from tessera.problems import InvalidRequest, Problem
from tessera.strictness import check_body

from ..actions.conduit import Article
from ..rules.authors import Author
from ..rules.comments import Comment
from ..rules.conduit import ConduitError, wrapped
from ..store.reading import Shown
from .shared import CONDUIT


async def body_of(request: Request, name: str) -> dict[str, Any]:
    """What was sent under this name. Raises `ConduitError`, `PayloadTooLarge`."""
    raw = await read_body(request.receive)
    try:
        check_body(raw)
    except InvalidRequest:
        raise ConduitError(422, {"body": "is invalid"}) from None
    return wrapped(raw, name)


def user_out(author: Author, token: str) -> dict[str, Any]:
    shown = {"email": author.email, "token": token, "username": author.username}
    return {"user": {**shown, "bio": author.bio, "image": author.image}}


def profile_out(author: Author, following: bool) -> dict[str, Any]:
    shown = {"username": author.username, "bio": author.bio, "image": author.image}
    return {**shown, "following": following}


def article_out(article: Article) -> dict[str, Any]:
    return {"article": {**listed_out(article.shown), "body": article.body}}


def articles_out(found: list[Shown], count: int) -> dict[str, Any]:
    return {"articles": [listed_out(one) for one in found], "articlesCount": count}


def listed_out(shown: Shown) -> dict[str, Any]:
    post = shown.post
    return {
        "slug": post.slug,
        "title": post.title,
        "description": post.excerpt or "",
        "tagList": list(post.tags),
        "createdAt": _time(post.created_at),
        "updatedAt": _time(post.updated_at),
        "favorited": shown.favourited,
        "favoritesCount": max(0, post.reactions["like"]),
        "author": profile_out(shown.author, shown.following),
    }


def comment_out(comment: Comment, author: Author, following: bool) -> dict[str, Any]:
    return {
        "id": comment.number,
        "createdAt": _time(comment.created_at),
        "updatedAt": _time(comment.edited_at or comment.created_at),
        "body": comment.body,
        "author": profile_out(author, following),
    }


def _time(millis: int) -> str:
    return clock.rfc3339(clock.from_millis(millis))


async def on_conduit_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ConduitError)
    body = {"errors": {field: [said] for field, said in error.errors.items()}}
    return JSONResponse(body, error.status, {**error.headers, "cache-control": "no-store"})


async def on_any_problem(request: Request, problem: Exception) -> Response:
    """A problem document, but for the facade, whose clients know no such thing."""
    assert isinstance(problem, Problem)
    if not request.url.path.startswith(f"{CONDUIT}/"):
        return await on_problem(request, problem)
    said = {error.pointer.strip("/") or "body": error.detail for error in problem.errors}
    told = said or {"body": problem.detail or problem.title}
    return await on_conduit_error(request, ConduitError(problem.status, told, problem.headers))
