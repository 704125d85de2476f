"""Mail that comes in: an answer to one of ours is told to whoever it belongs to, anything else is dropped."""

from tessera import aws, log, objects
from tessera.transact import AlreadySeen

from ..events import MailReceived
from ..inbound import Arrived, words
from ..ports import Ports
from ..replies import ref_in

INBOUND = "outbox/inbound/"


def receive(ports: Ports, mail: Arrived) -> None:
    """Tell of an answer once, however often it is reported. 2 requests to S3 and 1 transaction."""
    settings = ports.store.settings
    found = (ref_in(ports.mac, settings.reply_domain, one) for one in mail.recipients)
    ref = next((one for one in found if one is not None), None)
    raw = _content(ports, mail)
    if raw is None:
        return
    said = words(raw)
    is_answer = ref is not None and mail.is_welcome and not said.is_automatic and bool(said.text)
    told = _told(mail, ref or "", said.text) if is_answer else None
    try:
        ports.store.mails.note_arrival(mail.message_id, told)
    except AlreadySeen:
        log.line("mail came in again", outcome="seen before")
    aws.fault_point("outbox.arrived")
    if mail.stored_at is not None:
        aws.client("s3").delete_object(Bucket=mail.stored_at[0], Key=mail.stored_at[1])


def _told(mail: Arrived, ref: str, text: str) -> MailReceived:
    return MailReceived(
        reply_token=ref, sender=mail.sender, subject=mail.subject, text=text, is_authentic=mail.is_authentic
    )


def _content(ports: Ports, mail: Arrived) -> bytes | None:
    """The mail itself; None when it is not ours to read, or was done with before and deleted."""
    if mail.stored_at is None:
        return mail.content
    bucket, key = mail.stored_at
    if bucket != ports.store.settings.bucket or not key.startswith(INBOUND):
        return None
    return objects.read(bucket, key)
