import asyncio
import base64
import json
import time
from typing import Annotated, ClassVar, Literal

import httpx
import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from fastapi import Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from tessera import auth, aws
from tessera.auth.principal import Principal
from tessera.bus import Event
from tessera.entry import Router, build_app, lambda_handler
from tessera.entry.guard import UnguardedRoute
from tessera.problems import Problem
from tessera.settings import MissingSettings, refuse_stray_endpoint
from tessera.strictness import MAX_NESTING, nesting
from tessera.types import In, Out

OURS = {"Error": {"Code": "ValidationException", "Message": ""}}
THEIRS = {"Error": {"Code": "InternalServerError", "Message": ""}}
Anyone = Annotated[Principal, auth.public(limited=False)]


class NoteIn(In):
    text: str
    more: dict[str, str] | None = None


class NoteOut(BaseModel):
    text: str


class TooMuch(Problem):
    status, slug, title = 409, "too-much", "That is too much"


class NoteWritten(Event):
    type: ClassVar[str] = "notes.note.written.v1"


def router():
    made = Router(prefix="/notes", tags=["notes"])

    @made.post("", status_code=201)
    async def write(body: NoteIn, caller: Anyone) -> NoteOut:
        """Write a note."""
        return NoteOut(text=body.text)

    @made.get("")
    async def listed(caller: Anyone, limit: int = 10) -> list[NoteOut]:
        """List notes."""
        return [NoteOut(text="a")]

    @made.get("/broken")
    async def broken(caller: Anyone) -> NoteOut:
        """Fail."""
        raise RuntimeError("secret detail")

    @made.get("/full")
    async def full(caller: Anyone) -> NoteOut:
        """Refuse."""
        raise TooMuch("Nine is the most.", limit=9)

    @made.get("/{note_id:ulid}")
    async def read(note_id: str, caller: Anyone) -> NoteOut:
        """Read a note."""
        return NoteOut(text=note_id)

    @made.put("/{note_id:ulid}")
    async def replace(note_id: str, caller: Anyone) -> NoteOut:
        """Replace a note."""
        return NoteOut(text=note_id)

    return made


@pytest.fixture(scope="module")
def app():
    return build_app("notes", router(), environment={"STAGE": "test"})


def ask(app, method, path, **options):
    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)

    return asyncio.run(run())


def problem(response):
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found["status"] == response.status_code
    return found


@pytest.mark.asvs("8.2.1")
def test_a_route_without_a_requirement_does_not_start():
    open_router = Router(prefix="/open")

    @open_router.get("")
    async def listed() -> list[str]:
        return []

    with pytest.raises(UnguardedRoute, match=r"/open declares no requirement"):
        build_app("open", open_router, environment={})


def test_an_unknown_path_is_a_problem_document(app):
    found = problem(ask(app, "GET", "/notes/nothing/here"))

    assert (found["type"], found["status"]) == ("/problems/not-found", 404)


def test_an_id_of_another_shape_is_an_unknown_path(app):
    assert ask(app, "GET", "/notes/not-a-ulid").status_code == 404


def test_a_wrong_method_names_every_method_of_the_path(app):
    response = ask(app, "DELETE", "/notes/01ARZ3NDEKTSV4RRFFQ69G5FAV")

    assert problem(response)["type"] == "/problems/method-not-allowed"
    assert response.headers["allow"] == "GET, HEAD, PUT"


def test_head_answers_like_get_without_a_body(app):
    get, head = ask(app, "GET", "/notes"), ask(app, "HEAD", "/notes")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


