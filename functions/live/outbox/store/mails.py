"""Mails and every step they take. The condition of each write is the rule; nothing is read before it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action as Change

from tessera import clock, due, idempotency, outbox
from tessera.expressions import is_new
from tessera.idempotency import Intent
from tessera.tables import ConditionFailed, Row, Table
from tessera.transact import AlreadySeen, Step, putting, transact, updating

from .. import events, rules
from ..addresses import digest
from ..drafts import Draft
from ..rules import Entry, Mail
from .bodies import Bodies
from .rows import (
    META,
    MailRow,
    ProviderRow,
    RecipientRow,
    StatRow,
    day_of,
    entry_text,
    expiry,
    mail_of,
    mail_pk,
    recipient_pk,
    recipient_sk,
    state_pk,
)


class Mails:
    def __init__(self, table: Table, bodies: Bodies) -> None:
        self.table, self.bodies = table, bodies

    def ask(self, draft: Draft, intent: Intent, asked_by: str) -> tuple[Mail, bool]:
        """Keep a mail that a request asks for, and whether it had done so before. 1 transaction.

        Raises what `idempotency.create` raises.
        """
        row, steps = self._new(intent.id, draft, asked_by)
        made = idempotency.create(self.table, row, intent, *steps)
        return mail_of(made.row), made.replayed

    def asked_before(self, intent: Intent) -> Mail | None:
        """The mail that this request has asked for before, if it has. 1 or 2 reads.

        Raises what `idempotency.create` raises of a replay.
        """
        row = idempotency.asked_before(self.table, MailRow, mail_pk(intent.id), META, intent)
        return mail_of(row) if row is not None else None

    def ask_once(self, draft: Draft, event_id: str, asked_by: str) -> Mail:
        """Keep the mail of this event. The mail has the event's id, so a second delivery raises `AlreadySeen`."""
        row, steps = self._new(event_id, draft, asked_by)
        transact(putting(self.table, row, only_if=is_new(), refused=AlreadySeen), *steps)
        return mail_of(row)

    def get(self, mail_id: str) -> Mail | None:
        """1 request."""
        row = self.table.get(MailRow, mail_pk(mail_id), META)
        return mail_of(row) if row else None

    def claim(self, mail_id: str, now: datetime) -> Mail | None:
        """Make the mail ours to send for five minutes; None when it is not for anybody to send now. 1 write."""
        until = now + rules.LEASE
        is_due = (MailRow.state == "queued") & (MailRow.next_at <= clock.rfc3339(now))
        more = [MailRow.attempt.add(1), MailRow.lease_until.set(clock.rfc3339(until))]
        return self._move(mail_id, "claimed", until, *more, only_if=is_due)

    def record_sent(self, mail: Mail, message_id: str, left_out: frozenset[str] = frozenset()) -> None:
        """Write down that the provider took this attempt. 1 transaction.

        An event may have said so before us, or the mail may have gone on without us: then only what
        is not known yet is added.
        """
        sent = events.EmailSent(mail_id=mail.id, attempt=mail.attempt, possible_duplicate=mail.possible_duplicate)
        line = Entry(clock.now(), mail.attempt, "sent", message_id)
        ours = MailRow.state.is_in("claimed", "unknown") & (MailRow.attempt == mail.attempt)
        step = updating(
            self.table,
            MailRow,
            mail_pk(mail.id),
            META,
            *_moved(mail.id, "sent", None),
            MailRow.message_ids.set(MailRow.message_ids.append([message_id])),
            MailRow.left_out.set(sorted(left_out)),
            _told(line),
            only_if=ours,
            event=sent,
        )
        try:
            transact(step, self.knowing(message_id, mail.id, mail.attempt), self.counting(mail.id, "sent"))
        except ConditionFailed as failed:
            if failed.old is not None:
                self._add_message_id(mail, message_id, line)
                self._note_left_out(mail, left_out)

    def give_back(self, mail: Mail, until: datetime, outcome: str, detail: str, *, counts: bool) -> Mail | None:
        """A claimed mail that was not sent waits again. 1 write. None when it is no longer ours."""
        more: list[Change] = [MailRow.next_at.set(clock.rfc3339(until)), MailRow.lease_until.remove()]
        more.append(MailRow.failures.add(1) if counts else MailRow.deferrals.add(1))
        more += [_told(Entry(clock.now(), mail.attempt, outcome, detail))] if counts else []
        ours = (MailRow.state == "claimed") & (MailRow.attempt == mail.attempt)
        return self._move(mail.id, "queued", until + rules.OVERDUE, *more, only_if=ours)

    def postpone(self, mail_id: str, until: datetime) -> Mail | None:
        """A queued mail waits longer. 1 write."""
        later = MailRow.next_at.set(clock.rfc3339(until))
        return self._move(mail_id, "queued", until + rules.OVERDUE, later, only_if=MailRow.state == "queued")

    def lose(self, mail: Mail, now: datetime) -> Mail | None:
        """Nobody knows what became of this attempt: wait for the provider's events. 1 write."""
        until = now + rules.WAIT_FOR_EVENTS
        ours = (MailRow.state == "claimed") & (MailRow.attempt == mail.attempt)
        more = [MailRow.next_at.set(clock.rfc3339(until)), _told(Entry(now, mail.attempt, "unknown"))]
        return self._move(mail.id, "unknown", until, *more, only_if=ours)

    def send_again(self, mail: Mail, now: datetime, *, of: Sequence[str], resends: int) -> Mail | None:
        """Queue a mail anew out of one of these states. 1 write. None when it is in none of them."""
        doubtful = mail.possible_duplicate or mail.state == "unknown" or mail.reason == rules.UNKNOWN_OUTCOME
        more: list[Change] = [
            MailRow.next_at.set(clock.rfc3339(now)),
            MailRow.failures.set(0),
            MailRow.deferrals.set(0),
            MailRow.resends.set(resends),
            MailRow.possible_duplicate.set(doubtful),
            MailRow.reason.remove(),
            MailRow.lease_until.remove(),
            _told(Entry(now, mail.attempt, "queued again")),
        ]
        unchanged = MailRow.state.is_in(*of) & (MailRow.attempt == mail.attempt)
        return self._move(mail.id, "queued", now + rules.OVERDUE, *more, only_if=unchanged)

    def bury(self, mail: Mail, reason: str) -> Mail | None:
        """The mail is a dead letter: it waits for a person. 1 transaction. None when it has gone on meanwhile."""
        line = Entry(clock.now(), mail.attempt, "dead", reason)
        unchanged = (MailRow.state == mail.state) & (MailRow.attempt == mail.attempt)
        step = updating(
            self.table,
            MailRow,
            mail_pk(mail.id),
            META,
            *_moved(mail.id, "dead", None),
            MailRow.reason.set(reason),
            _told(line),
            only_if=unchanged,
            event=events.EmailDead(mail_id=mail.id, reason=reason),
        )
        try:
            transact(step, self.counting(mail.id, "dead"))
        except ConditionFailed:
            return None
        return mail

    def cancel(self, mail_id: str) -> Mail | None:
        """1 write. None when it is too late, or there is none."""
        line = _told(Entry(clock.now(), 0, "cancelled"))
        return self._move(mail_id, "cancelled", None, line, only_if=MailRow.state == "queued")

    def reporting(self, mail: Mail, state: str, message_id: str, event: outbox.Event | None) -> Step:
        """The step that moves a mail to what the provider reports of it, if it still is as it was read.

        Raises `StaleVersion` or `NotFound` when it is not.
        """
        changes = _moved(mail.id, state, None) if state != mail.state else []
        if state != mail.state and mail.state == "dead":
            changes.append(MailRow.reason.remove())
        if message_id not in mail.message_ids:
            changes.append(MailRow.message_ids.set(MailRow.message_ids.append([message_id])))
        return updating(self.table, MailRow, mail_pk(mail.id), META, *changes, expect=mail.version, event=event)

    def knowing(self, message_id: str, mail_id: str, attempt: int) -> Step:
        """The step after which the provider's id leads to the mail."""
        row = ProviderRow(pk=f"P#{message_id}", sk="-", mail_id=mail_id, attempt=attempt, ttl=expiry(clock.now()))
        return putting(self.table, row)

    def known(self, message_id: str) -> ProviderRow | None:
        """1 request."""
        return self.table.get(ProviderRow, f"P#{message_id}", "-")

    def counting(self, mail_id: str, *what: str) -> Step:
        """The step that adds one to each of these counters of today, in one of ten items."""
        pk = f"STAT#{clock.now():%Y%m%d}#{int(digest(mail_id)[:8], 16) % 10}"
        adds = [getattr(StatRow, name).add(1) for name in what]
        return updating(self.table, StatRow, pk, "-", *adds, upsert=True, bump=False)

    def note_arrival(self, message_id: str, told: outbox.Event | None) -> None:
        """Note a mail that came in, with what is told of it; without that it is dropped. 1 transaction.

        Raises `AlreadySeen`.
        """
        row = Row(pk=f"IN#{digest(message_id)}", sk="-", ttl=expiry(clock.now()))
        counted = self.counting(message_id, "dropped" if told is None else "received")
        transact(putting(self.table, row, only_if=is_new(), event=told, refused=AlreadySeen), counted)

    def _add_message_id(self, mail: Mail, message_id: str, line: Entry) -> None:
        add = MailRow.message_ids.set(MailRow.message_ids.append([message_id]))
        unknown = ~MailRow.message_ids.contains(message_id)
        step = updating(self.table, MailRow, mail_pk(mail.id), META, add, _told(line), only_if=unknown)
        try:
            transact(step, self.knowing(message_id, mail.id, mail.attempt))
        except ConditionFailed:
            return

    def _note_left_out(self, mail: Mail, left_out: frozenset[str]) -> None:
        """Who got none of an attempt that the provider has reported before we had recorded it."""
        if left_out:
            same = MailRow.attempt == mail.attempt
            with suppress(ConditionFailed):
                noted = MailRow.left_out.set(sorted(left_out))
                self.table.update(MailRow, mail_pk(mail.id), META, noted, only_if=same)

    def _new(self, mail_id: str, draft: Draft, asked_by: str) -> tuple[MailRow, list[Step]]:
        now = clock.now()
        next_at = max(draft.send_at or now, now)
        row = MailRow(
            pk=mail_pk(mail_id),
            sk=META,
            state="queued",
            category=draft.category,
            on_unknown=draft.on_unknown,
            asked_by=asked_by,
            sender=draft.sender,
            to=list(draft.to),
            cc=list(draft.cc),
            bcc=list(draft.bcc),
            subject=draft.subject,
            created_at=clock.rfc3339(now),
            next_at=clock.rfc3339(next_at),
            gs1_pk=state_pk("queued", day_of(mail_id)),
            gs1_sk=mail_id,
            gs2_pk=recipient_pk(draft.to[0]),
            gs2_sk=mail_id,
            ttl=expiry(next_at),
        )
        # A mail for later has no message of its own; the sweeper brings it.
        row.wait_until(next_at if next_at > now else now + rules.OVERDUE, mail_id)
        steps = [
            putting(
                self.table,
                RecipientRow(
                    pk=mail_pk(mail_id),
                    sk=recipient_sk(digest(address)),
                    gs2_pk=recipient_pk(address),
                    gs2_sk=mail_id,
                    ttl=row.ttl,
                ),
            )
            for address in mail_of(row).recipients[1:]
        ]
        return row, [self.bodies.putting(mail_id, draft.content, ttl=expiry(next_at)), *steps]

    def _move(
        self, mail_id: str, state: str, wait_until: datetime | None, *more: Change, only_if: Condition
    ) -> Mail | None:
        changes = [*_moved(mail_id, state, wait_until), *more]
        try:
            return mail_of(self.table.update(MailRow, mail_pk(mail_id), META, *changes, only_if=only_if))
        except ConditionFailed:
            return None


def _moved(mail_id: str, state: str, wait_until: datetime | None) -> list[Change]:
    """What changes with every state: its place in the list, and what the mail waits for."""
    changes: list[Change] = [
        MailRow.state.set(state),
        MailRow.gs1_pk.set(state_pk(state, day_of(mail_id))),
    ]
    if wait_until is None:
        return [*changes, MailRow.due_pk.remove(), MailRow.due_sk.remove()]
    due_pk, due_sk = due.due_keys(wait_until, mail_id)
    return [*changes, MailRow.due_pk.set(due_pk), MailRow.due_sk.set(due_sk)]


def _told(entry: Entry) -> Change:
    return MailRow.history.set(MailRow.history.append([entry_text(entry)]))
