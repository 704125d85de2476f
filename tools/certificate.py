"""A certificate for this machine's own names, for browsers that take `Secure` cookies only over HTTPS (Safari).

It is made here, signed by itself, and kept in the state folder: a browser asks once whether to trust it.
"""

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tools.paths import STATE

FOLDER = STATE / "https"
# Browsers refuse certificates that are good for more than 398 days.
LIFE, RENEWED_BEFORE = timedelta(days=390), timedelta(days=30)
NAMES = [
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
]


def ready(folder: Path = FOLDER, now: datetime | None = None) -> tuple[Path, Path]:
    """The certificate and its key as PEM files, made anew when there are none or their time is nearly over."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    today = now or datetime.now(UTC)
    if not _is_good(certificate, key, today):
        folder.mkdir(parents=True, exist_ok=True)
        _make(certificate, key, today)
    return certificate, key


def _is_good(certificate: Path, key: Path, today: datetime) -> bool:
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return False
    return key.exists() and today < found.not_valid_after_utc - RENEWED_BEFORE


def _make(certificate: Path, key: Path, today: datetime) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tessera on this machine")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(hours=1))
        .not_valid_after(today + LIFE)
        .add_extension(x509.SubjectAlternativeName(NAMES), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    plain, pem = serialization.NoEncryption(), serialization.Encoding.PEM
    text = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    # Nobody but its owner may read the key, not even for the moment in which it is written.
    key.unlink(missing_ok=True)
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    certificate.write_bytes(made.public_bytes(pem))
