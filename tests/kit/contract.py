"""Every answer against the document: an undocumented status, media type, header or field is a failure.

    document = contract.Document.load()
    document.check("GET", "/tasks/01J…", response)

`check` takes anything with `status_code`, `headers` and `content`. Validators are compiled once for each schema.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol, Self

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "functions" / "platform" / "openapi" / "document.json"

# What HTTP itself, the gateway and CORS add to any answer, and our own guard while staff act in somebody's place.
PLUMBING = frozenset(
    """access-control-allow-origin access-control-allow-credentials access-control-expose-headers age alt-svc
    apigw-requestid cache-control connection content-disposition content-encoding content-length content-security-policy
    content-type cross-origin-opener-policy cross-origin-resource-policy date keep-alive link referrer-policy server
    tessera-impersonated-by transfer-encoding vary via x-amz-apigw-id x-amzn-requestid x-amzn-trace-id
    x-content-type-options""".split()
)
# Answered by the router before any operation is chosen, so no operation lists it.
METHOD_NOT_ALLOWED = 405
URI = "urn:tessera:document"


class Answer(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class ContractBroken(AssertionError):
    """An answer is not what the document says."""


@dataclass(frozen=True)
class Operation:
    id: str
    responses: Mapping[str, Any]


# The front door's own: the document is that of the API behind it. Preflights are the gateway's.
LOCAL_PAGES = frozenset(["", "mailbox", "traces", "todo", "demo", "demo.json", "assets"])

ASSETS, FACADE = "/docs/assets/", "/tasks/todo-backend"
# Another's contract with shapes and errors of its own, which stands in no document of ours; its own suite holds it.
FOREIGN = "/blog/realworld/api/"


class Document:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._registry: Registry[Any] = Registry().with_resource(
            URI, Resource.from_contents(document, default_specification=DRAFT202012)
        )
        self._validators: dict[str, Draft202012Validator] = {}

    @classmethod
    @cache
    def load(cls, path: Path = DOCUMENT) -> Self:
        """The document that the last build made."""
        return cls(json.loads(path.read_text()))

    def check(self, method: str, path: str, answer: Answer) -> None:
        """Raise `ContractBroken` unless the document promises this answer to this request."""
        if method == "OPTIONS" or path.split("/")[1] in LOCAL_PAGES or path.startswith((ASSETS, FOREIGN)):
            return
        if path.startswith(FACADE):
            # Each of its roots answers with and without the slash; the document names one of the two.
            path = path.rstrip("/")
        where = f"{method} {path} answered {answer.status_code}"
        found = self.path_item(path)
        operation = self._operation(found, method) if found is not None else None
        if operation is None:
            self._check_unknown(where, answer, known=found is not None)
            return
        response = operation.responses.get(str(answer.status_code))
        if response is None:
            self._check_router(where, operation, answer)
            return
        self._check_headers(where, response, answer)
        self._check_content(where, operation, response, answer)

    def path_item(self, path: str) -> str | None:
        """The template that this path is an instance of; one without parameters wins over one with them."""
        plain = path.split("?", 1)[0]
        if plain in self.document["paths"]:
            return plain
        return next((template for pattern, template in self._templates if pattern.fullmatch(plain)), None)

    @cached_property
    def _templates(self) -> list[tuple[re.Pattern[str], str]]:
        templates = sorted(self.document["paths"], key=lambda path: (path.count("{"), -len(path)))
        return [(self._pattern(template), template) for template in templates if "{" in template]

    def _pattern(self, template: str) -> re.Pattern[str]:
        """The path with each parameter's own pattern, so that `/tasks/trash` is no `/tasks/{task_id}`."""
        known = self._path_parameters(template)
        parts = []
        for part in re.split(r"(\{\w+\})", template):
            given = known.get(part[1:-1], "") if part.startswith("{") else ""
            parts.append(f"(?:{given.strip('^$')})" if given else "[^/]+" if part.startswith("{") else re.escape(part))
        return re.compile("".join(parts))

    def _path_parameters(self, template: str) -> dict[str, str]:
        operations = self.document["paths"][template].values()
        parameters = (parameter for operation in operations for parameter in operation.get("parameters", ()))
        return {p["name"]: p["schema"].get("pattern", "") for p in parameters if p.get("in") == "path"}

    def _operation(self, template: str, method: str) -> Operation | None:
        methods = self.document["paths"][template]
        found = methods.get("get" if method == "HEAD" else method.lower())
        if found is None:
            return None
        return Operation(found["operationId"], {s: self._resolved(r) for s, r in found["responses"].items()})

    def _check_unknown(self, where: str, answer: Answer, *, known: bool) -> None:
        """A path or a method that the document does not have must be refused as such."""
        # 400 is the front door's, for what no gateway would pass on; 429 a route's, whose limit is met before it
        # looks at the parameter that makes this path another than its own.
        wanted = (METHOD_NOT_ALLOWED,) if known else (400, 404, METHOD_NOT_ALLOWED, 429)
        if answer.status_code not in wanted:
            raise ContractBroken(f"{where}, which the document does not have; {' or '.join(map(str, wanted))} was due.")
        self._check_problem(where, answer)

    def _check_router(self, where: str, operation: Operation, answer: Answer) -> None:
        if answer.status_code == METHOD_NOT_ALLOWED:
            self._check_problem(where, answer)
            return
        raise ContractBroken(f"{where}; {operation.id} documents {', '.join(operation.responses)}. {_shown(answer)}")

    def _check_problem(self, where: str, answer: Answer) -> None:
        if _media_type(answer) != "application/problem+json":
            raise ContractBroken(f"{where} as {_media_type(answer) or 'nothing'}, not as a problem document.")
        if answer.status_code == METHOD_NOT_ALLOWED and "allow" not in _lower(answer.headers):
            raise ContractBroken(f"{where} without the header Allow.")
        self._check_schema(where, "#/components/schemas/Problem", answer)

    def _check_headers(self, where: str, response: Mapping[str, Any], answer: Answer) -> None:
        documented = {name.lower() for name in response.get("headers", {})}
        strange = _lower(answer.headers) - documented - PLUMBING
        if strange:
            raise ContractBroken(f"{where} with undocumented headers: {', '.join(sorted(strange))}.")

    def _check_content(self, where: str, operation: Operation, response: Mapping[str, Any], answer: Answer) -> None:
        content: Mapping[str, Any] = response.get("content", {})
        media = _media_type(answer)
        if not answer.content:
            return
        if media not in content:
            raise ContractBroken(
                f"{where} as {media or 'nothing'}; the document says {', '.join(content) or 'no body'}."
            )
        schema = content[media].get("schema")
        if schema is None or not media.endswith("json"):
            return
        pointer = schema.get("$ref") if set(schema) == {"$ref"} else None
        self._check_schema(where, pointer or json.dumps(schema, sort_keys=True), answer)
        slugs = response.get("x-problems")
        if slugs is not None:
            self._check_slug(where, operation, slugs, answer)

    def _check_slug(self, where: str, operation: Operation, slugs: Iterable[str], answer: Answer) -> None:
        slug = json.loads(answer.content)["type"].removeprefix("/problems/")
        if slug not in slugs:
            raise ContractBroken(f"{where} `{slug}`; {operation.id} documents {', '.join(slugs)}.")

    def _check_schema(self, where: str, schema: str, answer: Answer) -> None:
        """`schema` is a pointer into the document, or a schema as text."""
        try:
            body = json.loads(answer.content)
        except ValueError:
            raise ContractBroken(f"{where} with a body that is not JSON. {_shown(answer)}") from None
        validator = self._validators.get(schema)
        if validator is None:
            validator = self._validators[schema] = self._compiled(schema)
        wrong = next(validator.iter_errors(body), None)
        if wrong is not None:
            raise ContractBroken(f"{where}: {wrong.json_path} {wrong.message[:300]}")

    def _compiled(self, schema: str) -> Draft202012Validator:
        read = {"$ref": f"{URI}{schema}"} if schema.startswith("#") else _absolute(json.loads(schema))
        return Draft202012Validator(read, registry=self._registry, format_checker=FormatChecker())

    def _resolved(self, value: Any) -> Any:
        while isinstance(value, dict) and "$ref" in value:
            found: Any = self.document
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            value = found
        return value


def check(document: Document, method: str, path: str, response: Answer) -> None:
    document.check(method, path, response)


def hooks(document: Document) -> dict[str, list[Any]]:
    """`httpx.Client(event_hooks=contract.hooks(document))` holds every answer it gets against the document."""

    def held(response: Any) -> None:
        response.read()
        document.check(response.request.method, response.request.url.path, response)

    return {"response": [held]}


def _absolute(value: Any) -> Any:
    """References of an inline schema, which has no document around it, as references into ours."""
    if isinstance(value, dict):
        return {k: f"{URI}{v}" if k == "$ref" and isinstance(v, str) else _absolute(v) for k, v in value.items()}
    return [_absolute(inner) for inner in value] if isinstance(value, list) else value


def _media_type(answer: Answer) -> str:
    named = next((value for name, value in answer.headers.items() if name.lower() == "content-type"), "")
    return named.partition(";")[0].strip().lower()


def _lower(headers: Mapping[str, str]) -> set[str]:
    return {name.lower() for name in headers}


def _shown(answer: Answer) -> str:
    return answer.content[:300].decode(errors="replace")
