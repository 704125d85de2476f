"""Which passwords are taken, and how they are kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.identity.accounts.common import SHIPPED, Fingerprints, is_common
from functions.identity.accounts.config import AccountSettings
from functions.identity.accounts.passwords import Kept, Passwords
from functions.identity.accounts.rules import WeakPassword
from tessera.auth.mac import MacKeys
from tessera.settings import MissingSettings

NEEDED = {
    "TABLE": "t",
    "AUTHFEED": "f",
    "LIMIT_BUDGET_MS": "10000",
    "RATELIMIT": "r",
    "MAC_KEYS": "m",
    "PEPPER": "p",
    "MAIL_KEY": "k",
    "FACTOR_KEY": "k",
}
PEPPER = MacKeys({"current": "1", "1": "a pepper"})
GOOD = "a quiet morning at sea"


def hasher(pepper: MacKeys = PEPPER, **more: str) -> Passwords:
    weakest = {"HASH_MEMORY_KIB": "19456", "HASH_TIME": "2"}
    return Passwords(AccountSettings.load({**NEEDED, **weakest, **more}), pepper)


@pytest.mark.asvs("6.2.8")
def test_a_kept_password_matches_itself_and_nothing_else():
    passwords = hasher()
    kept = passwords.keep(GOOD)

    assert passwords.matches(GOOD, kept)
    assert not passwords.matches(f"{GOOD} ", kept)
    assert not passwords.matches(GOOD.upper(), kept)


def test_the_two_unicode_forms_of_one_password_are_the_same():
    passwords = hasher()

    assert passwords.matches("gru\u0308ne wiesen am fluss", passwords.keep("gr\u00fcne wiesen am fluss"))


def test_nobody_has_no_password_that_matches():
    passwords = hasher()

    assert not passwords.matches("nobody has this password", None)


def test_a_hash_without_its_pepper_is_worthless():
    kept = hasher().keep(GOOD)

    assert not hasher(MacKeys({"current": "1", "1": "another pepper"})).matches(GOOD, kept)


def test_two_hashes_of_one_password_differ():
    passwords = hasher()

    assert passwords.keep(GOOD).phc != passwords.keep(GOOD).phc


def test_the_hash_says_how_it_was_made():
    assert hasher().keep(GOOD).phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_stronger_parameters_or_a_newer_pepper_make_a_hash_outdated():
    kept = hasher().keep(GOOD)
    newer = MacKeys({"current": "2", "1": "a pepper", "2": "a newer pepper"})

    assert not hasher().is_outdated(kept)
    assert hasher(HASH_TIME="3").is_outdated(kept)
    assert hasher(newer).is_outdated(kept)
    assert hasher(newer).matches(GOOD, kept)


def test_a_hash_that_is_none_of_ours_matches_nothing():
    assert not hasher().matches(GOOD, Kept("not a hash", 1))


@pytest.mark.parametrize(("memory", "time"), [("19455", "2"), ("19456", "1"), ("1024", "3"), ("65536", "1")], ids=str)
def test_parameters_below_the_floor_are_refused_at_the_start(memory: str, time: str):
    with pytest.raises(MissingSettings):
        AccountSettings.load({**NEEDED, "HASH_MEMORY_KIB": memory, "HASH_TIME": time})


@pytest.mark.parametrize(
    ("password", "says"),
    [
        pytest.param("short", "12 to 256", id="too short"),
        pytest.param("x" * 257, "12 to 256", id="too long"),
        pytest.param("passworgregles62", "lists", id="on the list"),
        pytest.param("PASSWORGREGLES62", "lists", id="on the list in another case"),
        pytest.param("my name is annalena", "your name", id="holds the name"),
        pytest.param("TESSERA is my home", "this service", id="holds the product"),
        pytest.param("aaaaaaaaaaaaaaaa", "", id="one letter again and again"),
        pytest.param("abcdefghijklmnop", "", id="the alphabet"),
        pytest.param("qwertyuiopasdfgh", "", id="the keyboard"),
    ],
)
@pytest.mark.asvs("6.2.1", "6.2.4", "6.2.11")
def test_a_weak_password_is_refused_with_its_rule(password: str, says: str):
    with pytest.raises(WeakPassword) as refused:
        hasher().check(password, context=["annalena"])

    assert says in refused.value.errors[0].detail


@pytest.mark.parametrize(
    "password",
    [GOOD, "ein Satz mit Umlauten: äöü", "🦊🌲🌊🏔️🌙🦉🍄🐚🐢🦋🌵🍁", "  spaces at both ends  ", "kX9#vTq2!mZw"],
)
@pytest.mark.asvs("6.2.5")
def test_a_good_password_is_taken_whatever_it_is_made_of(password: str):
    assert hasher().check(password)


@pytest.mark.asvs("6.2.4")
def test_the_list_has_over_a_hundred_thousand_entries():
    assert len(Fingerprints(SHIPPED)) >= 100_000


@pytest.mark.parametrize("word", ["dcvolkswagen", "salvation4all", "plzdontjudgeme", "babiegirl_1993", "gun_of_energy"])
@pytest.mark.asvs("6.2.4", "6.2.12")
def test_known_entries_are_found(word: str):
    assert is_common(word)
    assert is_common(word.upper())


def test_signs_for_letters_do_not_hide_an_entry():
    assert is_common("pl2dontjudgeme") is False
    assert is_common("dcv0lk$wagen")


def test_random_words_are_rarely_taken_for_common_ones():
    import random

    dice = random.Random(7)
    words = ["".join(dice.choices("bcdfghjklmnpqrtvwxyz", k=18)) for _ in range(5_000)]

    assert sum(is_common(word) for word in words) < 25


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_whatever_is_sent_is_judged_and_never_breaks(text: str):
    clean = text.encode("utf-8", "replace").decode()
    try:
        hasher().check(clean)
    except WeakPassword as refused:
        assert refused.errors
