"""The items of the table besides the keys themselves, which the layer knows: every function reads those."""

from datetime import timedelta

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from tessera import clock
from tessera.auth import key_text
from tessera.auth.key_item import KeyRow, key_pk
from tessera.tables import Row

from ..rules import Status, status_at

COUNT = "COUNT"
OWNED = "K#"
ENDED = "E#"


class OwnedRow(Row):
    """`U#<owner>`/`K#<key>`: whose a key is, for lists."""

    name = UnicodeAttribute()
    status = UnicodeAttribute(default="active")


class CountRow(Row):
    """`U#<owner>`/`COUNT`: how many keys are in use; of an organisation also whether they rest, as was `heard` last."""

    active = NumberAttribute(default=0)
    rests = BooleanAttribute(null=True)
    heard = UnicodeAttribute(null=True)


class EndedRow(Row):
    """`U#<owner>`/`E#<key>`: a key that was there, for as long as it may be known how it was used."""


def pk_of(key_id: str) -> str:
    return key_pk(key_text.name_of(key_id))


def owner_pk(owner_id: str) -> str:
    return f"U#{owner_id}"


def owned_sk(key_id: str) -> str:
    return f"{OWNED}{key_id}"


def id_of(owned: Row) -> str:
    return str(owned.sk).removeprefix(OWNED).removeprefix(ENDED)


def prefix_of(row: KeyRow) -> str:
    return key_text.prefix("live" if row.env == "live" else "test", row.key_id)


def status_of(row: KeyRow) -> Status:
    return status_at(row.status, clock.from_millis(int(row.exp)), clock.now())


def seconds_after(life: timedelta) -> int:
    """A `ttl`: seconds since 1970."""
    return int((clock.now() + life).timestamp())
