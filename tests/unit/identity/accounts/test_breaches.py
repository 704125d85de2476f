"""The list of breached passwords: asked without giving a password away, and never in the way."""

import hashlib

import pytest

from functions.identity.accounts.breaches import Breaches, NoAnswer
from functions.identity.accounts.config import AccountSettings
from functions.identity.accounts.passwords import Passwords
from functions.identity.accounts.rules import WeakPassword
from tessera.auth.mac import MacKeys
from tessera.settings import Bindings

from .test_passwords import NEEDED

URL = "https://list.example/range"
BREACHED = "a quiet morning at sea"
DIGEST = hashlib.sha1(BREACHED.encode(), usedforsecurity=False).hexdigest().upper()


class List:
    """Answers as the range API does: every ending of the prefix, some of them padding."""

    def __init__(self, *endings: str, fails: str = "") -> None:
        self.endings, self.fails = endings, fails
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str, headers: dict[str, str]) -> str:
        self.asked.append((url, headers))
        if self.fails:
            raise NoAnswer(self.fails)
        return "\r\n".join(["0018A45C4D1DEF81644B54AB7F969B88D65:10", *self.endings])


def check(found: List, password: str = BREACHED) -> None:
    settings = AccountSettings.load({**NEEDED, "HASH_MEMORY_KIB": "19456", "HASH_TIME": "2"})
    pepper = MacKeys({"current": "1", "1": "a pepper"})
    Passwords(settings, pepper, Breaches(URL, found)).check(password)


@pytest.mark.asvs("6.2.12")
def test_a_breached_password_is_refused_and_the_rule_is_named():
    with pytest.raises(WeakPassword) as refused:
        check(List(f"{DIGEST[5:]}:42"))

    assert "breach" in refused.value.errors[0].detail


def test_only_five_characters_of_the_hash_leave_the_house():
    found = List()

    check(found)

    (url, headers) = found.asked[0]
    assert url == f"{URL}/{DIGEST[:5]}"
    assert headers == {"Add-Padding": "true"}
    assert DIGEST[5:] not in url


def test_a_padded_line_is_no_breach():
    check(List(f"{DIGEST[5:]}:0"))


def test_a_password_whose_hash_only_begins_alike_is_taken():
    check(List(f"{DIGEST[5:-1]}0:42" if DIGEST[-1] != "0" else f"{DIGEST[5:-1]}1:42"))


@pytest.mark.parametrize("cause", ["timeout", "upstream-status", "dns-failed"])
@pytest.mark.asvs("16.5.2")
def test_a_list_that_does_not_answer_keeps_nobody_from_signing_up(cause: str):
    check(List(fails=cause))


def test_a_password_that_another_rule_refuses_is_not_asked_about():
    found = List()

    with pytest.raises(WeakPassword):
        check(found, "short")

    assert found.asked == []


def test_the_list_is_off_unless_it_is_configured():
    assert not Breaches.bind(Bindings(NEEDED)).is_on
    assert Breaches.bind(Bindings({**NEEDED, "BREACH_LIST": "hibp"})).is_on
    assert Breaches().hold(BREACHED) is False


def test_an_address_inside_our_own_network_is_never_asked():
    """The list is fetched by the client that guards against requests forged into our own network."""
    inside = Breaches.bind(Bindings({**NEEDED, "BREACH_LIST": "hibp", "BREACH_LIST_URL": "http://127.0.0.1:9/range"}))

    assert inside.hold(BREACHED) is False
