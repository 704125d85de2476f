"""The demo's passkey is one that the API takes, and its key signs in wherever it is put."""

import base64

from cryptography.hazmat.primitives.serialization import load_der_private_key

from functions.identity.accounts.relying_party import RelyingParty
from localstack.seed.software_passkey import SoftwarePasskey
from tests.kit.authenticators import Authenticator, encode

ORIGIN, CHALLENGE = "http://localhost:8000", bytes(32)


def test_the_key_that_is_printed_signs_in():
    party, passkey = RelyingParty("localhost", [ORIGIN]), SoftwarePasskey(ORIGIN)
    asked = {"rp": {"id": "localhost"}, "user": {"id": encode(bytes(32))}, "challenge": encode(CHALLENGE)}
    made = party.registered(passkey.create(asked), CHALLENGE)
    kept = passkey.kept()
    elsewhere = Authenticator(ORIGIN, rp_id=kept["rpId"], credential_id=base64.b64decode(kept["credentialId"]))
    elsewhere.key = load_der_private_key(base64.b64decode(kept["privateKey"]), None)

    shown = party.asserted(elsewhere.get(asked), CHALLENGE, made.public_key, needs_verification=True)

    assert (made.credential_id, shown.is_verified) == (elsewhere.credential_id, True)
    assert base64.b64decode(kept["userHandle"]) == bytes(32)
