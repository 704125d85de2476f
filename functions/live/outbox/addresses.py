"""E-mail addresses: one spelling for sending, one hash for keys.

The domain is in lower case and in its IDNA 2008 form (RFC 5891), because the older rules that Python
brings along send `faß.de` to another owner's domain. The local part is kept as it is (RFC 5321 2.4):
only its own host knows which spellings are the same.
"""

import hashlib
import re
from collections.abc import Sequence

import idna

MAX_CHARACTERS = 254
MAX_LOCAL_CHARACTERS = 64
# A dot-atom (RFC 5322 3.2.3) in ASCII: SES takes no other local part.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def normalised(text: str) -> str:
    """The address as it is sent to. Raises `ValueError` for anything that is not one."""
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > MAX_LOCAL_CHARACTERS:
        raise ValueError("An address looks like ann@example.com.")
    address = f"{local}@{_ascii_domain(domain)}"
    if len(address) > MAX_CHARACTERS:
        raise ValueError(f"An address has at most {MAX_CHARACTERS} characters.")
    return address


def _ascii_domain(domain: str) -> str:
    try:
        ascii_form = idna.encode(domain.lower(), uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("The domain of the address does not exist in any form.") from None
    labels = ascii_form.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("The domain of the address has a dot and no empty part.")
    return ascii_form


def once_each(*lists: Sequence[str]) -> list[tuple[str, ...]]:
    """The lists without the addresses that an earlier place has in any spelling."""
    seen: set[str] = set()
    kept: list[tuple[str, ...]] = []
    for addresses in lists:
        new: list[str] = []
        for address in addresses:
            if digest(address) not in seen:
                seen.add(digest(address))
                new.append(address)
        kept.append(tuple(new))
    return kept


def digest(address: str) -> str:
    """What stands for an address in a key. Every spelling that may reach one mailbox has the same."""
    return hashlib.sha256(address.lower().encode()).hexdigest()
