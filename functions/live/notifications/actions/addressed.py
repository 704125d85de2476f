"""Where a person is reached on a channel, and how a message gets there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..ports import Ports
from ..providers.email import Letter
from ..providers.outcomes import Message, Target
from ..rules.kinds import Preferences
from ..rules.words import absolute, mail_html, mail_text
from ..store.rows import DeliveryRow, digest
from .content import Content
from .unsubscribe import unsubscribe_url

NO_ADDRESS, STOPPED = "no-address", "opted-out"


def _nothing(target: Target) -> None:
    """There is nothing of ours to forget."""


@dataclass(frozen=True)
class Letterbox:
    """The addresses of one delivery. `forget` is for one that nobody is behind any more."""

    targets: Sequence[Target]
    send: Callable[[Target], str]
    forget: Callable[[Target], None] = _nothing
    why_none: str = NO_ADDRESS


def letterbox_of(ports: Ports, row: DeliveryRow, content: Content, preferences: Preferences) -> Letterbox:
    """Raises `Failed` when an address cannot be looked up right now."""
    if row.channel == "email":
        return _email(ports, row, content)
    message = content.message(row)
    link = message.words.link
    message = replace(message, words=replace(message.words, link=absolute(link, ports.settings.base) if link else ""))
    if row.channel == "sms":
        return _sms(ports, row, message)
    if row.channel == "push":
        return _push(ports, row, message)
    targets = [Target(digest(one)[:20], "", one, {"owner": row.user_id}) for one in preferences.webhooks]
    return Letterbox(targets, lambda target: ports.webhook.send(message, target))


def _email(ports: Ports, row: DeliveryRow, content: Content) -> Letterbox:
    known = ports.mail.find(row.user_id)
    if known is None or not known.email or not known.is_active:
        return Letterbox((), lambda target: "")
    kind = ports.store.types.get(row.type)
    is_mandatory = kind is not None and "email" in kind.mandatory
    unsubscribe = "" if is_mandatory else unsubscribe_url(ports, row.user_id, row.type)
    words, base = content.words, ports.settings.base
    letter = Letter(
        id=row.id,
        to=known.email,
        subject=words.title,
        text=mail_text(words, base=base, unsubscribe=unsubscribe),
        html=mail_html(words, base=base, unsubscribe=unsubscribe),
        # RFC 8058: one click in the mail client, without a page in between.
        headers={"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        if unsubscribe
        else {},
        is_bulk=row.priority == "low" or row.is_digest,
    )

    def send(target: Target) -> str:
        ports.store.people.note_address(known.email, row.user_id)
        return ports.mail.send(letter)

    return Letterbox([Target("email", "email", known.email)], send)


def _sms(ports: Ports, row: DeliveryRow, message: Message) -> Letterbox:
    phone = ports.store.people.phone(row.user_id)
    number = phone.number if phone is not None else None
    if not number:
        return Letterbox((), lambda target: "")
    if ports.store.people.has_stopped(number):
        return Letterbox((), lambda target: "", why_none=STOPPED)
    return Letterbox(
        [Target("sms", "sms", number)],
        lambda target: ports.sms.send(message, target),
        lambda target: ports.store.people.stop(target.address),
    )


def _push(ports: Ports, row: DeliveryRow, message: Message) -> Letterbox:
    targets = [
        Target(one.id, one.platform, one.address, {"p256dh": one.p256dh or "", "auth": one.secret or ""})
        for one in ports.store.devices.of(row.user_id)
    ]

    def forget(target: Target) -> None:
        ports.store.devices.drop(row.user_id, target.id)

    return Letterbox(targets, lambda target: ports.push_of(target.kind).send(message, target), forget)
