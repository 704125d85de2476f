"""Hashes that other systems have made: verified as they are, replaced at the next sign-in."""

import base64
import hashlib
from collections.abc import Callable

import bcrypt
import pytest
from argon2 import PasswordHasher, Type

from functions.identity.accounts import foreign_hashes
from functions.identity.accounts.ports import Ports
from functions.identity.accounts.store import UserRow
from functions.identity.accounts.store.rows import MAIN, user_pk
from tessera.problems import InvalidRequest
from tests.kit.web import AppClient

from .conftest import Person

MakePerson = Callable[..., Person]
WORD = "correct horse battery staple é"
SALT = b"0123456789abcdef"


def plain64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def crypt64(raw: bytes) -> str:
    return plain64(raw).replace("+", ".")


def pbkdf2(digest: str, size: int = 32, rounds: int = 1_000, salt: bytes = SALT) -> bytes:
    return hashlib.pbkdf2_hmac(digest, WORD.encode(), salt, rounds, size)


def scrypt(salt: bytes = SALT, size: int = 64) -> bytes:
    return hashlib.scrypt(WORD.encode(), salt=salt, n=1024, r=8, p=1, dklen=size)


def of_bcrypt(prefix: str) -> str:
    made = bcrypt.hashpw(WORD.encode(), bcrypt.gensalt(4)).decode()
    return f"${prefix}{made[3:]}"


def of_argon2(kind: Type) -> str:
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=kind).hash(WORD)


FORMATS = {
    "bcrypt 2a": lambda: of_bcrypt("2a"),
    "bcrypt 2b": lambda: of_bcrypt("2b"),
    "bcrypt 2y, as PHP writes it": lambda: of_bcrypt("2y"),
    "argon2id": lambda: of_argon2(Type.ID),
    "argon2i": lambda: of_argon2(Type.I),
    "argon2d": lambda: of_argon2(Type.D),
    "argon2, as Django writes it": lambda: f"argon2{of_argon2(Type.ID)}",
    "pbkdf2-sha256, as passlib writes it": lambda: f"$pbkdf2-sha256$1000${crypt64(SALT)}${crypt64(pbkdf2('sha256'))}",
    "pbkdf2-sha512, as passlib writes it": lambda: (
        f"$pbkdf2-sha512$1000${crypt64(SALT)}${crypt64(pbkdf2('sha512', 64))}"
    ),
    "pbkdf2 with SHA-1, as passlib writes it": lambda: f"$pbkdf2$1000${crypt64(SALT)}${crypt64(pbkdf2('sha1', 20))}",
    "pbkdf2_sha256, as Django writes it": lambda: (
        f"pbkdf2_sha256$1000$salty${base64.b64encode(pbkdf2('sha256', salt=b'salty')).decode()}"
    ),
    "pbkdf2_sha1, as Django writes it": lambda: (
        f"pbkdf2_sha1$1000$salty${base64.b64encode(pbkdf2('sha1', 20, salt=b'salty')).decode()}"
    ),
    "pbkdf2, as Werkzeug writes it": lambda: f"pbkdf2:sha256:1000$salty${pbkdf2('sha256', salt=b'salty').hex()}",
    "scrypt in PHC form": lambda: f"$scrypt$ln=10,r=8,p=1${plain64(SALT)}${plain64(scrypt(size=32))}",
    "scrypt, as Django writes it": lambda: f"scrypt$salty$1024$8$1${base64.b64encode(scrypt(b'salty')).decode()}",
    "scrypt, as Werkzeug writes it": lambda: f"scrypt:1024:8:1$salty${scrypt(b'salty').hex()}",
}


@pytest.mark.parametrize("name", FORMATS)
def test_import_hash_formats(name: str):
    text = FORMATS[name]()

    assert foreign_hashes.require_known(text) == text
    assert foreign_hashes.matches(WORD, text)
    assert not foreign_hashes.matches(f"{WORD}!", text)


# Made by the reference programs and given in their documentation, so that what we read is not only what we write.
KNOWN = [
    # The Openwall bcrypt test vectors (crypt_blowfish, wrapper.c).
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    # RFC 7914, section 12, in PHC form.
    (
        "pleaseletmein",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
        "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw",
    ),
    # RFC 7914, section 11: PBKDF2 with HMAC-SHA-256.
    (
        "Password",
        "pbkdf2:sha256:80000$NaCl$"
        "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
    ),
]


@pytest.mark.parametrize(("password", "text"), KNOWN, ids=["bcrypt 1", "bcrypt 2", "bcrypt empty", "scrypt", "pbkdf2"])
def test_vectors_of_the_reference_programs(password: str, text: str):
    assert foreign_hashes.matches(password, text)
    assert not foreign_hashes.matches(f"{password}x", text)


def test_a_hash_that_a_library_refuses_after_all_is_of_no_password(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> bytes:
        raise ValueError("memory limit exceeded")

    monkeypatch.setattr("hashlib.scrypt", refuse)

    assert not foreign_hashes.matches("password", "scrypt:1024:8:1$salt$00112233445566778899aabbccddeeff")


def test_a_long_password_is_cut_off_as_bcrypt_has_always_done():
    long = "x" * 100
    made = bcrypt.hashpw(long[:72].encode(), bcrypt.gensalt(4)).decode()

    assert foreign_hashes.matches(long, made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain text",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g.",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=65536,t=1000,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$pbkdf2-sha256$99999999$c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
        "$pbkdf2-sha256$1000$c2FsdA$aGE",
        "pbkdf2_md5$1000$salt$aGFzaA==",
        "$scrypt$ln=30,r=8,p=1$c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
        "scrypt:1000:8:1$salt$00112233445566778899aabbccddeeff",
        "scrypt:1024:8:1$salt$00112233445566778899aabbccddeefff",
        "$2b$05$" + "C" * 600,
        "scrypt:65536:1:1$salt$00112233445566778899aabbccddeeff",
        "$argon2id$v=19$m=65536,t=3,p=1$s\u00e4lzchen$aGFzaGhhc2hoYXNoaGFzaA",
        "$2b$\u0660\u0665$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ],
    ids=lambda text: text[:24] or "nothing",
)
def test_a_hash_that_cannot_be_checked_or_costs_too_much_is_refused(ports: Ports, text: str):
    with pytest.raises(InvalidRequest) as refused:
        ports.passwords.foreign(text)

    assert refused.value.errors[0].pointer == "/password_hash"
    assert not text or text not in str(refused.value.errors)


@pytest.mark.parametrize("name", ["bcrypt 2b", "argon2i", "pbkdf2_sha256, as Django writes it", "scrypt in PHC form"])
def test_an_imported_hash_becomes_ours_at_the_first_sign_in(
    http: AppClient, person: MakePerson, ports: Ports, name: str
):
    ann = person()
    kept = ports.passwords.foreign(FORMATS[name]())
    ports.users.table.update(UserRow, user_pk(ann.id), MAIN, UserRow.pw.set(kept.phc), UserRow.pw_pv.set(kept.pepper))

    wrong = http.post("/accounts/login", json={"email": ann.email, "password": f"{WORD}!"})
    right = http.post("/accounts/login", json={"email": ann.email, "password": WORD})

    assert (wrong.status_code, right.status_code) == (401, 200)
    after = ports.users.get(ann.id)
    assert after.pw.startswith("$argon2id$v=19$m=19456")
    assert int(after.pw_pv) == 1
    assert http.post("/accounts/login", json={"email": ann.email, "password": WORD}).status_code == 200
