import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from tessera import auth, aws, clock, log
from tessera.auth.call import Call
from tessera.auth.envelope import MAX_DEPTH, adopt
from tessera.auth.internal import Internal, NoAnswer, invoke
from tessera.auth.principal import Principal
from tessera.auth.problems import LoopDetected
from tessera.problems import Unavailable
from tessera.settings import Bindings

MakeCall = Callable[..., Call]


class Callee:
    """An in-process callee: its guard decides, and its answer says what it saw."""

    def __init__(self, bindings: Bindings, *, fails: int = 0) -> None:
        self.bindings = Bindings({**bindings.environment, "CAPABILITY": "accounts"})
        self.seen: list[tuple[str, dict[str, Any], float]] = []
        self.fails = fails

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        self.seen.append((function, event, timeout_seconds))
        if len(self.seen) <= self.fails:
            raise NoAnswer("on order")
        context = event["requestContext"]
        call = Call(
            method=context["http"]["method"],
            path=event["rawPath"],
            headers=tuple(event["headers"].items()),
            query_string=event["rawQueryString"],
            source_ip=context["http"]["sourceIp"],
            api_gateway="apiId" in context or "domainName" in context,
            internal=context["tessera"],
            bindings=self.bindings,
            request_id="r",
        )
        found = auth.service("sessions").dependency.admit(call)
        behalf = found.on_behalf_of.id if found.on_behalf_of else None
        body = json.dumps({"caller": found.id, "for": behalf, "ip": call.client_ip, "depth": log.current().depth})
        return {"statusCode": 201, "headers": {"ETag": '"1"'}, "body": body, "isBase64Encoded": False}


@pytest.fixture
def callee(bindings: Bindings) -> Callee:
    return Callee(bindings)


@pytest.fixture
def sessions(bindings: Bindings, callee: Callee) -> Internal:
    return Internal("sessions", bindings, callee)


def test_a_call_arrives_with_its_caller_and_the_person_behind_it(
    sessions: Internal, callee: Callee, call: MakeCall
) -> None:
    anna = Principal(kind="user", id="anna", user_id="anna")

    with log.scope("sessions"):
        browser = call(source_ip="198.51.100.1")
        answer = sessions.call(
            "accounts", "POST", "/accounts/internal/mint", json={}, on_behalf_of=anna, for_call=browser
        )

    assert answer.ok
    assert answer.status == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.json() == {"caller": "sessions", "for": "anna", "ip": "198.51.100.1", "depth": 1}
    assert callee.seen[0][0] == "tessera-accounts"


def test_the_event_is_shaped_like_a_gateways_but_for_what_only_a_gateway_sets(
    sessions: Internal, callee: Callee
) -> None:
    with log.scope("sessions") as here:
        sessions.call("accounts", "GET", "/accounts/internal/user?id=1")

    event = callee.seen[0][1]
    assert (event["rawPath"], event["rawQueryString"]) == ("/accounts/internal/user", "id=1")
    assert not {"apiId", "domainName", "stage"} & event["requestContext"].keys()
    assert event["headers"]["traceparent"] == here.traceparent


def test_the_device_the_browser_named_is_known_to_the_callee_as_it_would_be_to_ourselves(
    sessions: Internal, callee: Callee, call: MakeCall
) -> None:
    with log.scope("sessions"):
        sessions.call("accounts", "POST", "/x", for_call=call(headers=(("x-device-token", "a-device"),)))
        sessions.call("accounts", "POST", "/x", for_call=call())

    assert [event["headers"].get("x-device-token") for _, event, _ in callee.seen] == ["a-device", None]


def test_a_call_on_behalf_of_a_call_still_says_whose_browser_it_was(
    sessions: Internal, callee: Callee, call: MakeCall
) -> None:
    browser = {"address": "198.51.100.1", "user_agent": "Firefox", "device": "a-device"}

    with log.scope("sessions"):
        sessions.call("accounts", "POST", "/x", for_call=call(internal={"internal": True, "client": browser}))

    assert callee.seen[0][1]["requestContext"]["tessera"]["client"] == browser


