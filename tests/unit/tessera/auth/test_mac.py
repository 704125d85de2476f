import pytest

from tessera import aws
from tessera.auth.mac import Mac, MacKeys, hkdf
from tessera.problems import Unavailable
from tessera.settings import Bindings
from tests.kit.races import outcomes, together


def mac(**secret: str) -> Mac:
    return Mac(lambda: MacKeys(secret))


@pytest.mark.parametrize(
    ("secret", "salt", "info", "expected"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        ),
        ("0b" * 22, "", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"),
    ],
    ids=["A.1", "A.3"],
)
def test_hkdf_is_that_of_rfc_5869(secret: str, salt: str, info: str, expected: str) -> None:
    made = hkdf(bytes.fromhex(secret), info=bytes.fromhex(info), salt=bytes.fromhex(salt))

    assert made.hex() == expected


def test_a_signature_is_good_for_its_message_and_purpose_only() -> None:
    ours = mac(current="1", **{"1": "secret"})
    signature = ours("cursor").sign(b"page 2")

    assert ours("cursor").verify(b"page 2", signature)
    assert not ours("cursor").verify(b"page 3", signature)
    assert not ours("ticket").verify(b"page 2", signature)
    assert not mac(current="1", **{"1": "another"})("cursor").verify(b"page 2", signature)


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x01" + bytes(31), b"\x02" + bytes(32), b"\x00" + bytes(33)])
def test_what_is_no_signature_is_refused(broken: bytes) -> None:
    assert not mac(current="1", **{"1": "secret"})("cursor").verify(b"", broken)


def test_every_bit_of_a_signature_counts() -> None:
    ours = mac(current="1", **{"1": "secret"})("cursor")
    signature = ours.sign(b"x")

    for position in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[position // 8] ^= 1 << position % 8
        assert not ours.verify(b"x", bytes(changed))


def test_an_old_version_stays_good_until_its_secret_is_removed() -> None:
    old = mac(current="1", **{"1": "first"})("cursor").sign(b"x")
    rotated = mac(current="2", **{"1": "first", "2": "second"})("cursor")

    assert rotated.verify(b"x", old)
    assert rotated.sign(b"x") != old
    assert not mac(current="2", **{"2": "second"})("cursor").verify(b"x", old)


def test_a_lookup_tells_nothing_and_is_always_the_same() -> None:
    ours = mac(current="1", **{"1": "secret"})

    assert ours.hash_lookup("email", "a@b.test") == ours.hash_lookup("email", "a@b.test")
    assert ours.hash_lookup("email", "a@b.test") != ours.hash_lookup("handle", "a@b.test")
    assert "a@b" not in ours.hash_lookup("email", "a@b.test")
    assert len(ours.hash_lookup("email", "lone \ud800 surrogate")) == 44


def test_the_secret_is_read_when_it_is_first_needed_and_once(bindings: Bindings) -> None:
    read: list[str] = []

    with aws.intercepted(lambda service, operation, parameters: read.append(operation)):
        ours = bindings.get(Mac)
        assert read == []
        assert outcomes(together(lambda: ours("cursor").sign(b"x"), times=20)) == {"ok": 20}

    assert read == ["GetSecretValue"]


def test_a_secret_that_cannot_be_read_is_said_to_be_a_passing_fault(bindings: Bindings) -> None:
    lost = Bindings({**bindings.environment, "MAC_KEYS": "nobody-made-this"})

    with pytest.raises(Unavailable):
        lost.get(Mac)("cursor").sign(b"x")


@pytest.mark.parametrize(
    "secret", [{"current": "2", "1": "x"}, {"current": "0", "0": "x"}, {"current": "300", "300": "x"}]
)
def test_a_secret_without_its_current_version_is_refused(secret: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        MacKeys(secret)


def test_a_short_signature_is_good_for_its_message_alone_and_is_no_long_one() -> None:
    ours = mac(current="1", **{"1": "secret"})("reply")
    short, whole = ours.sign_short(b"ticket"), ours.sign(b"ticket")

    assert len(short) == 13 and ours.verify_short(b"ticket", short)
    assert not ours.verify_short(b"another", short)
    assert not ours.verify(b"ticket", short) and not ours.verify_short(b"ticket", whole)
    assert not mac(current="2", **{"2": "secret"})("reply").verify_short(b"ticket", short)
