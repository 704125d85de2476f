"""Whose an identity is: a subject counts only together with the provider and the issuer that named it."""

import pytest

from functions.identity.oauth.rules.profiles import key_of
from functions.identity.oauth.store.rows import identity_pk


@pytest.mark.asvs("6.8.1")
def test_one_subject_at_two_providers_is_two_identities() -> None:
    places = {
        identity_pk(provider, key_of(issuer, "248289761001"))
        for provider in ("work", "home")
        for issuer in ("https://a.example", "https://b.example")
    }

    assert len(places) == 4


@pytest.mark.asvs("6.8.1")
def test_no_issuer_ends_where_another_ones_subject_begins() -> None:
    assert key_of("https://a.example", "1x") != key_of("https://a.example1", "x")
    assert key_of('https://a.example", "1', "x") != key_of("https://a.example", '1", "x')