def test_every_fault_of_a_body_is_named_with_its_place(app):
    response = ask(app, "POST", "/notes", json={"text": 5, "colour": "red"})

    pointers = {error["pointer"]: error["detail"] for error in problem(response)["errors"]}
    assert response.status_code == 422
    assert pointers.keys() == {"/text", "/colour"}
    assert pointers["/colour"] == "There is no such field."


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"text": "a\\u0000b"}', "/text"),
        (b'{"text": "a\\ud800b"}', "/text"),
        (b'{"text": "a", "more": {"k": "\\udc00"}}', "/more/k"),
        (b'{"text": NaN}', ""),
        (b'{"text": 1e999}', "/text"),
        (b'{"text": "a", "more": {"k": [-%s.5E20]}}' % (b"9" * 300), "/more/k/0"),
        (b'{"text": "\xff"}', ""),
        (b'\xef\xbb\xbf{"text": "a\\ud800b"}', "/text"),
        ('{"text": "a\\ud800b"}'.encode("utf-16-le"), ""),
        ('{"text": "a\\u0000b"}'.encode("utf-32-be"), ""),
    ],
    ids=[
        *("NUL", "lone surrogate", "deep inside", "NaN", "too large", "many digits", "not UTF-8"),
        *("behind a byte order mark", "in UTF-16", "in UTF-32"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(app, body, pointer):
    response = ask(app, "POST", "/notes", content=body, headers={"content-type": "application/json"})

    assert response.status_code == 422
    assert problem(response)["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "more",
    [b'{"k":"' + b"[" * 1000 + b'"}', b'{"k":"' + b'\\"{' * 1000 + b'"}', b'{"k":"\\\\"}'],
    ids=["brackets in a text", "behind escaped quotes", "an escaped backslash"],
)
def test_brackets_within_texts_are_no_nesting(app, more):
    body = b'{"text":"a","more":%s}' % more

    response = ask(app, "POST", "/notes", content=body, headers={"content-type": "application/json"})

    assert response.status_code == 201, response.text


@given(text=st.text(max_size=30), levels=st.integers(MAX_NESTING, 300), empty=st.sampled_from(["[]", "{}", "0"]))
def test_nesting_is_counted_as_a_parser_would(text, levels, empty):
    inner = "[" * levels + json.dumps(text) + "," + empty + "]" * levels
    body = f'{{"a":[{inner}]}}'.encode()

    assert nesting(body) == 2 + levels + (empty != "0")


def test_what_is_nested_too_deeply_is_refused_before_it_is_kept(app):
    def asked(levels):
        body = b'{"text":"a","more":' + b"[" * levels + b"]" * levels + b"}"
        return ask(app, "POST", "/notes", content=body, headers={"content-type": "application/json"})

    assert "levels deep" not in asked(MAX_NESTING - 1).text
    assert f"may be nested {MAX_NESTING} levels deep" in problem(asked(MAX_NESTING))["detail"]


@pytest.mark.parametrize("body", [b'"' * 900_000, b'\\"' * 450_000, b'{"a":"' + b"\\" * 900_000])
def test_a_text_without_an_end_is_read_once(body):
    started = time.perf_counter()

    nesting(b"[" * MAX_NESTING + body)

    assert time.perf_counter() - started < 2


def test_an_escaped_pair_of_surrogates_is_an_ordinary_character(app):
    body = b'{"text": "\\ud83d\\ude00"}'

    response = ask(app, "POST", "/notes", content=body, headers={"content-type": "application/json"})

    assert response.json() == {"text": "\U0001f600"}


@pytest.mark.parametrize("body", [b"{", b"", b"[" * 100_000, b'{"text": ' + b"9" * 5000 + b"}"])
def test_what_is_not_json_is_refused_and_never_a_crash(app, body):
    response = ask(app, "POST", "/notes", content=body, headers={"content-type": "application/json"})

    assert problem(response)["status"] == 422


def test_another_media_type_is_refused_by_name(app):
    response = ask(app, "POST", "/notes", content=b'{"text": "a"}', headers={"content-type": "text/plain"})

    assert "text/plain" in problem(response)["detail"]
    assert response.status_code == 415


def test_a_body_over_a_megabyte_is_too_large(app):
    response = ask(app, "POST", "/notes", json={"text": "x" * 1_000_001})

    assert problem(response)["type"] == "/problems/payload-too-large"


def test_a_nul_in_the_query_is_refused(app):
    assert ask(app, "GET", "/notes?limit=%00").status_code == 422
    assert ask(app, "GET", "/notes?limit=%ff").status_code == 422


@pytest.mark.parametrize("name", ["a\0b", "a%00b", "a\ud800b"], ids=["NUL", "NUL, escaped twice", "lone surrogate"])
def test_a_path_with_what_cannot_be_kept_leads_nowhere(name):
    named = Router(prefix="/named")

    @named.get("/{name}")
    async def read(name: str, caller: Anyone) -> NoteOut:
        """Read by name."""
        return NoteOut(text=name)

    answer = lambda_handler(build_app("named", named, environment={}))(gateway_event(path=f"/named/{name}"), None)

    assert (answer["statusCode"], json.loads(answer["body"])["type"]) == (404, "/problems/not-found")


def test_a_fault_in_the_query_names_the_parameter(app):
    assert problem(ask(app, "GET", "/notes?limit=many"))["errors"][0]["pointer"] == "?limit"


def test_a_fault_does_not_repeat_what_it_is_about():
    class Move(In):
        op: Literal["move"]

    class Drop(In):
        op: Literal["drop"]

    chosen = Router(prefix="/chosen")

    @chosen.post("")
    async def choose(body: Annotated[Move | Drop, Field(discriminator="op")], caller: Anyone) -> NoteOut:
        """Choose."""
        return NoteOut(text=body.op)

    response = ask(build_app("chosen", chosen, environment={}), "POST", "/chosen", json={"op": "s3cret"})

    assert response.status_code == 422
    assert problem(response)["errors"] == [{"pointer": "", "detail": "'op' may be one of 'move', 'drop'."}]


def test_a_refusal_carries_what_its_problem_says(app):
    found = problem(ask(app, "GET", "/notes/full"))

    assert found["detail"] == "Nine is the most."
    assert (found["type"], found["limit"]) == ("/problems/too-much", 9)


@pytest.mark.asvs("16.3.4", "16.5.1")
def test_a_defect_is_answered_without_its_detail_and_logged_with_it(app, caplog):
    response = ask(app, "GET", "/notes/broken")

    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert "secret detail" in caplog.text


@pytest.mark.asvs("16.2.5")
@pytest.mark.parametrize("shape", ["model", "plain"])
def test_an_answer_that_does_not_fit_its_model_is_logged_without_what_it_holds(caplog, shape):
    address = "@".join(["anna", "example.com"])
    short = Router(prefix="/short")

    class ShortOut(Out):
        text: Annotated[str, Field(max_length=3)]

    @short.get("/model")
    async def model(caller: Anyone) -> ShortOut:
        """Fail."""
        return ShortOut(text=address)

    @short.get("/plain")
    async def plain(caller: Anyone) -> ShortOut:
        """Fail too."""
        return {"text": address}

    response = ask(build_app("short", short, environment={"STAGE": "test"}), "GET", f"/short/{shape}")

    assert problem(response)["type"] == "/problems/unexpected"
    assert "at most 3 characters" in caplog.text
    assert address not in caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (aws.ClientError(OURS | {"ResponseMetadata": {"HTTPStatusCode": 400}}, "GetItem"), 500),
        (aws.ClientError(THEIRS | {"ResponseMetadata": {"HTTPStatusCode": 500}}, "GetItem"), 503),
        (ConnectionClosedError(endpoint_url="https://dynamodb"), 503),
        (EndpointConnectionError(endpoint_url="https://dynamodb"), 503),
        (ReadTimeoutError(endpoint_url="https://dynamodb"), 503),
    ],
)
def test_what_aws_cannot_do_now_may_be_tried_again(error, status):
    router = Router(prefix="/away")

    @router.get("")
    async def away(caller: Anyone) -> None:
        """Fail."""
        raise error

    response = ask(build_app("away", router, environment={"STAGE": "test"}), "GET", "/away")

    assert (response.status_code, response.headers.get("retry-after")) == (status, "1" if status == 503 else None)


