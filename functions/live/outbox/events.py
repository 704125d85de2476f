"""What the mail worker tells the rest: how each mail came out, never to whom or what it said; and answers that came.

`mail.received` is for whoever gave the mail its `reply_ref`; so far nobody does. `email.sent` and
`email.delivered` have no consumer yet; `address.complained` is for `notifications`, which turns the
preferences of that address off, and `privacy.data.erased` for `admin`, which keeps the proof.
"""

from typing import ClassVar

from tessera.bus import Event


class EmailSent(Event):
    type: ClassVar[str] = "outbox.email.sent.v1"

    mail_id: str
    attempt: int
    possible_duplicate: bool


class EmailDelivered(Event):
    type: ClassVar[str] = "outbox.email.delivered.v1"

    mail_id: str


class EmailBounced(Event):
    type: ClassVar[str] = "outbox.email.bounced.v1"

    mail_id: str


class EmailComplained(Event):
    type: ClassVar[str] = "outbox.email.complained.v1"

    mail_id: str


class EmailDead(Event):
    type: ClassVar[str] = "outbox.email.dead.v1"

    mail_id: str
    reason: str


class AddressComplained(Event):
    """`address_hash` is the SHA-256 of the normalised address in lower case: no address travels on the bus."""

    type: ClassVar[str] = "outbox.address.complained.v1"

    address_hash: str


class MailReceived(Event):
    """An answer. `reply_token` is what the one who wrote the mail had named; `sender` is theirs if `is_authentic`."""

    type: ClassVar[str] = "outbox.mail.received.v1"

    reply_token: str
    sender: str
    subject: str
    text: str
    is_authentic: bool


class DataErased(Event):
    type: ClassVar[str] = "privacy.data.erased.v1"

    owner_id: str
    capability: str
