"""Second factors: the authenticator app, recovery codes, and the attempts at either."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from pynamodb.attributes import Attribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import aws, clock
from tessera.auth.feed import Feed
from tessera.auth.problems import AttemptsExhausted
from tessera.expressions import is_free
from tessera.outbox import Event
from tessera.problems import NotFound, Unavailable
from tessera.sealed import SealBroken, seal, unseal
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import AccountSettings
from ..mfa_tokens import MfaToken
from ..rules import MFA_ATTEMPTS, TOTP_ENROLMENT_LIFE, MfaFailed, MfaTokenInvalid, TotpCodeInvalid, TotpEnrolled
from .activity import telling
from .factor_rows import RECOVERY, TOTP, HeldRow, MfaRow, RecoveryRow, TotpRow, mfa_pk
from .rows import MAIN, UserRow, expires_in, user_pk
from .users import Changed


@dataclass(frozen=True)
class Held:
    """A user and their second factors, read at one moment."""

    user: UserRow
    totp: HeldRow | None
    codes: frozenset[str]

    @property
    def confirmed_totp(self) -> HeldRow | None:
        return self.totp if self.totp is not None and self.totp.confirmed else None


class FactorStore:
    def __init__(self, table: Table, feed: Feed, key_id: str) -> None:
        self.table, self.feed, self._key_id = table, feed, key_id

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AccountSettings)
        return cls(Table(settings.table), bindings.get(Feed), settings.factor_key)

    def held(self, user_id: str) -> Held:
        """1 consistent query: the sort keys of the three items are neighbours. Raises `NotFound`."""
        rows = self.table.query_all(
            HeldRow, user_pk(user_id), sort=Path("sk").between("M#", MAIN), limit=3, consistent=True
        )
        found = {row.sk: row for row in rows}
        if MAIN not in found:
            raise NotFound("There is no such user.")
        codes = found[RECOVERY].codes if RECOVERY in found else None
        return Held(found[MAIN], found.get(TOTP), frozenset(codes or ()))

    def attempt(self, token: MfaToken) -> int:
        """Take one attempt away before anything is compared; returns how many are left. 1 write.

        The first attempt makes the item. Raises `MfaTokenInvalid` after a right one, `AttemptsExhausted` when
        none is left: only another sign-in opens new ones.
        """
        unused = MfaRow.done.does_not_exist()
        try:
            row = self.table.update(
                MfaRow,
                mfa_pk(token.id),
                MAIN,
                MfaRow.left.set((MfaRow.left | MFA_ATTEMPTS) - 1),
                MfaRow.uid.set(token.user_id),
                MfaRow.amr.set(set(token.amr)),
                MfaRow.client.set(token.client_id),
                Path("ttl").set(token.ends_at // 1000 + 60),
                only_if=Path("pk").does_not_exist() | (MfaRow.left > 0) & unused,
                upsert=True,
            )
        except ConditionFailed as failed:
            if failed.old is None or failed.old.done:
                raise MfaTokenInvalid() from None
            raise AttemptsExhausted(max(1, (token.ends_at - clock.millis()) // 1000)) from None
        return int(row.left)

    def ending(self, token: MfaToken) -> Step:
        """The step by which one right attempt is the last one."""
        unused = MfaRow.done.does_not_exist()
        done = MfaRow.done.set(True)
        return updating(
            self.table, MfaRow, mfa_pk(token.id), MAIN, done, only_if=unused, refused=MfaTokenInvalid, bump=False
        )

    def begin_totp(self, user_id: str, secret: str) -> None:
        """Keep a secret that is to be confirmed within the hour, in the place of an unconfirmed one.

        1 write, 1 request to KMS. Raises `TotpEnrolled`.
        """
        row = TotpRow(
            pk=user_pk(user_id),
            sk=TOTP,
            enc=self._sealed(user_id, secret),
            created=clock.millis(),
            ttl=expires_in(TOTP_ENROLMENT_LIFE),
        )
        try:
            self.table.put(row, only_if=is_free() | (TotpRow.confirmed == False))  # noqa: E712
        except ConditionFailed:
            raise TotpEnrolled() from None

    def secret_of(self, row: HeldRow, user_id: str) -> str:
        """1 request to KMS."""
        try:
            return str(unseal(self._key_id, _purpose(user_id), row.enc)["secret"])
        except (aws.ClientError, aws.BotoCoreError, SealBroken) as error:
            raise Unavailable("The second factor cannot be checked right now.") from error

    def confirming_totp(self, row: HeldRow, user_id: str, step: int) -> Step:
        """The enrolment's own code counts as used, so that it does not sign anybody in."""
        return updating(
            self.table,
            TotpRow,
            user_pk(user_id),
            TOTP,
            TotpRow.confirmed.set(True),
            TotpRow.last_step.set(step),
            Path("ttl").remove(),
            only_if=(TotpRow.confirmed == False) & (TotpRow.enc == row.enc),  # noqa: E712
            refused=TotpCodeInvalid,
        )

    def use_step(self, user_id: str, step: int, *more: Step) -> None:
        """A code is good once: the step moves on and never back. 1 write, a transaction with `more`.

        Raises `MfaFailed`.
        """
        later = (TotpRow.confirmed == True) & (  # noqa: E712
            TotpRow.last_step.does_not_exist() | (TotpRow.last_step < step)
        )
        moving = updating(
            self.table,
            TotpRow,
            user_pk(user_id),
            TOTP,
            TotpRow.last_step.set(step),
            only_if=later,
            refused=MfaFailed,
            bump=False,
        )
        transact(moving, *more)

    def burn(self, user_id: str, step: int) -> None:
        """No code up to this step is good any more. 1 write."""
        try:
            self.table.update(
                TotpRow,
                user_pk(user_id),
                TOTP,
                TotpRow.last_step.set(step),
                only_if=TotpRow.last_step.does_not_exist() | (TotpRow.last_step < step),
                bump=False,
            )
        except ConditionFailed:
            return

    def take_code(
        self, user_id: str, tag: str, *more: Step, event: Event, also: Event, gone: Event | None = None
    ) -> None:
        """A recovery code is good once. 1 transaction.

        The last one takes recovery from the ways in, which `gone` tells. Raises `MfaFailed`, and `Changed` when it is
        the last one and nobody said so, or was said to be and is not.
        """
        codes, pk = RecoveryRow.codes, user_pk(user_id)
        one_of_several = codes.contains(tag) & (codes != {tag})
        taking = updating(
            self.table,
            RecoveryRow,
            pk,
            RECOVERY,
            codes.delete({tag}),
            only_if=one_of_several if gone is None else codes == {tag},
            event=event,
            refused=lambda old: Changed() if old is not None and tag in (old.codes or ()) else MfaFailed(),
            bump=False,
        )
        ending: list[Step] = []
        if gone is not None:
            no_way_in = UserRow.mfa.delete({"recovery"})
            ending = [updating(self.table, UserRow, pk, MAIN, no_way_in, bump=False), telling(self.table, gone)]
        transact(taking, telling(self.table, also), *ending, *more)

    def keeping_codes(self, user_id: str, tags: Sequence[str]) -> Step:
        return putting(
            self.table, RecoveryRow(pk=user_pk(user_id), sk=RECOVERY, codes=set(tags), created=clock.millis())
        )

    def dropping(self, user_id: str, *sks: str) -> list[Step]:
        return [deleting(self.table, TotpRow, user_pk(user_id), sk) for sk in sks]

    def change(
        self,
        before: UserRow,
        *changes: Change,
        event: Event | None = None,
        also: Sequence[Event] = (),
        steps: Sequence[Step] = (),
        restamp: bool = False,
    ) -> int:
        """Change what opens an account, if nobody did since it was read; returns the epoch. 1 transaction.

        With `restamp` every access token given out before is stale. Raises `Changed`.
        """
        epoch = int(before.ep) + (1 if restamp else 0)
        transact(
            updating(
                self.table,
                UserRow,
                user_pk(before.user_id),
                MAIN,
                *changes,
                *([UserRow.ep.set(epoch)] if restamp else []),
                only_if=same_ways_in(before),
                event=event,
                refused=Changed(),
                bump=False,
            ),
            *([self.feed.revoke("u", before.user_id, min_ep=epoch)] if restamp else []),
            *(telling(self.table, more) for more in also),
            *steps,
        )
        return epoch

    def _sealed(self, user_id: str, secret: str) -> str:
        try:
            return seal(self._key_id, _purpose(user_id), {"secret": secret})
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise Unavailable("No authenticator app can be set up right now.") from error


def same_ways_in(before: UserRow) -> Condition:
    """The user can still be signed in to by exactly what they could when they were read."""
    same: Condition = (
        (UserRow.status == before.status)
        & (UserRow.ep == before.ep)
        & _same(UserRow.pw, before.pw)
        & _same(UserRow.mfa, set(before.mfa) if before.mfa else None)
        & _same(UserRow.passkeys, before.passkeys)
    )
    return same


def _same(attribute: Attribute[Any], value: object) -> Condition:
    return attribute.does_not_exist() if value is None else attribute == value


def _purpose(user_id: str) -> str:
    """What the ciphertext is bound to: moved to somebody else's item, it does not open."""
    return f"factor:{user_id}"
