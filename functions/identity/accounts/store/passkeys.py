"""Passkeys, whose they are, and the challenges they answer."""

from collections.abc import Sequence
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.auth import jws
from tessera.etags import StaleVersion
from tessera.expressions import all_of, is_new
from tessera.outbox import Event
from tessera.problems import NotFound, Problem
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import AccountSettings
from ..relying_party import Asserted, new_handle
from ..rules import CHALLENGE_LIFE, PasskeyTaken
from .activity import telling
from .factor_rows import ChallengeRow, CredentialRow, PasskeyRow, challenge_pk, credential_pk, passkey_sk
from .rows import CLAIM, MAIN, UserRow, expires_in, user_pk


class Regressed(Exception):
    """The sign count did not grow: somebody may have copied the key (WebAuthn 6.1.1)."""


class PasskeyStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table))

    def ask(self, challenge_id: str, challenge: bytes, purpose: str, user_id: str | None = None) -> None:
        """Keep a challenge for 5 minutes. 1 write."""
        self.table.put(
            ChallengeRow(
                pk=challenge_pk(challenge_id),
                sk=MAIN,
                challenge=jws.encode(challenge),
                uid=user_id,
                purpose=purpose,
                ttl=expires_in(CHALLENGE_LIFE),
            )
        )

    def answered(self, challenge_id: str, purpose: str, user_id: str | None = None) -> bytes | None:
        """The challenge, gone from now on; None when it was answered before, is too old or was for something else.

        1 write.
        """
        mine: Condition = ChallengeRow.purpose == purpose
        if user_id is not None:
            mine &= ChallengeRow.uid == user_id
        try:
            row = self.table.delete(ChallengeRow, challenge_pk(challenge_id), MAIN, only_if=mine)
        except ConditionFailed:
            return None
        return jws.decode(row.challenge) if row is not None else None

    def handle_of(self, user: UserRow) -> str:
        """What authenticators know this user by, made at their first passkey. 1 write then, else none."""
        if user.wa_handle is None:
            once = UserRow.wa_handle.set(UserRow.wa_handle | new_handle())
            user = self.table.update(UserRow, user_pk(user.user_id), MAIN, once, bump=False)
        return str(user.wa_handle)

    def of(self, user_id: str) -> list[PasskeyRow]:
        """Every passkey of a user, the oldest first. 1 query."""
        sort = Path("sk").startswith(passkey_sk(""))
        rows = self.table.query_all(PasskeyRow, user_pk(user_id), sort=sort, consistent=True)
        return sorted(rows, key=lambda row: (row.created, row.passkey_id))

    def get(self, user_id: str, passkey_id: str) -> PasskeyRow | None:
        return self.table.get(PasskeyRow, user_pk(user_id), passkey_sk(passkey_id))

    def public_key_of(self, row: PasskeyRow) -> bytes:
        return jws.decode(row.pub)

    def owner_of(self, passkey_id: str) -> str | None:
        """1 consistent read."""
        row = self.table.get(CredentialRow, credential_pk(passkey_id), CLAIM)
        return str(row.uid) if row is not None else None

    def adding(self, row: PasskeyRow, user_id: str) -> list[Step]:
        """A credential is one user's: whoever registers it first. The two items come and go together."""
        taken = PasskeyTaken("Remove it there first, or make another one.")
        claim = CredentialRow(pk=credential_pk(row.passkey_id), sk=CLAIM, uid=user_id)
        return [
            putting(self.table, claim, only_if=is_new(), refused=taken),
            putting(self.table, row),
        ]

    def removing(self, user_id: str, passkey_ids: Sequence[str], *, expect: int | None = None) -> list[Step]:
        """Raises `NotFound`, and `StaleVersion` for one that is at another version than `expect`."""
        steps: list[Step] = []
        same = None if expect is None else Path("version") == expect
        for passkey_id in passkey_ids:
            there = all_of(PasskeyRow.passkey_id == passkey_id, same)
            steps += [
                deleting(
                    self.table,
                    PasskeyRow,
                    user_pk(user_id),
                    passkey_sk(passkey_id),
                    only_if=there,
                    refused=_not_as_read,
                ),
                deleting(self.table, CredentialRow, credential_pk(passkey_id), CLAIM),
            ]
        return steps

    def rename(self, row: PasskeyRow, user_id: str, name: str, event: Event) -> None:
        """1 transaction. Raises `NotFound`, `StaleVersion`."""
        renaming = updating(
            self.table,
            PasskeyRow,
            user_pk(user_id),
            passkey_sk(row.passkey_id),
            PasskeyRow.name.set(name),
            expect=int(row.version),
        )
        transact(renaming, telling(self.table, event))

    def use(self, row: PasskeyRow, user_id: str, shown: Asserted, *more: Step) -> None:
        """Note that it was shown just now. 1 write, a transaction with `more`. Raises `Regressed`."""
        using = updating(
            self.table,
            PasskeyRow,
            user_pk(user_id),
            passkey_sk(row.passkey_id),
            PasskeyRow.sign_count.set(shown.sign_count),
            PasskeyRow.bs.set(shown.is_backed_up),
            PasskeyRow.used_at.set(clock.millis()),
            only_if=_grown(row, shown),
            refused=Regressed(),
            bump=False,
        )
        transact(using, *more)


def _not_as_read(old: PasskeyRow | None) -> Problem:
    if old is None:
        return NotFound("There is no such passkey.")
    return StaleVersion(f"It is at version {int(old.version)} now. Read it again.")


def _grown(row: PasskeyRow, shown: Asserted) -> Condition:
    """Keys kept in several places cannot count together, and most count nothing at all."""
    if row.be:
        return PasskeyRow.passkey_id.exists()
    if shown.sign_count == 0:
        return PasskeyRow.sign_count == 0
    return PasskeyRow.sign_count < shown.sign_count
