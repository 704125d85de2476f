"""Changing the address of an account, and taking one back."""

from collections.abc import Sequence
from typing import Self

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import clock
from tessera.auth.problems import AttemptsExhausted
from tessera.emails import Address
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..config import AccountSettings
from ..rules import CodeExpired, CodeInvalid, EmailTaken
from .activity import telling
from .life_rows import EMAIL_CHANGE, REVERT, EmailChangeRow, RevertRow, revert_sk
from .rows import CLAIM, MAIN, RESET, ClaimRow, ResetRow, UserRow, claim_pk, user_pk
from .users import Changed

# A change is given up for the hour it has left, not for a moment.
RETRY_AFTER_SECONDS = 3_600


class AddressStore:
    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(Table(bindings.settings(AccountSettings).table))

    def ask(self, row: EmailChangeRow, mail: Event) -> None:
        """Note a change and its mail in one item, in the place of an earlier one. 1 write."""
        self.table.put(row, event=mail)

    def attempt(self, user_id: str) -> EmailChangeRow:
        """Take one attempt away, before anything is compared. 1 write.

        Raises `CodeInvalid` when no change waits, `CodeExpired`, `AttemptsExhausted` when none is left.
        """
        taking, some = EmailChangeRow.left.set(EmailChangeRow.left - 1), EmailChangeRow.left > 0
        try:
            row = self.table.update(EmailChangeRow, user_pk(user_id), EMAIL_CHANGE, taking, only_if=some)
        except ConditionFailed as failed:
            if failed.old is None:
                raise CodeInvalid() from None
            raise AttemptsExhausted(RETRY_AFTER_SECONDS) from None
        if int(row.exp) <= clock.millis():
            raise CodeExpired("Ask for the change again.")
        return row

    def confirm(
        self,
        user: UserRow,
        row: EmailChangeRow,
        *,
        event: Event,
        revert: RevertRow,
        notice: Event,
        also: Sequence[Event],
    ) -> None:
        """The account has the new address, and the old one a way back: 1 transaction.

        Raises `CodeInvalid` when the change was confirmed or replaced meanwhile, `EmailTaken`, `Changed`.
        """
        unused = EmailChangeRow.code_mac == row.code_mac
        pk = user_pk(user.user_id)
        new = Address(row.email, row.email_norm)
        transact(
            deleting(self.table, EmailChangeRow, pk, EMAIL_CHANGE, only_if=unused, refused=CodeInvalid()),
            *self.moving(user, new),
            updating(
                self.table,
                UserRow,
                pk,
                MAIN,
                *addressed(new),
                only_if=UserRow.email_norm == user.email_norm,
                event=event,
                refused=Changed(),
            ),
            putting(self.table, revert, event=notice),
            self.forgetting_reset(user.user_id),
            *(telling(self.table, more) for more in also),
        )

    def revert_of(self, user_id: str, mac: str) -> RevertRow | None:
        """1 read."""
        return self.table.get(RevertRow, user_pk(user_id), revert_sk(mac))

    def consuming(self, row: RevertRow) -> Step:
        """The step that lets a link be used once."""
        good = RevertRow.exp > clock.millis()
        return deleting(self.table, RevertRow, row.pk, row.sk, only_if=good, refused=CodeInvalid())

    def forget_after(self, user_id: str, row: RevertRow) -> None:
        """Whoever took the address away may have left a way back to theirs: every later link is worth nothing.

        1 query, and 1 write for each of them.
        """
        links = self.table.query_all(RevertRow, user_pk(user_id), sort=Path("sk").startswith(REVERT), consistent=True)
        for link in [link for link in links if int(link.created) > int(row.created)]:
            self.table.delete(RevertRow, link.pk, link.sk)
        self.table.delete(EmailChangeRow, user_pk(user_id), EMAIL_CHANGE)

    def former(self, user_id: str) -> list[RevertRow]:
        """Addresses left behind in the last month, newest first. 1 query."""
        links = self.table.query_all(RevertRow, user_pk(user_id), sort=Path("sk").startswith(REVERT), consistent=True)
        return sorted(links, key=lambda link: -int(link.created))

    def forgetting_reset(self, user_id: str) -> Step:
        """A link to a new password that was sent to an address goes with it."""
        return deleting(self.table, ResetRow, user_pk(user_id), RESET)

    def moving(self, user: UserRow, new: Address) -> list[Step]:
        """The claim on the new address, and the old one given up. Raises `EmailTaken`, `Changed`."""
        mine = ClaimRow.uid == user.user_id
        claim = ClaimRow(pk=claim_pk(new.key), sk=CLAIM, uid=user.user_id, email=new.spelled)
        taken = EmailTaken("Somebody else has confirmed this address meanwhile.")
        steps = [putting(self.table, claim, only_if=is_new() | mine, refused=taken)]
        if user.email_norm is not None and user.email_norm != new.key:
            old = claim_pk(user.email_norm)
            steps.append(deleting(self.table, ClaimRow, old, CLAIM, only_if=mine, refused=Changed()))
        return steps


def addressed(new: Address) -> list[Change]:
    """What the user's own item says of their address."""
    return [
        UserRow.email.set(new.spelled),
        UserRow.email_norm.set(new.key),
        UserRow.gs2_pk.set(f"EP#{new.key[:2]}"),
        UserRow.gs2_sk.set(new.key),
        UserRow.updated.set(clock.millis()),
    ]
