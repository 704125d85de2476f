"""API keys: verified where they are used, with the item that `apikeys` keeps.

Every process remembers the items it has seen for a minute, so that a warm one asks nobody. What changes
meanwhile stands in the revocation feed: the key as a whole, a version of its item, or its owner's epoch.
"""

import hashlib
from dataclasses import dataclass
from typing import Self, cast

from tessera import aws, clock
from tessera.auth import key_text
from tessera.auth.call import Call
from tessera.auth.custom_roles import CustomRoles
from tessera.auth.feed import Feed
from tessera.auth.key_item import MAIN, KeyRow, is_allowed, is_of, key_pk, networks_of, outdated
from tessera.auth.key_text import PREFIX as PREFIX
from tessera.auth.key_text import Env, KeyText
from tessera.auth.mac import Mac
from tessera.auth.principal import Principal, covers
from tessera.auth.problems import SessionRevoked, TokenInvalid, TokenStale
from tessera.auth.roles import expand, sandbox, shared
from tessera.auth.settings import AuthSettings
from tessera.problems import Unavailable
from tessera.recent import Recent
from tessera.settings import Bindings
from tessera.tables import Table

KEPT_MS, REFUSED_MS, SIZE = 60_000, 10_000, 2_000
# While an owner's new epoch has not reached the item yet, a flood of requests must not read it each time.
AGAIN_MS = 1_000
# Nor for each secret that the item does not have, though the first of them may be one that it was given just now.
WRONG_SECRETS = 5
# A key of an organisation acts as a plain member: it uses what is shared and manages nobody.
ORGANISATION_ROLE = "member"


def effective(scopes: frozenset[str], held: frozenset[str], env: Env) -> frozenset[str]:
    """What a key may do: what it was made for, as far as its owner may do that now. A test key plays in the sand."""
    allowed = scopes & sandbox() if env == "test" else scopes
    return frozenset(scope for scope in allowed if covers(held, scope))


def principal_of_key(call: Call, text: str) -> Principal:
    """The principal of a valid key. At most 1 read in a minute, none for what is not written like a key.

    Raises `TokenInvalid`, one answer for whatever is wrong, and `RevocationUnknown` or `Unavailable`.
    """
    key = key_text.parse(text)
    if key is None:
        raise TokenInvalid("not written like a key")
    return call.bindings.get(ApiKeys).principal(key, call.client_address)


@dataclass(frozen=True)
class _Seen:
    """An item, and how often it was read again in the second that ends at `until`."""

    row: KeyRow
    until: int = 0
    times: int = 0

    def read_again(self, row: KeyRow) -> "_Seen":
        now = clock.millis()
        return _Seen(row, self.until, self.times + 1) if now < self.until else _Seen(row, now + AGAIN_MS, 1)

    def is_spent(self, times: int) -> bool:
        return self.times >= times and clock.millis() < self.until


class ApiKeys:
    """The keys this process has seen."""

    def __init__(self, table: Table, mac: Mac, feed: Feed, roles: CustomRoles) -> None:
        self._table, self._mac, self._feed, self._roles = table, mac, feed, roles
        self._seen: Recent[_Seen] = Recent(SIZE, KEPT_MS)
        self._refused: Recent[str] = Recent(SIZE, REFUSED_MS)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        table = Table(bindings.settings(AuthSettings).apikeys)
        return cls(table, bindings.get(Mac), bindings.get(Feed), bindings.get(CustomRoles))

    def principal(self, key: KeyText, address: str) -> Principal:
        digest = hashlib.sha256(key.signed).hexdigest()
        refused = self._refused.get(digest)
        if refused is not None:
            raise TokenInvalid(f"{refused}, a moment ago")
        row, is_sure = self._row(key)
        if row is None or not is_of(self._mac, row, key):
            cause = "unknown key" if row is None else "wrong secret"
            if is_sure:
                self._refused.put(digest, cause)
            raise TokenInvalid(cause)
        self._check(row, address)
        return self._principal(row)

    def _row(self, key: KeyText) -> tuple[KeyRow | None, bool]:
        """The item, from memory unless it is known, or looks, to have changed since; and whether that is as it is."""
        seen = self._seen.get(key.name)
        if seen is None:
            row = self._read(key.name, consistent=False)
            if row is None or not self._is_outdated(row):
                return row, True
            seen = _Seen(row)
        else:
            is_behind = self._is_outdated(seen.row)
            if not is_behind and is_of(self._mac, seen.row, key):
                return seen.row, True
            # A version that was replaced is read away: the next one is not behind. An owner's epoch may take its time.
            if not self._is_replaced(seen.row) and seen.is_spent(1 if is_behind else WRONG_SECRETS):
                return seen.row, False
        # Not from a replica, which may not know yet what the feed or the client knows.
        return self._read(key.name, consistent=True, after=seen), True

    def _read(self, name: str, *, consistent: bool, after: _Seen | None = None) -> KeyRow | None:
        if not self._table.name:
            return None
        try:
            row = self._table.get(KeyRow, key_pk(name), MAIN, consistent=consistent)
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise Unavailable("API keys cannot be looked up right now.") from error
        if row is not None:
            self._seen.put(name, after.read_again(row) if after else _Seen(row))
        return row

    def _is_replaced(self, row: KeyRow) -> bool:
        return self._feed.is_revoked("k", outdated(row.key_id, int(row.version)))

    def _is_outdated(self, row: KeyRow) -> bool:
        if self._is_replaced(row):
            return True
        lowest = 0 if row.org else self._feed.lowest_epoch(row.uid)
        return lowest is not None and lowest > int(row.owner_ep)

    def _check(self, row: KeyRow, address: str) -> None:
        """Raises `TokenInvalid` when the key itself is good and yet of no use now, or from here."""
        if row.status != "active":
            raise TokenInvalid(f"key {row.status}")
        if clock.millis() >= row.exp:
            raise TokenInvalid("key expired")
        if not is_allowed(address, networks_of(row)):
            raise TokenInvalid("address not allowed")
        if self._is_outdated(row):
            raise TokenInvalid("key or owner changed")

    def _principal(self, row: KeyRow) -> Principal:
        roles = frozenset(["user"]) if row.org else frozenset(str(role) for role in row.owner_roles or ())
        held = shared() if row.org else expand(roles, self._roles.held_by(roles))
        env = cast(Env, row.env)
        made = Principal(
            kind="api_key",
            id=row.key_id,
            # A key of an organisation is no person: what is its maker's alone must not open to whoever has its secret.
            user_id=row.key_id if row.org else row.uid,
            roles=roles,
            # Never 2, and without a time of sign-in: what asks for either refuses a key.
            aal=1,
            org=row.org,
            org_role=ORGANISATION_ROLE if row.org else None,
            epoch=int(row.owner_ep),
            # Rounded up: a role that was defined anew within this second was read as it is now.
            issued_at=-(-clock.millis() // 1000),
            credential="key",
            permissions=effective(frozenset(str(scope) for scope in row.scopes), held, env),
            plan=f"key:{row.plan}",
        )
        try:
            self._feed.check_principal(made)
        except (SessionRevoked, TokenStale) as revoked:
            raise TokenInvalid(revoked.cause) from revoked
        return made
