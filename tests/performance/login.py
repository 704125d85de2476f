"""What a sign-in costs: the hash of the password, the calls to AWS, and what is left, which is ours.

The floor under every answer, which hides how long it took, is taken away for this.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from argon2 import PasswordHasher
from botocore.client import BaseClient
from mangum import Mangum

from functions.identity.accounts.app import ROUTERS
from tessera import aws, ids, sealed
from tessera.entry import build_app
from tessera.outbox import Envelope
from tessera.tables import Table
from tests.kit.queues import make_queue
from tests.kit.stores import everything_in, make_bucket, make_table
from tests.kit.tokens import ISSUER
from tests.performance.latency import gateway_event, local_cloud, quietly

ROUNDS, WARM_UP = 40, 5

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]


@dataclass
class Spent:
    """Seconds in hashing and in calls, since it was made."""

    hashing: float = 0.0
    calling: float = 0.0
    calls: list[str] = field(default_factory=list)


def report(folder: Path) -> str:
    with local_cloud(folder), accounts() as (ask, known):
        total, hashing, calling, rest, calls = measured(partial(ask, "/accounts/login", known))
    return "\n".join(
        [
            f"  POST /accounts/login    {total:>7.1f} ms",
            f"    Argon2id              {hashing:>7.1f} ms  {100 * hashing / total:>3.0f} %",
            f"    {calls:<2} calls to AWS       {calling:>7.1f} ms  {100 * calling / total:>3.0f} %",
            f"    the rest              {rest:>7.1f} ms  {100 * rest / total:>3.0f} %",
        ]
    )


def measured(login: Callable[[], object]) -> tuple[float, float, float, float, int]:
    """The medians of the whole, hashing, calling and the rest in milliseconds, and the calls of one sign-in."""
    rounds = []
    for _ in range(WARM_UP + ROUNDS):
        with watched() as spent:
            began = time.perf_counter()
            login()
            rounds.append((time.perf_counter() - began, spent))
    counted = rounds[WARM_UP:]
    parts = [(total, spent.hashing, spent.calling, total - spent.hashing - spent.calling) for total, spent in counted]
    total, hashing, calling, rest = (1_000 * statistics.median(figures) for figures in zip(*parts, strict=True))
    return total, hashing, calling, rest, len(counted[-1][1].calls)


@contextmanager
def watched() -> Iterator[Spent]:
    spent, verify, call = Spent(), PasswordHasher.verify, BaseClient._make_api_call

    def verified(*given: Any) -> Any:
        began = time.perf_counter()
        try:
            return verify(*given)
        finally:
            spent.hashing += time.perf_counter() - began

    def called(client: Any, operation: str, parameters: Any) -> Any:
        began = time.perf_counter()
        try:
            return call(client, operation, parameters)
        finally:
            spent.calling += time.perf_counter() - began
            spent.calls.append(operation)

    with patch.object(PasswordHasher, "verify", verified), patch.object(BaseClient, "_make_api_call", called):
        yield spent


@contextmanager
def accounts() -> Iterator[tuple[Ask, dict[str, str]]]:
    """The app on tables of its own, and what somebody signs in with there."""
    manager, kms, table = aws.client("secretsmanager"), aws.client("kms"), make_table("Accounts")
    secrets = {name: f"{name.lower()}-{ids.new()}" for name in ("MAC_KEYS", "PEPPER")}
    for name in secrets.values():
        manager.create_secret(Name=name, SecretString=json.dumps({"current": "1", "1": "a text of no worth"}))
    keys = {name: kms.create_key()["KeyMetadata"]["KeyId"] for name in ("MAIL_KEY", "FACTOR_KEY")}
    environment = {
        "STAGE": "test",
        "STACK": "tessera",
        "ISSUER": ISSUER,
        "PUBLIC_BASE_URL": "https://app.test",
        "OWNER_EMAIL": "owner@example.com",
        "TABLE": table.name,
        "AUTHFEED": make_table("Authfeed").name,
        "RATELIMIT": make_table("Ratelimit").name,
        "QUEUE": make_queue("accounts"),
        "BUCKET": make_bucket("uploads"),
        "FLOOR_MS": "0",
        "FLOOR_STEP_MS": "1",
        "LIMIT_BUDGET_MS": "2000",
    }
    handler = Mangum(build_app("accounts", *ROUTERS, environment={**environment, **secrets, **keys}), lifespan="off")

    def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = quietly(handler, event(path, body))
        assert answer["statusCode"] < 300, answer
        return dict(json.loads(answer["body"]))

    known = {"email": "ann@example.com", "password": "a quiet morning at sea"}
    asked = ask("/accounts/sign-up", known)
    code = code_for(table, keys["MAIL_KEY"])
    ask("/accounts/sign-up/verify", {"sign_up_id": asked["sign_up_id"], "code": code})
    yield ask, known


def code_for(table: Table, mail_key: str) -> str:
    """What the mail says that was asked for, opened as the mail worker opens it."""
    told = (Envelope.parse(item["event"]["S"]) for item in everything_in(table) if "event" in item)
    mail = next(one for one in told if one.type == "accounts.mail.requested.v1")
    return str(sealed.unseal(mail_key, "mail", mail.data["secret"])["code"])


def event(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Each from another address: this is not about limits."""
    return gateway_event("POST", path, body, address=f"2001:db8:{next(_NETWORKS):x}::1")


_NETWORKS = iter(range(1, 60_000))
