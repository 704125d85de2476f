import base64

import pytest

from tessera import aws
from tessera.sealed import SealBroken, seal, unseal
from tests.kit.faults import failing


@pytest.fixture(scope="module")
def key(cloud):
    return aws.client("kms").create_key()["KeyMetadata"]["Arn"]


def test_what_was_sealed_opens_again(key):
    assert unseal(key, "mail", seal(key, "mail", {"code": "123456", "name": "Jürgen"})) == {
        "code": "123456",
        "name": "Jürgen",
    }


def test_nothing_of_the_secret_shows(key):
    assert b"123456" not in base64.b64decode(seal(key, "mail", {"code": "123456"}))


def test_another_purpose_does_not_open_it(key):
    with pytest.raises(SealBroken):
        unseal(key, "export", seal(key, "mail", {"code": "1"}))


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA"])
def test_what_was_never_sealed_does_not_open(key, text):
    with pytest.raises(SealBroken):
        unseal(key, "mail", text)


def test_what_was_altered_does_not_open(key):
    blob = bytearray(base64.b64decode(seal(key, "mail", {"code": "1"})))
    blob[-1] ^= 1

    with pytest.raises(SealBroken):
        unseal(key, "mail", base64.b64encode(blob).decode())


def test_a_secret_too_large_for_kms_is_refused_before_the_call(key):
    with pytest.raises(ValueError, match="4096"):
        seal(key, "mail", {"code": "x" * 4096})


def test_a_key_service_that_is_down_is_no_broken_seal(key):
    sealed = seal(key, "mail", {"code": "1"})

    with failing("kms", "Decrypt", code="KMSInternalException"), pytest.raises(aws.ClientError):
        unseal(key, "mail", sealed)
