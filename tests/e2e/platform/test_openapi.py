"""The document, the reference page and the pages of problems, as the stack serves them."""

import json
import re

import pytest

from tests.kit.contract import DOCUMENT, Document

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_the_stack_serves_the_document_of_its_build_and_keeps_to_it(anonymous):
    served = anonymous.get("/openapi.json")

    assert served.json() == json.loads(DOCUMENT.read_text())
    assert anonymous.get("/openapi.json", headers={"if-none-match": served.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    "path",
    """/health /ready /health/status /metrics /openapi.json /openapi.yaml /openapi/asyncapi.json /openapi/tasks.json
    /docs /docs/tasks /problems /problems/not-found /tasks /accounts/me""".split(),
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_what_the_platform_answers_is_what_its_document_says(anonymous, path, method):
    Document.load().check(method, path, anonymous.request(method, path))


def test_the_reference_page_finds_everything_it_needs(anonymous):
    page = anonymous.get("/docs", headers=BROWSER)

    assert "unsafe" not in page.headers["content-security-policy"]
    for address in re.findall(r'(?:src|href)="(/docs/assets/[^"]+)"', page.text):
        asset = anonymous.get(address)
        assert asset.status_code == 200 and "immutable" in asset.headers["cache-control"]
        # The largest comes compressed, or a visit would cost megabytes.
        assert asset.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/nowhere", "/nowhere/at/all", "/favicon.ico", "/openapi", "/problemsx"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_a_path_of_no_capability_is_a_problem_with_a_page(anonymous, path, method):
    answer = anonymous.request(method, path)

    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
    assert anonymous.get(answer.json()["type"], headers=BROWSER).status_code == 200
