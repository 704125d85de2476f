"""The item of an API key, as `apikeys` writes it and every function reads it."""

import ipaddress
from typing import Any

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera import clock
from tessera.auth import jws, key_text
from tessera.auth.key_text import KeyText
from tessera.auth.mac import Mac
from tessera.due import DueRow

PURPOSE = "api-key"
MAIN = "MAIN"


class KeyRow(DueRow):
    """`K#<name>`/`MAIN`: all of a key but its secret, of which only codes are kept. Times are milliseconds.

    `uid` is who made it. A key with `org` belongs to that organisation, whatever becomes of its maker.
    """

    key_id = UnicodeAttribute()
    name = UnicodeAttribute()
    h1 = UnicodeAttribute(null=True)
    h2 = UnicodeAttribute(null=True)
    h2_exp = NumberAttribute(null=True)
    last4 = UnicodeAttribute()
    uid = UnicodeAttribute()
    org = UnicodeAttribute(null=True)
    owner_roles = UnicodeSetAttribute(null=True)
    owner_ep = NumberAttribute(default=0)
    scopes = UnicodeSetAttribute()
    env = UnicodeAttribute()
    plan = UnicodeAttribute()
    ip_allow = ListAttribute(of=UnicodeAttribute, null=True)
    exp = NumberAttribute()
    status = UnicodeAttribute(default="active")
    created = NumberAttribute()
    ended = NumberAttribute(null=True)

    @property
    def owner_id(self) -> str:
        return self.org or self.uid


def key_pk(name: str) -> str:
    return f"K#{name}"


def outdated(key_id: str, version: int) -> str:
    """What the feed calls one version of a key's item, kind `k`: whoever remembers that one reads it again."""
    return f"{key_id}@{version}"


def code_of(mac: Mac, text: str) -> str:
    """What is kept of a key's secret: plain HMAC, because 256 random bits need no slow hash."""
    return jws.encode(mac(PURPOSE).sign(text[: -key_text.CHECK_CHARACTERS].encode()))


def is_of(mac: Mac, row: KeyRow, key: KeyText) -> bool:
    """Whether this is the key's secret, or the one before it while both are good. In constant time."""
    verify = mac(PURPOSE).verify
    if row.h1 and verify(key.signed, jws.decode(row.h1)):
        return True
    overlaps = row.h2 and row.h2_exp is not None and clock.millis() < row.h2_exp
    return bool(overlaps) and verify(key.signed, jws.decode(row.h2))


def networks_of(row: KeyRow) -> list[str]:
    return [str(network) for network in row.ip_allow or ()]


def is_allowed(address: str, networks: list[str]) -> bool:
    """Whether the address is in one of these networks; where none is named, every address is allowed."""
    if not networks:
        return True
    try:
        found: Any = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(network) for network in networks)
