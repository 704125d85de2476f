"""Handles, languages and time zones: what a profile may say."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.clocks import FakeClock
from tests.kit.web import AppClient

from .conftest import Person

MakePerson = Callable[..., Person]


def change(http: AppClient, who: Person, **fields: Any) -> Any:
    etag = http.get("/accounts/me", headers=who.bearer).headers["etag"]
    return http.patch("/accounts/me", json=fields, headers={**who.bearer, "if-match": etag})


@pytest.mark.parametrize("handle", ["ann", "Ann_Lee", "a1b", "x" * 30, "007", "a_b"], ids=str)
def test_a_handle_is_letters_digits_and_lines_between(http: AppClient, person: MakePerson, handle: str):
    assert change(http, person(), handle=handle).json()["handle"] == handle


@pytest.mark.parametrize(
    "handle",
    [
        pytest.param("ab", id="too short"),
        pytest.param("x" * 31, id="too long"),
        pytest.param("_ann", id="a line at the beginning"),
        pytest.param("ann_", id="a line at the end"),
        pytest.param("ann lee", id="a space"),
        pytest.param("ann.lee", id="a dot"),
        pytest.param("ann@lee", id="an at sign"),
        pytest.param("p\u0430ypal", id="Cyrillic among Latin letters"),
        pytest.param("\u03b1nn", id="Greek among Latin letters"),
        pytest.param("\uff41nn", id="full-width letters"),
        pytest.param("ann\u0301", id="a combining mark"),
        pytest.param("\u202eann", id="a control of writing direction"),
        pytest.param("ann\u2066x", id="an isolate"),
        pytest.param("an\u200bn", id="a space of no width"),
        pytest.param("an\u00adn", id="a soft hyphen"),
        pytest.param("ann\u0000", id="a control character"),
        pytest.param("ann\n", id="a line end"),
        pytest.param("\u0661\u0662\u0663", id="digits of another script"),
    ],
)
def test_a_handle_that_could_pass_for_another_is_refused(http: AppClient, person: MakePerson, handle: str):
    answer = change(http, person(), handle=handle)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/handle"


@pytest.mark.parametrize("handle", ["admin", "Support", "TESSERA", "root", "security", "null"], ids=str)
def test_a_handle_that_would_speak_for_the_house_is_nobodys(http: AppClient, person: MakePerson, handle: str):
    answer = change(http, person(), handle=handle)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/handle-taken")


def test_somebody_is_found_by_handle_in_any_case(http: AppClient, person: MakePerson):
    ann = person()
    change(http, ann, handle="Ann_Lee")

    answer = http.get("/accounts/users/by-handle", params={"handle": "ann_lee"}, headers=ann.bearer)

    assert (answer.status_code, answer.json()["id"], answer.json()["handle"]) == (200, ann.id, "Ann_Lee")


def test_an_old_handle_leads_to_the_present_one_for_30_days(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    change(http, ann, handle="first")
    change(http, ann, handle="second")

    found = http.get("/accounts/users/by-handle", params={"handle": "first"}, headers=ann.bearer)
    assert (found.json()["id"], found.json()["handle"]) == (ann.id, "second")

    frozen.advance(days=30, seconds=1)
    again = http.post("/accounts/login", json={"email": ann.email, "password": ann.password}).json()
    headers = {"authorization": f"Bearer {again['access_token']}"}
    assert http.get("/accounts/users/by-handle", params={"handle": "first"}, headers=headers).status_code == 404
    assert http.get("/accounts/users/by-handle", params={"handle": "second"}, headers=headers).status_code == 200


@pytest.mark.parametrize("handle", ["nobody_here", "a", "p\u0430ypal", "x" * 200], ids=lambda text: text[:12])
def test_a_handle_of_nobody_finds_nobody(http: AppClient, person: MakePerson, handle: str):
    answer = http.get("/accounts/users/by-handle", params={"handle": handle}, headers=person().bearer)

    assert answer.status_code in (404, 422)


@pytest.mark.parametrize("locale", ["de", "en-GB", "zh-Hant-TW", "es-419", "sr-Latn-RS"], ids=str)
def test_a_language_is_a_tag_of_bcp_47(http: AppClient, person: MakePerson, locale: str):
    assert change(http, person(), locale=locale).json()["locale"] == locale


@pytest.mark.parametrize("locale", ["", "x", "english language", "de_DE", "de-", "-de", "d3", "\u0434\u0435"], ids=repr)
def test_what_is_no_language_tag_is_pointed_at(http: AppClient, person: MakePerson, locale: str):
    answer = change(http, person(), locale=locale)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/locale")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Asia/Kolkata"], ids=str)
def test_a_time_zone_is_one_of_the_iana_database(http: AppClient, person: MakePerson, zone: str):
    assert change(http, person(), timezone=zone).json()["timezone"] == zone


@pytest.mark.parametrize(
    "zone",
    ["", "Berlin", "Europe", "Europe/Nowhere", "GMT+25", "../etc/passwd", "Europe/Berlin\u0000", "localtime"],
    ids=repr,
)
def test_what_is_no_time_zone_is_pointed_at(http: AppClient, person: MakePerson, zone: str):
    answer = change(http, person(), timezone=zone)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/timezone")
