"""Who at a provider is which user."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tessera import clock, ids
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.problems import Busy, NotFound
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import MAX_ACTIONS, Step, deleting, putting, telling, transact, updating

from ..config import OauthSettings
from ..events import DataErased, IdentityLinked, IdentityUnlinked
from ..rules.problems import IdentityTaken, LastSignInMethod, LoginFailed, TooManyIdentities
from .rows import (
    ATTEMPT_LIFE,
    CLAIM,
    IDENTITY,
    LOCK,
    LOCK_LIFE,
    LOGOUT,
    LOGOUT_LIFE,
    MAIN,
    REVOCATION_LIFE,
    SESSION,
    SESSION_LIFE,
    TOKENS,
    BornRow,
    CountRow,
    IdentityRow,
    LockRow,
    LogoutRow,
    OfUserRow,
    SealedRow,
    SeenRow,
    expiry,
    identity_pk,
    sid_pk,
    user_pk,
)

MAX_IDENTITIES = 20
ERASED_AT_ONCE = 10
LOCK_MS = int(LOCK_LIFE.total_seconds() * 1000)


@dataclass(frozen=True)
class Somebody:
    """Who is to be linked: `key` stands for issuer and subject."""

    provider: str
    key: str
    subject: str
    label: str
    email: str | None = None


class IdentityStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(OauthSettings).table))

    def find(self, provider: str, key: str) -> IdentityRow | None:
        """1 consistent read."""
        return self.table.get(IdentityRow, identity_pk(provider, key), CLAIM)

    def of_user(self, user_id: str) -> list[OfUserRow]:
        """1 query: there are at most twenty."""
        found = self.table.query(
            OfUserRow, user_pk(user_id), sort=OfUserRow.sk.startswith(IDENTITY), limit=MAX_IDENTITIES, consistent=True
        )
        return found.rows

    def lock(self, provider: str, key: str) -> str | None:
        """The name of the account of this new identity, if we are the one that makes it. 1 write."""
        changes = [
            LockRow.held.set(clock.millis() + LOCK_MS),
            LockRow.attempt.set(LockRow.attempt | ids.new()),
            LockRow.ttl.set(expiry(ATTEMPT_LIFE)),
        ]
        is_free = LockRow.held.does_not_exist() | (LockRow.held <= clock.millis())
        try:
            row = self.table.update(
                LockRow, identity_pk(provider, key), LOCK, *changes, only_if=is_free, upsert=True, bump=False
            )
        except ConditionFailed:
            return None
        return row.attempt

    def unlock(self, provider: str, key: str) -> None:
        """Let the next one try, under the same name: the account may have been made. 1 write."""
        changes = [LockRow.held.set(0), LockRow.ttl.set(expiry(ATTEMPT_LIFE))]
        self.table.update(LockRow, identity_pk(provider, key), LOCK, *changes, upsert=True, bump=False)

    def unlocking(self, provider: str, key: str) -> Step:
        """No account was made, or its identity goes: the next one has a name of its own."""
        return deleting(self.table, LockRow, identity_pk(provider, key), LOCK)

    def settling(self, who: Somebody) -> Step:
        """The account is made and linked: its name is used up.

        The lock stays until it runs out, because who has read that there is no identity must not get it after this.
        """
        row = LockRow(
            pk=identity_pk(who.provider, who.key), sk=LOCK, held=clock.millis() + LOCK_MS, ttl=expiry(LOCK_LIFE)
        )
        return putting(self.table, row)

    def linking(self, who: Somebody, user_id: str, *, sealed: str | None) -> tuple[IdentityRow, list[Step]]:
        """The identity, and the steps that make it the user's: nobody else's, and not one too many."""
        now = clock.millis()
        row = IdentityRow(
            pk=identity_pk(who.provider, who.key),
            sk=CLAIM,
            identity_id=ids.new(),
            provider=who.provider,
            uid=user_id,
            sub=who.subject,
            label=who.label,
            linked=now,
            last_login=now,
            email_at_link=who.email,
            has_tokens=sealed is not None,
        )
        listed = OfUserRow(
            pk=user_pk(user_id),
            sk=f"{IDENTITY}{row.identity_id}",
            provider=who.provider,
            key=who.key,
            label=who.label,
            linked=now,
        )
        linked = IdentityLinked(user_id=user_id, identity_id=row.identity_id, provider=who.provider)
        room = CountRow.n.does_not_exist() | (CountRow.n < MAX_IDENTITIES)
        steps = [
            putting(self.table, row, only_if=is_new(), event=linked, refused=IdentityTaken),
            putting(self.table, listed),
            updating(
                self.table,
                CountRow,
                user_pk(user_id),
                MAIN,
                CountRow.n.add(1),
                only_if=room,
                upsert=True,
                refused=TooManyIdentities("Unlink one first."),
            ),
        ]
        if sealed is not None:
            steps.append(self._keeping_tokens(who.provider, who.key, user_id, sealed))
        return row, steps

    def signing_in(self, row: IdentityRow, event: Event, *, sealed: str | None) -> list[Step]:
        """The steps of a sign-in with a known identity. They raise `Busy` when it was unlinked meanwhile."""
        changes = [IdentityRow.last_login.set(clock.millis())]
        steps = []
        if sealed is not None:
            changes.append(IdentityRow.has_tokens.set(True))
            steps = [self._keeping_tokens(row.provider, _key(row), row.uid, sealed)]
        same = IdentityRow.identity_id == row.identity_id
        return [
            updating(
                self.table, IdentityRow, row.pk, row.sk, *changes, only_if=same, event=event, refused=Busy(), bump=False
            ),
            *steps,
        ]

    def unlink(self, user_id: str, identity_id: str, *, alone: bool, audited: Event) -> None:
        """Take an identity away from its user. 2 reads, 1 transaction.

        Where it is `alone`, with no other way to sign in, another identity must be left: two that are taken away at
        once leave one. Raises `NotFound`, `LastSignInMethod`.
        """
        listed = self.table.get(OfUserRow, user_pk(user_id), f"{IDENTITY}{identity_id}")
        if listed is None:
            raise NotFound("There is no such identity.")
        row = self.find(listed.provider, listed.key)
        if row is None or row.identity_id != identity_id:
            raise NotFound("There is no such identity.")
        others = CountRow.n > 1 if alone else CountRow.n > 0
        counted = updating(
            self.table,
            CountRow,
            user_pk(user_id),
            MAIN,
            CountRow.n.add(-1),
            only_if=others,
            refused=LastSignInMethod(),
        )
        transact(*self._leaving(row, listed), counted, telling(self.table, audited))
        # Only now that it is gone for sure, and by themselves: there may be more than one transaction holds.
        self._forget_all_sessions(row)

    def erase(self, user_id: str) -> tuple[bool, int]:
        """Take some of a user's identities away: whether nothing is left, and how many went."""
        listed = self.of_user(user_id)
        for entry in listed[:ERASED_AT_ONCE]:
            row = self.find(entry.provider, entry.key)
            mine = row is not None and f"{IDENTITY}{row.identity_id}" == entry.sk
            if row is None or not mine:
                transact(self._unlisting(entry))
                continue
            # First: once the identity is gone nothing leads to them any more.
            self._forget_all_sessions(row)
            transact(*self._leaving(row, entry))
        if len(listed) > ERASED_AT_ONCE:
            return False, ERASED_AT_ONCE
        done = DataErased(owner_id=user_id, capability="oauth")
        transact(deleting(self.table, CountRow, user_pk(user_id), MAIN), telling(self.table, done))
        return True, len(listed)

    def _leaving(self, row: IdentityRow, listed: OfUserRow) -> list[Step]:
        """The steps that end an identity. Tokens of the provider's wait under its id until they are given back."""
        unlinked = IdentityUnlinked(
            user_id=row.uid, identity_id=row.identity_id, provider=row.provider, has_tokens=bool(row.has_tokens)
        )
        same = IdentityRow.identity_id == row.identity_id
        steps = [
            deleting(self.table, IdentityRow, row.pk, row.sk, only_if=same, refused=NotFound("It is gone already.")),
            self._unlisting(listed),
            self.unlocking(row.provider, _key(row)),
            telling(self.table, unlinked),
        ]
        tokens = self.table.get(SealedRow, row.pk, TOKENS) if row.has_tokens else None
        if tokens is not None:
            waiting = SealedRow(
                pk=revocation_pk(row.identity_id),
                sk=MAIN,
                provider=row.provider,
                uid=row.uid,
                sealed=tokens.sealed,
                ttl=expiry(REVOCATION_LIFE),
            )
            steps += [putting(self.table, waiting), deleting(self.table, SealedRow, row.pk, TOKENS)]
        return steps

    def _unlisting(self, listed: OfUserRow) -> Step:
        return deleting(self.table, OfUserRow, listed.pk, listed.sk)

    def _keeping_tokens(self, provider: str, key: str, user_id: str, sealed: str) -> Step:
        row = SealedRow(pk=identity_pk(provider, key), sk=TOKENS, provider=provider, uid=user_id, sealed=sealed)
        return putting(self.table, row)

    def waiting_tokens(self, identity_id: str) -> SealedRow | None:
        """Tokens that are to be given back to their provider, or None when that is done."""
        return self.table.get(SealedRow, revocation_pk(identity_id), MAIN)

    def given_back(self, identity_id: str) -> None:
        self.table.delete(SealedRow, revocation_pk(identity_id), MAIN)

    def bearing(self, provider: str, key: str, sid_hash: str | None, row: BornRow) -> list[Step]:
        """Note that a session of ours began with one of the provider's."""
        row.ttl, row.sid_hash = expiry(SESSION_LIFE), sid_hash
        return [putting(self.table, _at(row, place)) for place in _places(provider, key, sid_hash)]

    def still_on(self, provider: str, key: str, sid_hash: str | None, *, since: int) -> list[Step]:
        """The steps that refuse, with `LoginFailed`, what the provider has ended since this moment."""
        never, kept = LogoutRow.at.does_not_exist() | (LogoutRow.at <= since), LogoutRow.ttl.set(expiry(LOGOUT_LIFE))
        return [
            updating(
                self.table, LogoutRow, place, LOGOUT, kept, only_if=never, upsert=True, refused=LoginFailed, bump=False
            )
            for place in _places(provider, key, sid_hash)
        ]

    def log_out(self, provider: str, key: str | None, sid_hash: str | None) -> list[BornRow]:
        """What began with this session of the provider's, or else with this identity. 1 write, 1 query.

        The write comes first: a session that opens meanwhile either is among them or is refused.
        """
        place = sid_pk(provider, sid_hash) if sid_hash else identity_pk(provider, str(key))
        self.table.put(LogoutRow(pk=place, sk=LOGOUT, at=clock.millis(), ttl=expiry(LOGOUT_LIFE)))
        return self._born(place)

    def forget_sessions(self, rows: Sequence[BornRow]) -> None:
        self._delete([(row.pk, row.sk) for row in rows])

    def _forget_all_sessions(self, identity: IdentityRow) -> None:
        """Both places of each session that began with this identity. 1 query, 1 transaction for 100 places."""
        born = self._born(identity.pk)
        mirrored = [(sid_pk(identity.provider, row.sid_hash), row.sk) for row in born if row.sid_hash]
        self._delete([(identity.pk, LOGOUT), *((row.pk, row.sk) for row in born), *mirrored])

    def _delete(self, keys: Sequence[tuple[str, str]]) -> None:
        for start in range(0, len(keys), MAX_ACTIONS):
            transact(*(deleting(self.table, BornRow, pk, sk) for pk, sk in keys[start : start + MAX_ACTIONS]))

    def _born(self, pk: str) -> list[BornRow]:
        return list(self.table.query_all(BornRow, pk, sort=BornRow.sk.startswith(SESSION), consistent=True))

    def was_seen(self, provider: str, jti_mac: str) -> bool:
        """Whether this logout token came before. 1 read."""
        return self.table.get(SeenRow, seen_pk(provider, jti_mac), MAIN) is not None

    def see(self, provider: str, jti_mac: str, *, seconds: int) -> None:
        """1 write."""
        expires = int(clock.now().timestamp()) + seconds
        self.table.put(SeenRow(pk=seen_pk(provider, jti_mac), sk=MAIN, ttl=expires))

    def tell(self, *events: Event) -> None:
        """Something that happened without a change. 1 transaction."""
        transact(*(telling(self.table, event) for event in events))


def seen_pk(provider: str, jti_mac: str) -> str:
    return f"J#{provider}#{jti_mac}"


def revocation_pk(identity_id: str) -> str:
    return f"R#{identity_id}"


def _key(row: IdentityRow) -> str:
    return str(row.pk.rpartition("#")[2])


def _places(provider: str, key: str, sid_hash: str | None) -> list[str]:
    """Where a session of ours is found by what the provider calls its own."""
    return [identity_pk(provider, key), *([sid_pk(provider, sid_hash)] if sid_hash else [])]


def _at(row: BornRow, pk: str) -> BornRow:
    return BornRow(
        pk=pk,
        sk=f"{SESSION}{row.session_id}",
        uid=row.uid,
        session_id=row.session_id,
        sid_hash=row.sid_hash,
        ttl=row.ttl,
    )
