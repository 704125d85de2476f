"""The merged document, made from small apps of our own."""

import json
from typing import Annotated, Literal

import pytest
from fastapi import Depends, Query, Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from tessera import auth
from tessera.auth.guards import Guard
from tessera.auth.principal import Principal
from tessera.auth.problems import TokenExpired
from tessera.entry import Router, build_app, problems
from tessera.entry.headers import IdempotencyKey, IfMatch, show_created, show_version
from tessera.problems import NotFound, Problem
from tessera.types import Cursor, In, Limit, Out, Page, Params, Ulid, text
from tools.document import check, merge, operations
from tools.document.apps import Loaded
from tools.document.operations import Part
from tools.registry import Capability
from tools.say import Failure

INFO = {"title": "Test", "version": "1"}
Reader = Annotated[Principal, auth.require("tasks:read")]
Writer = Annotated[Principal, auth.require("tasks:write")]
Fresh = Annotated[Principal, auth.require("tasks:write", fresh=300)]
Anyone = Annotated[Principal, auth.public(limited=False)]
Service = Annotated[Principal, auth.service("accounts")]


class Full(Problem):
    status, slug, title = 409, "document-test-full", "It is full"


class NoteIn(In):
    title: Annotated[str, text(100)]
    kind: Literal["a", "b"] = "a"


class NoteOut(Out):
    id: Ulid
    title: Annotated[str, Field(max_length=100)]
    size: Annotated[int, Field(ge=0, le=10)]


class NoteParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


def notes_router(prefix: str = "/notes") -> Router:
    router = Router(prefix=prefix, tags=["notes"])

    @router.post("", status_code=201, responses=problems(Full))
    async def create_note(body: NoteIn, response: Response, caller: Writer, key: IdempotencyKey = None) -> NoteOut:
        """Make a note. It is empty at first."""
        return shown(response)

    @router.get("")
    async def notes(asked: Annotated[NoteParams, Query()], caller: Reader) -> Page[NoteOut]:
        """All notes."""
        return Page(items=[])

    @router.get("/{note_id:ulid}", responses=problems(NotFound))
    async def get_note(note_id: str, response: Response, caller: Reader) -> NoteOut:
        """One note."""
        return shown(response)

    @router.delete("/{note_id:ulid}", status_code=204)
    async def delete_note(note_id: str, caller: Fresh, if_match: IfMatch = None) -> None:
        """Delete a note."""

    @router.get("/open")
    async def open_door(caller: Anyone) -> NoteOut:
        """Anyone may."""
        return NoteOut(id="0" * 26, title="", size=1)

    @router.post("/internal/erase")
    async def erase(caller: Service) -> NoteOut:
        """Nobody outside."""
        return NoteOut(id="0" * 26, title="", size=1)

    return router


def shown(response: Response) -> NoteOut:
    show_version(response, 1)
    show_created(response, location="/notes/x", version=1, replayed=False)
    return NoteOut(id="0" * 26, title="", size=1)


def part(*routers: Router, name: str = "notes") -> Part:
    capability = Capability(name.replace("-", "_"), "work", (), (), has_table=False)
    app = build_app(name, *routers, environment={"STAGE": "test"})
    return operations.part_of(Loaded(capability, app))


@pytest.fixture(scope="module")
def document():
    return merge.merge([part(notes_router())], info=INFO)


def resolved(document, value):
    if "$ref" in value:
        _, kind, name = value["$ref"].removeprefix("#/").split("/")
        return document["components"][kind][name]
    return value


def slugs(document, path, method):
    responses = document["paths"][path][method]["responses"]
    return {int(s): resolved(document, r).get("x-problems") for s, r in responses.items() if int(s) >= 400}


def test_it_keeps_to_its_own_rules(document):
    assert not check.faults(document)


def test_an_operation_is_called_by_its_capability_its_verb_and_its_noun(document):
    ids = {o["operationId"] for methods in document["paths"].values() for o in methods.values()}

    assert {"notes_create_note", "notes_list_notes", "notes_get_note", "notes_delete_note"} <= ids


