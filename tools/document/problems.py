"""The catalogue of problem types, as the pages under `/problems` tell it."""

from collections import defaultdict
from typing import Any

from tessera.problems import Problem, catalogue

Json = dict[str, Any]

# What a client can do about a status; a problem whose docstring says more says it above this.
REMEDIES = {
    400: "Correct the request; sending it again as it is will not help.",
    401: "Sign in or refresh the access token, then send the request again.",
    403: "Ask somebody who holds the permission, or sign in as somebody who does.",
    404: "Check the address. What you may not see is answered as if it were not there.",
    405: "Use one of the methods that the header Allow names.",
    409: "Read the present state, decide anew, then send a request that fits it.",
    410: "It is gone. Make a new one if you still need it.",
    412: "Read the resource again and send the ETag of that read in If-Match.",
    413: "Send less at once.",
    415: "Send the body in a media type that is accepted here, usually application/json.",
    422: "Each entry of errors points at one fault of the request. Correct them all.",
    428: "Read the resource first, then send its ETag in If-Match.",
    429: "Wait as many seconds as the header Retry-After says.",
    500: "It was logged. Send the trace id to whoever runs this stack.",
    502: "Try again in a moment; something behind us gave no useful answer.",
    503: "Try again after as many seconds as the header Retry-After says.",
    504: "Try again in a moment; something behind us took too long.",
    508: "It is a fault of ours: two services call each other without end.",
}


def pages(document: Json) -> Json:
    """Every problem by its slug: status, title, meaning, what to do, and which operations give it."""
    given_by = _operations_by_slug(document)
    return {slug: _page(problem, given_by[slug]) for slug, problem in catalogue().items() if not _is_abstract(problem)}


def _page(problem: type[Problem], operations: list[str]) -> Json:
    return {
        "type": f"/problems/{problem.slug}",
        "slug": problem.slug,
        "status": problem.status,
        "title": problem.title,
        "meaning": _meaning(problem),
        "remedy": REMEDIES.get(problem.status, "Read `detail`: it says what was seen and what is allowed."),
        "operations": operations,
    }


def _meaning(problem: type[Problem]) -> str:
    text = " ".join((problem.__dict__.get("__doc__") or "").split())
    # A docstring is for whoever raises it; only its first sentence is about what happened.
    first = text.split(". ")[0].removesuffix(".")
    return f"{first}." if first and "`" not in first else f"{problem.title}."


def _is_abstract(problem: type[Problem]) -> bool:
    return problem.__name__.startswith("_")


def _operations_by_slug(document: Json) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    responses = document["components"].get("responses", {})
    for methods in document["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                known = responses[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
                for slug in known.get("x-problems", ()):
                    found[slug].append(operation["operationId"])
    return found
