"""The check that every end-to-end answer goes through must itself be able to fail."""

import json
from dataclasses import dataclass, field

import httpx
import pytest

from tests.kit.contract import ContractBroken, Document, hooks

PROBLEM = {"type": "/problems/not-found", "title": "Nothing", "status": 404}
ULID = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
REF = {"$ref": "#/components/schemas/Note"}


@dataclass
class Answer:
    status_code: int
    body: object = None
    headers: dict = field(default_factory=lambda: {"Content-Type": "application/json"})

    @property
    def content(self):
        return b"" if self.body is None else json.dumps(self.body).encode()


def problem(status=404, slug="not-found", **headers):
    body = {**PROBLEM, "status": status, "type": f"/problems/{slug}"}
    return Answer(status, body, {"content-type": "application/problem+json", **headers})


@pytest.fixture(scope="module")
def document():
    get = {
        "operationId": "notes_get_note",
        "parameters": [{"name": "id", "in": "path", "schema": {"type": "string", "pattern": ULID}}],
        "responses": {
            "200": {"headers": {"ETag": {}}, "content": {"application/json": {"schema": REF}}},
            "404": {"$ref": "#/components/responses/NotFound"},
        },
    }
    listed = {"application/json": {"schema": {"type": "array", "items": REF}}}
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return Document(
        {
            "paths": {
                "/notes/{id}": {"get": get},
                "/notes/trash": {"get": {"operationId": "notes_trash", "responses": {"200": {"content": listed}}}},
            },
            "components": {
                "schemas": {
                    "Note": {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False},
                    "Problem": {"type": "object", "required": ["type", "title", "status"]},
                },
                "responses": {"NotFound": {"content": content, "x-problems": ["not-found"]}},
            },
        }
    )


NOTE = f"/notes/{'0' * 26}"


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", NOTE, Answer(200, {"n": 1}, {"content-type": "application/json; charset=utf-8", "etag": "x"})),
        ("GET", f"{NOTE}?x=1", problem()),
        ("HEAD", NOTE, Answer(200)),
        ("GET", "/notes/trash", Answer(200, [{"n": 1}])),
        ("GET", "/notes/nothing", problem()),
        ("PUT", NOTE, problem(405, "method-not-allowed", allow="GET")),
    ],
)
def test_what_is_documented_passes(document, method, path, answer):
    document.check(method, path, answer)


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", NOTE, Answer(201, {"n": 1})),
        ("GET", NOTE, Answer(200, {"n": "1"})),
        ("GET", NOTE, Answer(200, {"m": 1})),
        ("GET", NOTE, Answer(200, {"n": 1}, {"content-type": "text/html"})),
        ("GET", NOTE, Answer(200, {"n": 1}, {"content-type": "application/json", "x-secret": "1"})),
        ("GET", NOTE, problem(slug="gone")),
        ("GET", "/notes/trash", Answer(200, [{"n": "1"}])),
        ("GET", "/elsewhere", Answer(200, {"n": 1})),
        ("GET", "/elsewhere", Answer(404, {"message": "Not Found"})),
        ("PUT", NOTE, problem(405, "method-not-allowed")),
        ("PUT", NOTE, problem(404)),
    ],
)
def test_what_is_not_documented_fails(document, method, path, answer):
    with pytest.raises(ContractBroken):
        document.check(method, path, answer)


def test_a_client_with_the_hooks_fails_by_itself(document):
    def answer(request):
        return httpx.Response(200, json={"n": 1 if request.url.path == NOTE else "1"})

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, base_url="http://test", event_hooks=hooks(document)) as client:
        assert client.get(NOTE).json() == {"n": 1}
        with pytest.raises(ContractBroken):
            client.get("/notes/trash")
