"""The test vectors of WebAuthn Level 3 (section 16, "Test Vectors"), made anew from the recipe given there.

Every value of theirs follows from HKDF-SHA-256 with a fixed key and a counter, and every signature is deterministic.
The digests are those of the published values, so that what is verified here is byte for byte what is printed there.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from functions.identity.accounts.relying_party import NotGenuine, RelyingParty
from functions.identity.accounts.rules import PasskeyInvalid
from tests.kit.authenticators import ATTESTED, BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Key, cose, encode, signed

ORIGIN, RP_ID = "https://example.org", "example.org"
PARTY = RelyingParty(RP_ID, [ORIGIN])
EXTRA = "clientDataJSON may be extended with additional fields in the future, such as this: "
MERSENNE = (2**1279 - 1, 2**2203 - 1)


@dataclass
class Vector:
    """The draws of one example, in their order."""

    info: str
    credential_id_bytes: int = 32
    client_data: dict[str, Any] = field(default_factory=dict)
    self_attested: bool = False
    # Draws of the examples' attestation certificates, which only the first half of them needs.
    certificate_draws: int = 0
    drawn: int = 0

    def draw(self, length: int) -> bytes:
        salt, self.drawn = bytes([self.drawn]), self.drawn + 1
        return HKDF(SHA256(), length, salt, self.info.encode()).derive(b"WebAuthn test vectors")

    def make(self) -> "Vector":
        self.challenge = self.draw(32)
        self.key = self.new_key()
        self.created = self._client_data("webauthn.create", self.challenge)
        aaguid, self.credential_id = self.draw(16), self.draw(self.credential_id_bytes)
        self.flags = PRESENT | self.draw(1)[0] & (VERIFIED | ELIGIBLE | BACKED_UP)
        if not self.flags & ELIGIBLE:
            self.flags &= ~BACKED_UP
        attested = aaguid + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(self.flags | ATTESTED) + attested + cbor2.dumps(cose(self.key))
        statement = {"alg": -7, "sig": self._sign(data, self.created)} if self.self_attested else {}
        fmt = "packed" if self.self_attested else "none"
        self.attestation = cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": data})
        self.drawn += self.certificate_draws
        self.second_challenge = self.draw(32)
        self.got = self._client_data("webauthn.get", self.second_challenge)
        again = self.draw(1)[0] & (VERIFIED | BACKED_UP)
        kept = self.flags & ELIGIBLE
        self.data = self._data(PRESENT | kept | (again if kept else again & VERIFIED))
        self.signature = self._sign(self.data, self.got)
        return self

    def new_key(self) -> Key:
        if "RS256" in self.info:
            return rsa_key()
        raw = self.draw(32)
        if "EdDSA" in self.info:
            return ed25519.Ed25519PrivateKey.from_private_bytes(raw)
        return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())

    @property
    def registration(self) -> dict[str, Any]:
        return self._credential(clientDataJSON=self.created, attestationObject=self.attestation)

    @property
    def authentication(self) -> dict[str, Any]:
        return self._credential(clientDataJSON=self.got, authenticatorData=self.data, signature=self.signature)

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        found = {"type": kind, "challenge": encode(challenge), "origin": ORIGIN, "crossOrigin": False}
        found |= self.client_data
        if self.draw(1)[0] & 1:
            found["extraData"] = EXTRA + encode(self.draw(16))
        return json.dumps(found, separators=(",", ":")).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(RP_ID.encode()).digest() + bytes([flags]) + bytes(4)

    def _sign(self, data: bytes, client_data: bytes) -> bytes:
        return signed(self.key, data + hashlib.sha256(client_data).digest())

    def _credential(self, **response: bytes) -> dict[str, Any]:
        named = encode(self.credential_id)
        parts = {name: encode(raw) for name, raw in response.items()}
        return {"id": named, "rawId": named, "type": "public-key", "response": parts}


def rsa_key() -> rsa.RSAPrivateKey:
    """From the two smallest Mersenne primes that are long enough."""
    p, q = MERSENNE
    public = rsa.RSAPublicNumbers(65_537, p * q)
    d = pow(65_537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key()


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:32]


WHOLE = {
    "none.ES256": (Vector("none.ES256"), "ca116797d5733da69f40faafb9b8db9f", "2c362f8399198d53ff577cf5c98d36c5"),
    "packed-self.ES256": (
        Vector("packed-self.ES256", self_attested=True),
        "fd0d89d617360cd0de376a18b8416a64",
        "c6fbf36dee584187056e3feb241eed60",
    ),
    "long-credential-id": (
        Vector("none.ES256.long-credential-id", 1_023),
        "cd55eafcd226de9025858c83e98edf5f",
        "dd43a1faa55c19bda5944b6148098b43",
    ),
}
FRAMED = {
    "crossOrigin": (
        Vector("none.ES256.crossOrigin", client_data={"crossOrigin": True}),
        "2326afe295be7a996ee6b96eecb95b6e",
        "4307d45f111f57bc17f2edfa086b5b64",
    ),
    "topOrigin": (
        Vector("none.ES256.topOrigin", client_data={"crossOrigin": True, "topOrigin": "https://example.com"}),
        "4c9d95e4521ed0b6b6e2afaa37f30814",
        "c9855cfc7900aeca3eee8edb4ead5ea1",
    ),
}
SECOND_HALF = {
    "packed.RS256": (Vector("packed.RS256", certificate_draws=2), "91b248f83f55ee49d7b92e8a3fd1183b"),
    "packed.EdDSA": (Vector("packed.EdDSA", certificate_draws=2), "1350478bdd45d9a7f8ee73b9de3f4c20"),
}


@pytest.mark.parametrize(("vector", "registered", "authenticated"), WHOLE.values(), ids=WHOLE)
def test_the_published_vectors_verify(vector: Vector, registered: str, authenticated: str):
    made = vector.make()

    found = PARTY.registered(made.registration, made.challenge)
    shown = PARTY.asserted(made.authentication, made.second_challenge, found.public_key, needs_verification=False)

    assert digest(made.created, made.attestation) == registered
    assert digest(made.got, made.data, made.signature) == authenticated
    assert found.credential_id == made.credential_id
    assert (found.is_eligible, found.is_verified) == (bool(made.flags & ELIGIBLE), bool(made.flags & VERIFIED))
    assert shown.sign_count == 0


@pytest.mark.parametrize(("vector", "registered", "authenticated"), FRAMED.values(), ids=FRAMED)
def test_the_published_vectors_of_framed_pages_are_refused(vector: Vector, registered: str, authenticated: str):
    """They are genuine, but no page of ours is ever inside a frame of another one."""
    made = vector.make()

    assert digest(made.created, made.attestation) == registered
    assert digest(made.got, made.data, made.signature) == authenticated
    with pytest.raises(PasskeyInvalid):
        PARTY.registered(made.registration, made.challenge)
    with pytest.raises(NotGenuine, match="frame"):
        public_key = cbor2.dumps(cose(made.key))
        PARTY.asserted(made.authentication, made.second_challenge, public_key, needs_verification=False)


@pytest.mark.parametrize(("vector", "authenticated"), SECOND_HALF.values(), ids=SECOND_HALF)
def test_the_published_signatures_of_other_algorithms_verify(vector: Vector, authenticated: str):
    """Their first halves hold certificates, which are not asked for here."""
    made = vector.make()

    shown = PARTY.asserted(
        made.authentication, made.second_challenge, cbor2.dumps(cose(made.key)), needs_verification=False
    )

    assert digest(made.got, made.data, made.signature) == authenticated
    assert shown.sign_count == 0
