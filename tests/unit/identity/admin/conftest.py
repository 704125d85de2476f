"""The world that the tests of `admin` play in."""

import json
from collections.abc import Callable, Iterator

import pytest

from functions.identity.accounts.app import app as accounts_app
from functions.identity.admin.app import app as admin_app
from tessera import aws, ids
from tessera.auth.internal import Internal
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.queues import make_queue
from tests.kit.stores import make_bucket
from tests.kit.web import AppClient
from tests.unit.identity.admin.world import Somebody, World


@pytest.fixture(scope="session")
def secrets(cloud: None) -> dict[str, str]:
    """What all tests share: secrets and keys."""
    names = {}
    for variable in ("MAC_KEYS", "PEPPER"):
        names[variable] = f"{variable.lower()}-{ids.new()}"
        value = json.dumps({"current": "1", "1": f"{variable} text"})
        aws.client("secretsmanager").create_secret(Name=names[variable], SecretString=value)
    kms = aws.client("kms")
    names["MAIL_KEY"] = names["FACTOR_KEY"] = kms.create_key()["KeyMetadata"]["KeyId"]
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    names["SEAL_KEY"] = made["KeyMetadata"]["KeyId"]
    names["BUCKET"] = make_bucket("uploads")
    return names


@pytest.fixture
def make_world(
    frozen: FakeClock, secrets: dict[str, str], table_of: Callable[[str], Table]
) -> Iterator[Callable[..., World]]:
    """`make_world(STAFF_FACTOR="on")`: a world with other settings."""
    before = admin_app.state.bindings, accounts_app.state.bindings

    def make(**more: str) -> World:
        tables = {name: table_of(name) for name in ("Admin", "Accounts", "Authfeed", "Ratelimit")}
        shared = {
            **secrets,
            "STAGE": "test",
            "STACK": "tessera",
            "ISSUER": "https://tessera.test",
            "PUBLIC_BASE_URL": "https://app.test",
            "AUTHFEED": tables["Authfeed"].name,
            "RATELIMIT": tables["Ratelimit"].name,
            "HASH_MEMORY_KIB": "19456",
            "HASH_TIME": "2",
            "LIMIT_BUDGET_MS": "3000",
            "RATE_FACTOR": "1000",
        }
        queue = make_queue("admin")
        mine = {"CAPABILITY": "admin", "TABLE": tables["Admin"].name, "QUEUE": queue}
        theirs = {"CAPABILITY": "accounts", "TABLE": tables["Accounts"].name, "QUEUE": make_queue("accounts")}
        admin, accounts = Bindings({**shared, **mine, **more}), Bindings({**shared, **theirs})
        admin_app.state.bindings, accounts_app.state.bindings = admin, accounts
        http = AppClient(admin_app, base_url="https://app.test")
        world = World(admin, accounts, tables, http, queue, secrets["BUCKET"])
        admin.replace(Internal, Internal("admin", admin, world.carry))
        return world

    try:
        yield make
    finally:
        admin_app.state.bindings, accounts_app.state.bindings = before


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def owner(world: World) -> Somebody:
    return world.somebody("owner")


@pytest.fixture
def boss(world: World) -> Somebody:
    """Somebody with the role `admin`."""
    return world.somebody("admin")
