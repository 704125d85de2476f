"""An app's bindings with a feed, a limiter and a secret of their own, and tokens signed as KMS signs them."""

from collections.abc import Callable
from typing import Any

import pytest

from tessera import ids
from tessera.auth.call import Call
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.tokens import ISSUER, Signer, publish


@pytest.fixture
def authfeed(table_of: Callable[[str], Table], signer: Signer) -> Table:
    table = table_of("Authfeed")
    publish(table, signer.entry())
    return table


@pytest.fixture
def bindings(frozen: FakeClock, authfeed: Table, table_of: Callable[[str], Table], secret: str) -> Bindings:
    return Bindings(
        {
            "STAGE": "test",
            "CAPABILITY": "tasks",
            "ISSUER": ISSUER,
            "AUTHFEED": authfeed.name,
            "RATELIMIT": table_of("Ratelimit").name,
            "MAC_KEYS": secret,
            "STACK": "tessera",
            "LIMIT_BUDGET_MS": "2000",
        }
    )


@pytest.fixture
def call(bindings: Bindings) -> Callable[..., Call]:
    """`call("GET", token=…)`: a request as `entry` would hand it over."""

    def make(
        method: str = "GET",
        *,
        token: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        query: str = "",
        source_ip: str = "203.0.113.7",
        internal: dict[str, Any] | None = None,
        api_gateway: bool = True,
        within: Bindings | None = None,
    ) -> Call:
        sent = (("authorization", f"Bearer {token}"),) if token else ()
        return Call(
            method=method,
            path="/tasks",
            headers=(*sent, *headers),
            query_string=query,
            source_ip=source_ip,
            api_gateway=api_gateway and internal is None,
            internal=internal,
            bindings=within or bindings,
            request_id=ids.new(),
        )

    return make
