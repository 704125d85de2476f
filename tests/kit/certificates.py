"""Servers of tests by TLS: a certificate that is its own authority, and the trust that goes with it."""

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LIFE = datetime.timedelta(days=1)


class Secure:
    """A server with a certificate for these names, and the trust that goes with it."""

    def __init__(self, *names: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a stand-in")])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFE)
            .not_valid_after(now + LIFE)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            # Python 3.13 takes no authority without it.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        self._file = f"{made.serial_number}.pem"
        self._key = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        self.certificate = made.public_bytes(pem).decode()

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.certificate)

    def server(self, folder: Path) -> ssl.SSLContext:
        pair = folder / self._file
        pair.write_bytes(self._key + self.certificate.encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        return context