def test_an_operation_lists_every_problem_it_can_answer_with(document):
    found = slugs(document, "/notes", "post")

    assert found[409] == ["document-test-full"]
    assert found[413] == ["payload-too-large"] and found[415] == ["unsupported-media-type"]
    assert found[403] == ["insufficient-scope", "impersonation-forbidden", "csrf-failed", "origin-not-allowed"]
    assert {"credentials-missing", "token-expired"} <= set(found[401])
    assert set(found) == {400, 401, 403, 409, 413, 415, 422, 429, 500, 503}


def test_a_fresh_sign_in_and_a_path_parameter_add_theirs(document):
    found = slugs(document, "/notes/{note_id}", "delete")

    assert "step-up-required" in found[401] and found[404] == ["not-found"]
    # Only a change by cookie is asked for its media type when there is no body.
    assert 413 not in found and found[415] == ["unsupported-media-type"]


def test_a_public_route_asks_for_nothing_and_refuses_little(document):
    operation = document["paths"]["/notes/open"]["get"]

    assert operation["security"] == [] and "x-scopes" not in operation
    assert set(slugs(document, "/notes/open", "get")) == {422, 500, 503}


def test_the_guard_gives_scopes_and_security(document):
    operation = document["paths"]["/notes"]["get"]

    assert operation["x-scopes"] == ["tasks:read"]
    assert operation["security"] == [{"bearer": []}, {"api_key": []}]


def test_a_guard_names_its_own_scheme_and_a_route_the_headers_of_its_problems():
    class Browser(Guard):
        scheme = "session"

        def describe(self):
            return "session cookie"

    router = Router(prefix="/notes")
    over = problems(TokenExpired)
    over[401]["headers"] = {"Set-Cookie": {"schema": {"type": "string", "maxLength": 9}}}

    @router.post("/renew", responses=over)
    async def renew_note(caller: Annotated[Principal, Depends(Browser())]) -> NoteOut:
        """Renew a note."""
        raise AssertionError

    operation = merge.merge([part(router)], info=INFO)["paths"]["/notes/renew"]["post"]

    assert operation["security"] == [{"session": []}]
    assert {"Set-Cookie", "WWW-Authenticate"} <= operation["responses"]["401"]["headers"].keys()


def test_internal_routes_and_fastapis_own_errors_are_left_out(document):
    text = json.dumps(document)

    assert "/internal/" not in text and "HTTPValidationError" not in text


def test_a_ulid_in_the_path_has_its_pattern(document):
    (parameter,) = document["paths"]["/notes/{note_id}"]["get"]["parameters"]

    assert parameter["schema"] == {
        "type": "string",
        "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$",
        "minLength": 26,
        "maxLength": 26,
    }


def test_headers_that_mean_the_same_everywhere_are_one_component(document):
    post = document["paths"]["/notes"]["post"]["parameters"]

    assert {"$ref": "#/components/parameters/IdempotencyKey"} in post
    # There is no way to send null in a header.
    assert document["components"]["parameters"]["IfMatch"]["schema"] == {"type": "string", "maxLength": 1000}


def test_an_answer_lists_the_headers_that_its_route_sets(document):
    created = document["paths"]["/notes"]["post"]["responses"]["201"]["headers"]

    assert {"ETag", "Location", "Idempotent-Replay", "Server-Timing", "RateLimit"} <= set(created)
    assert "ETag" not in document["paths"]["/notes/open"]["get"]["responses"]["200"]["headers"]


def test_what_a_post_makes_links_to_what_can_be_done_with_it(document):
    links = document["paths"]["/notes"]["post"]["responses"]["201"]["links"]

    assert links["notes_get_note"] == {
        "operationId": "notes_get_note",
        "parameters": {"note_id": "$response.body#/id"},
    }
    assert "notes_delete_note" in links


