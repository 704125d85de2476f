import pytest

from tessera import link_passwords


def test_a_password_opens_what_it_was_set_for_and_nothing_else_does():
    stored = link_passwords.kept("open sesame")

    assert link_passwords.matches("open sesame", stored)
    assert not link_passwords.matches("Open sesame", stored)


def test_what_is_kept_is_salted_argon2id_and_tells_nothing():
    stored = link_passwords.kept("open sesame")

    assert stored.startswith("$argon2id$") and "sesame" not in stored
    assert stored != link_passwords.kept("open sesame")


def test_both_spellings_of_an_accent_are_one_password():
    assert link_passwords.matches("cafe\u0301", link_passwords.kept("caf\u00e9"))


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$broken"])
def test_what_is_no_hash_opens_for_nobody(stored):
    assert not link_passwords.matches("anything", stored)
