"""The one seam to AWS: every client comes from here.

Metering, fault points and tracing hang on it, and in unit tests moto stands behind it. No other
module imports boto3 or botocore.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError as BotoCoreError
from botocore.exceptions import ClientError as ClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, HTTPClientError, ReadTimeoutError

# The request never left: unlike after a read timeout, nothing can have been done.
NotReached = (EndpointConnectionError, ConnectTimeoutError)
Unreachable = (*NotReached, ReadTimeoutError)
THROTTLED = frozenset(
    ["ProvisionedThroughputExceededException", "ThrottlingException", "ThrottlingError", "RequestLimitExceeded"]
)

# Inside a Lambda a call that hangs is worse than one that fails: the platform's own time limit
# would end the request without an answer.
_CONFIG: dict[str, Any] = {
    "connect_timeout": 1,
    "read_timeout": 5,
    "retries": {"mode": "standard", "total_max_attempts": 3},
    "tcp_keepalive": True,
    "max_pool_connections": 64,
    # botocore puts its own name together anew for each request, and looks through every parameter before AWS does the
    # same: a third of what a call costs here. Unit tests look (tests/kit/memory.py).
    "user_agent": f"Botocore/{botocore.__version__} tessera",
    "parameter_validation": False,
}

Hook = Callable[[str, str, dict[str, Any]], None]
_clients: dict[tuple[str, str], Any] = {}
# Making a client takes tens of milliseconds of processor time, and botocore does not make two at once safely.
_making = threading.Lock()
_hooks: list[Hook] = []


@dataclass
class Meter:
    """What a unit of work has cost so far, in requests and in DynamoDB's units."""

    requests: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    operations: list[str] = field(default_factory=list)

    def add(self, operation: str, answer: dict[str, Any]) -> None:
        self.requests += 1
        self.operations.append(operation)
        consumed = answer.get("ConsumedCapacity") or []
        for entry in consumed if isinstance(consumed, list) else [consumed]:
            units = entry.get("CapacityUnits", 0.0)
            # A plain read or write reports one sum; which of the two it is, its operation tells.
            if operation in _READS:
                self.read_units += units
            else:
                self.write_units += units


_READS = frozenset(["GetItem", "Query", "BatchGetItem", "TransactGetItems"])
_meter: ContextVar[Meter | None] = ContextVar("tessera_meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what happens inside the block; blocks nest, each counting for itself and its parents."""
    outer, mine = _meter.get(), Meter()
    token = _meter.set(mine)
    try:
        yield mine
    finally:
        _meter.reset(token)
        if outer is not None:
            outer.requests += mine.requests
            outer.read_units += mine.read_units
            outer.write_units += mine.write_units
            outer.operations += mine.operations


def client(service: str, *, endpoint: str | None = None, **config: Any) -> Any:
    """The client of this service, made on first use and kept for the life of the process.

    An `endpoint` is for a service that has one for each of its resources.
    """
    key = (service, repr((endpoint, sorted(config.items()))))
    if key not in _clients:
        with _making:
            if key not in _clients:
                _clients[key] = _made(service, endpoint, config)
    return _clients[key]


def _made(service: str, endpoint: str | None, config: dict[str, Any]) -> Any:
    made = _session().create_client(service, endpoint_url=endpoint, config=Config(**{**_CONFIG, **config}))
    made.meta.events.register("before-parameter-build.*.*", _before)
    made.meta.events.register("after-call.dynamodb.*", _after_dynamodb)
    return made


def code_of(error: ClientError) -> str:
    """The error's code, such as `ConditionalCheckFailedException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_outage(error: Exception) -> bool:
    """Has AWS failed, or the way there, and not we? The same may go well in a moment."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return isinstance(error, NoConnection | HTTPClientError)


@contextmanager
def intercepted(hook: Hook) -> Iterator[None]:
    """Call `hook(service, operation, parameters)` before every call; what it raises, the call raises."""
    _hooks.append(hook)
    try:
        yield
    finally:
        _hooks.remove(hook)


def fault_point(name: str) -> None:
    """A named place where a test may make the process fail; it does nothing otherwise."""
    for hook in list(_hooks):
        hook("fault", name, {})


def forget_clients() -> None:
    """Drop every client: for tests, and for a process whose endpoint has changed."""
    _clients.clear()
    global _made_session
    _made_session = None


_made_session: botocore.session.Session | None = None


def _session() -> botocore.session.Session:
    global _made_session
    if _made_session is None:
        _made_session = botocore.session.get_session()
    return _made_session


def _before(params: dict[str, Any], model: Any, **_: Any) -> None:
    service = model.service_model.service_name
    if service == "dynamodb" and "ReturnConsumedCapacity" in (model.input_shape.members if model.input_shape else {}):
        params.setdefault("ReturnConsumedCapacity", "TOTAL")
    for hook in list(_hooks):
        hook(service, model.name, params)


def _after_dynamodb(model: Any, parsed: dict[str, Any], **_: Any) -> None:
    meter = _meter.get()
    if meter is not None:
        meter.add(model.name, parsed)
