"""The mail over SMTP, to a small server that keeps what it is given."""

import socket
import socketserver
import threading
from datetime import UTC, datetime

import pytest

from functions.live.outbox.letters import Letter
from functions.live.outbox.ports import Ports
from functions.live.outbox.provider import Refused, Throttled, Unsure
from functions.live.outbox.smtp import SMTPProvider


class _Talk(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as sending a mail takes. `server.replies` says otherwise for a verb; None hangs up."""

    def handle(self):
        self._say("220 here")
        while line := self.rfile.readline():
            verb = line.split(None, 1)[0].decode().upper()
            self.server.heard.append(line.decode().strip())
            reply = self.server.replies.get(verb, "354 go on" if verb == "DATA" else "250 ok")
            if reply is None:
                return
            self._say(reply)
            if verb == "DATA" and reply.startswith("354"):
                self._take()

    def _take(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.server.mails.append(b"".join(lines))
        reply = self.server.replies.get("TAKEN", "250 taken")
        if reply is not None:
            self._say(reply)
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


@pytest.fixture
def server():
    with _Server(("127.0.0.1", 0), _Talk) as made:
        made.heard, made.mails, made.replies = [], [], {}
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def smtp(server):
    return SMTPProvider(f"127.0.0.1:{server.server_address[1]}", 0)


@pytest.fixture
def letter():
    return Letter(
        mail_id="01HZX3J0V7Q8M4N5P6R7S8T9VW",
        attempt=2,
        category="transactional",
        sender="hello@tessera.test",
        sender_name="Tessera",
        to=["ann@example.com"],
        cc=["cid@example.com"],
        bcc=["bob@example.com"],
        subject="Grüße",
        text="Hello.\n.\n",
        html=None,
        written_at=datetime(2030, 3, 14, tzinfo=UTC),
    )


def test_everybody_is_named_to_the_server_and_who_is_hidden_in_no_header(server, smtp, letter):
    message_id = smtp.send(letter)

    named = [line.partition("<")[2].rstrip(">") for line in server.heard if line.upper().startswith("RCPT")]
    assert named == ["ann@example.com", "cid@example.com", "bob@example.com"]
    (mail,) = server.mails
    assert b"bob@example.com" not in mail and f"Message-ID: <{message_id}>".encode() in mail


@pytest.mark.parametrize(
    ("verb", "reply", "kind"),
    [
        ("MAIL", "451 later", Throttled),
        ("MAIL", "550 no", Refused),
        ("RCPT", "450 later", Throttled),
        ("RCPT", "550 unknown", Refused),
        ("DATA", "452 full", Throttled),
        ("TAKEN", "554 refused", Refused),
        ("TAKEN", None, Unsure),
    ],
)
def test_each_answer_of_the_server_means_one_thing(server, smtp, letter, verb, reply, kind):
    server.replies = {verb: reply}

    with pytest.raises(kind):
        smtp.send(letter)


def test_a_server_that_is_not_there_has_not_taken_it(letter):
    with pytest.raises(Throttled):
        SMTPProvider("127.0.0.1:1", 0).send(letter)


def test_a_rate_that_is_set_is_taken():
    assert (SMTPProvider("mail", 7).rate(), SMTPProvider("mail:2525", 0).rate()) == (7, 50)


def test_it_carries_the_mail_where_a_server_is_named(bindings):
    bindings.environment["SMTP_SERVER"] = "127.0.0.1:2525"

    assert isinstance(bindings.get(Ports).provider, SMTPProvider)
