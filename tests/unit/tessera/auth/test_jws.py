import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from tessera.auth import jws, tokens

PEERS = os.environ.get("PEERS", "")
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def es256_groups() -> list[dict[str, Any]]:
    if not PEERS:
        return []
    found = json.loads((Path(PEERS) / "wycheproof/json_web_signature_test.json").read_text())["testGroups"]
    return [group for group in found if (group.get("public") or group["private"])["kty"] == "EC"]


def vectors() -> list[Any]:
    cases = [
        pytest.param(group["public"], case, id=f"{case['tcId']}-{case['comment']}")
        for group in es256_groups()
        for case in group["tests"]
    ]
    return cases or [pytest.param(None, None, marks=pytest.mark.skip(reason="PEERS is not set: no Wycheproof vectors"))]


def accepts(jwk: dict[str, Any], text: str) -> bool:
    try:
        parsed = jws.parse(text)
        return tokens.check_header(parsed.header, typ=None) == jwk["kid"] and jws.is_signed_by(
            parsed, jws.public_key(jwk)
        )
    except ValueError:
        return False


@pytest.mark.parametrize(("jwk", "case"), vectors())
def test_wycheproof_es256(jwk: dict[str, Any], case: dict[str, Any]) -> None:
    # Good signatures on another curve are refused too: ES256 is the one algorithm we speak.
    expected = case["result"] == "valid" and jwk["crv"] == "P-256"

    assert accepts(jwk, str(case["jws"])) is expected


@pytest.mark.skipif(not PEERS, reason="PEERS is not set: no Wycheproof vectors")
def test_every_other_wycheproof_algorithm_is_refused() -> None:
    groups = json.loads((Path(PEERS) / "wycheproof/json_web_signature_test.json").read_text())["testGroups"]
    others = [group for group in groups if (group.get("public") or group["private"])["kty"] != "EC"]

    accepted = [case["tcId"] for group in others for case in group["tests"] if is_acceptable_header(str(case["jws"]))]

    assert len(others) > 10
    assert accepted == []


def is_acceptable_header(text: str) -> bool:
    try:
        tokens.check_header(jws.parse(text).header, typ=None)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("number", [1, 2**200, 2**248 - 1, 2**255, N - 1])
def test_leading_zeros_of_r_and_s_are_kept(number: int) -> None:
    raw = jws.der_to_raw(encode_dss_signature(number, N - number))

    assert len(raw) == 64
    assert int.from_bytes(raw[:32], "big") == number
    assert int.from_bytes(raw[32:], "big") == N - number


@given(r=st.integers(1, N - 1), s=st.integers(1, N - 1))
def test_the_two_forms_of_a_signature_are_one(r: int, s: int) -> None:
    der = encode_dss_signature(r, s)

    assert jws.raw_to_der(jws.der_to_raw(der)) == der


def test_a_signature_of_a_larger_curve_is_refused() -> None:
    with pytest.raises(ValueError):
        jws.der_to_raw(encode_dss_signature(2**300, 1))


@given(st.binary(min_size=1))
def test_base64url_has_one_spelling(raw: bytes) -> None:
    assert jws.decode(jws.encode(raw)) == raw


@pytest.mark.parametrize("segment", ["", "A", "QQ==", "QQ ", " QQ", "Q\nQ", "QR", "Q+", "Q/", "QQ\n", "QQQ=", "ÄÄ"])
def test_other_spellings_are_refused(segment: str) -> None:
    with pytest.raises(jws.Malformed):
        jws.decode(segment)


@pytest.mark.parametrize(
    "raw",
    [b'{"a":1,"a":1}', b'{"b":{"a":1,"a":2}}', b"[]", b'"x"', b"{", b"", b"\xff", b'{"a":NaN}', b"[" * 3000],
)
def test_json_that_two_parsers_may_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(jws.Malformed):
        jws.read_object(raw)


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    # The key is that of RFC 7517 A.1; RFC 7638 itself has only an RSA example.
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "use": "enc",
    }

    assert jws.thumbprint(jwk) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"
