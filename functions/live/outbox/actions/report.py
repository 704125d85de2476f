"""What the provider reports: matched to its mail, once, whatever order it comes in."""

from tessera import clock, log, outbox
from tessera.etags import StaleVersion
from tessera.expressions import is_new
from tessera.problems import Busy, NotFound
from tessera.transact import AlreadySeen, Step, putting, telling, transact

from .. import events, rules
from ..addresses import digest
from ..ports import Ports
from ..receipts import STATES, Receipt
from ..rules import Mail
from ..store import Contended, MailStore, ReceiptRow, mail_pk, suppression_of
from ..store.rows import expiry

_TRIES = 8
GUARDED = {"hard_bounce": "bounced", "complaint": "complained"}


class NotKnownYet(Exception):
    """No mail of ours has this id so far: the report came before its mail was recorded, or is not ours."""


def report(ports: Ports, receipt: Receipt) -> None:
    """Note one report. 2 to 4 reads and 1 transaction. Nothing happens the second time.

    Raises `NotKnownYet`, so that the queue brings it again.
    """
    store = ports.store
    mail_id, attempt = receipt.mail_id, receipt.attempt
    if not mail_id:
        known = store.mails.known(receipt.message_id)
        if known is None:
            raise NotKnownYet(receipt.message_id)
        mail_id, attempt = known.mail_id, int(known.attempt)
    for _ in range(_TRIES):
        mail = store.mails.get(mail_id)
        if mail is None:
            return
        try:
            transact(*_steps(store, receipt, mail, attempt))
            _tell(ports, receipt, mail, attempt)
            return
        except AlreadySeen:
            return
        except (StaleVersion, Contended, NotFound):
            continue
    raise Busy()


def reached(mail: Mail, receipt: Receipt, attempt: int) -> str:
    """The state of the mail after this report."""
    held = mail.state == "dead" and mail.reason == rules.UNKNOWN_OUTCOME
    if mail.state == "claimed" and attempt != mail.attempt:
        # Another attempt is under way; whoever makes it will record it.
        return mail.state
    if mail.state in rules.UNRECORDED or held:
        return rules.state_after("sent", STATES.get(receipt.kind))
    return rules.state_after(mail.state, STATES.get(receipt.kind))


def _steps(store: MailStore, receipt: Receipt, mail: Mail, attempt: int) -> list[Step]:
    steps = [_noting(store, receipt, mail, attempt)]
    state = reached(mail, receipt, attempt)
    is_new_id = receipt.message_id not in mail.message_ids
    if state != mail.state or is_new_id:
        told = _event(state, mail) if state != mail.state else None
        steps.append(store.mails.reporting(mail, state, receipt.message_id, told))
    if is_new_id:
        steps.append(store.mails.knowing(receipt.message_id, mail.id, attempt))
    if state != mail.state:
        was_recorded = mail.state in rules.RANKS
        counted = [state] if was_recorded or state == "sent" else ["sent", state]
        steps.append(store.mails.counting(mail.id, *counted))
    return [*steps, *_suppressing(store, receipt, mail), *_guarding(store, receipt)]


def _tell(ports: Ports, receipt: Receipt, mail: Mail, attempt: int) -> None:
    state = reached(mail, receipt, attempt)
    if state != mail.state:
        ports.listeners.tell(mail.id, mail.asked_by, state)


def _guarding(store: MailStore, receipt: Receipt) -> list[Step]:
    """Whatever comes back is counted for the guard, in the transaction that notes it, so that it counts once."""
    what = GUARDED.get(receipt.kind)
    if what is None:
        return []
    before, _ = store.guard.reputation()
    after = before.after(what)
    if after.stops_bulk and not before.stops_bulk:
        metric = log.metric("bulk_held", stack=store.settings.stack)
        log.line("too much mail comes back", outcome="bulk held", cause=what, **metric)
    return [store.guard.changing(before, after)]


def _noting(store: MailStore, receipt: Receipt, mail: Mail, attempt: int) -> Step:
    row = ReceiptRow(
        pk=mail_pk(mail.id),
        sk=f"E#{receipt.key}",
        kind=receipt.kind,
        at=clock.rfc3339(receipt.at),
        message_id=receipt.message_id,
        receipt_attempt=attempt,
        recipient=receipt.recipient or None,
        detail=receipt.detail or None,
        ttl=expiry(clock.now()),
    )
    return putting(store.table, row, only_if=is_new(), refused=AlreadySeen)


def _event(state: str, mail: Mail) -> outbox.Event:
    if state == "sent":
        return events.EmailSent(mail_id=mail.id, attempt=mail.attempt, possible_duplicate=mail.possible_duplicate)
    kinds = {
        "delivered": events.EmailDelivered,
        "bounced": events.EmailBounced,
        "complained": events.EmailComplained,
    }
    return kinds[state](mail_id=mail.id)


def _suppressing(store: MailStore, receipt: Receipt, mail: Mail) -> list[Step]:
    if not receipt.recipient or receipt.kind not in ("hard_bounce", "soft_bounce", "complaint"):
        return []
    before = store.suppressions.get(receipt.recipient)
    known = suppression_of(before)
    if receipt.kind == "hard_bounce":
        after = rules.after_hard_bounce(known)
    elif receipt.kind == "soft_bounce":
        after = rules.after_soft_bounce(known, receipt.at, clock.now())
    else:
        after = rules.after_complaint(known)
    address = next((known for known in mail.recipients if digest(known) == receipt.recipient), "")
    step = store.suppressions.changing(before, receipt.recipient, after, address)
    if receipt.kind != "complaint":
        return [step]
    return [step, telling(store.table, events.AddressComplained(address_hash=receipt.recipient))]
