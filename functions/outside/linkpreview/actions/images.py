"""Pictures of cards, served by us: a site does not learn who looks, and none is served that no card has named."""

import base64
import binascii
from urllib.parse import urlencode

from tessera.problems import PayloadTooLarge, Problem
from tessera.safehttp import ContentTypeRefused, TooLarge

from ..extract import sizes
from ..ports import Ports
from .read import UnsupportedContent, agent

# What a function may answer, less a third by which its text form is longer.
MAX_BYTES = 4_000_000
SECONDS = 8.0


class NotOurs(Problem):
    status, slug, title = 403, "signature-refused", "This address was not made here"


def address_of(ports: Ports, url: str) -> str:
    """Where we serve the picture at this URL."""
    sig = base64.urlsafe_b64encode(ports.signer.sign(url.encode())).decode()
    return f"{ports.base_url}/linkpreview/image?{urlencode({'u': url, 'sig': sig})}"


def picture(ports: Ports, url: str, sig: str) -> tuple[bytes, str]:
    """The picture and its media type, which its bytes say, not its server.

    Raises `NotOurs`, `UnsupportedContent`, `PayloadTooLarge` and a `FetchFailed`. No requests to a table.
    """
    if not _is_ours(ports, url, sig):
        raise NotOurs("Only addresses that a card has named are served.")
    try:
        answer = ports.web.fetch(
            url,
            purpose="link-preview-proxy",
            headers={"user-agent": agent(ports.base_url)},
            accept=("image/*", "application/octet-stream"),
            max_bytes=MAX_BYTES,
            total_seconds=SECONDS,
        ).require_ok()
    except TooLarge:
        raise PayloadTooLarge(f"A picture may have {MAX_BYTES:,} bytes.") from None
    except ContentTypeRefused:
        raise UnsupportedContent("There is no picture at this address.") from None
    if len(answer.body) > MAX_BYTES:
        raise PayloadTooLarge(f"A picture may have {MAX_BYTES:,} bytes.")
    found = sizes.look(answer.body)
    if found is None:
        raise UnsupportedContent("There is no picture at this address.")
    return answer.body, found.mime


def _is_ours(ports: Ports, url: str, sig: str) -> bool:
    try:
        signature = base64.b64decode(sig, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return ports.signer.verify(url.encode(), signature)
