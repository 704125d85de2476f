"""What is true of every password and of an empty stack, and would be lost without anybody noticing."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import Person

LONGEST = "every word of this stands where it stands " * 6


@pytest.mark.asvs("6.2.8", "6.2.9")
@pytest.mark.parametrize("length", [64, 72, 73, 128, 250])
def test_every_character_of_a_long_password_counts(http: AppClient, person: Callable[..., Person], length: int) -> None:
    password = f"{LONGEST[: length - 1]}1"
    ann = person(password=password)

    def sign_in(given: str) -> int:
        return http.post("/accounts/login", json={"email": ann.email, "password": given}).status_code

    assert len(password) == length
    assert sign_in(password) == 200
    assert (sign_in(f"{password[:-1]}2"), sign_in(password[:-1]), sign_in(password.upper())) == (401, 401, 401)


@pytest.mark.asvs("6.2.10")
def test_a_password_does_not_run_out(http: AppClient, person: Callable[..., Person], frozen: FakeClock) -> None:
    ann = person()
    frozen.advance(days=5 * 365)

    answer = http.post("/accounts/login", json={"email": ann.email, "password": ann.password})

    assert answer.status_code == 200, answer.text


@pytest.mark.asvs("6.3.2")
def test_a_new_stack_knows_nobody(http: AppClient, tables: dict[str, Table]) -> None:
    for name in ("admin", "root", "sa", "test", "guest"):
        for password in (name, "admin", "password", "changeme"):
            body = {"email": f"{name}@example.com", "password": password}
            assert http.post("/accounts/login", json=body).status_code in (401, 429)

    assert [
        item["pk"]["S"] for item in everything_in(tables["Accounts"]) if item["pk"]["S"].startswith(("U#", "E#"))
    ] == []


@pytest.mark.asvs("6.4.2")
def test_no_body_asks_for_a_hint_or_a_question(app: Any) -> None:
    def names(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            yield from schema.get("properties", {})
            for inner in schema.values():
                yield from names(inner)

    schemas = app.openapi()["components"]["schemas"]
    found = {name for schema in schemas.values() for name in names(schema)}

    assert "password" in found
    assert [name for name in found if any(word in name for word in ("hint", "question", "answer", "maiden"))] == []