def test_the_docstring_is_the_summary_and_what_follows_the_description(document):
    operation = document["paths"]["/notes"]["post"]

    assert operation["summary"] == "Make a note"
    assert operation["description"] == "Make a note. It is empty at first."


def test_one_path_in_two_capabilities_is_refused():
    with pytest.raises(Failure, match="/notes"):
        merge.merge([part(notes_router()), part(notes_router(), name="other")], info=INFO)


def test_one_name_for_two_operations_is_refused():
    router = Router(tags=["notes"])
    for path in ("/notes/a", "/notes/b"):
        router.get(path, operation_id="get_it")(_anything)

    with pytest.raises(Failure, match="notes_get_it"):
        merge.merge([part(router)], info=INFO)


async def _anything(caller: Anyone) -> NoteOut:
    """Anything."""
    return NoteOut(id="0" * 26, title="", size=1)


def test_of_two_routes_for_one_path_the_first_answers_and_is_described():
    router = Router(tags=["notes"])
    router.get("/notes/health", operation_id="notes_get_own")(_anything)

    found = part(router)

    assert found.paths["/notes/health"]["get"]["operationId"] == "notes_get_own"


def test_the_document_of_one_capability_holds_what_it_needs_and_nothing_else(document):
    other = part(notes_router("/other"), name="other")
    both = merge.merge([part(notes_router()), other], info=INFO)

    one = merge.of_capability(both, other)

    assert all(path.startswith("/other") for path in one["paths"])
    assert not [fault for fault in check.faults(one) if "refers to" in fault]
    assert len(json.dumps(one)) < len(json.dumps(both))


SCHEMA = st.deferred(
    lambda: st.one_of(
        st.just({"type": "integer"}),
        st.just({"type": "boolean"}),
        st.sampled_from("ABCD").map(lambda name: {"$ref": f"#/components/schemas/{name}"}),
        st.sampled_from("ABCD").map(
            lambda name: {"discriminator": {"mapping": {"x": f"#/components/schemas/{name}"}}, "oneOf": []}
        ),
    )
)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys("ABCD", SCHEMA)), min_size=1, max_size=4))
def test_whatever_collides_every_reference_still_means_what_it_meant(all_schemas):
    parts = [
        Part(f"cap{number}", f"Cap{number}", {f"/cap{number}": {"get": _operation(number)}}, schemas)
        for number, schemas in enumerate(all_schemas)
    ]

    document = merge.merge(parts, info=INFO)

    for number, schemas in enumerate(all_schemas):
        schema = document["paths"][f"/cap{number}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert unfolded(schema, document["components"]["schemas"]) == unfolded(
            {"$ref": "#/components/schemas/A"}, schemas
        )


def _operation(number):
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    return {"operationId": f"cap{number}_get_a", "tags": [], "responses": {"200": {"content": content, "headers": {}}}}


def unfolded(schema, schemas, depth=6):
    """The schema with its references followed, so that names no longer matter."""
    if depth == 0:
        return "…"
    if "$ref" in schema:
        return unfolded(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth - 1)
    if "discriminator" in schema:
        (ref,) = schema["discriminator"]["mapping"].values()
        return ["discriminator", unfolded({"$ref": ref}, schemas, depth - 1)]
    return schema


def test_equal_schemas_of_two_capabilities_are_one_and_unequal_ones_carry_their_capabilitys_name():
    same, other = {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}}, {"type": "integer"}
    parts = [
        Part("one", "One", {"/one": {"get": _operation(1)}}, {"A": same, "B": other, "C": other}),
        Part("two", "Two", {"/two": {"get": _operation(2)}}, {"A": same, "B": {"type": "boolean"}, "C": other}),
    ]

    schemas = merge.merge(parts, info=INFO)["components"]["schemas"]

    # A is the same in both, but what it refers to is not.
    assert set(schemas) == {"Problem", "FieldError", "C", "OneA", "OneB", "TwoA", "TwoB"}
    assert schemas["TwoA"]["properties"]["b"] == {"$ref": "#/components/schemas/TwoB"}
