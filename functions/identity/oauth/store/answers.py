"""What came of sign-ins, waiting under a code and then, where something is still to be done, under a ticket."""

from contextlib import suppress
from datetime import timedelta
from typing import Self

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.auth.problems import AttemptsExhausted
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, deleting, putting, transact

from ..config import OauthSettings
from ..rules.problems import ExchangeInvalid, TicketInvalid
from .rows import CODE_LIFE, MAIL_LIFE, MAIN, TICKET_LIFE, AnswerRow, answer_pk, expiry

ATTEMPTS, MAX_MAILS = 5, 3
RETRY_AFTER_SECONDS = 3_600


class AnswerStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(OauthSettings).table))

    def keeping(self, mac: str, row: AnswerRow, *, life: timedelta = CODE_LIFE) -> Step:
        row.pk, row.sk, row.ttl = answer_pk(mac), MAIN, expiry(life)
        return putting(self.table, row)

    def keep_ticket(self, mac: str, row: AnswerRow) -> None:
        """1 write."""
        row.pk, row.sk, row.ttl, row.ticket = answer_pk(mac), MAIN, expiry(TICKET_LIFE), True
        self.table.put(row)

    def take(self, mac: str, challenge: str) -> AnswerRow:
        """What waits under this code, which is worth nothing from here on. 1 write.

        Somebody who has only the code, and not the verifier, leaves it as it is. Raises `ExchangeInvalid`.
        """
        try:
            good = (AnswerRow.challenge == challenge) & AnswerRow.ticket.does_not_exist()
            # What has outlived its time is deleted too, and nothing comes back.
            found = self.table.delete(AnswerRow, answer_pk(mac), MAIN, only_if=good)
        except ConditionFailed:
            raise ExchangeInvalid() from None
        if found is None:
            raise ExchangeInvalid()
        return found

    def ticket(self, mac: str, kind: str) -> AnswerRow:
        """1 read. Raises `TicketInvalid`."""
        found = self.table.get(AnswerRow, answer_pk(mac), MAIN)
        if found is None or found.kind != kind or not found.ticket:
            raise TicketInvalid()
        return found

    def consuming(self, mac: str, kind: str) -> Step:
        """The step that lets a ticket be used once."""
        good = _alive() & (AnswerRow.kind == kind) & AnswerRow.ticket.exists()
        return deleting(self.table, AnswerRow, answer_pk(mac), MAIN, only_if=good, refused=TicketInvalid())

    def address(self, mac: str, email: str, code_mac: str) -> None:
        """Have the ticket wait for a code that goes to this address. 1 write.

        Raises `TicketInvalid`, and `AttemptsExhausted` for one by which enough was mailed.
        """
        changes = [
            AnswerRow.email.set(email),
            AnswerRow.code_mac.set(code_mac),
            AnswerRow.left.set(ATTEMPTS),
            AnswerRow.mails.add(1),
            Path("ttl").set(expiry(MAIL_LIFE)),
        ]
        waiting = _is_waiting() & (AnswerRow.mails < MAX_MAILS)
        try:
            self.table.update(AnswerRow, answer_pk(mac), MAIN, *changes, only_if=waiting)
        except ConditionFailed as failed:
            if _waits(failed.old):
                raise AttemptsExhausted(RETRY_AFTER_SECONDS) from None
            raise TicketInvalid() from None

    def mailed(self, mac: str, code_mac: str, *, instead_of: str) -> None:
        """The code is on its way, and good from here on, unless a newer one was asked for meanwhile. 1 write."""
        same, good = AnswerRow.code_mac == instead_of, AnswerRow.code_mac.set(code_mac)
        with suppress(ConditionFailed):
            self.table.update(AnswerRow, answer_pk(mac), MAIN, good, only_if=same)

    def attempt(self, mac: str) -> AnswerRow:
        """Take one attempt away, before anything is compared. 1 write.

        Raises `TicketInvalid`, `AttemptsExhausted`.
        """
        taking = AnswerRow.left.set(AnswerRow.left - 1)
        some = _is_waiting() & (AnswerRow.left > 0)
        try:
            return self.table.update(AnswerRow, answer_pk(mac), MAIN, taking, only_if=some)
        except ConditionFailed as failed:
            if _waits(failed.old) and failed.old.left is not None:
                raise AttemptsExhausted(RETRY_AFTER_SECONDS) from None
            raise TicketInvalid() from None

    def put(self, *steps: Step) -> None:
        """1 transaction, when there is anything to write."""
        if steps:
            transact(*steps)


def _alive() -> Condition:
    found: Condition = Path("ttl") > int(clock.now().timestamp())
    return found


def _waits(found: AnswerRow | None) -> bool:
    """What `_is_waiting` asks, of something read just now, which is good still."""
    return found is not None and found.kind == "email" and bool(found.ticket)


def _is_waiting() -> Condition:
    found: Condition = _alive() & (AnswerRow.kind == "email") & AnswerRow.ticket.exists()
    return found
