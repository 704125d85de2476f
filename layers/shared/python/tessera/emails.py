"""E-mail addresses: one key for every spelling that reaches the same mailbox, and the spelling to write to.

No plus- or dot-folding: what a provider does with the local part is its own business.
"""

import re
import unicodedata
from dataclasses import dataclass

from tessera.problems import FieldError, InvalidRequest

MAX_OCTETS = 254
# Bidirectional controls and joiners make one address look like another (UTS 39).
_HIDDEN = re.compile("[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Address:
    """`spelled` is what mail is sent to; `key` is what makes it unique."""

    spelled: str
    key: str

    @property
    def local_part(self) -> str:
        return self.spelled.rpartition("@")[0]

    @property
    def domain(self) -> str:
        return self.spelled.rpartition("@")[2]


def parse(text: str, *, pointer: str = "/email") -> Address:
    """The address in this text (RFC 5321, RFC 6531). Raises `InvalidRequest`; nothing is asked of the network."""
    # Loaded here: only the routes that take an address need it.
    from email_validator import EmailNotValidError, validate_email

    if _HIDDEN.search(text):
        raise refused("It holds characters that cannot be seen.", pointer)
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        raise refused("An address looks like name@example.com.", pointer) from None
    # The domain in its ASCII form (IDNA 2008) and in lower case; of the local part only its case is folded.
    domain = (found.ascii_domain or found.domain).lower()
    spelled = f"{found.local_part}@{domain}"
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", found.local_part).casefold())
    if len(spelled.encode()) > MAX_OCTETS:
        raise refused(f"An address has at most {MAX_OCTETS} octets.", pointer)
    return Address(spelled, f"{local}@{domain}")


def refused(detail: str, pointer: str) -> InvalidRequest:
    return InvalidRequest("The e-mail address cannot be used.", errors=[FieldError(pointer, detail)])
