"""Sign-ups that wait for their address to be confirmed."""

from typing import Self

from tessera.auth.problems import AttemptsExhausted
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, deleting, putting, telling, transact, updating

from ..config import AccountSettings
from ..rules import CODE_ATTEMPTS, CodeInvalid
from .rows import MAIN, ResetRow, SignUpRow, sign_up_pk, waiting_sign_up

# A sign-up is given up for the day it has left, not for a moment.
RETRY_AFTER_SECONDS = 3_600


class SignUpStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table))

    def open(self, row: SignUpRow, mail: Event, reset: ResetRow | None) -> None:
        """A new sign-up and its mail: 1 transaction of 2 items, whether or not the address has an account.

        Who signs up as who they are is named by it, so a third one has it go when they go.
        """
        before = [putting(self.table, waiting_sign_up(row))] if row.guest is not None else []
        transact(putting(self.table, row), self._mailing(mail, reset), *before)

    def get(self, sign_up_id: str) -> SignUpRow | None:
        return self.table.get(SignUpRow, sign_up_pk(sign_up_id), MAIN)

    def renew(self, sign_up_id: str, *, code_mac: str, token_mac: str, mail: Event, reset: ResetRow | None) -> None:
        """Another code in the place of the last one. 1 transaction, also where there is nothing to renew."""
        renewing = updating(
            self.table,
            SignUpRow,
            sign_up_pk(sign_up_id),
            MAIN,
            SignUpRow.code_mac.set(code_mac),
            SignUpRow.token_mac.set(token_mac),
            SignUpRow.left.set(CODE_ATTEMPTS),
            refused=CodeInvalid(),
        )
        transact(renewing, self._mailing(mail, reset))

    def attempt(self, sign_up_id: str) -> SignUpRow:
        """Take one attempt away, before anything is compared. 1 write.

        Raises `CodeInvalid` when there is no such sign-up, `AttemptsExhausted` when none is left.
        """
        try:
            taking, some = SignUpRow.left.set(SignUpRow.left - 1), SignUpRow.left > 0
            return self.table.update(SignUpRow, sign_up_pk(sign_up_id), MAIN, taking, only_if=some)
        except ConditionFailed as failed:
            if failed.old is None:
                raise CodeInvalid() from None
            raise AttemptsExhausted(RETRY_AFTER_SECONDS) from None

    def void(self, sign_up_id: str) -> None:
        """Nobody can confirm it any more: its address went to another sign-up. 1 write."""
        self.table.delete(SignUpRow, sign_up_pk(sign_up_id), MAIN)

    def consuming(self, sign_up_id: str) -> Step:
        """The step that lets a sign-up be confirmed once."""
        there = SignUpRow.left >= 0
        return deleting(self.table, SignUpRow, sign_up_pk(sign_up_id), MAIN, only_if=there, refused=CodeInvalid())

    def _mailing(self, mail: Event, reset: ResetRow | None) -> Step:
        return telling(self.table, mail) if reset is None else putting(self.table, reset, event=mail)
