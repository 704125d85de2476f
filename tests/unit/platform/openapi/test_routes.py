import asyncio
import gzip
import json
import re

import httpx
import pytest
import yaml

from functions.platform.openapi.routes import router
from tessera.entry import build_app
from tools import openapi
from tools.document import apps

APP = build_app("openapi", router, environment={"STAGE": "test"})


def ask(path, method="GET", **headers):
    async def asked():
        transport = httpx.ASGITransport(app=APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers={"accept-encoding": "identity", **headers})

    return asyncio.run(asked())


def test_the_document_comes_as_json_and_as_yaml_and_is_the_same(built):
    as_json, as_yaml = ask("/openapi.json"), ask("/openapi.yaml")

    assert as_json.json() == built
    assert as_yaml.headers["content-type"] == "application/yaml"
    # The loader in Python takes ten seconds.
    assert yaml.load(as_yaml.text, Loader=yaml.CSafeLoader) == built


def test_the_document_travels_compressed_to_those_who_take_it():
    zipped, plain = ask("/openapi.json", **{"accept-encoding": "br, gzip;q=0.8"}), ask("/openapi.json")

    assert zipped.headers["content-encoding"] == "gzip" and zipped.json() == plain.json()
    assert "content-encoding" not in plain.headers
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert "content-encoding" not in ask("/openapi.json", **{"accept-encoding": "gzip;q=0"}).headers


@pytest.mark.parametrize("sent", ["{}", "W/{}", '"other", {}', "*"])
def test_a_copy_that_is_current_is_not_sent_again(sent):
    etag = ask("/openapi.json").headers["etag"]

    answer = ask("/openapi.json", **{"if-none-match": sent.format(etag)})

    assert answer.status_code == 304 and not answer.content and answer.headers["etag"] == etag


def test_one_capability_has_a_document_of_its_own():
    found = ask("/openapi/openapi.json").json()

    assert set(found["paths"]) >= {"/docs", "/problems"} and "/health" not in found["paths"]
    assert ask("/openapi/nobody.json").status_code == 404
    assert ask("/openapi/..%2fdocument.json").status_code == 404


def test_the_events_come_as_asyncapi():
    found = ask("/openapi/asyncapi.json").json()

    assert found["asyncapi"] == "3.0.0"
    for operation in found["operations"].values():
        channel = operation["channel"]["$ref"].rpartition("/")[2]
        (message,) = found["channels"][channel]["messages"]
        assert (
            found["components"]["messages"][message]["payload"]["$ref"].rpartition("/")[2]
            in (found["components"]["schemas"])
        )


@pytest.mark.parametrize("path", ["/docs", "/docs/openapi", "/problems", "/problems/not-found"])
def test_a_page_runs_nothing_that_stands_in_it(path):
    answer = ask(path, accept="text/html,application/xhtml+xml,*/*;q=0.8")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=|https?://", answer.text)


def test_what_a_page_links_to_is_there_and_never_changes():
    for address in re.findall(r'(?:src|href)="(/docs/assets/[^"]+)"', ask("/docs").text):
        answer = ask(address, **{"accept-encoding": "gzip"})

        assert answer.status_code == 200 and answer.headers["cache-control"].endswith("immutable")
        assert answer.headers["content-type"].split(";")[0] in ("text/css", "text/javascript")
    assert ask("/docs/assets/other.js").status_code == 404
    assert ask("/docs/nobody").status_code == 404


def test_the_type_of_a_problem_leads_to_its_page():
    found = ask("/nowhere").json()

    page = ask(found["type"])

    assert page.json()["slug"] == "not-found" and page.json()["status"] == 404
    assert "openapi_get_problem" in page.json()["operations"]
    assert page.headers["vary"] == "Accept"


def test_every_problem_is_listed_once_and_has_a_page():
    listed = [problem["slug"] for problem in ask("/problems").json()["items"]]

    assert len(listed) == len(set(listed)) > 20
    assert {ask(f"/problems/{slug}").status_code for slug in listed} == {200}
    assert ask("/problems/nothing").status_code == 404


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/problem+json, text/html", "application/json"),
        ("text/html,application/json;q=0.9", "text/html"),
    ],
)
def test_a_browser_gets_a_page_and_everyone_else_json(accept, kind):
    assert ask("/problems", accept=accept).headers["content-type"].split(";")[0] == kind


@pytest.mark.parametrize("path", ["/", "/nowhere", "/openapi", "/a/b/c", "/docs/"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_answered_as_a_problem_for_the_whole_api(path, method):
    answer = ask(path, method)

    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"


def test_the_build_makes_the_same_files_again(built, folder, tmp_path):
    openapi.write(apps.load_all(), tmp_path)

    def everything(under):
        return {path.relative_to(under): path.read_bytes() for path in under.rglob("*") if path.is_file()}

    assert everything(tmp_path) == everything(folder)
    assert json.loads(gzip.decompress((tmp_path / "document.json.gz").read_bytes())) == built
