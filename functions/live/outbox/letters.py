"""A mail as RFC 5322 text: headers encoded, CRLF, a text alternative beside every HTML body."""

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, formataddr
from functools import cached_property
from urllib.parse import quote

ENCODED = "=?"
LINE = 76
# A sign is 12 characters at most when it is spelt out.
NAME_PIECE = 20
MAIL_HEADER = "X-Tessera-Mail"
# What we or the transport set ourselves. A caller who could set these could speak for somebody else.
RESERVED_HEADERS = frozenset(
    """from to cc bcc sender subject date message-id reply-to return-path mime-version received dkim-signature
    authentication-results arc-seal arc-message-signature arc-authentication-results""".split()
)
RESERVED_PREFIXES = ("content-", "resent-", "x-tessera-", "x-ses-", "x-amz")
# Parts that hold parts could bring headers of their own along.
LEAF_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9][a-z0-9.+-]{0,62}/[a-z0-9][a-z0-9.+-]{0,62}")
# Besides CR and LF, everything that some parser takes for the end of a line, Python's own included.
BREAKS = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")

_PLAIN = re.compile(r"[\w ,.()+@-]*", re.ASCII)
_HIDDEN = re.compile(r"<(script|style|head|title)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_LINK = re.compile(r"<a\b[^>]*?\bhref\s*=\s*[\"']?([^\"'\s>]+)[^>]*>(.*?)</a\s*>", re.IGNORECASE | re.DOTALL)
_BLOCK_END = re.compile(r"<(?:br|hr)\b[^>]*>|</(?:p|div|tr|h[1-6]|ul|ol|table|blockquote|pre)\s*>", re.IGNORECASE)
_ITEM = re.compile(r"<li\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<!?/?[a-zA-Z-][^>]*>")


class Words(str):
    """A header's value, which the reader gets as it is written here.

    The standard library takes what looks like an encoded word (RFC 2047) for one, decodes it, and writes what
    comes out of it, line ends included, as it finds it. So it is not asked: it writes a value that has a name.
    """

    name: str = ""
    # The standard library looks for these before it takes a header that comes with a part.
    defects: tuple[Exception, ...] = ()

    @classmethod
    def of(cls, name: str, value: str) -> "Words":
        made = cls(value)
        made.name = name
        return made

    def fold(self, *, policy: EmailPolicy) -> str:
        """How a message's policy asks the headers that have a name of their own."""
        return f"{self.name}: {self.encoded()}\n".replace("\n", policy.linesep)

    def encoded(self) -> str:
        charset = "us-ascii" if self.isascii() and ENCODED not in self else "utf-8"
        return Header(self, charset, maxlinelen=LINE, header_name=self.name or None).encode()


class Names(Words):
    """Addresses, whose signs stand for themselves."""

    def encoded(self) -> str:
        return self.replace(", ", ",\n ")


class FileName(Words):
    """What an attachment is called. Of a name that is not plain every sign is spelt out, a piece a line (RFC 2231)."""

    def encoded(self) -> str:
        if _PLAIN.fullmatch(self):
            return f'attachment;\n filename="{self}"'
        pieces = [quote(self[start : start + NAME_PIECE], safe="") for start in range(0, len(self), NAME_PIECE)]
        pieces[0] = f"utf-8''{pieces[0]}"
        if len(pieces) == 1:
            return f"attachment;\n filename*={pieces[0]}"
        return "attachment" + "".join(f";\n filename*{number}*={piece}" for number, piece in enumerate(pieces))


@dataclass(frozen=True)
class Attachment:
    """Its bytes, or the bucket and key of the file that has them."""

    name: str
    type: str
    base64: str
    stored_at: tuple[str, str] | None = None
    size: int = 0

    @property
    def content(self) -> bytes:
        return base64.b64decode(self.base64)


@dataclass(frozen=True)
class Letter:
    """What is sent, and to whom. `bcc` is for the transport alone and appears in no header."""

    mail_id: str
    attempt: int
    category: str
    sender: str
    sender_name: str
    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    subject: str
    text: str | None
    html: str | None
    written_at: datetime
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()

    @property
    def message_id(self) -> str:
        return f"{self.mail_id}.{self.attempt}@{self.sender.rpartition('@')[2]}"

    def mime(self) -> bytes:
        return self._written

    @cached_property
    def _written(self) -> bytes:
        message = EmailMessage(policy=SMTP)
        people = {"From": [_mailbox(self.sender, self.sender_name)], "To": self.to, "Cc": self.cc}
        people["Reply-To"] = [self.reply_to] if self.reply_to else []
        for name, addresses in people.items():
            if addresses:
                message[name] = Names.of(name, ", ".join(addresses))
        message["Subject"] = Words.of("Subject", self.subject)
        message["Date"] = format_datetime(self.written_at)
        message["Message-ID"] = f"<{self.message_id}>"
        message[MAIL_HEADER] = f"{self.mail_id}/{self.attempt}"
        for name, value in self.headers.items():
            message[name] = Words.of(name, value)
        self._fill(message)
        return message.as_bytes()

    def _fill(self, message: EmailMessage) -> None:
        plain = self.text if self.text is not None else text_of(self.html or "")
        message.set_content(plain, cte="quoted-printable")
        if self.html is not None:
            message.add_alternative(self.html, subtype="html", cte="quoted-printable")
        for attachment in self.attachments:
            main, _, sub = attachment.type.partition("/")
            called = FileName.of("Content-Disposition", attachment.name)
            message.add_attachment(attachment.content, maintype=main, subtype=sub, headers=[called])


def has_own(headers: Mapping[str, str]) -> bool:
    """Whether these headers say how to unsubscribe."""
    return any(name.lower() == "list-unsubscribe" for name in headers)


def text_of(markup: str) -> str:
    """The words of an HTML body, with where its links lead: for readers that show no HTML."""
    text = _HIDDEN.sub("", markup)
    text = _LINK.sub(lambda found: found[2] if found[1] in found[2] else f"{found[2]} ({found[1]})", text)
    text = re.sub(r"\s+", " ", text)
    text = _ITEM.sub("\n- ", _BLOCK_END.sub("\n", text))
    text = html.unescape(_TAG.sub("", text))
    lines = [line.strip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _mailbox(address: str, name: str) -> str:
    if name.isascii() and ENCODED not in name:
        return formataddr((name, address))
    return f"{Words(name).encoded()} <{address}>"
