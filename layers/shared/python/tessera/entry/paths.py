"""Path parameters that match only what they can be, and the declared problems of a route."""

from typing import Any

from starlette.convertors import Convertor, register_url_convertor

from tessera.problems import MEDIA_TYPE, Problem


class UlidConvertor(Convertor[str]):
    """`{task_id:ulid}`: any other text is an unknown path, answered 404 without a read."""

    regex = "[0-7][0-9A-HJKMNP-TV-Z]{25}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("ulid", UlidConvertor())


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: its problems by status, for the document."""
    made: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        slugs = made.setdefault(kind.status, {"slugs": []})["slugs"]
        slugs.append(kind.slug)
    return {status: _response(entry["slugs"]) for status, entry in made.items()}


def _response(slugs: list[str]) -> dict[str, Any]:
    return {
        "description": ", ".join(f"`{slug}`" for slug in slugs),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "x-problems": slugs,
    }