@pytest.mark.asvs("16.2.4")
def test_the_trace_of_the_caller_goes_on_and_comes_back(app):
    trace = "0af7651916cd43dd8448eb211c80319c"

    response = ask(app, "GET", "/notes", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})

    assert response.headers["traceparent"].split("-")[1] == trace
    assert response.headers["traceparent"].split("-")[2] != "b7ad6b7169203331"


def test_every_answer_says_what_it_cost(app):
    assert 'db;desc="0 req 0 ru 0 wu"' in ask(app, "GET", "/notes").headers["server-timing"]


def test_what_it_cost_is_not_said_where_the_setting_is_off():
    silent = build_app("notes", router(), environment={"SERVER_TIMING": "false"})

    assert "server-timing" not in ask(silent, "GET", "/notes").headers


@pytest.mark.asvs("16.2.1")
def test_a_request_is_one_log_line_without_its_query(app, caplog):
    ask(app, "GET", "/notes?limit=7&token=open-sesame")

    (line,) = caplog.records
    assert (line.message, line.route, line.status, line.tessera_red) == ("request", "/notes", 200, 1)
    assert "sesame" not in str(vars(line))


def gateway_event(method="GET", path="/notes", body=None, **more):
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "apiId": "a1",
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.9", "protocol": "HTTP/1.1"},
        },
        "body": body,
        "isBase64Encoded": False,
        **more,
    }


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "OPTIONS"])
def test_an_internal_route_is_not_there_for_whoever_comes_by_the_gateway(method):
    inside = Router(prefix="/notes/internal")

    @inside.post("/erase")
    async def erase(caller: Annotated[Principal, auth.service("accounts")]) -> NoteOut:
        """Erase."""
        return NoteOut(text="gone")

    answer = lambda_handler(build_app("notes", inside, environment={}))(
        gateway_event(method, "/notes/internal/erase"), None
    )

    assert (answer["statusCode"], answer["headers"].get("allow")) == (404, None)


