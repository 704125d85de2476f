import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.platform.health.routes import router
from tessera import aws, clock, ids
from tessera.entry import build_app
from tessera.settings import Bindings


def line(**fields: Any) -> str:
    """What an app logs about one request."""
    usual = {
        "message": "request",
        "capability": "tasks",
        "tessera_red": 1,
        "method": "GET",
        "route": "/tasks/{task_id}",
        "status": 200,
        "duration_ms": 12.34,
        "cold_start": False,
        "db_requests": 1,
        "db_read_units": 0.5,
        "db_write_units": 0,
    }
    return json.dumps({**usual, **fields})


def delivered(*lines: str, stream: str = "one", kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    """The event by which CloudWatch Logs hands lines to a function."""
    events = [
        {"id": f"{stream}-{position}", "timestamp": clock.millis(), "message": text}
        for position, text in enumerate(lines)
    ]
    content = {"messageType": kind, "logGroup": "/tessera/test", "logStream": stream, "logEvents": events}
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()}}


@pytest.fixture(scope="session")
def mac_keys(cloud) -> str:
    name = f"mac-keys-{ids.new()}"
    value = json.dumps({"current": "1", "1": "a" * 64})
    aws.client("secretsmanager").create_secret(Name=name, SecretString=value)
    return name


@pytest.fixture
def environment(table_of, mac_keys) -> dict[str, str]:
    return {
        "TABLE": table_of("Health").name,
        "AUTHFEED": table_of("Authfeed").name,
        "LIMIT_BUDGET_MS": "10000",
        "RATELIMIT": table_of("Ratelimit").name,
        "MAC_KEYS": mac_keys,
        "STAGE": "local",
        "CAPABILITY": "health",
        "CAPABILITIES": "tasks accounts health",
    }


@pytest.fixture
def bindings(environment) -> Bindings:
    return Bindings(environment)


@pytest.fixture
def app_of(environment) -> Callable[..., Any]:
    def made(**changes: str) -> Any:
        return build_app("health", router, environment={**environment, **changes})

    return made
