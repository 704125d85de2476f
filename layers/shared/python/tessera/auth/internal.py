"""Calls from one capability to another: a synchronous invocation that IAM allows for this pair only."""

import base64
import json as json_module
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol, Self

from tessera import aws, clock, log
from tessera.auth.call import Call
from tessera.auth.envelope import context
from tessera.auth.principal import Principal
from tessera.auth.settings import AuthSettings
from tessera.problems import Unavailable
from tessera.settings import Bindings

SAFE_TO_REPEAT = frozenset(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
TRIES = 2
# What the browser told the caller, and the callee must count by: limits and devices are the browser's.
CLIENT_HEADERS = {"user_agent": "user-agent", "device": "x-device-token"}


class NoAnswer(Exception):
    """The callee could not be reached, was throttled, or ended without an answer."""


class Transport(Protocol):
    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        """What the function's handler returned. Raises `NoAnswer`."""
        ...


@dataclass(frozen=True)
class Answer:
    """The callee's answer, a problem included."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status < 400

    def json(self) -> Any:
        return json_module.loads(self.body) if self.body else None


class Internal:
    """The client of one capability."""

    def __init__(self, capability: str, bindings: Bindings, transport: Transport | None = None) -> None:
        self._capability, self._bindings = capability, bindings
        self._transport = transport or invoke

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(AuthSettings).capability, bindings)

    def call(
        self,
        callee: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        on_behalf_of: Principal | None = None,
        for_call: Call | None = None,
        idempotency_key: str = "",
        timeout: float = 2.0,
    ) -> Answer:
        """Call a route of another capability. 1 invocation, 2 when the first is lost and may be repeated.

        `for_call` is the request this is done for: its client's address and device go along. Raises
        `Unavailable` when no answer came before `timeout` seconds or our own deadline, and `LoopDetected`.
        """
        event = self._event(method, path, json, on_behalf_of, for_call, idempotency_key)
        timeout *= self._bindings.settings(AuthSettings).patience
        tries = TRIES if method in SAFE_TO_REPEAT or idempotency_key else 1
        started = clock.monotonic()
        for _ in range(tries):
            left = _time_left(timeout - (clock.monotonic() - started))
            if left <= 0:
                break
            try:
                return _answer(self._transport(self._function(callee), event, left))
            except NoAnswer as error:
                log.current().cause = f"{callee}: {error}"
        raise Unavailable(f"The capability {callee} does not answer right now.")

    def _function(self, callee: str) -> str:
        """The function's name: by the stack's rule, or as `FUNCTION_<CALLEE>` says."""
        named = self._bindings.environment.get(f"FUNCTION_{callee.upper().replace('-', '_')}", "")
        return named or f"{self._bindings.settings(AuthSettings).stack}-{callee}"

    def _event(
        self,
        method: str,
        path: str,
        json: Any,
        on_behalf_of: Principal | None,
        for_call: Call | None,
        idempotency_key: str,
    ) -> dict[str, Any]:
        """An event in the shape of API Gateway's payload 2.0, without what only a gateway sets."""
        route, _, query = path.partition("?")
        here, client = log.current(), _client_of(for_call)
        headers = {"traceparent": here.traceparent, "host": "internal", "content-type": "application/json"}
        if "device" in client:
            headers[CLIENT_HEADERS["device"]] = client["device"]
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        http = {
            "method": method,
            "path": route,
            "protocol": "HTTP/1.1",
            "sourceIp": client.get("address", ""),
            "userAgent": client.get("user_agent", ""),
        }
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": route,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "http": http,
                "requestId": here.request_id,
                "timeEpoch": clock.millis(),
                "tessera": context(self._capability, on_behalf_of=on_behalf_of, client=client),
            },
            "body": "" if json is None else json_module.dumps(json, ensure_ascii=False),
            "isBase64Encoded": False,
        }


def invoke(function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
    """By Lambda's API, which `AWS_ENDPOINT_URL_LAMBDA` may point to `sam local start-lambda`."""
    # Clients are kept by their configuration, so the time limit goes up to the next half second.
    once = {"mode": "standard", "total_max_attempts": 1}
    client = aws.client("lambda", read_timeout=ceil(timeout_seconds * 2) / 2, retries=once)
    try:
        answer = client.invoke(FunctionName=function, Payload=json_module.dumps(event).encode())
        payload = answer["Payload"].read()
    except aws.BotoCoreError as error:
        raise NoAnswer(type(error).__name__) from error
    except aws.ClientError as error:
        if aws.code_of(error) in aws.THROTTLED | {"TooManyRequestsException", "ServiceException"}:
            raise NoAnswer(aws.code_of(error)) from error
        raise
    if "FunctionError" in answer:
        raise NoAnswer(f"function error {answer['FunctionError']}")
    found: dict[str, Any] = json_module.loads(payload)
    return found


def _answer(returned: dict[str, Any]) -> Answer:
    text = returned.get("body") or ""
    body = base64.b64decode(text) if returned.get("isBase64Encoded") else text.encode()
    headers = {name.lower(): str(value) for name, value in (returned.get("headers") or {}).items()}
    return Answer(int(returned["statusCode"]), body, headers)


def _client_of(call: Call | None) -> dict[str, str]:
    if call is None:
        return {}
    found = {name: call.header(header) for name, header in CLIENT_HEADERS.items()}
    if call.is_internal and call.internal is not None:
        # What the browser told whoever called us; this event's own headers are that caller's.
        known = call.internal.get("client") or {}
        found = {name: str(known.get(name) or "") or value for name, value in found.items()}
    return {"address": call.client_address, **{name: value for name, value in found.items() if value}}


def _time_left(timeout: float) -> float:
    deadline = log.current().deadline
    return timeout if deadline is None else min(timeout, deadline - clock.monotonic())