def test_a_functions_name_may_be_given(bindings: Bindings, callee: Callee) -> None:
    named = Bindings({**bindings.environment, "FUNCTION_GIFT_CARDS": "arn:of:it"})

    Internal("sessions", named, callee).call("gift-cards", "GET", "/x")

    assert callee.seen[0][0] == "arn:of:it"


def test_calls_nest_three_deep_and_no_deeper(sessions: Internal, callee: Callee) -> None:
    with log.scope("sessions") as here:
        here.depth = MAX_DEPTH - 1
        sessions.call("accounts", "GET", "/x")
        here.depth = MAX_DEPTH
        with pytest.raises(LoopDetected):
            sessions.call("accounts", "GET", "/x")

    assert len(callee.seen) == 1


def test_a_callee_refuses_what_is_too_deep_itself(call: MakeCall) -> None:
    with pytest.raises(LoopDetected) as refused:
        adopt(call(internal={"internal": True, "caller": "x", "depth": MAX_DEPTH + 1}))

    assert refused.value.status == 508


def test_the_callers_deadline_is_the_callees(call: MakeCall) -> None:
    with log.scope("accounts") as here:
        adopt(call(internal={"internal": True, "depth": 1, "deadline_ms": clock.millis() + 1_000}))

        assert here.deadline is not None
        assert 0.5 < here.deadline - clock.monotonic() <= 1.0


def test_a_deadline_shortens_the_wait_and_forbids_a_call_too_late(sessions: Internal, callee: Callee) -> None:
    with log.scope("sessions") as here:
        here.deadline = clock.monotonic() + 0.5
        sessions.call("accounts", "GET", "/x", timeout=2)
        here.deadline = clock.monotonic() - 1
        with pytest.raises(Unavailable):
            sessions.call("accounts", "GET", "/x", timeout=2)

    assert [seen[2] <= 0.5 for seen in callee.seen] == [True]


def test_a_slower_machine_is_given_longer(bindings: Bindings, callee: Callee) -> None:
    patient = Internal("sessions", Bindings({**bindings.environment, "PATIENCE": "5"}), callee)

    patient.call("accounts", "GET", "/x", timeout=2)

    assert 9 < callee.seen[0][2] <= 10


@pytest.mark.parametrize(
    ("method", "key", "calls"), [("GET", "", 2), ("DELETE", "", 2), ("POST", "", 1), ("POST", "key-1", 2)]
)
def test_only_what_may_be_repeated_is_tried_again(bindings: Bindings, method: str, key: str, calls: int) -> None:
    lost = Callee(bindings, fails=9)

    with pytest.raises(Unavailable):
        Internal("sessions", bindings, lost).call("accounts", method, "/x", idempotency_key=key)

    assert len(lost.seen) == calls


def test_a_lost_answer_is_asked_for_again(bindings: Bindings) -> None:
    shaky = Callee(bindings, fails=1)

    assert Internal("sessions", bindings, shaky).call("accounts", "GET", "/x").ok


class FakeLambda:
    def __init__(self, **answer: Any) -> None:
        self.answer = answer

    def invoke(self, **parameters: Any) -> dict[str, Any]:
        return {"Payload": io.BytesIO(b'{"statusCode": 204}'), **self.answer}


def test_an_invocation_that_ended_in_an_error_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "client", lambda *_, **__: FakeLambda(FunctionError="Unhandled"))
    with pytest.raises(NoAnswer):
        invoke("f", {}, 1)

    monkeypatch.setattr(aws, "client", lambda *_, **__: FakeLambda())
    assert invoke("f", {}, 1) == {"statusCode": 204}


def test_the_client_is_bound_to_its_app(bindings: Bindings) -> None:
    assert isinstance(bindings.get(Internal), Internal)
