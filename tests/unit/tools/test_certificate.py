"""The certificate of `make dev HTTPS=1`."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools import certificate


def shaken(certificate_path: Path, key_path: Path, name: str) -> str:
    """The protocol that a client which trusts this certificate agrees on with its server."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate_path, key_path)
    client_context = ssl.create_default_context(cafile=str(certificate_path))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.version() or ""


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_browser_that_trusts_it_speaks_https_with_this_machine(tmp_path, name):
    assert shaken(*certificate.ready(tmp_path), name) == "TLSv1.3"


def test_it_is_good_for_no_other_name(tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(*certificate.ready(tmp_path), "example.com")


def test_it_is_kept_until_its_time_is_nearly_over(tmp_path):
    first = certificate.ready(tmp_path)[0].read_bytes()
    assert certificate.ready(tmp_path)[0].read_bytes() == first

    later = datetime.now(UTC) + certificate.LIFE - timedelta(days=20)

    assert certificate.ready(tmp_path, later)[0].read_bytes() != first


def test_only_its_owner_reads_the_key(tmp_path):
    _, key = certificate.ready(tmp_path)

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