def test_an_event_of_the_gateway_is_answered(app):
    handler = lambda_handler(app)

    answer = handler(
        gateway_event("POST", body=base64.b64encode(b'{"text": "a"}').decode(), isBase64Encoded=True), None
    )

    assert (answer["statusCode"], json.loads(answer["body"])) == (201, {"text": "a"})


def test_a_problem_leaves_the_handler_as_text(app):
    answer = lambda_handler(app)(gateway_event(path="/notes/nothing"), None)

    assert (answer["statusCode"], answer["isBase64Encoded"]) == (404, False)
    assert json.loads(answer["body"])["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    "event",
    [{}, {"Records": []}, {"requestContext": {"http": {}}}, {"Records": [{"eventSource": "aws:unknown"}]}],
    ids=["empty", "no records", "broken gateway event", "unknown source"],
)
@pytest.mark.asvs("16.5.1")
def test_nothing_escapes_the_handler(app, event):
    answer = lambda_handler(app)(event, None)

    assert answer is None or answer["statusCode"] == 500


def test_a_local_function_without_an_endpoint_does_not_start():
    with pytest.raises(MissingSettings, match="AWS_ENDPOINT_URL"):
        refuse_stray_endpoint({"STAGE": "local"})


def test_two_apps_in_one_process_keep_their_own_environment():
    first = build_app("notes", router(), environment={"STAGE": "one"})
    second = build_app("notes", router(), environment={"STAGE": "two"})

    assert (first.state.bindings.environment["STAGE"], second.state.bindings.environment["STAGE"]) == ("one", "two")


def test_readiness_reads_the_apps_own_table(table_of):
    ready = build_app("notes", router(), environment={"TABLE": table_of("Tasks").name})
    lost = build_app("notes", router(), environment={"TABLE": "not-there"})

    with aws.metered() as meter:
        assert ask(ready, "GET", "/notes/ready").status_code == 200
    assert meter.operations == ["GetItem"]
    assert ask(lost, "GET", "/notes/ready").status_code == 503


def test_an_event_type_must_be_well_formed():
    with pytest.raises(TypeError, match="must look like"):

        class Wrong(Event):
            type: ClassVar[str] = "Wrong"


@pytest.mark.parametrize(
    ("text", "status"),
    [("a" * 900_000, 201), ("\u4e16" * 330_000, 201), ('"' * 250_000, 201)],
)
def test_an_answer_that_may_be_sent_is_sent(app, text, status):
    body = json.dumps({"text": text}, ensure_ascii=False)

    assert lambda_handler(app)(gateway_event("POST", body=body), None)["statusCode"] == status


@pytest.mark.parametrize("text", ["a" * 6_000_001, "\u4e16" * 2_000_001, '"' * 3_000_001])
def test_an_answer_is_measured_as_lambda_measures_it(text):
    made = Router(prefix="/notes")

    @made.get("")
    async def long(caller: Anyone) -> Response:
        """Say much."""
        return Response(text, media_type="text/plain")

    handler = lambda_handler(build_app("notes", made, environment={"STAGE": "test"}))
    assert handler(gateway_event(), None)["statusCode"] == 500


@pytest.mark.asvs("16.2.5")
def test_an_answer_that_is_too_large_is_logged_without_its_path(caplog, capsys):
    made = Router(prefix="/notes")

    @made.get("/shared/{token}")
    async def shared(token: str, caller: Anyone) -> Response:
        """Say much."""
        return Response("a" * 6_000_001, media_type="text/plain")

    handler = lambda_handler(build_app("notes", made, environment={"STAGE": "test"}))

    assert handler(gateway_event(path="/notes/shared/s3cret"), None)["statusCode"] == 500
    assert "answer too large" in caplog.text
    assert "s3cret" not in capsys.readouterr().out
